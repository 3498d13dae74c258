//! Which certificate a server name gets.

use std::collections::HashMap;

use crate::TlsError;

/// Server names and wildcards, each with the index of its certificate.
///
/// A wildcard stands for exactly one whole label at the left (RFC 6125 §6.4.3, RFC 9525 §6.3): `*.a.test` is for
/// `b.a.test`, neither for `a.test` nor for `c.b.a.test`. A whole name goes before a wildcard.
#[derive(Clone, Debug, Default)]
pub(crate) struct NameTable {
    exact: HashMap<String, usize>,
    /// Keyed by what stands behind `*.`.
    wildcard: HashMap<String, usize>,
}

impl NameTable {
    /// Adds a name for a certificate; the first certificate that has a name keeps it.
    pub(crate) fn insert(&mut self, name: &str, index: usize) -> Result<(), TlsError> {
        let lower = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let (table, key) = match lower.strip_prefix("*.") {
            Some(rest) => (&mut self.wildcard, rest),
            None => (&mut self.exact, lower.as_str()),
        };
        if !is_name(key) {
            return Err(TlsError::configuration(format!(
                "{} is no server name; expected a name, or *. and a name",
                crate::error::bounded(name, 256)
            )));
        }
        table.entry(key.to_owned()).or_insert(index);
        Ok(())
    }

    /// The certificate for a name in lower case, without a dot at its end.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        if let Some(index) = self.exact.get(name) {
            return Some(*index);
        }
        let (label, rest) = name.split_once('.')?;
        (!label.is_empty()).then(|| self.wildcard.get(rest).copied())?
    }
}

fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_one_whole_label() {
        let mut table = NameTable::default();
        for (index, name) in ["a.test", "*.a.test", "c.a.test", "*.b.a.test", "A.TEST."]
            .iter()
            .enumerate()
        {
            table.insert(name, index).expect("a good name");
        }
        let rows = [
            ("a.test", Some(0)),
            ("b.a.test", Some(1)),
            ("c.a.test", Some(2)),
            ("x.b.a.test", Some(3)),
            ("x.c.a.test", None),
            ("y.x.b.a.test", None),
            (".a.test", None),
            ("test", None),
            ("", None),
        ];
        for (name, expected) in rows {
            assert_eq!(table.find(name), expected, "{name}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for name in [
            "", "*", "*.", "a*.test", "*a.test", "a.*.test", "*.*.test", "a b", "a..test", ".a", "é.test",
        ] {
            assert!(NameTable::default().insert(name, 0).is_err(), "{name}");
        }
        assert!(NameTable::default().insert(&"a".repeat(63), 0).is_ok());
        assert!(NameTable::default().insert(&"a".repeat(64), 0).is_err());
    }
}
