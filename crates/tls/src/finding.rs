//! What is found wrong with a certificate: in words for a person, and as rustls needs it for the alert.

use millrace_error::Code;
use pki_types::CertificateDer;
use rustls::CertificateError;

use crate::error::code_of_certificate;
use crate::{TlsError, certificate, verdict, words};

/// A finding in words, and the same as rustls needs it in order to send the alert that fits.
pub(crate) struct Finding {
    pub(crate) error: TlsError,
    pub(crate) alert: CertificateError,
}

impl Finding {
    pub(crate) fn new(code: Code, alert: CertificateError, why: &str, certificate: &CertificateDer<'_>) -> Self {
        // The facts come first: they are what a person looks for, and the tail is what gets cut.
        let words = format!("{}; {why}", certificate::describe(certificate));
        Self {
            error: TlsError::with_detail(code, words),
            alert,
        }
    }

    /// What webpki found, told apart further where a person would: self-signed, too weak.
    pub(crate) fn of_chain(
        error: rustls::Error,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
    ) -> Self {
        let why = words::of_error(&error);
        let alert = match error {
            rustls::Error::InvalidCertificate(reason) => reason,
            rustls::Error::InvalidCertRevocationList(_) => CertificateError::UnknownRevocationStatus,
            _ => CertificateError::ApplicationVerificationFailure,
        };
        let mut code = code_of_certificate(&alert);
        let alone = intermediates.iter().all(|other| other == end_entity);
        if code == Code::TlsUnknownCa && alone && certificate::is_self_issued(end_entity) {
            code = Code::TlsSelfSigned;
        }
        if code == Code::TlsBadCertificate && is_ca_as_end_entity(&alert) && certificate::is_self_issued(end_entity) {
            code = Code::TlsSelfSigned;
        }
        Self::new(code, alert, &why, end_entity)
    }

    /// A key in the chain that is too small, which rustls would only call a wrong signature.
    pub(crate) fn of_weakness(end_entity: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> Option<Self> {
        std::iter::once(end_entity).chain(intermediates).find_map(|each| {
            let bits = certificate::weak_rsa_bits(each)?;
            let why = format!("an RSA key of {bits} bits, expected at least 2048");
            Some(Self::new(
                Code::TlsWeakSignature,
                CertificateError::InvalidPurpose,
                &why,
                each,
            ))
        })
    }
}

fn is_ca_as_end_entity(error: &CertificateError) -> bool {
    match error {
        CertificateError::Other(other) => matches!(
            other.0.downcast_ref::<webpki::Error>(),
            Some(webpki::Error::CaUsedAsEndEntity)
        ),
        _ => false,
    }
}

/// Leaves the finding and ends the handshake with the alert that fits.
pub(crate) fn refuse(finding: &Finding) -> rustls::Error {
    verdict::leave(finding.error.clone());
    finding.alert.clone().into()
}
