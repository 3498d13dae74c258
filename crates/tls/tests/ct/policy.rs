//! What a client makes of a shortfall, and the logs that it can work with.

use crate::scene::{SEEN_MS, judged_with, logged, logs, usable, verdict_of, wish};
use crate::support::{self, ca, client, established, leaf};
use millrace_error::Code;
use millrace_testkit::pki::ct::{self, Stamp};
use millrace_testkit::pki::{Authority, Leaf, der};
use millrace_tls::{ClientOptions, CtLog, CtLogState, CtLogs, CtPolicy, CtShortfall, TlsEngine};
use std::sync::Arc;

#[test]
fn the_policy_decides_whether_a_shortfall_refuses_is_reported_or_is_not_looked_for() {
    let judged = |leaf: &Leaf, policy| judged_with(leaf, None, |options| options.ct = policy);
    let good = logged(&wish(), &[0, 2]);
    for policy in [CtPolicy::Off, CtPolicy::Report, CtPolicy::Require] {
        let facts = judged(&good, policy).client.session.facts().expect("established");
        assert_eq!(facts.ct.is_none(), policy == CtPolicy::Off);
        assert_eq!(facts.authorization_error, None);
    }
    assert!(established(&judged(leaf(), CtPolicy::Off)));
    let reported = judged(leaf(), CtPolicy::Report)
        .client
        .session
        .facts()
        .expect("established");
    assert_eq!(reported.authorization_error.expect("reported").code, Code::TlsCtMissing);

    let refused = judged(&logged(&wish(), &[0]), CtPolicy::Require);
    let error = refused.client.error.expect("refused");
    assert_eq!(error.code, Code::TlsCtMissing);
    let detail = error.detail().expect("facts");
    assert!(detail.contains("CN=server.test") && detail.contains("timestamps of 1 known logs count, expected 2"));
    assert_eq!(
        refused.server.error.and_then(|error| error.alert),
        Some("access_denied")
    );

    let any = judged_with(leaf(), None, |options| {
        options.ct = CtPolicy::Require;
        options.dangerously_accept_any_certificate = true;
    });
    let facts = any.client.session.facts().expect("let pass");
    assert_eq!(facts.authorization_error.expect("reported").code, Code::TlsCtMissing);
    let unknown = Authority::new("another CA").issue_logged(&wish(), |tbs| {
        vec![logs()[0].stamp_precertificate(tbs, ca().certificate(), &Stamp::at(SEEN_MS))]
    });
    let any = judged_with(&unknown, None, |options| {
        options.dangerously_accept_any_certificate = true
    });
    assert_eq!(verdict_of(&any).shortfall, Some(CtShortfall::NoIssuer));
}

#[test]
fn a_list_of_logs_that_cannot_work_is_refused() {
    let keys: Vec<CtLog> = logs().iter().map(|log| log.listed(CtLogState::Usable)).collect();
    assert_eq!(CtLogs::new(keys.clone()).expect("good").len(), 4);
    let with = |key: Vec<u8>| CtLog {
        key,
        operator: "evil\r\n".to_owned(),
        state: CtLogState::Usable,
    };
    let ed25519 = der::sequence(&[der::algorithm(&[1, 3, 101, 112], false), der::bits(&[1; 32])]);
    for key in [Vec::new(), b"text".to_vec(), keys[0].key[..80].to_vec(), ed25519] {
        let error = CtLogs::new([with(key)]).expect_err("no key of a log");
        assert_eq!(error.code, Code::TlsInvalidConfiguration);
        assert!(error.to_string().contains("evil\\r\\n"), "{error}");
    }
    assert!(CtLogs::new([keys[0].clone(), keys[0].clone()]).is_err(), "twice");
    for policy in [CtPolicy::Report, CtPolicy::Require] {
        let mut options = ClientOptions::new(support::trust());
        options.ct = policy;
        assert!(CtLogs::default().is_empty());
        let error = millrace_tls::ClientContext::new(options).expect_err("no logs");
        assert_eq!(error.code, Code::TlsInvalidConfiguration);
    }
    let _: Arc<_> = client(|options| options.ct_logs = usable());
    assert_eq!(ct::list(&[]), [0, 0]);
}
