//! What a verifier found, on its way to the session that it was found in.
//!
//! rustls calls verifiers without saying for which connection. It calls them inside `process_new_packets`, on the
//! caller's thread, once per handshake, so the finding waits in a thread-local until that call is back. Verifiers of
//! one's own per connection would do as well, but rustls resumes a session only with the very verifier it began with.

use std::cell::RefCell;

use crate::TlsError;
use crate::evidence::Verdicts;

/// What one handshake's verifier has to say.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// What is wrong with the certificate.
    pub(crate) finding: Option<TlsError>,
    /// What the evidence with it comes to.
    pub(crate) evidence: Option<Verdicts>,
}

thread_local! {
    static FOUND: RefCell<Found> = const {
        RefCell::new(Found { finding: None, evidence: None })
    };
}

/// Leaves a finding for the session whose input is being processed; the last one counts.
pub(crate) fn leave(finding: TlsError) {
    FOUND.with_borrow_mut(|found| found.finding = Some(finding));
}

/// Leaves what the evidence comes to.
pub(crate) fn leave_evidence(verdicts: Verdicts) {
    FOUND.with_borrow_mut(|found| found.evidence = Some(verdicts));
}

/// Takes what was found while the last input was processed.
pub(crate) fn take() -> Found {
    FOUND.with_borrow_mut(std::mem::take)
}
