//! OCSP (RFC 6960): what a CA says about one certificate, stapled or fetched.
//!
//! # Theory of operation
//!
//! ```text
//! bytes ──parse──► Basic ──which of its answers are about this certificate?──► answers
//!                             │ times, against now                              │
//!                             └──── who signed: the issuer, or a delegate ──────┴──► verdict
//! ```
//!
//! Everything is bound to the certificate and to the key that signed it ([`Issuer`]): an answer
//! counts when its CertID has that issuer's name, key and the serial number, and when that key signed the response or
//! the certificate of the responder that did. All checks are made before anything that the response says is used. What
//! is wrong with it is one of [`OcspFault`]; the order of the checks decides which when there are several.
//!
//! Where this differs from the RFCs:
//!
//! | the RFC says | we do | because |
//! | --- | --- | --- |
//! | 6960 §4.3: clients should take RSA with SHA-1, and DSA | refuse both | SHA-1 signatures can be forged |
//! | 6960 §4.2.2.1: without nextUpdate, newer information is always available | such a response is fresh for [`CLOCK_SKEW_S`] from thisUpdate on | else whoever recorded it once could show it for ever |
//! | 6960 §4.2.2.2.1: how a delegate's own revocation is checked is up to the client | by the CRLs that are loaded, unless its certificate has `id-pkix-ocsp-nocheck` | nothing is fetched inside a handshake |
//! | 6960 §4.2.2.2: nothing about what else a delegate is | a CA is no delegate | a CA below could vouch for itself after its own revocation |
//! | 6960 §4.2.1: nothing about two answers for one certificate | the same CertID twice is refused; of SHA-1 and SHA-256 the worse counts | one of them may be there to be overlooked |
//! | 6960 §2.2: nextUpdate bounds every answer | one that says revoked counts past it, unless on hold | nobody gets a revoked certificate back |
//! | 6066 §8: a client aborts when a staple is not satisfactory | it aborts when the policy asks for a good one, or when the staple says revoked | whoever could spoil it could as well leave it away |
//! | 6960: nothing about which certificates are asked about | clients' certificates are judged by CRLs alone, and of a server's chain only its own certificate by OCSP | rustls takes no staples of clients, and hands out the first of a server's |
//! | 7633 §4.2.3: features of a CA's certificate bind those below | only the server's own certificate is looked at | only its staple is handed out |

mod answer;
mod request;
mod response;
mod signer;
mod staple;
mod verdict;

use pki_types::CertificateRevocationListDer;

pub use request::{OCSP_NONCE_MAX, OCSP_NONCE_MIN, OcspHash, ocsp_issuer, ocsp_request, ocsp_urls};
pub use response::OCSP_RESPONSE_LIMIT;
pub use staple::{StapleFacts, check_staple};
pub use verdict::{OcspFault, OcspTimes, OcspVerdict, Revocation};

use crate::TlsError;
use crate::x509::{self, Issuer, Parts};
use answer::{Answer, Status};
use response::Basic;

/// How far the clock of a responder may differ from ours, in seconds; OpenSSL's `ocsp` has the same.
pub const CLOCK_SKEW_S: u64 = 300;

/// What a client makes of the OCSP response that a server staples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OcspPolicy {
    /// It is not looked at.
    Off,
    /// A certificate that demands it (TLS Feature `status_request`, RFC 7633) needs a good one; one that says revoked
    /// is refused in any case; what else is wrong is only in the verdict.
    #[default]
    MustStaple,
    /// Every certificate needs a good one.
    Require,
}

/// A certificate and who issued it, to which a response is held.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    pub(crate) certificate: &'a Parts<'a>,
    pub(crate) issuer: &'a Issuer,
    /// By which delegates are judged.
    pub(crate) crls: &'a [CertificateRevocationListDer<'static>],
}

/// What a response says, and the timestamps (RFC 6962 §3.3) that came with an answer that is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) verdict: OcspVerdict,
    pub(crate) scts: Option<Vec<u8>>,
}

/// Judges a response; without bytes it is absent. With a `nonce`, a response that has another one is refused; one that
/// has none was made beforehand, which the RFC allows (RFC 9654 §2.1).
pub(crate) fn judge(response: &[u8], about: About<'_>, nonce: Option<&[u8]>, now: u64) -> Outcome {
    if response.is_empty() {
        return Outcome {
            verdict: OcspVerdict::Absent,
            scts: None,
        };
    }
    examine(response, about, nonce, now).unwrap_or_else(|fault| Outcome {
        verdict: OcspVerdict::Invalid(fault),
        scts: None,
    })
}

fn examine(response: &[u8], about: About<'_>, nonce: Option<&[u8]>, now: u64) -> Result<Outcome, OcspFault> {
    let basic = Basic::parse(response)?;
    if basic.produced_at > now.saturating_add(CLOCK_SKEW_S) {
        return Err(OcspFault::FromTheFuture);
    }
    if let (Some(sent), Some(came)) = (nonce, &basic.nonce) {
        if sent != came {
            return Err(OcspFault::WrongNonce);
        }
    }
    let answers = basic.about(about)?;
    signer::check(&basic, about, now)?;
    // Of several answers the worst counts; there are at most two, and they are about one certificate.
    for answer in &answers {
        if let Status::Revoked(revocation) = answer.status {
            answer.has_begun(now)?;
            if revocation.is_final() || answer.is_current(now).is_ok() {
                return Ok(Outcome {
                    verdict: OcspVerdict::Revoked(revocation),
                    scts: None,
                });
            }
        }
    }
    let mut good = None;
    for answer in answers {
        answer.is_current(now)?;
        if answer.status == Status::Unknown {
            return Err(OcspFault::UnknownCertificate);
        }
        good = Some(answer);
    }
    let answer: Answer = good.ok_or(OcspFault::OtherCertificate)?;
    Ok(Outcome {
        verdict: OcspVerdict::Good(OcspTimes {
            this_update: answer.this_update,
            next_update: answer.next_update,
            produced_at: basic.produced_at,
        }),
        scts: answer.scts,
    })
}

/// Judges a response that was fetched for a certificate; all in DER, `now` in seconds since 1970.
///
/// With a `nonce`, a response that has another one is refused; responders that make responses beforehand send none
/// (RFC 9654 §2.1).
///
/// # Errors
/// [`millrace_error::Code::TlsInvalidConfiguration`]: a certificate that is malformed, or was not issued by `issuer`.
pub fn verify_ocsp(
    certificate: &[u8],
    issuer: &[u8],
    response: &[u8],
    nonce: Option<&[u8]>,
    now: u64,
) -> Result<OcspVerdict, TlsError> {
    let (certificate, issuer) = x509::pair(certificate, issuer)?;
    let about = About {
        certificate: &certificate,
        issuer: &issuer,
        crls: &[],
    };
    Ok(judge(response, about, nonce, now).verdict)
}

/// Whether a certificate demands a staple (RFC 7633). An extension that cannot be read demands one.
pub(crate) fn must_staple(certificate: &Parts<'_>) -> bool {
    use crate::der::Items;
    use x509_cert::der::Tag;
    /// id-pe-tlsfeature, 1.3.6.1.5.5.7.1.24.
    const TLS_FEATURE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 24];
    /// `status_request`, as an INTEGER. (17, `status_request_v2`, binds only clients that ask for it.)
    const STATUS_REQUEST: &[u8] = &[5];
    let features = match certificate.extension(TLS_FEATURE) {
        Ok(None) => return false,
        Ok(Some(value)) => Items::inside(value, Tag::Sequence),
        Err(_) => None,
    };
    let Some(mut features) = features else { return true };
    while !features.is_empty() {
        match features.take(Tag::Integer) {
            Some(feature) if feature.value != STATUS_REQUEST => {}
            _ => return true,
        }
    }
    false
}
