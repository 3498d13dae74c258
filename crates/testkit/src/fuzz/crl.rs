//! A CRL as an administrator gives it: PEM or DER.

use std::sync::{Arc, OnceLock};

use millrace_tls::Trust;

use crate::contexts::Site;
use crate::fuzz::choices;

fn trust() -> &'static Trust {
    static TRUST: OnceLock<Arc<Trust>> = OnceLock::new();
    TRUST.get_or_init(|| Site::new("fuzz CA").trust())
}

/// What is taken has facts that its bytes have room for, the newest first; what is refused is refused in words.
///
/// # Panics
/// When an invariant is broken.
pub fn crl(data: &[u8]) {
    /// The least that an entry has: a SEQUENCE of an INTEGER and a UTCTime.
    const ENTRY: usize = 2 + 3 + 15;
    let Some((_, _, input)) = choices(data) else { return };
    match trust().with_crls(&[input.to_vec()]) {
        Err(error) => assert!(error.detail().is_some_and(|words| words.contains("CRL"))),
        Ok(loaded) => {
            let facts = loaded.crl_facts();
            assert!(!facts.is_empty());
            assert!(facts.is_sorted_by(|one, other| one.this_update >= other.this_update));
            let entries: usize = facts.iter().map(|each| each.count).sum();
            assert!(entries * ENTRY <= input.len());
            let printable = |each: &str| each.bytes().all(|byte| (b' '..=b'~').contains(&byte));
            assert!(facts.iter().all(|each| printable(&each.issuer) && each.source == 0));
        }
    }
}
