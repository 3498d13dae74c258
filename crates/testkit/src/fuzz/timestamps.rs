//! A certificate with timestamps of logs.

use std::sync::OnceLock;

use millrace_tls::{CT_TIMESTAMPS_LIMIT, CtLog, CtLogState, CtLogs, CtStatus, verify_timestamps};

use crate::fuzz::{choices, parts};
use crate::pki::NOW;
use crate::pki::ct::Log;

/// A log whose key nobody has.
fn unreachable() -> CtLog {
    static LOG: OnceLock<CtLog> = OnceLock::new();
    LOG.get_or_init(|| Log::new("a").listed(CtLogState::Usable)).clone()
}

/// Nobody without a log's key makes its timestamps; what is satisfied by one key is not satisfied; no more are looked at
/// than the limit.
///
/// The input is a certificate, its issuer's, and the key of a log, the first two behind their lengths (2 bytes).
///
/// # Panics
/// When an invariant is broken.
pub fn timestamps(data: &[u8]) {
    let Some((late, _, input)) = choices(data) else { return };
    let now = NOW + u64::from(late) * 3600;
    let Some((certificate, issuer, key)) = parts(input) else {
        return;
    };
    let listed = CtLog {
        key: key.to_vec(),
        operator: "b".to_owned(),
        state: CtLogState::Usable,
    };
    let logs =
        CtLogs::new([unreachable(), listed]).unwrap_or_else(|_| CtLogs::new([unreachable()]).expect("a good key"));
    let Ok(verdict) = verify_timestamps(certificate, issuer, &logs, now) else {
        return;
    };
    assert!(verdict.timestamps.len() <= CT_TIMESTAMPS_LIMIT);
    assert!(
        verdict.shortfall.is_some(),
        "two operators, of whom one has given nothing"
    );
    for each in &verdict.timestamps {
        let ours = each.operator.as_deref() == Some("a");
        assert!(!(ours && each.status == CtStatus::Valid), "somebody has our key");
        assert_eq!(each.operator.is_none(), each.status == CtStatus::UnknownLog);
    }
}
