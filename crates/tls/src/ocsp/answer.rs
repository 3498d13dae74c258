//! What a response says about one certificate (RFC 6960 §4.2.1).

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use x509_cert::der::Encode;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix::CrlReason;
use x509_ocsp::{CertId, CertStatus, SingleResponse};

use super::response::{extension, seconds};
use super::verdict::{ON_HOLD, OcspFault, Revocation};
use super::{About, CLOCK_SKEW_S};
use crate::x509::{self, Issuer};

/// The SignedCertificateTimestampList of an answer (RFC 6962 §3.3).
pub(super) const SCTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.4.5");
/// id-sha1 (RFC 3279 §2.1).
pub(super) const SHA1_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
/// id-sha256 (RFC 5754 §2).
pub(super) const SHA256_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// What is said about one certificate.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: Status,
    pub(super) this_update: u64,
    pub(super) next_update: Option<u64>,
    pub(super) scts: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Good,
    Revoked(Revocation),
    Unknown,
}

impl Answer {
    pub(super) fn new(single: &SingleResponse) -> Result<Self, OcspFault> {
        let answer = Self {
            status: match &single.cert_status {
                CertStatus::Good(_) => Status::Good,
                CertStatus::Revoked(info) => Status::Revoked(Revocation {
                    at: seconds(info.revocation_time),
                    reason: info.revocation_reason.map(reason),
                }),
                CertStatus::Unknown(_) => Status::Unknown,
            },
            this_update: seconds(single.this_update),
            next_update: single.next_update.map(seconds),
            scts: extension(single.single_extensions.as_ref(), SCTS).map(<[u8]>::to_vec),
        };
        match answer.next_update {
            Some(next) if next < answer.this_update => Err(OcspFault::EndsBeforeItBegins),
            _ => Ok(answer),
        }
    }

    pub(super) fn has_begun(&self, now: u64) -> Result<(), OcspFault> {
        match self.this_update > now.saturating_add(CLOCK_SKEW_S) {
            true => Err(OcspFault::FromTheFuture),
            false => Ok(()),
        }
    }

    pub(super) fn is_current(&self, now: u64) -> Result<(), OcspFault> {
        self.has_begun(now)?;
        let until = self.next_update.unwrap_or(self.this_update);
        match now > until.saturating_add(CLOCK_SKEW_S) {
            true => Err(OcspFault::Stale),
            false => Ok(()),
        }
    }
}

/// Whether a CertID (RFC 6960 §4.1.1) is this certificate's.
pub(super) fn is_about(id: &CertId, about: About<'_>) -> bool {
    let algorithm = match id.hash_algorithm.oid {
        SHA1_OID => &SHA1_FOR_LEGACY_USE_ONLY,
        SHA256_OID => &SHA256,
        _ => return false,
    };
    // RFC 5754 §2: absent, or NULL.
    if id.hash_algorithm.parameters.as_ref().is_some_and(|any| !any.is_null()) {
        return false;
    }
    let Issuer { name, spki } = about.issuer;
    let Some(key) = x509::key_of(spki) else { return false };
    id.issuer_name_hash.as_bytes() == digest::digest(algorithm, name).as_ref()
        && id.issuer_key_hash.as_bytes() == digest::digest(algorithm, key).as_ref()
        && id
            .serial_number
            .to_der()
            .is_ok_and(|serial| serial == about.certificate.serial)
}

/// RFC 5280 §5.3.1.
const fn reason(reason: CrlReason) -> &'static str {
    match reason {
        CrlReason::Unspecified => "unspecified",
        CrlReason::KeyCompromise => "keyCompromise",
        CrlReason::CaCompromise => "cACompromise",
        CrlReason::AffiliationChanged => "affiliationChanged",
        CrlReason::Superseded => "superseded",
        CrlReason::CessationOfOperation => "cessationOfOperation",
        CrlReason::CertificateHold => ON_HOLD,
        CrlReason::RemoveFromCRL => "removeFromCRL",
        CrlReason::PrivilegeWithdrawn => "privilegeWithdrawn",
        CrlReason::AaCompromise => "aACompromise",
    }
}
