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
mod rule;
mod sct;

use std::sync::Arc;

use pki_types::CertificateDer;

pub use log::{CtLog, CtLogState, CtLogs};

pub(crate) use rule::judge;

use crate::{TlsError, x509};

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

/// Judges the timestamps in a certificate, all in DER; `now` in seconds since 1970.
///
/// # Errors
/// [`millrace_error::Code::TlsInvalidConfiguration`]: a certificate that is malformed, or was not issued by `issuer`.
pub fn verify_timestamps(certificate: &[u8], issuer: &[u8], logs: &CtLogs, now: u64) -> Result<CtVerdict, TlsError> {
    let (parts, issuer) = x509::pair(certificate, issuer)?;
    let certificate = CertificateDer::from(certificate);
    Ok(judge(&certificate, &parts, Some(&issuer), None, logs, now))
}
