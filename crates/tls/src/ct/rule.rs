//! The rule: whether the timestamps of a certificate are enough.

use pki_types::CertificateDer;

use super::log::{self, CtLogs, Entry};
use super::{CT_TIMESTAMPS_LIMIT, CtShortfall, CtSource, CtStatus, CtTimestamp, CtVerdict, list};
use crate::certificate;
use crate::x509::{Issuer, Parts};

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
    let valid: Vec<&CtTimestamp> = found.iter().filter(|each| each.status.counts()).collect();
    too_few(&valid, wanted).or_else(|| {
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
