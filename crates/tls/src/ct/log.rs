//! The logs that are known, and what their timestamps are worth.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use pki_types::alg_id;
use x509_cert::der::Tag;

use super::CtStatus;
use super::sct::Sct;
use crate::der::Items;
use crate::{TlsError, signature, x509};

/// A log, as a list of logs describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CtLog {
    /// Its key: SubjectPublicKeyInfo in DER, P-256 or RSA.
    pub key: Vec<u8>,
    /// Who runs it; two logs of one operator count as one where two operators are asked for.
    pub operator: String,
    /// What it is good for.
    pub state: CtLogState,
}

/// What a log is good for at the moment; the states of the lists that browsers keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CtLogState {
    /// It has applied; its timestamps do not count.
    Pending,
    /// It was accepted and will be usable.
    Qualified,
    /// Its timestamps count.
    Usable,
    /// It takes no more certificates; its timestamps count.
    ReadOnly,
    /// It was given up; its timestamps from before count, beside others.
    Retired {
        /// When, in seconds since 1970.
        at: u64,
    },
    /// It never was accepted, or did wrong; its timestamps do not count.
    Rejected,
}

/// The logs that are known. Immutable and shared.
#[derive(Clone, Debug, Default)]
pub struct CtLogs(Arc<HashMap<[u8; 32], Known>>);

#[derive(Debug)]
struct Known {
    key: Vec<u8>,
    is_rsa: bool,
    operator: Arc<str>,
    state: CtLogState,
}

/// What a log has signed for (RFC 6962 §3.2).
pub(super) enum Entry<'a> {
    /// The certificate itself.
    Certificate(&'a [u8]),
    /// A precertificate: who will issue it (SHA-256 of the key), and its signed bytes without the poison.
    Precertificate { issuer: [u8; 32], tbs: &'a [u8] },
}

impl CtLogs {
    /// Reads a list.
    ///
    /// # Errors
    /// A key that is not one a log may have (RFC 6962 §2.1.4), or one that stands there twice.
    pub fn new(logs: impl IntoIterator<Item = CtLog>) -> Result<Self, TlsError> {
        let mut known = HashMap::new();
        for log in logs {
            let CtLog { key, operator, state } = log;
            let refused = |why: &str| {
                let who = crate::error::bounded(&operator, 80);
                TlsError::configuration(format!("the key of a log of {who} {why}"))
            };
            let is_rsa =
                is_rsa(&key).ok_or_else(|| refused("is neither P-256 nor RSA as SubjectPublicKeyInfo in DER"))?;
            let id = sha256(&key);
            let operator_name = Arc::from(operator.as_str());
            let entry = Known {
                key,
                is_rsa,
                operator: operator_name,
                state,
            };
            if known.insert(id, entry).is_some() {
                return Err(refused("stands there twice"));
            }
        }
        Ok(Self(Arc::new(known)))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Who runs a timestamp's log, and whether the timestamp counts.
    pub(super) fn judge(&self, sct: &Sct<'_>, entry: &Entry<'_>, now: u64) -> (Option<Arc<str>>, CtStatus) {
        let Some(log) = self.0.get(sct.log_id) else {
            return (None, CtStatus::UnknownLog);
        };
        (Some(Arc::clone(&log.operator)), log.judge(sct, entry, now))
    }
}

impl Known {
    fn judge(&self, sct: &Sct<'_>, entry: &Entry<'_>, now: u64) -> CtStatus {
        let valid = match self.state {
            CtLogState::Qualified | CtLogState::Usable | CtLogState::ReadOnly => CtStatus::Valid,
            CtLogState::Retired { at } if sct.at_ms < at.saturating_mul(1000) => CtStatus::ValidThenRetired,
            CtLogState::Pending | CtLogState::Retired { .. } | CtLogState::Rejected => return CtStatus::LogNotUsable,
        };
        if sct.at_ms / 1000 > now {
            return CtStatus::FromTheFuture;
        }
        match self.has_signed(sct, entry) {
            true => valid,
            false => CtStatus::WrongSignature,
        }
    }

    fn has_signed(&self, sct: &Sct<'_>, entry: &Entry<'_>) -> bool {
        // hash sha256(4), signature ecdsa(3) or rsa(1), by the log's key.
        let (expected, algorithm) = match self.is_rsa {
            false => ([4, 3], ECDSA_SHA256),
            true => ([4, 1], RSA_SHA256),
        };
        let Some(message) = signed(sct, entry) else {
            return false;
        };
        sct.algorithm == expected && signature::verify(&self.key, algorithm, &message, sct.signature).is_ok()
    }
}

/// ecdsa-with-SHA256 (RFC 5758 §3.2), whole.
const ECDSA_SHA256: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
/// sha256WithRSAEncryption (RFC 4055 §5), whole.
const RSA_SHA256: &[u8] = &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b, 5, 0];

/// What a log signs.
///
/// ```text
/// digitally-signed struct {
///     Version sct_version;                          0
///     SignatureType signature_type;                 0, certificate_timestamp
///     uint64 timestamp;
///     LogEntryType entry_type;                      2 bytes: 0 x509_entry, 1 precert_entry
///     ASN.1Cert | issuer_key_hash[32], TBSCertificate   <1..2^24-1>
///     CtExtensions extensions;                      <0..2^16-1>
/// };
/// ```
fn signed(sct: &Sct<'_>, entry: &Entry<'_>) -> Option<Vec<u8>> {
    let (kind, issuer, bytes) = match entry {
        Entry::Certificate(bytes) => (0, &[][..], *bytes),
        Entry::Precertificate { issuer, tbs } => (1, &issuer[..], *tbs),
    };
    let length = u32::try_from(bytes.len()).ok()?.to_be_bytes();
    let [0, length @ ..] = length else { return None };
    let extensions = u16::try_from(sct.extensions.len()).ok()?.to_be_bytes();
    let time = sct.at_ms.to_be_bytes();
    Some(
        [
            &[0, 0][..],
            &time[..],
            &[0, kind][..],
            issuer,
            &length[..],
            bytes,
            &extensions[..],
            sct.extensions,
        ]
        .concat(),
    )
}

/// Which of the two kinds of key it is.
fn is_rsa(key: &[u8]) -> Option<bool> {
    let mut fields = Items::inside(key, Tag::Sequence)?;
    let algorithm = fields.take(Tag::Sequence)?.value;
    x509::key_of(key)?;
    if algorithm == alg_id::ECDSA_P256.as_ref() {
        Some(false)
    } else if algorithm == alg_id::RSA_ENCRYPTION.as_ref() {
        Some(true)
    } else {
        None
    }
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    // SHA-256 has 32 bytes.
    digest(&SHA256, bytes).as_ref().try_into().expect("32 bytes")
}
