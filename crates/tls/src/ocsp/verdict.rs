//! What a response comes to.

use std::fmt;

use x509_cert::der::DateTime;

/// What the OCSP response about a certificate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OcspVerdict {
    /// The certificate was not revoked at `this_update`.
    Good(OcspTimes),
    /// The certificate is revoked.
    Revoked(Revocation),
    /// There was no response.
    Absent,
    /// There was one that says nothing.
    Invalid(OcspFault),
}

/// The times of a response, in seconds since 1970 (RFC 6960 §2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OcspTimes {
    /// When the status was known to be so.
    pub this_update: u64,
    /// When newer information is to be had.
    pub next_update: Option<u64>,
    /// When the response was signed.
    pub produced_at: u64,
}

/// A revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// When, in seconds since 1970.
    pub at: u64,
    /// Why, as RFC 5280 §5.3.1 names it: `keyCompromise`, `superseded`.
    pub reason: Option<&'static str>,
}

impl Revocation {
    /// Whether it cannot be taken back; a certificate on hold can.
    pub(crate) fn is_final(&self) -> bool {
        self.reason != Some(ON_HOLD)
    }
}

impl fmt::Display for Revocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("revoked")?;
        if let Ok(at) = DateTime::from_unix_duration(std::time::Duration::from_secs(self.at)) {
            write!(f, " since {at}")?;
        }
        match self.reason {
            Some(reason) => write!(f, ", {reason}"),
            None => Ok(()),
        }
    }
}

pub(super) const ON_HOLD: &str = "certificateHold";

/// Why a response says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OcspFault {
    /// It is longer than [`crate::OCSP_RESPONSE_LIMIT`].
    TooLong,
    /// It is not the DER of RFC 6960 §4.2.1.
    Malformed,
    /// The responder answers with an error (`responseStatus`), by its name.
    Refused(&'static str),
    /// It is of another type than `id-pkix-ocsp-basic`.
    OtherType,
    /// It has a critical extension that is not known here.
    CriticalExtension,
    /// It is about other certificates, or about one of another CA.
    OtherCertificate,
    /// It answers twice for the certificate.
    Duplicate,
    /// The responder does not know the certificate.
    UnknownCertificate,
    /// It is dated in the future.
    FromTheFuture,
    /// It is past its nextUpdate.
    Stale,
    /// Its nextUpdate is before its thisUpdate.
    EndsBeforeItBegins,
    /// It answers another request.
    WrongNonce,
    /// Who signed it is neither the issuer nor among the certificates that came with it.
    UnknownSigner,
    /// Its signature is wrong.
    WrongSignature,
    /// Its signature is of a kind that is not trusted.
    WeakSignature,
    /// The responder's certificate was not issued by the certificate's issuer.
    SignerOfOtherCa,
    /// The responder's certificate is not for signing OCSP responses (`id-kp-OCSPSigning`).
    SignerNotForOcsp,
    /// The responder's certificate has expired or is not valid yet.
    SignerNotValid,
    /// The responder's certificate has been revoked, or a CRL that should say so is stale.
    SignerRevoked,
    /// The responder's certificate cannot be used for another reason.
    BadSigner,
    /// Who issued the certificate cannot be told, so nothing can be held against it.
    NoIssuer,
}

impl OcspFault {
    /// In words that follow "the OCSP response".
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "is too long",
            Self::Malformed => "is malformed",
            Self::Refused(_) => "is an error of the responder",
            Self::OtherType => "is of an unknown type",
            Self::CriticalExtension => "has an unknown critical extension",
            Self::OtherCertificate => "is about another certificate",
            Self::Duplicate => "answers twice for the certificate",
            Self::UnknownCertificate => "says that the responder does not know the certificate",
            Self::FromTheFuture => "is dated in the future",
            Self::Stale => "is past its nextUpdate",
            Self::EndsBeforeItBegins => "has a nextUpdate before its thisUpdate",
            Self::WrongNonce => "answers another request (nonce)",
            Self::UnknownSigner => "is signed by nobody that is known",
            Self::WrongSignature => "has a wrong signature",
            Self::WeakSignature => "is signed in a way that is not trusted",
            Self::SignerOfOtherCa => "is signed by a responder of another CA",
            Self::SignerNotForOcsp => "is signed with a certificate that is not for OCSP",
            Self::SignerNotValid => "is signed with a certificate that has expired or is not valid yet",
            Self::SignerRevoked => "is signed with a certificate that is revoked or whose CRL is stale",
            Self::BadSigner => "is signed with a certificate that cannot be used",
            Self::NoIssuer => "cannot be judged without the certificate's issuer",
        }
    }
}

impl fmt::Display for OcspFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(status) => write!(f, "{} ({status})", self.as_str()),
            _ => f.write_str(self.as_str()),
        }
    }
}
