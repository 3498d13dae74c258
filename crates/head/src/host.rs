//! Host and authority (RFC 3986 §3.2, RFC 9110 §7.2).

use std::net::Ipv6Addr;

use millrace_error::{Code, Error};

use crate::bytes::{REG_NAME, run};

const REFUSED: Error = Error::new(Code::HttpInvalidHost);

/// The two parts of an authority without user information.
struct Authority<'a> {
    host: &'a [u8],
    port: Option<&'a [u8]>,
}

/// Checks the value of a Host field: `uri-host [ ":" port ]`.
///
/// It may be empty (RFC 9112 §3.2: the target has no authority). The host is a registered name, an IPv4 address or a
/// bracketed IPv6 address; the port is empty or at most 65535. User information is refused.
pub fn check_host(value: &[u8]) -> Result<(), Error> {
    split(value).map(|_| ())
}

/// Checks an authority that must name a host, and a port from 1 to 65535 if `port_required`.
pub fn check_authority(value: &[u8], port_required: bool) -> Result<(), Error> {
    let authority = split(value)?;
    let port_given = authority.port.is_some_and(|port| port.iter().any(|&b| b != b'0'));
    if authority.host.is_empty() || (port_required && !port_given) {
        return Err(REFUSED);
    }
    Ok(())
}

fn split(value: &[u8]) -> Result<Authority<'_>, Error> {
    let host_len = if value.first() == Some(&b'[') {
        bracketed_len(value).ok_or(REFUSED)?
    } else {
        reg_name_len(value)
    };
    let (host, rest) = value.split_at(host_len);
    let port = match rest {
        [] => None,
        [b':', port @ ..] if is_port(port) => Some(port),
        _ => return Err(REFUSED),
    };
    // A port without a host names nothing.
    if host.is_empty() && port.is_some() {
        return Err(REFUSED);
    }
    Ok(Authority { host, port })
}

/// The length of the registered name (or IPv4 address) at the start; `%` must be followed by two hex digits.
fn reg_name_len(value: &[u8]) -> usize {
    let mut at = 0;
    loop {
        at += run(&value[at..], REG_NAME);
        match value[at..] {
            [b'%', a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => at += 3,
            _ => return at,
        }
    }
}

/// The length of `[` IPv6 address `]`; no zone, no IPvFuture (no such version was ever defined).
fn bracketed_len(value: &[u8]) -> Option<usize> {
    let end = value.iter().position(|&b| b == b']')?;
    let text = std::str::from_utf8(&value[1..end]).ok()?;
    text.parse::<Ipv6Addr>().ok()?;
    Some(end + 1)
}

fn is_port(port: &[u8]) -> bool {
    let mut number = 0u32;
    for &b in port {
        if !b.is_ascii_digit() {
            return false;
        }
        number = number * 10 + u32::from(b - b'0');
        if number > 65_535 {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_names_and_addresses_with_and_without_port() {
        for host in [
            "",
            "a",
            "example.com",
            "example.com:80",
            "example.com:",
            "127.0.0.1:65535",
            "[::1]",
            "[::1]:443",
            "a_b~c",
            "xn--bcher-kva.example",
            "a%20b",
            "[::ffff:1.2.3.4]",
            "a.:00080",
        ] {
            assert_eq!(check_host(host.as_bytes()), Ok(()), "{host}");
        }
    }

    #[test]
    fn refuses_what_is_not_a_host() {
        for host in [
            "a b",
            "a/b",
            "a@b",
            "user@a:80",
            "a:b",
            "a:80:80",
            "a:65536",
            "[::1",
            "::1",
            "[::g]",
            "[]",
            "[::1]x",
            "a,b",
            "a?b",
            "a#b",
            "a%2",
            "a%zz",
            ":80",
            "[fe80::1%25eth0]",
            "a\"b",
            "a\\b",
        ] {
            let expected = if host == "a,b" { Ok(()) } else { Err(REFUSED) };
            assert_eq!(check_host(host.as_bytes()), expected, "{host}");
        }
        assert!(check_host(b"caf\xe9").is_err());
    }

    #[test]
    fn an_authority_must_name_a_host_and_if_asked_a_port() {
        assert!(check_authority(b"", false).is_err());
        assert!(check_authority(b"a", false).is_ok());
        assert!(check_authority(b"a", true).is_err());
        assert!(check_authority(b"a:", true).is_err());
        assert!(check_authority(b"a:0", true).is_err());
        assert!(check_authority(b"[::1]:443", true).is_ok());
    }
}
