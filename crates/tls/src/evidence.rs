//! What a client asks for beyond a chain that is trusted: a good OCSP response, and timestamps of logs.

use millrace_error::Code;
use pki_types::{CertificateDer, UnixTime};
use rustls::CertificateError;

use crate::ct::{self, CtLogs, CtPolicy, CtVerdict};
use crate::finding::Finding;
use crate::ocsp::{self, About, OcspFault, OcspPolicy, OcspVerdict, Outcome};
use crate::x509::{Issuer, Parts};
use crate::{TlsError, Trust};

/// The policies of a client.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    pub(crate) ocsp: OcspPolicy,
    pub(crate) ct: CtPolicy,
    pub(crate) logs: CtLogs,
}

/// What the evidence comes to; nothing where the policy is off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdicts {
    pub(crate) ocsp: Option<OcspVerdict>,
    pub(crate) ct: Option<CtVerdict>,
}

/// What is missing, and whether the policy refuses for it or only reports.
pub(crate) struct Missing {
    pub(crate) finding: Finding,
    pub(crate) is_strict: bool,
}

impl Evidence {
    /// Whether the policies can work.
    pub(crate) fn check(&self) -> Result<(), TlsError> {
        match self.ct != CtPolicy::Off && self.logs.is_empty() {
            true => Err(TlsError::configuration(
                "Certificate Transparency needs a list of logs; without one no timestamp counts",
            )),
            false => Ok(()),
        }
    }

    /// Judges a server's certificate, after its chain, by what came with it.
    pub(crate) fn judge(
        &self,
        trust: &Trust,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> (Verdicts, Result<(), Missing>) {
        let mut verdicts = Verdicts::default();
        let now = now.as_secs();
        // webpki has read it before, so this is for those that are let pass whatever they are.
        let parts = Parts::new(end_entity);
        let needs_issuer = self.ct != CtPolicy::Off || (self.ocsp != OcspPolicy::Off && !ocsp_response.is_empty());
        let issuer = match &parts {
            Some(parts) if needs_issuer => trust.issuer_of(parts, intermediates),
            _ => None,
        };
        let mut scts = None;
        let mut by_ocsp = Ok(());
        if self.ocsp != OcspPolicy::Off {
            let outcome = judge_ocsp(trust, parts.as_ref(), issuer.as_ref(), ocsp_response, now);
            let demanded = self.ocsp == OcspPolicy::Require || parts.as_ref().is_none_or(ocsp::must_staple);
            by_ocsp = ocsp_finding(&outcome.verdict, demanded, end_entity);
            verdicts.ocsp = Some(outcome.verdict);
            scts = outcome.scts;
        }
        let mut by_ct = Ok(());
        if self.ct != CtPolicy::Off {
            let verdict = match &parts {
                Some(parts) => ct::judge(end_entity, parts, issuer.as_ref(), scts.as_deref(), &self.logs, now),
                None => CtVerdict {
                    timestamps: Vec::new(),
                    shortfall: Some(ct::CtShortfall::Malformed),
                },
            };
            by_ct = self.ct_finding(&verdict, end_entity);
            verdicts.ct = Some(verdict);
        }
        (verdicts, by_ocsp.and(by_ct))
    }

    fn ct_finding(&self, verdict: &CtVerdict, end_entity: &CertificateDer<'_>) -> Result<(), Missing> {
        let Some(shortfall) = &verdict.shortfall else {
            return Ok(());
        };
        let alert = CertificateError::ApplicationVerificationFailure;
        Err(Missing {
            finding: Finding::new(Code::TlsCtMissing, alert, &shortfall.to_string(), end_entity),
            is_strict: self.ct == CtPolicy::Require,
        })
    }
}

fn judge_ocsp(trust: &Trust, parts: Option<&Parts<'_>>, issuer: Option<&Issuer>, response: &[u8], now: u64) -> Outcome {
    match (response, parts, issuer) {
        ([], ..) => Outcome {
            verdict: OcspVerdict::Absent,
            scts: None,
        },
        (_, Some(certificate), Some(issuer)) => {
            let about = About {
                certificate,
                issuer,
                crls: trust.crls(),
            };
            ocsp::judge(response, about, None, now)
        }
        _ => Outcome {
            verdict: OcspVerdict::Invalid(OcspFault::NoIssuer),
            scts: None,
        },
    }
}

/// Without being demanded, only a response that says revoked counts.
fn ocsp_finding(verdict: &OcspVerdict, demanded: bool, end_entity: &CertificateDer<'_>) -> Result<(), Missing> {
    let unsatisfactory = CertificateError::InvalidOcspResponse;
    let (code, alert, why) = match verdict {
        OcspVerdict::Good(_) => return Ok(()),
        OcspVerdict::Revoked(revocation) => (
            Code::TlsCertificateRevoked,
            CertificateError::Revoked,
            format!("the OCSP response says {revocation}"),
        ),
        _ if !demanded => return Ok(()),
        OcspVerdict::Absent => (
            Code::TlsOcspMissing,
            unsatisfactory,
            "no OCSP response was stapled".to_owned(),
        ),
        OcspVerdict::Invalid(fault @ OcspFault::UnknownCertificate) => (
            Code::TlsOcspUnknown,
            unsatisfactory,
            format!("the OCSP response {fault}"),
        ),
        OcspVerdict::Invalid(fault) => (
            Code::TlsOcspInvalid,
            unsatisfactory,
            format!("the OCSP response {fault}"),
        ),
    };
    Err(Missing {
        finding: Finding::new(code, alert, &why, end_entity),
        is_strict: true,
    })
}
