//! What a verifier found, on its way to the session that it was found in.
//!
//! rustls calls verifiers without saying for which connection. It calls them inside `process_new_packets`, on the
//! caller's thread, once per handshake, so the finding waits in a thread-local until that call is back. Verifiers of
//! one's own per connection would do as well, but rustls resumes a session only with the very verifier it began with.

use std::cell::RefCell;

use crate::TlsError;

thread_local! {
    static FINDING: RefCell<Option<TlsError>> = const { RefCell::new(None) };
}

/// Leaves a finding for the session whose input is being processed; the last one counts.
pub(crate) fn leave(finding: TlsError) {
    FINDING.with_borrow_mut(|slot| *slot = Some(finding));
}

/// Takes what was found while the last input was processed.
pub(crate) fn take() -> Option<TlsError> {
    FINDING.with_borrow_mut(Option::take)
}
