//! Basic authentication (RFC 7617) and the Base64 that it needs (RFC 4648 §4).
//!
//! Our own Base64, because both sides of it are secrets: it reads and writes wiped buffers, without one between.

use zeroize::Zeroizing;

use crate::secret::Credentials;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Credentials longer than this, decoded, are taken for none.
const MAX_DECODED: usize = 1_024;

fn encode(out: &mut Vec<u8>, bytes: &[u8]) {
    for group in bytes.chunks(3) {
        let at = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for index in 0..4 {
            out.push(match index <= group.len() {
                true => ALPHABET[(bits >> (18 - 6 * index) & 63) as usize],
                false => b'=',
            });
        }
    }
}

fn digit(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

/// Strict: whole groups, padding at the end alone, no bits that stand for nothing.
fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if !text.len().is_multiple_of(4) || text.len() / 4 * 3 > MAX_DECODED + 2 {
        return None;
    }
    let mut out = Zeroizing::new(Vec::with_capacity(text.len() / 4 * 3));
    let last = text.len() / 4;
    for (group, number) in text.chunks_exact(4).zip(1..) {
        let padding = match group {
            [_, _, b'=', b'='] if number == last => 2,
            [_, _, _, b'='] if number == last => 1,
            _ => 0,
        };
        let mut bits = 0;
        for &byte in &group[..4 - padding] {
            bits = bits << 6 | digit(byte)?;
        }
        bits <<= 6 * padding;
        if bits & ((1 << (8 * padding)) - 1) != 0 {
            return None;
        }
        out.extend_from_slice(&bits.to_be_bytes()[1..4 - padding]);
    }
    Some(out)
}

/// Whether Basic can carry them: no colon in the user name, no control bytes (RFC 7617 §2).
pub(crate) fn fits(credentials: &Credentials) -> bool {
    let control = |bytes: &[u8]| bytes.iter().any(|b| b.is_ascii_control());
    !credentials.username().contains(&b':') && !control(credentials.username()) && !control(credentials.password())
}

/// Appends the value of the field: `Basic` and the credentials.
pub(crate) fn write_value(out: &mut Vec<u8>, credentials: &Credentials) {
    let (username, password) = (credentials.username(), credentials.password());
    let mut pair = Zeroizing::new(Vec::with_capacity(username.len() + 1 + password.len()));
    pair.extend_from_slice(username);
    pair.push(b':');
    pair.extend_from_slice(password);
    out.reserve(6 + pair.len().div_ceil(3) * 4);
    out.extend_from_slice(b"Basic ");
    encode(out, &pair);
}

/// The credentials in a field value; `None` for another scheme or what is malformed.
pub(crate) fn read_value(value: &[u8]) -> Option<Credentials> {
    let (scheme, rest) = value.split_at_checked(5)?;
    if !scheme.eq_ignore_ascii_case(b"basic") || rest.first() != Some(&b' ') {
        return None;
    }
    let pair = decode(rest.trim_ascii_start())?;
    let colon = pair.iter().position(|&b| b == b':')?;
    let credentials = Credentials::new(&pair[..colon], &pair[colon + 1..]);
    (pair.len() <= MAX_DECODED && fits(&credentials)).then_some(credentials)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648 §10.
    #[test]
    fn base64_is_that_of_the_rfc() {
        let rows = [
            "", "", "f", "Zg==", "fo", "Zm8=", "foo", "Zm9v", "foob", "Zm9vYg==", "fooba", "Zm9vYmE=", "foobar",
            "Zm9vYmFy",
        ];
        for row in rows.chunks(2) {
            let mut out = Vec::new();
            encode(&mut out, row[0].as_bytes());
            assert_eq!(out, row[1].as_bytes());
            assert_eq!(
                decode(row[1].as_bytes()).as_deref().map(|v| &v[..]),
                Some(row[0].as_bytes())
            );
        }
    }

    #[test]
    fn base64_that_is_not_strict_is_refused() {
        for text in [
            "Z", "Zg", "Zg=", "Zg===", "=", "====", "Z===", "Zh==", "Zm9=", "Zg==Zg==", "Zm 8", "Zm8_", "Z=9v",
        ] {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn every_byte_string_survives_base64() {
        let bytes: Vec<u8> = (0..=255).collect();
        for start in 0..bytes.len() {
            let mut out = Vec::new();
            encode(&mut out, &bytes[start..]);
            assert_eq!(decode(&out).as_deref().map(|v| &v[..]), Some(&bytes[start..]));
        }
    }

    /// RFC 7617 §2 and §2.1.
    #[test]
    fn basic_is_that_of_the_rfc() {
        let rows = [
            ("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            ("test", "123\u{a3}", "Basic dGVzdDoxMjPCow=="),
        ];
        for (username, password, value) in rows {
            let credentials = Credentials::new(username.as_bytes(), password.as_bytes());
            let mut out = Vec::new();
            write_value(&mut out, &credentials);
            assert_eq!(out, value.as_bytes());
            assert_eq!(read_value(&out), Some(credentials));
        }
    }

    #[test]
    fn a_value_that_carries_no_credentials_is_none() {
        let rows = [
            "",
            "Basic",
            "Basic ",
            "Basic Zg==",
            "Bearer Zjo=",
            "BasicZjo=",
            "Basic Zjo=x",
            "Basic ZgA6",
        ];
        for value in rows {
            assert_eq!(read_value(value.as_bytes()), None, "{value}");
        }
        assert!(read_value(b"bAsIc   Zjo=").is_some());
        let long = |length: usize| {
            let mut out = Vec::new();
            write_value(&mut out, &Credentials::new(&vec![b'a'; length - 1], b""));
            read_value(&out).is_some()
        };
        assert!(long(MAX_DECODED) && !long(MAX_DECODED + 1));
    }
}
