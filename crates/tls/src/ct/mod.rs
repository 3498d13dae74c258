//! Certificate Transparency (RFC 6962): whether a certificate was shown to logs that are known.
//!
//! # Theory of operation
//!
//! A log that takes a certificate signs a promise to publish it, the signed certificate timestamp (SCT). Those inside
//! the certificate ([`CtSource::Embedded`]) were given for a precertificate, whose signed bytes are the certificate's
//! without the extension that holds them; those in an OCSP response ([`CtSource::Ocsp`]) for the certificate itself.
//! Each is verified on its own ([`CtStatus`]), then the rule is applied to each source, and one of them has to suffice:
//!
//! - embedded: timestamps of 2 logs, or of 3 when the certificate is valid for more than 180 days; from at least 2
//!   operators; one of the logs is qualified, usable or read-only now, and the others may have been retired after their
//!   timestamp;
//! - in the OCSP response: timestamps of 2 logs from 2 operators, all of them qualified, usable or read-only now.
//!
//! This is the policy of Chrome. The list of logs is the caller's: one that is old makes newer logs unknown.
//!
//! Where this differs from the RFC:
//!
//! | RFC 6962 says | we do | because |
//! | --- | --- | --- |
//! | §3.3: also a TLS extension brings timestamps | it is not asked for | rustls 0.23 neither sends it nor hands it out |
//! | §5.2: a client rejects a timestamp in the future | so do we, to the second and without allowance for clocks | a log never needs one |
//! | §3.2: another version of a timestamp is to be passed over | so do we, and a list with anything else wrong in it does not count at all | what cannot be read says nothing about the rest |
//! | §2.1.4: P-256, or RSA of 2048 bits and more | so do we; a log with another key cannot be listed | |

mod list;
mod log;
mod sct;

use std::sync::Arc;

use pki_types::CertificateDer;

pub use log::{CtLog, CtLogState, CtLogs};

use crate::x509::{self, Issuer, Parts};
use crate::{TlsError, certificate};
use log::Entry;

/// What a client makes of a certificate's timestamps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CtPolicy {
    /// They are not looked at.
    #[default]
    Off,
    /// What they come to is in the facts, and too few are an [`authorization_error`](crate::TlsFacts::authorization_error).
    Report,
    /// A certificate with too few is refused.
    Require,
}

/// What the timestamps of a certificate come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CtVerdict {
    /// Those that could be read, at most [`CT_TIMESTAMPS_LIMIT`] of each source.
    pub timestamps: Vec<CtTimestamp>,
    /// What is missing to satisfy the rule.
    pub shortfall: Option<CtShortfall>,
}

/// A timestamp and what it is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CtTimestamp {
    /// Where it came from.
    pub source: CtSource,
    /// Whose it is: the SHA-256 of the log's key.
    pub log_id: [u8; 32],
    /// Who runs the log, when it is known.
    pub operator: Option<Arc<str>>,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Whether it counts.
    pub status: CtStatus,
}

/// Where a timestamp came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CtSource {
    /// The certificate.
    Embedded,
    /// The stapled OCSP response, when it is good.
    Ocsp,
}

/// Whether a timestamp counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CtStatus {
    /// It does.
    Valid,
    /// It does; its log has been retired since.
    ValidThenRetired,
    /// The log is not in the list.
    UnknownLog,
    /// The log is pending, rejected, or was retired before the timestamp.
    LogNotUsable,
    /// It is later than now.
    FromTheFuture,
    /// The log has not signed it, or not for this certificate.
    WrongSignature,
}

/// What is missing to satisfy the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CtShortfall {
    /// The certificate has no timestamps, nor has the response.
    None,
    /// The list of timestamps, or the certificate around it, cannot be read.
    Malformed,
    /// Who issued the certificate cannot be told, to whom the timestamps are bound.
    NoIssuer,
    /// Timestamps of too few logs count.
    TooFew {
        /// How many do.
        valid: usize,
        /// How many have to.
        wanted: usize,
    },
    /// All logs whose timestamps count have one operator.
    OneOperator,
    /// All logs whose timestamps count have been retired since.
    AllRetired,
}

impl std::fmt::Display for CtShortfall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("it has no timestamps"),
            Self::Malformed => f.write_str("its timestamps are malformed"),
            Self::NoIssuer => f.write_str("its timestamps cannot be judged without its issuer"),
            Self::TooFew { valid, wanted } => {
                write!(f, "timestamps of {valid} known logs count, expected {wanted}")
            }
            Self::OneOperator => f.write_str("the logs of its timestamps have one operator, expected two"),
            Self::AllRetired => f.write_str("the logs of its timestamps have all been retired"),
        }
    }
}

/// How many timestamps of one source are looked at; certificates have 2 to 5, and each costs a signature.
pub const CT_TIMESTAMPS_LIMIT: usize = 16;

/// 1.3.6.1.4.1.11129.2.4.2 (RFC 6962 §3.3).
const EMBEDDED: &[u8] = &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 2];

/// The longest lifetime, in seconds, for which timestamps of two logs suffice.
const SHORT_LIVED_S: u64 = 180 * 86_400;

/// Judges a certificate by the timestamps in it and by those of a good OCSP response (the extension's value).
pub(crate) fn judge(
    certificate: &CertificateDer<'_>,
    parts: &Parts<'_>,
    issuer: Option<&Issuer>,
    from_ocsp: Option<&[u8]>,
    logs: &CtLogs,
    now: u64,
) -> CtVerdict {
    let mut timestamps = Vec::new();
    let embedded = judge_embedded(certificate, parts, issuer, logs, now, &mut timestamps);
    let shortfall = embedded.and_then(|missing| match from_ocsp {
        None => Some(missing),
        Some(value) => {
            let entry = Entry::Certificate(certificate);
            let found = judge_list(value, CtSource::Ocsp, &entry, logs, now, &mut timestamps);
            let by_ocsp = match found {
                Some(found) => delivered(found),
                None => Some(CtShortfall::Malformed),
            };
            match (missing, by_ocsp) {
                (_, None) => None,
                (CtShortfall::None, by_ocsp) => by_ocsp,
                (missing, _) => Some(missing),
            }
        }
    });
    CtVerdict { timestamps, shortfall }
}

/// Judges the timestamps in a certificate, all in DER; `now` in seconds since 1970.
///
/// # Errors
/// [`millrace_error::Code::TlsInvalidConfiguration`]: a certificate that is malformed, or was not issued by `issuer`.
pub fn verify_timestamps(certificate: &[u8], issuer: &[u8], logs: &CtLogs, now: u64) -> Result<CtVerdict, TlsError> {
    let (parts, issuer) = x509::pair(certificate, issuer)?;
    let certificate = CertificateDer::from(certificate);
    Ok(judge(&certificate, &parts, Some(&issuer), None, logs, now))
}

fn judge_embedded(
    certificate: &CertificateDer<'_>,
    parts: &Parts<'_>,
    issuer: Option<&Issuer>,
    logs: &CtLogs,
    now: u64,
    timestamps: &mut Vec<CtTimestamp>,
) -> Option<CtShortfall> {
    let value = match parts.extension(EMBEDDED) {
        Ok(Some(value)) => value,
        Ok(None) => return Some(CtShortfall::None),
        Err(_) => return Some(CtShortfall::Malformed),
    };
    let Some(issuer) = issuer else {
        return Some(CtShortfall::NoIssuer);
    };
    let (Some(tbs), Some((from, until))) = (parts.tbs_without(EMBEDDED), certificate::validity(certificate)) else {
        return Some(CtShortfall::Malformed);
    };
    let entry = Entry::Precertificate {
        issuer: log::sha256(&issuer.spki),
        tbs: &tbs,
    };
    let Some(found) = judge_list(value, CtSource::Embedded, &entry, logs, now, timestamps) else {
        return Some(CtShortfall::Malformed);
    };
    let wanted = match until.saturating_sub(from) > SHORT_LIVED_S {
        true => 3,
        false => 2,
    };
    let count = |found: &[&CtTimestamp]| too_few(found, wanted);
    let valid: Vec<&CtTimestamp> = found.iter().filter(|each| each.status.counts()).collect();
    count(&valid).or_else(|| {
        let retired = valid.iter().all(|each| each.status == CtStatus::ValidThenRetired);
        retired.then_some(CtShortfall::AllRetired)
    })
}

/// The rule for what an OCSP response brings.
fn delivered(found: &[CtTimestamp]) -> Option<CtShortfall> {
    let valid: Vec<&CtTimestamp> = found.iter().filter(|each| each.status == CtStatus::Valid).collect();
    too_few(&valid, 2)
}

/// Whether there are so many logs, and two operators.
fn too_few(valid: &[&CtTimestamp], wanted: usize) -> Option<CtShortfall> {
    let is_first =
        |(index, each): &(usize, &&CtTimestamp)| valid.iter().take(*index).all(|earlier| earlier.log_id != each.log_id);
    let logs = valid.iter().enumerate().filter(is_first).count();
    if logs < wanted {
        return Some(CtShortfall::TooFew { valid: logs, wanted });
    }
    let operator = valid.first().and_then(|first| first.operator.as_deref());
    let one = valid.iter().all(|each| each.operator.as_deref() == operator);
    one.then_some(CtShortfall::OneOperator)
}

impl CtStatus {
    const fn counts(self) -> bool {
        matches!(self, Self::Valid | Self::ValidThenRetired)
    }
}

/// Verifies each timestamp of an extension's value, and gives those that it added.
fn judge_list<'a>(
    value: &[u8],
    source: CtSource,
    entry: &Entry<'_>,
    logs: &CtLogs,
    now: u64,
    timestamps: &'a mut Vec<CtTimestamp>,
) -> Option<&'a [CtTimestamp]> {
    let before = timestamps.len();
    let scts = list::scts(list::inside_octets(value)?)?;
    for sct in scts.iter().take(CT_TIMESTAMPS_LIMIT) {
        let (operator, status) = logs.judge(sct, entry, now);
        timestamps.push(CtTimestamp {
            source,
            log_id: *sct.log_id,
            operator,
            at_ms: sct.at_ms,
            status,
        });
    }
    timestamps.get(before..)
}
