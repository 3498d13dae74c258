//! Byte classes of RFC 9110 §5.6 and RFC 3986, as one table that a hot loop indexes.

pub(crate) const TOKEN: u8 = 1;
pub(crate) const VALUE: u8 = 1 << 1;
pub(crate) const TARGET: u8 = 1 << 2;
pub(crate) const REG_NAME: u8 = 1 << 3;

/// For each byte, the classes that it belongs to.
pub(crate) static CLASS: [u8; 256] = table();

const fn table() -> [u8; 256] {
    let mut table = [0u8; 256];
    let mut i = 0usize;
    while i < 256 {
        let b = i as u8;
        let mut class = 0;
        // tchar, RFC 9110 §5.6.2
        if b.is_ascii_alphanumeric() || contains(b"!#$%&'*+-.^_`|~", b) {
            class |= TOKEN;
        }
        // field-vchar, SP and HTAB, RFC 9110 §5.5: VCHAR and obs-text
        if b == b'\t' || (b >= 0x20 && b != 0x7f) {
            class |= VALUE;
        }
        // A request target is visible ASCII; `#` would begin a fragment, which is never sent (RFC 9110 §7.1).
        if b > 0x20 && b < 0x7f && b != b'#' {
            class |= TARGET;
        }
        // unreserved and sub-delims, RFC 3986 §3.2.2; `%` is checked apart, for its two digits
        if b.is_ascii_alphanumeric() || contains(b"-._~!$&'()*+,;=", b) {
            class |= REG_NAME;
        }
        table[i] = class;
        i += 1;
    }
    table
}

const fn contains(set: &[u8], b: u8) -> bool {
    let mut i = 0;
    while i < set.len() {
        if set[i] == b {
            return true;
        }
        i += 1;
    }
    false
}

#[inline]
pub(crate) fn run(bytes: &[u8], class: u8) -> usize {
    bytes
        .iter()
        .position(|&b| CLASS[usize::from(b)] & class == 0)
        .unwrap_or(bytes.len())
}

/// Whether a byte may stand in a token: a method, a field name (RFC 9110 §5.6.2).
#[inline]
pub fn is_token_byte(b: u8) -> bool {
    CLASS[usize::from(b)] & TOKEN != 0
}

/// Whether a byte may stand in a field value: visible, obs-text, SP or HTAB (RFC 9110 §5.5).
#[inline]
pub fn is_value_byte(b: u8) -> bool {
    CLASS[usize::from(b)] & VALUE != 0
}

/// How many of the first bytes are token bytes.
#[inline]
pub fn token_run(bytes: &[u8]) -> usize {
    run(bytes, TOKEN)
}

/// How many of the first bytes may stand in a field value.
#[inline]
pub fn value_run(bytes: &[u8]) -> usize {
    run(bytes, VALUE)
}

/// How many of the first bytes may stand in a request target: visible ASCII without `#`.
#[inline]
pub fn target_run(bytes: &[u8]) -> usize {
    run(bytes, TARGET)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_are_those_of_the_rfcs() {
        for b in 0..=255u8 {
            let separator = b"\"(),/:;<=>?@[\\]{}".contains(&b);
            assert_eq!(is_token_byte(b), b.is_ascii_graphic() && !separator, "token {b}");
            assert_eq!(is_value_byte(b), b == 9 || (b >= 32 && b != 127), "value {b}");
        }
        assert_eq!(target_run(b"/a?b#c"), 4);
        assert_eq!(token_run(b"GET /"), 3);
        assert_eq!(value_run(b"a b\tc\xff\0"), 6);
    }
}
