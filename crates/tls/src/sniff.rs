//! What the first bytes on a TLS port are: plain HTTP, or a version of TLS that is too old.

/// What the first bytes of a connection look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// So far they could be the start of an HTTP request.
    Undecided,
    /// A method and a space.
    Http,
    /// Anything else; TLS says what is wrong with it.
    Other,
}

/// RFC 9110 §9.3, RFC 5789, and the start of HTTP/2's preface (RFC 9113 §3.4).
const METHODS: [&[u8]; 10] = [
    b"GET ",
    b"HEAD ",
    b"POST ",
    b"PUT ",
    b"DELETE ",
    b"OPTIONS ",
    b"PATCH ",
    b"CONNECT ",
    b"TRACE ",
    b"PRI ",
];

/// Judges the first bytes of a connection. A TLS record begins with 22, no method does.
pub(crate) fn opening(bytes: &[u8]) -> Opening {
    if METHODS.iter().any(|method| bytes.starts_with(method)) {
        Opening::Http
    } else if METHODS.iter().any(|method| method.starts_with(bytes)) {
        Opening::Undecided
    } else {
        Opening::Other
    }
}

/// How many bytes of a connection [`is_too_old`] looks at: a hello's first six in records of one byte each, and some.
pub(crate) const LOOKED_AT: usize = 64;

/// Whether a ClientHello is of a version below TLS 1.2 (RFC 5246 §7.4.1.2), by its first bytes, which may lie in several
/// records. One of TLS 1.3 says that it is of 1.2 (RFC 8446 §4.1.2).
///
/// rustls looks for signature schemes first, which such a client has none of, and would call them missing.
pub(crate) fn is_too_old(mut bytes: &[u8]) -> bool {
    const HANDSHAKE: u8 = 22;
    const CLIENT_HELLO: u8 = 1;
    let mut message = Vec::with_capacity(LOOKED_AT);
    while let [HANDSHAKE, _, _, high, low, rest @ ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        message.extend_from_slice(&rest[..length]);
        bytes = &rest[length..];
    }
    // Type, three bytes of length, and the version.
    matches!(message[..], [CLIENT_HELLO, _, _, _, 3, 0..=2, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_is_too_old_by_its_own_version_however_its_records_are_cut() {
        let hello = |minor| [1, 0, 0, 40, 3, minor, 9, 9, 9, 9];
        for (minor, old) in [(0, true), (1, true), (2, true), (3, false), (4, false)] {
            for cut in 1..=10 {
                let records = hello(minor).chunks(cut).fold(Vec::new(), |mut all, part| {
                    all.extend_from_slice(&[22, 3, 1, 0, part.len() as u8]);
                    all.extend_from_slice(part);
                    all
                });
                assert_eq!(
                    is_too_old(&records[..records.len().min(LOOKED_AT)]),
                    old,
                    "{minor} {cut}"
                );
            }
        }
        for other in [
            &[][..],
            &[22],
            &[22, 3, 1, 0, 5, 1, 0, 0, 40, 3],
            &[22, 3, 1, 0, 6, 2, 0, 0, 40, 3, 1],
            b"GET ",
        ] {
            assert!(!is_too_old(other));
        }
    }

    #[test]
    fn a_method_and_a_space_are_http_and_a_prefix_is_undecided() {
        for method in METHODS {
            for cut in 0..method.len() {
                assert_eq!(opening(&method[..cut]), Opening::Undecided);
            }
            assert_eq!(opening(&[method, b"/ HTTP/1.1\r\n"].concat()), Opening::Http);
        }
        for other in [&b"\x16\x03\x01"[..], b"GETS", b"get /", b"\0", b"SSH-2.0"] {
            assert_eq!(opening(other), Opening::Other);
        }
    }
}
