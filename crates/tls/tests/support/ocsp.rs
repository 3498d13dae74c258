//! Responses about the tests' leaf, and what they come to.

use millrace_testkit::pki::ocsp::{Answer, Response};
use millrace_testkit::pki::{Leaf, NOW, Purpose, Wish};
use millrace_tls::{OcspFault, OcspVerdict, verify_ocsp};

use super::{ca, leaf};

pub fn answer() -> Answer {
    Answer::good(&leaf().certificate, ca().certificate())
}

pub fn response() -> Response {
    Response::with(vec![answer()])
}

/// What a response about [`leaf`] comes to.
pub fn verdict_at(response: &[u8], nonce: Option<&[u8]>, now: u64) -> OcspVerdict {
    verify_ocsp(&leaf().certificate, ca().certificate(), response, nonce, now).expect("a good pair")
}

pub fn verdict(response: &[u8]) -> OcspVerdict {
    verdict_at(response, None, NOW)
}

pub fn fault(response: &[u8]) -> Option<OcspFault> {
    match verdict(response) {
        OcspVerdict::Invalid(fault) => Some(fault),
        _ => None,
    }
}

pub fn is_good(response: &[u8]) -> bool {
    matches!(verdict(response), OcspVerdict::Good(_))
}

pub fn responder_wish() -> Wish {
    Wish {
        purpose: Purpose::Ocsp,
        serial: 77,
        ..Wish::new(&["responder.test"])
    }
}

pub fn responder() -> Leaf {
    ca().issue(&responder_wish())
}

pub fn changed(change: impl FnOnce(&mut Response)) -> Vec<u8> {
    let mut response = response();
    change(&mut response);
    response.signed_by(ca())
}

pub fn answered(change: impl FnOnce(&mut Answer)) -> Vec<u8> {
    changed(|response| change(&mut response.answers[0]))
}
