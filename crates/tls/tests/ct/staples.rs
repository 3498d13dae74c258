//! Timestamps that come in a stapled OCSP response.

use crate::scene::{SEEN_MS, in_states, judged_with, logged, logs, too_few, usable, verdict_of, wish};
use crate::support::{ca, leaf};
use millrace_testkit::pki::ct::{IN_OCSP, Stamp, extension_value};
use millrace_testkit::pki::der::extension;
use millrace_testkit::pki::ocsp::{Answer, Response};
use millrace_testkit::pki::{Leaf, NOW};
use millrace_tls::{CtLogState, CtLogs, CtShortfall, CtSource, OcspPolicy};

/// A staple for a certificate with timestamps of these logs.
fn staple(leaf: &Leaf, by: &[usize]) -> Vec<u8> {
    let stamp = |log: &usize| logs()[*log].stamp_certificate(&leaf.certificate, &Stamp::at(SEEN_MS));
    staple_with(leaf, &extension_value(&by.iter().map(stamp).collect::<Vec<_>>()))
}

fn staple_with(leaf: &Leaf, value: &[u8]) -> Vec<u8> {
    let answer = Answer {
        extensions: vec![extension(IN_OCSP, false, value)],
        ..Answer::good(&leaf.certificate, ca().certificate())
    };
    Response::with(vec![answer]).signed_by(ca())
}

#[test]
fn timestamps_in_a_good_staple_suffice_by_themselves() {
    use CtLogState::{Retired, Usable};
    let plain = leaf();
    let judged = |by: &[usize], logs: CtLogs| {
        verdict_of(&judged_with(plain, Some(staple(plain, by)), |options| {
            options.ct_logs = logs
        }))
    };
    let good = judged(&[0, 2], usable());
    assert_eq!(good.shortfall, None);
    assert!(good.timestamps.iter().all(|each| each.source == CtSource::Ocsp));
    assert_eq!(judged(&[0, 1], usable()).shortfall, Some(CtShortfall::OneOperator));
    assert_eq!(judged(&[0], usable()).shortfall, too_few(1, 2));
    let retired = in_states([Usable, Usable, Retired { at: NOW }, Usable]);
    assert_eq!(
        judged(&[0, 2], retired).shortfall,
        too_few(1, 2),
        "made now, so by logs of now"
    );

    // The two sources are not added up, and the certificate's own shortfall is told.
    let half = logged(&wish(), &[0]);
    let both = |leaf: &Leaf, by: &[usize]| verdict_of(&judged_with(leaf, Some(staple(leaf, by)), |_| {}));
    assert_eq!(both(&half, &[2]).shortfall, too_few(1, 2));
    assert_eq!(both(&half, &[2]).timestamps.len(), 2);
    assert_eq!(both(&half, &[2, 0]).shortfall, None);
    let malformed = staple_with(plain, b"?");
    assert_eq!(
        verdict_of(&judged_with(plain, Some(malformed), |_| {})).shortfall,
        Some(CtShortfall::Malformed)
    );

    // A staple that does not count brings nothing, and one that is not looked at neither.
    let mut broken = staple(plain, &[0, 2]);
    let last = broken.len() - 1;
    broken[last] ^= 1;
    assert_eq!(
        verdict_of(&judged_with(plain, Some(broken), |_| {})).shortfall,
        Some(CtShortfall::None)
    );
    let off = judged_with(plain, Some(staple(plain, &[0, 2])), |options| {
        options.ocsp = OcspPolicy::Off;
    });
    assert_eq!(verdict_of(&off).shortfall, Some(CtShortfall::None));
}
