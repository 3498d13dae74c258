//! Field names, and values that are lists.

/// Compares two field names without regard to ASCII case.
#[inline]
pub fn eq_name(a: &[u8], b: &[u8]) -> bool {
    a.eq_ignore_ascii_case(b)
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
    fn list_members_are_trimmed_and_empty_ones_left_out() {
        let items: Vec<_> = list_items(b" , a,\tb ,, c d,").collect();
        assert_eq!(items, [&b"a"[..], b"b", b"c d"]);
        assert_eq!(list_items(b"").count(), 0);
        assert_eq!(list_items(b" ,").count(), 0);
    }
}
