//! Logs, certificates with their timestamps, and what a client says of them.

use crate::support::{ca, client, link};
use millrace_testkit::contexts::{NAME, identity, server_with};
use millrace_testkit::pki::ct::{Log, Stamp};
use millrace_testkit::pki::{Leaf, NOW, Wish};
use millrace_testkit::tls::Link;
use millrace_tls::{
    ClientOptions, CtLogState, CtLogs, CtPolicy, CtShortfall, CtStatus, CtVerdict, TlsEngine, TlsSession,
};
use std::sync::OnceLock;

/// When the logs saw the certificates, in milliseconds.
pub const SEEN_MS: u64 = (NOW - 3600) * 1000;

/// Logs of the operators a, a, b, c; the last one with RSA.
pub fn logs() -> &'static [Log; 4] {
    static LOGS: OnceLock<[Log; 4]> = OnceLock::new();
    LOGS.get_or_init(|| [Log::new("a"), Log::new("a"), Log::new("b"), Log::with_rsa("c")])
}

pub fn usable() -> CtLogs {
    in_states([CtLogState::Usable; 4])
}

pub fn in_states(states: [CtLogState; 4]) -> CtLogs {
    let listed = logs().iter().zip(states).map(|(log, state)| log.listed(state));
    CtLogs::new(listed).expect("good keys")
}

/// A certificate with timestamps of these logs.
pub fn logged_as(wish: &Wish, stamps: &[(usize, Stamp)]) -> Leaf {
    ca().issue_logged(wish, |tbs| {
        let stamp = |(log, stamp): &(usize, Stamp)| logs()[*log].stamp_precertificate(tbs, ca().certificate(), stamp);
        stamps.iter().map(stamp).collect()
    })
}

pub fn logged(wish: &Wish, by: &[usize]) -> Leaf {
    let stamps: Vec<_> = by.iter().map(|log| (*log, Stamp::at(SEEN_MS))).collect();
    logged_as(wish, &stamps)
}

pub fn wish() -> Wish {
    Wish::new(&[NAME])
}

pub fn judged_with(leaf: &Leaf, staple: Option<Vec<u8>>, change: impl FnOnce(&mut ClientOptions)) -> Link<TlsSession> {
    let server = server_with(vec![identity(leaf).with_ocsp(staple)], |_| {});
    let client = client(|options| {
        options.ct = CtPolicy::Report;
        options.ct_logs = usable();
        change(options);
    });
    link(&client, &server)
}

pub fn verdict_of(link: &Link<TlsSession>) -> CtVerdict {
    let facts = link.client.session.facts();
    let facts = facts.unwrap_or_else(|| panic!("refused: {:?}", link.client.error));
    facts.ct.expect("a verdict")
}

pub fn verdict(leaf: &Leaf) -> CtVerdict {
    verdict_of(&judged_with(leaf, None, |_| {}))
}

pub fn verdict_by(leaf: &Leaf, logs: CtLogs) -> CtVerdict {
    verdict_of(&judged_with(leaf, None, |options| options.ct_logs = logs))
}

pub fn statuses(verdict: &CtVerdict) -> Vec<CtStatus> {
    verdict.timestamps.iter().map(|each| each.status).collect()
}

pub const fn too_few(valid: usize, wanted: usize) -> Option<CtShortfall> {
    Some(CtShortfall::TooFew { valid, wanted })
}

pub fn with_key(wish: &Wish, leaf: &Leaf) -> Wish {
    Wish {
        key: Some(leaf.key.clone()),
        ..wish.clone()
    }
}
