//! Names of application protocols (RFC 7301).

use crate::TlsError;
use crate::error::bounded;

/// The longest name, in bytes (RFC 7301 §3.1: `opaque ProtocolName<1..2^8-1>`).
const NAME_LIMIT: usize = 255;

/// The longest list with the length of each name. RFC 7301 allows four times as much, of which a ClientHello has no
/// room for the rest; this is what one record holds.
const LIST_LIMIT: usize = 16_384;

/// Whether a hello can have these protocols.
///
/// # Errors
/// A name that is empty or too long, and more names than a hello has room for.
pub(crate) fn check(protocols: &[Vec<u8>]) -> Result<(), TlsError> {
    for name in protocols {
        if name.is_empty() || name.len() > NAME_LIMIT {
            let shown = bounded(&String::from_utf8_lossy(name), 64);
            return Err(TlsError::configuration(format!(
                "an application protocol must have from 1 to {NAME_LIMIT} bytes, got {} ({shown})",
                name.len()
            )));
        }
    }
    let length: usize = protocols.iter().map(|name| name.len() + 1).sum();
    if length > LIST_LIMIT {
        return Err(TlsError::configuration(format!(
            "the application protocols must have {LIST_LIMIT} bytes together at most, got {length}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_up_to_their_limit_and_refused_one_past_it() {
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(check(&[vec![b'x'; NAME_LIMIT], vec![0]]), Ok(()));
        for (name, words) in [(vec![], "got 0"), (vec![b'x'; NAME_LIMIT + 1], "got 256 (xxx")] {
            let error = check(&[name]).expect_err("no protocol has such a name");
            assert!(error.detail().is_some_and(|detail| detail.contains(words)), "{error}");
        }
    }

    #[test]
    fn a_list_is_taken_up_to_its_limit_and_refused_one_past_it() {
        let mut list = vec![vec![b'x'; 63]; LIST_LIMIT / 64];
        assert_eq!(check(&list), Ok(()));
        list[0].push(b'x');
        assert!(check(&list).is_err());
    }
}
