//! The client behind balancers: `Forwarded` (RFC 7239) and `X-Forwarded-For`.
//!
//! Each balancer appends who spoke to it, so the list is true from its end as far as the balancers are trusted: read
//! backwards, the first address that is no trusted balancer is the client. What stands before it anybody can have
//! written. Where everything is trusted, the first entry is the client. `Forwarded` wins where both are there.

use millrace_head::fields;
use std::net::{IpAddr, SocketAddr};

/// The client that the fields name; `None` where they name none, or what they say there is no address.
pub(crate) fn client(block: &[u8], trusted: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    let mut standard = Vec::new();
    let mut common = Vec::new();
    for (name, value) in fields(block) {
        if name.eq_ignore_ascii_case(b"forwarded") {
            standard.extend(split(value, b',').map(forwarded_for));
        } else if name.eq_ignore_ascii_case(b"x-forwarded-for") {
            common.extend(split(value, b',').map(Some));
        }
    }
    let hops = if standard.is_empty() { common } else { standard };
    let mut last = None;
    for hop in hops.iter().rev() {
        // An obfuscated or broken entry ends what can be known: whoever wrote it is the nearest we have.
        let Some(address) = hop.and_then(address) else {
            return last;
        };
        if !trusted(address) {
            return Some(address);
        }
        last = Some(address);
    }
    last
}

/// The parts between separators, but for those in quotes.
fn split(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |byte| {
        let was_escaped = std::mem::replace(&mut escaped, false);
        match byte {
            b'"' if !was_escaped => quoted = !quoted,
            b'\\' if quoted && !was_escaped => escaped = true,
            _ => {}
        }
        *byte == separator && !quoted
    })
    .map(<[u8]>::trim_ascii)
    .filter(|part| !part.is_empty())
}

/// The value of `for` in one element of Forwarded.
fn forwarded_for(element: &[u8]) -> Option<&[u8]> {
    split(element, b';').find_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (&pair[..equals], &pair[equals + 1..]);
        let value = match value {
            [b'"', inner @ .., b'"'] => inner,
            plain => plain,
        };
        name.eq_ignore_ascii_case(b"for").then_some(value)
    })
}

/// An address with or without port and brackets.
fn address(node: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(node).ok()?;
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address.ip().to_canonical());
    }
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    inner.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(fields: &[(&str, &str)]) -> Option<String> {
        let block: String = fields
            .iter()
            .map(|(name, value)| format!("{name}\0{value}\0"))
            .collect();
        client(block.as_bytes(), |address| address.to_string().starts_with("10.")).map(|address| address.to_string())
    }

    #[test]
    fn the_first_stranger_from_the_end_is_the_client() {
        for (value, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("198.51.100.9, 192.0.2.1, 10.0.0.1", "192.0.2.1"),
            ("10.0.0.2, 10.0.0.1", "10.0.0.2"),
            ("evil, 192.0.2.1", "192.0.2.1"),
            ("192.0.2.1:4711,10.0.0.1", "192.0.2.1"),
            ("[2001:db8::1]:80", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("192.0.2.1, unknown, 10.0.0.1", "10.0.0.1"),
        ] {
            assert_eq!(
                named(&[("X-Forwarded-For", value)]).as_deref(),
                Some(expected),
                "{value}"
            );
        }
        assert_eq!(named(&[("X-Forwarded-For", "unknown")]), None);
        assert_eq!(named(&[("X-Forwarded-For", " , ,")]), None);
        assert_eq!(named(&[("Via", "192.0.2.1")]), None);
    }

    #[test]
    fn reads_forwarded_by_its_grammar_and_before_the_other() {
        for (value, expected) in [
            ("for=192.0.2.1;proto=http", "192.0.2.1"),
            ("proto=http;FOR=\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("for=198.51.100.9, for=192.0.2.1;by=10.0.0.1, for=10.0.0.7", "192.0.2.1"),
            ("for=\"a,for=198.51.100.9\", for=192.0.2.1", "192.0.2.1"),
            ("by=10.0.0.3, for=10.0.0.7", "10.0.0.7"),
        ] {
            let fields = [("X-Forwarded-For", "203.0.113.1"), ("Forwarded", value)];
            assert_eq!(named(&fields).as_deref(), Some(expected), "{value}");
        }
    }

    #[test]
    fn fields_of_one_name_are_one_list() {
        let fields = [
            ("x-forwarded-for", "198.51.100.9"),
            ("X-Forwarded-For", "192.0.2.1"),
            ("X-Forwarded-For", "10.1.1.1"),
        ];
        assert_eq!(named(&fields).as_deref(), Some("192.0.2.1"));
    }
}
