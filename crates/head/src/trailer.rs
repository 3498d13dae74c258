//! Which fields may stand in a trailer section.

/// Whether a field may be sent after the body (RFC 9110 §6.5.1).
///
/// Refused is what a recipient needs before the body or what decides how a message is framed, routed, authorised or
/// understood: such a field that arrives late has either been missed or is an attack on whoever merges it.
pub fn trailer_allowed(name: &[u8]) -> bool {
    let mut lower = [0u8; LONGEST];
    let Some(lower) = lower.get_mut(..name.len()) else {
        return true;
    };
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    !FORBIDDEN.contains(&&*lower)
}

const LONGEST: usize = 19;

const FORBIDDEN: &[&[u8]] = &[
    // framing and the connection
    b"transfer-encoding",
    b"content-length",
    b"connection",
    b"keep-alive",
    b"proxy-connection",
    b"upgrade",
    b"te",
    b"trailer",
    b"http2-settings",
    // routing
    b"host",
    // request modifiers
    b"cache-control",
    b"expect",
    b"max-forwards",
    b"pragma",
    b"range",
    b"if-match",
    b"if-none-match",
    b"if-modified-since",
    b"if-unmodified-since",
    b"if-range",
    // authentication
    b"authorization",
    b"proxy-authorization",
    b"proxy-authenticate",
    b"www-authenticate",
    b"cookie",
    b"set-cookie",
    // response control
    b"age",
    b"date",
    b"expires",
    b"location",
    b"retry-after",
    b"vary",
    b"warning",
    // how the content is to be read
    b"content-encoding",
    b"content-range",
    b"content-type",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framing_routing_and_credentials_are_no_trailers() {
        for name in FORBIDDEN {
            assert!(name.len() <= LONGEST);
            assert!(!trailer_allowed(name));
            assert!(!trailer_allowed(&name.to_ascii_uppercase()));
        }
    }

    #[test]
    fn checksums_and_the_like_are() {
        for name in [
            "x-checksum",
            "server-timing",
            "grpc-status",
            "etag",
            "a-name-that-is-longer-than-all-of-them",
            "",
        ] {
            assert!(trailer_allowed(name.as_bytes()), "{name}");
        }
    }
}
