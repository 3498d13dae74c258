//! An OCSP response about a certificate.

use std::sync::OnceLock;

use millrace_tls::{OcspVerdict, verify_ocsp};

use crate::fuzz::{choices, parts};
use crate::pki::{Authority, Leaf, NOW, Wish};

/// A certificate whose CA's key nobody has.
fn unreachable() -> &'static (Authority, Leaf) {
    static PAIR: OnceLock<(Authority, Leaf)> = OnceLock::new();
    PAIR.get_or_init(|| {
        let authority = Authority::new("fuzz CA");
        let leaf = authority.issue(&Wish::new(&["server.test"]));
        (authority, leaf)
    })
}

/// Nobody without a CA's key says anything about its certificates; a response is absent only without bytes; a tail
/// makes a good one malformed.
///
/// The input is a certificate, its issuer's, and the response, the first two behind their lengths (2 bytes).
///
/// # Panics
/// When an invariant is broken.
pub fn ocsp_response(data: &[u8]) {
    let Some((late, _, input)) = choices(data) else { return };
    let now = NOW + u64::from(late) * 3600;
    let Some((certificate, issuer, response)) = parts(input) else {
        return;
    };
    let (authority, leaf) = unreachable();
    let judged = verify_ocsp(&leaf.certificate, authority.certificate(), response, None, now).expect("a pair");
    match judged {
        OcspVerdict::Absent => assert!(response.is_empty()),
        OcspVerdict::Invalid(_) => assert!(!response.is_empty()),
        OcspVerdict::Good(_) | OcspVerdict::Revoked(_) => panic!("somebody has our key"),
    }
    // With its own certificates, a seed reaches the checks behind the signature.
    let Ok(judged) = verify_ocsp(certificate, issuer, response, Some(b"nonce"), now) else {
        return;
    };
    if matches!(judged, OcspVerdict::Good(_) | OcspVerdict::Revoked(_)) {
        let longer = [response, &[0]].concat();
        let judged = verify_ocsp(certificate, issuer, &longer, None, now).expect("the same pair");
        assert!(matches!(judged, OcspVerdict::Invalid(_)));
    }
}
