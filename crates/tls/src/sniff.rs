//! Plain HTTP on a TLS port.

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

#[cfg(test)]
mod tests {
    use super::*;

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
