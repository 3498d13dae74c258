//! What can go wrong, as one of the codes and in words.

use std::fmt;

use millrace_error::{Code, Error};
use rustls::{AlertDescription, CertificateError, InvalidMessage, PeerIncompatible};

use crate::{alert, words};

/// How much of a text that the network has a say in goes into an error, in bytes.
pub const DETAIL_LIMIT: usize = 512;

/// A coded failure of TLS, with what was seen in words.
///
/// An error that ended a session stays its error: every later input answers with it again. The alert that tells the
/// peer waits in the session's output by then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsError {
    /// The stable code; its phase is `tls`.
    pub code: Code,
    /// For [`Code::TlsAlertReceived`]: the alert's name in RFC 8446 §6.
    pub alert: Option<&'static str>,
    /// Its number.
    alert_number: Option<u8>,
    detail: Option<Box<str>>,
}

impl TlsError {
    /// An error that its code says all about.
    pub const fn new(code: Code) -> Self {
        Self {
            code,
            alert: None,
            alert_number: None,
            detail: None,
        }
    }

    /// An error with what was seen; the words are escaped and cut at [`DETAIL_LIMIT`].
    pub fn with_detail(code: Code, detail: impl AsRef<str>) -> Self {
        Self {
            code,
            alert: None,
            alert_number: None,
            detail: Some(bounded(detail.as_ref(), DETAIL_LIMIT).into_boxed_str()),
        }
    }

    /// A configuration that cannot work, and why.
    pub(crate) fn configuration(detail: impl AsRef<str>) -> Self {
        Self::with_detail(Code::TlsInvalidConfiguration, detail)
    }

    /// What was seen, in printable ASCII of at most [`DETAIL_LIMIT`] bytes.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    pub(crate) fn from_alert(description: AlertDescription) -> Self {
        let name = alert::name(description);
        Self {
            alert: Some(name),
            alert_number: Some(description.into()),
            ..Self::with_detail(Code::TlsAlertReceived, name)
        }
    }
}

/// Printable ASCII of at most `limit` bytes; what is cut off is marked.
pub(crate) fn bounded(text: &str, limit: usize) -> String {
    const MARK: &str = "...";
    let mut out = String::new();
    for char in text.chars() {
        let before = out.len();
        match char {
            ' '..='~' => out.push(char),
            _ => out.extend(char.escape_default()),
        }
        if out.len() > limit - MARK.len() {
            out.truncate(before);
            out.push_str(MARK);
            break;
        }
    }
    out
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.code.text())?;
        match &self.detail {
            Some(detail) => write!(f, " ({detail})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for TlsError {}

impl From<&TlsError> for Error {
    fn from(error: &TlsError) -> Self {
        Self {
            alert: error.alert_number,
            ..Self::new(error.code)
        }
    }
}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        let code = match &error {
            rustls::Error::AlertReceived(description) => return Self::from_alert(*description),
            rustls::Error::InvalidCertificate(reason) => code_of_certificate(reason),
            rustls::Error::InvalidCertRevocationList(_) => Code::TlsRevocationUnknown,
            rustls::Error::NoCertificatesPresented => Code::TlsCertificateRequired,
            rustls::Error::NoApplicationProtocol => Code::TlsNoSharedAlpn,
            rustls::Error::PeerIncompatible(reason) => code_of_incompatibility(reason),
            rustls::Error::PeerSentOversizedRecord
            | rustls::Error::InvalidMessage(
                InvalidMessage::MessageTooLarge
                | InvalidMessage::HandshakePayloadTooLarge
                | InvalidMessage::CertificatePayloadTooLarge,
            ) => Code::TlsRecordOverflow,
            rustls::Error::InvalidMessage(_)
            | rustls::Error::InappropriateMessage { .. }
            | rustls::Error::InappropriateHandshakeMessage { .. }
            | rustls::Error::PeerMisbehaved(_) => Code::TlsInvalidMessage,
            rustls::Error::DecryptError => Code::TlsDecryptFailed,
            rustls::Error::EncryptError => Code::TlsExhausted,
            rustls::Error::InconsistentKeys(_) | rustls::Error::BadMaxFragmentSize => Code::TlsInvalidConfiguration,
            rustls::Error::HandshakeNotComplete => Code::InvalidState,
            // What is left is the system's (time, randomness) or a rule of ours that broke.
            _ => Code::Bug,
        };
        Self::with_detail(code, words::of_error(&error))
    }
}

/// The code for what a verifier found; the finer cases are told apart by webpki's own error.
pub(crate) fn code_of_certificate(reason: &CertificateError) -> Code {
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Code::TlsCertificateExpired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Code::TlsCertificateNotYetValid,
        CertificateError::Revoked => Code::TlsCertificateRevoked,
        CertificateError::UnknownIssuer => Code::TlsUnknownCa,
        CertificateError::UnknownRevocationStatus => Code::TlsRevocationUnknown,
        CertificateError::ExpiredRevocationList | CertificateError::ExpiredRevocationListContext { .. } => {
            Code::TlsCrlExpired
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Code::TlsWrongHost,
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => Code::TlsWrongPurpose,
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => Code::TlsWeakSignature,
        CertificateError::InvalidOcspResponse => Code::TlsOcspInvalid,
        CertificateError::Other(other) => match other.0.downcast_ref::<webpki::Error>() {
            Some(webpki::Error::NameConstraintViolation) => Code::TlsNameConstraints,
            _ => Code::TlsBadCertificate,
        },
        _ => Code::TlsBadCertificate,
    }
}

fn code_of_incompatibility(reason: &PeerIncompatible) -> Code {
    match reason {
        PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled
        | PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
        | PeerIncompatible::SupportedVersionsExtensionRequired => Code::TlsNoSharedVersion,
        PeerIncompatible::NoCipherSuitesInCommon
        | PeerIncompatible::NoKxGroupsInCommon
        | PeerIncompatible::NoSignatureSchemesInCommon
        | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon
        | PeerIncompatible::NoEcPointFormatsInCommon
        | PeerIncompatible::UncompressedEcPointsRequired
        | PeerIncompatible::EcPointsExtensionRequired
        | PeerIncompatible::KeyShareExtensionRequired
        | PeerIncompatible::NamedGroupsExtensionRequired
        | PeerIncompatible::SignatureAlgorithmsExtensionRequired => Code::TlsNoSharedSuite,
        _ => Code::TlsInvalidMessage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_network_are_escaped_and_cut() {
        let error = TlsError::with_detail(Code::TlsWrongHost, "a\r\n\u{202e}b");
        assert_eq!(error.detail(), Some("a\\r\\n\\u{202e}b"));
        let error = TlsError::with_detail(Code::TlsWrongHost, "\u{1}".repeat(10_000));
        let detail = error.detail().expect("it has words");
        assert!(detail.len() <= DETAIL_LIMIT && detail.ends_with("..."), "{detail}");
        let exact = "x".repeat(DETAIL_LIMIT - 3);
        assert_eq!(TlsError::with_detail(Code::Bug, &exact).detail(), Some(exact.as_str()));
    }

    #[test]
    fn a_received_alert_says_its_name() {
        let error = TlsError::from(rustls::Error::AlertReceived(AlertDescription::UnknownCA));
        assert_eq!((error.code, error.alert), (Code::TlsAlertReceived, Some("unknown_ca")));
        assert!(error.to_string().ends_with("(unknown_ca)"), "{error}");
    }
}
