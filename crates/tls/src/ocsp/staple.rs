//! What a server may staple.

use millrace_error::Code;

use super::{About, OcspFault, OcspVerdict, judge, ocsp_issuer};
use crate::{Identity, TlsError, pem, x509};

/// A response that may be stapled, and until when; in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StapleFacts {
    /// When the status was known to be so.
    pub this_update: u64,
    /// When it ends: from then on clients refuse it.
    pub next_update: u64,
    /// When it was signed.
    pub produced_at: u64,
    /// When to fetch the next one: in the middle of its time, which leaves the other half for a responder that is down.
    pub refresh_at: u64,
}

/// Checks a response (DER) before it is stapled: it must be about the identity's own certificate, signed by who may,
/// good, and not over. `issuer` (PEM or DER) may be left out when the identity's chain has it.
///
/// # Errors
/// [`Code::TlsStapleRefused`] with what is wrong with the response, and
/// [`Code::TlsInvalidConfiguration`] when the issuer is missing or is not the issuer.
pub fn check_staple(
    identity: &Identity,
    issuer: Option<&[u8]>,
    response: &[u8],
    now: u64,
) -> Result<StapleFacts, TlsError> {
    let issuer = match issuer {
        Some(bytes) => pem::certificates(bytes)?.into_iter().next(),
        None => ocsp_issuer(identity.chain()).map(|der| der.to_vec().into()),
    };
    let issuer = issuer.ok_or_else(|| {
        TlsError::configuration(
            "the chain of the certificate has no issuer; an OCSP response cannot be checked without",
        )
    })?;
    // An identity has a certificate.
    let certificate = identity.chain().next().unwrap_or_default();
    let (parts, issuer) = x509::pair(certificate, &issuer)?;
    let about = About {
        certificate: &parts,
        issuer: &issuer,
        crls: &[],
    };
    let refused = |why: String| Err(TlsError::with_detail(Code::TlsStapleRefused, why));
    match judge(response, about, None, now).verdict {
        OcspVerdict::Good(times) => match times.next_update {
            // Clients' clocks differ from ours both ways, so the skew that we allow others is not ours to use up.
            Some(next_update) if next_update > now => Ok(StapleFacts {
                this_update: times.this_update,
                next_update,
                produced_at: times.produced_at,
                refresh_at: times.this_update + (next_update - times.this_update) / 2,
            }),
            Some(_) => refused(OcspFault::Stale.to_string()),
            None => refused("has no nextUpdate".to_owned()),
        },
        OcspVerdict::Revoked(revocation) => refused(format!("says that the certificate is {revocation}")),
        OcspVerdict::Absent => refused("is empty".to_owned()),
        OcspVerdict::Invalid(fault) => refused(fault.to_string()),
    }
}
