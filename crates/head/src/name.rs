//! Field names, and values that are lists.

/// Compares two field names without regard to ASCII case.
#[inline]
pub fn eq_name(a: &[u8], b: &[u8]) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// Whether a field name is `lower`, which is in lower case, without regard to ASCII case: [`eq_name`] for names known
/// at compile time, in as many instructions as a few comparisons of words.
#[inline]
pub fn is_name<const N: usize>(name: &[u8], lower: &[u8; N]) -> bool {
    let Ok(name) = <&[u8; N]>::try_from(name) else {
        return false;
    };
    let mut differs = 0;
    for (byte, lower) in name.iter().zip(lower) {
        // Of a letter, only its capital differs by this bit alone.
        let case = if lower.is_ascii_lowercase() { 0x20 } else { 0 };
        differs |= (byte | case) ^ lower;
    }
    differs == 0
}

/// A value without the optional white space (SP, HTAB) around it (RFC 9110 §5.6.3).
#[inline]
pub fn trim_ows(value: &[u8]) -> &[u8] {
    let mut value = value;
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// The members of a comma-separated list, trimmed, without the empty ones (RFC 9110 §5.6.1.2).
///
/// For lists of tokens: a comma inside a quoted string separates here too.
pub fn list_items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|&b| b == b',')
        .map(trim_ows)
        .filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_compare_without_case() {
        assert!(eq_name(b"Content-Length", b"content-lENGTH"));
        assert!(!eq_name(b"Content-Length", b"Content-Lengt"));
        assert!(!eq_name(b"[", b"{"));
    }

    #[test]
    fn a_known_name_is_found_in_any_case_and_no_other_is() {
        for name in [&b"content-length"[..], b"Content-Length", b"CONTENT-LENGTH"] {
            assert!(is_name(name, b"content-length"));
        }
        assert!(!is_name(b"content-lengt", b"content-length"));
        assert!(!is_name(b"content-lengths", b"content-length"));
        for byte in 0..=u8::MAX {
            for place in 0..14 {
                let mut name = *b"Content-Length";
                name[place] = byte;
                assert_eq!(
                    is_name(&name, b"content-length"),
                    eq_name(&name, b"content-length"),
                    "{name:?}"
                );
            }
        }
    }

    #[test]
    fn list_members_are_trimmed_and_empty_ones_left_out() {
        let items: Vec<_> = list_items(b" , a,\tb ,, c d,").collect();
        assert_eq!(items, [&b"a"[..], b"b", b"c d"]);
        assert_eq!(list_items(b"").count(), 0);
        assert_eq!(list_items(b" ,").count(), 0);
    }
}
