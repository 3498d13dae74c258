//! What a ClientHello offers to resume (RFC 8446 §4.2.11), which rustls does not tell.

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const PRE_SHARED_KEY: [u8; 2] = [0, 41];

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

/// What has its length before it, in so many bytes.
fn counted<'a>(bytes: &mut &'a [u8], width: usize) -> Option<&'a [u8]> {
    let length = take(bytes, width)?;
    let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    take(bytes, length)
}

/// The first session that is offered by a ClientHello at the start of `bytes`, as the ticket or the id that the client was
/// given. Nothing where none is, and where the hello is not whole or lies in several records: then nobody knows.
pub(crate) fn first_session(mut bytes: &[u8]) -> Option<&[u8]> {
    let [HANDSHAKE, _, _] = take(&mut bytes, 3)? else {
        return None;
    };
    let mut record = counted(&mut bytes, 2)?;
    let [CLIENT_HELLO] = take(&mut record, 1)? else {
        return None;
    };
    let mut hello = counted(&mut record, 3)?;
    let _version_and_random = take(&mut hello, 34)?;
    let _session_id = counted(&mut hello, 1)?;
    let _suites = counted(&mut hello, 2)?;
    let _compressions = counted(&mut hello, 1)?;
    let mut extensions = counted(&mut hello, 2)?;
    loop {
        let kind = take(&mut extensions, 2)?;
        let mut extension = counted(&mut extensions, 2)?;
        if kind == PRE_SHARED_KEY {
            return counted(&mut counted(&mut extension, 2)?, 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_length(width: usize, bytes: &[u8]) -> Vec<u8> {
        let length = (bytes.len() as u32).to_be_bytes();
        [&length[4 - width..], bytes].concat()
    }

    /// A record with a ClientHello of these extensions.
    fn hello(extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
        let extensions: Vec<u8> = extensions
            .iter()
            .flat_map(|(kind, body)| [&kind.to_be_bytes()[..], &with_length(2, body)].concat())
            .collect();
        let (session_id, suites) = (with_length(1, &[9; 32]), with_length(2, &[0x13, 2]));
        let body = [
            &[3; 34][..],
            &session_id,
            &suites,
            &[1, 0],
            &with_length(2, &extensions),
        ]
        .concat();
        let message = [&[1][..], &with_length(3, &body)].concat();
        [&[22, 3, 1][..], &with_length(2, &message)].concat()
    }

    fn offer(tickets: &[&[u8]]) -> (u16, Vec<u8>) {
        let identities: Vec<u8> = tickets
            .iter()
            .flat_map(|ticket| [with_length(2, ticket), vec![0; 4]].concat())
            .collect();
        (41, [with_length(2, &identities), with_length(2, &[32; 33])].concat())
    }

    #[test]
    fn the_first_of_the_sessions_that_are_offered_is_found() {
        let others = [(0, vec![1; 20]), (51, vec![2; 1200]), (45, vec![])];
        let mut with_offer = others.to_vec();
        with_offer.push(offer(&[b"first", b"second"]));
        assert_eq!(first_session(&hello(&with_offer)), Some(&b"first"[..]));
        assert_eq!(first_session(&hello(&others)), None);
        assert_eq!(first_session(&hello(&[])), None);
        assert_eq!(first_session(&hello(&[offer(&[])])), None);
    }

    #[test]
    fn a_hello_that_is_not_whole_and_what_is_no_hello_offer_nothing() {
        let whole = hello(&[(0, vec![1; 20]), offer(&[b"first"])]);
        for cut in 0..whole.len() {
            assert_eq!(first_session(&whole[..cut]), None, "cut at {cut}");
        }
        for (at, other) in [(0, 23), (5, 2)] {
            let mut changed = whole.clone();
            changed[at] = other;
            assert_eq!(first_session(&changed), None);
        }
        // Whatever lengths it claims to have, nothing is read that is not there.
        for at in 3..whole.len() {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut changed = whole.clone();
                changed[at] = byte;
                let found = first_session(&changed);
                assert!(found.is_none_or(|found| found.len() <= whole.len()));
            }
        }
        assert_eq!(first_session(b"GET / HTTP/1.1\r\n\r\n"), None);
    }
}
