//! Certificate Transparency: which timestamps count, and when they are enough.

mod support;

use std::sync::{Arc, OnceLock};

use millrace_error::Code;
use millrace_testkit::contexts::{NAME, identity, server_with};
use millrace_testkit::pki::ct::{self, EMBEDDED, IN_OCSP, Log, Stamp, extension_value, length, list};
use millrace_testkit::pki::der::{self, extension};
use millrace_testkit::pki::ocsp::{Answer, Response};
use millrace_testkit::pki::{Authority, DAY, Leaf, NOW, Wish};
use millrace_testkit::tls::Link;
use millrace_tls::{
    CT_TIMESTAMPS_LIMIT, ClientOptions, CtLog, CtLogState, CtLogs, CtPolicy, CtShortfall, CtSource, CtStatus,
    CtVerdict, Identity, TlsEngine, TlsSession,
};
use support::{ca, client, established, leaf, link};

/// When the logs saw the certificates, in milliseconds.
const SEEN_MS: u64 = (NOW - 3600) * 1000;

/// Logs of the operators a, a, b, c; the last one with RSA.
fn logs() -> &'static [Log; 4] {
    static LOGS: OnceLock<[Log; 4]> = OnceLock::new();
    LOGS.get_or_init(|| [Log::new("a"), Log::new("a"), Log::new("b"), Log::with_rsa("c")])
}

fn usable() -> CtLogs {
    in_states([CtLogState::Usable; 4])
}

fn in_states(states: [CtLogState; 4]) -> CtLogs {
    let listed = logs().iter().zip(states).map(|(log, state)| log.listed(state));
    CtLogs::new(listed).expect("good keys")
}

/// A certificate with timestamps of these logs.
fn logged_as(wish: &Wish, stamps: &[(usize, Stamp)]) -> Leaf {
    ca().issue_logged(wish, |tbs| {
        let stamp = |(log, stamp): &(usize, Stamp)| logs()[*log].stamp_precertificate(tbs, ca().certificate(), stamp);
        stamps.iter().map(stamp).collect()
    })
}

fn logged(wish: &Wish, by: &[usize]) -> Leaf {
    let stamps: Vec<_> = by.iter().map(|log| (*log, Stamp::at(SEEN_MS))).collect();
    logged_as(wish, &stamps)
}

fn wish() -> Wish {
    Wish::new(&[NAME])
}

fn judged_with(leaf: &Leaf, staple: Option<Vec<u8>>, change: impl FnOnce(&mut ClientOptions)) -> Link<TlsSession> {
    let server = server_with(vec![identity(leaf).with_ocsp(staple)], |_| {});
    let client = client(|options| {
        options.ct = CtPolicy::Report;
        options.ct_logs = usable();
        change(options);
    });
    link(&client, &server)
}

fn verdict_of(link: &Link<TlsSession>) -> CtVerdict {
    let facts = link.client.session.facts();
    let facts = facts.unwrap_or_else(|| panic!("refused: {:?}", link.client.error));
    facts.ct.expect("a verdict")
}

fn verdict(leaf: &Leaf) -> CtVerdict {
    verdict_of(&judged_with(leaf, None, |_| {}))
}

fn verdict_by(leaf: &Leaf, logs: CtLogs) -> CtVerdict {
    verdict_of(&judged_with(leaf, None, |options| options.ct_logs = logs))
}

fn statuses(verdict: &CtVerdict) -> Vec<CtStatus> {
    verdict.timestamps.iter().map(|each| each.status).collect()
}

const fn too_few(valid: usize, wanted: usize) -> Option<CtShortfall> {
    Some(CtShortfall::TooFew { valid, wanted })
}

#[test]
fn two_logs_of_two_operators_suffice_for_half_a_year_and_three_beyond() {
    let lasting = |days: u64, more: u64| Wish {
        not_before: NOW - DAY,
        not_after: NOW - DAY + days * DAY + more,
        ..wish()
    };
    let rows: &[(Wish, &[usize], Option<CtShortfall>)] = &[
        (wish(), &[0, 2], None),
        (wish(), &[3, 2], None),
        (wish(), &[0, 1, 2], None),
        (wish(), &[0, 1], Some(CtShortfall::OneOperator)),
        (wish(), &[0], too_few(1, 2)),
        (wish(), &[0, 0], too_few(1, 2)),
        (lasting(180, 0), &[0, 2], None),
        (lasting(180, 1), &[0, 2], too_few(2, 3)),
        (lasting(398, 0), &[0, 2, 2], too_few(2, 3)),
        (lasting(398, 0), &[0, 1, 2], None),
        (lasting(398, 0), &[0, 1, 2, 3], None),
    ];
    for (wish, by, shortfall) in rows {
        let verdict = verdict(&logged(wish, by));
        assert_eq!(verdict.shortfall, *shortfall, "{by:?}");
        assert!(statuses(&verdict).iter().all(|status| *status == CtStatus::Valid));
    }
    assert_eq!(verdict(leaf()).shortfall, Some(CtShortfall::None));
    assert_eq!(verdict(leaf()).timestamps, []);
}

#[test]
fn a_timestamp_says_whose_it_is_and_when() {
    let verdict = verdict(&logged(&wish(), &[0, 2]));
    let [first, second] = &verdict.timestamps[..] else {
        panic!("two timestamps")
    };
    assert_eq!((first.log_id, second.log_id), (logs()[0].id(), logs()[2].id()));
    assert_eq!(
        (first.operator.as_deref(), second.operator.as_deref()),
        (Some("a"), Some("b"))
    );
    assert_eq!((first.source, first.at_ms), (CtSource::Embedded, SEEN_MS));
}

#[test]
fn what_a_log_is_good_for_decides() {
    use CtLogState::{Pending, Qualified, ReadOnly, Rejected, Retired, Usable};
    let certificate = logged(&wish(), &[0, 2]);
    let before = Retired { at: SEEN_MS / 1000 };
    let after = Retired { at: SEEN_MS / 1000 + 1 };
    let valid = CtStatus::Valid;
    let rows = [
        (Usable, Usable, [valid, valid], None),
        (Qualified, ReadOnly, [valid, valid], None),
        (Pending, Usable, [CtStatus::LogNotUsable, valid], too_few(1, 2)),
        (Usable, Rejected, [valid, CtStatus::LogNotUsable], too_few(1, 2)),
        (Usable, before, [valid, CtStatus::LogNotUsable], too_few(1, 2)),
        (Usable, after, [valid, CtStatus::ValidThenRetired], None),
        (
            after,
            after,
            [CtStatus::ValidThenRetired; 2],
            Some(CtShortfall::AllRetired),
        ),
        (before, before, [CtStatus::LogNotUsable; 2], too_few(0, 2)),
    ];
    for (first, second, expected, shortfall) in rows {
        let found = verdict_by(&certificate, in_states([first, Usable, second, Usable]));
        assert_eq!(
            (statuses(&found), found.shortfall),
            (expected.to_vec(), shortfall),
            "{first:?} {second:?}"
        );
    }
    let one = CtLogs::new([logs()[0].listed(Usable)]).expect("a good key");
    let found = verdict_by(&certificate, one);
    assert_eq!(statuses(&found), [valid, CtStatus::UnknownLog]);
    assert_eq!(found.timestamps[1].operator, None);
}

#[test]
fn a_timestamp_must_be_the_logs_for_this_certificate_and_in_the_past() {
    let stamps = |stamp: Stamp| {
        let leaf = logged_as(&wish(), &[(0, stamp.clone()), (3, stamp)]);
        statuses(&verdict(&leaf))
    };
    let good = [CtStatus::Valid; 2];
    let wrong = [CtStatus::WrongSignature; 2];
    let future = [CtStatus::FromTheFuture; 2];
    assert_eq!(stamps(Stamp::at(NOW * 1000 + 999)), good);
    assert_eq!(stamps(Stamp::at((NOW + 1) * 1000)), future);
    assert_eq!(stamps(Stamp::at(u64::MAX)), future);
    assert_eq!(stamps(Stamp::at(0)), good);
    let extended = Stamp {
        extensions: vec![1, 2, 3],
        ..Stamp::at(SEEN_MS)
    };
    assert_eq!(stamps(extended), good);
    for algorithm in [[2, 3], [5, 3], [4, 2], [0, 0], [2, 1]] {
        let named = Stamp {
            algorithm: Some(algorithm),
            ..Stamp::at(SEEN_MS)
        };
        assert_eq!(stamps(named), wrong, "{algorithm:?}");
    }
    // Of another certificate, of another CA's key, of the certificate instead of its precertificate.
    let stamp = Stamp::at(SEEN_MS);
    let another = Authority::new("another CA");
    let elsewhere = ca().issue(&Wish { serial: 5, ..wish() });
    type Make<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;
    let made: [Make<'_>; 3] = [
        &|_| logs()[0].stamp_precertificate(der::fields(&elsewhere.certificate).tbs, ca().certificate(), &stamp),
        &|tbs| logs()[0].stamp_precertificate(tbs, another.certificate(), &stamp),
        &|tbs| logs()[0].stamp_certificate(tbs, &stamp),
    ];
    for make in made {
        let leaf = ca().issue_logged(&wish(), |tbs| vec![make(tbs)]);
        assert_eq!(statuses(&verdict(&leaf)), [CtStatus::WrongSignature]);
    }
    // Each part of a timestamp is signed, or names the log.
    let leaf = logged(&wish(), &[0]);
    for index in [0, 1, 32, 33, 40, 42, 43, 50, 80] {
        let changed = ca().issue_logged(&with_key(&wish(), &leaf), |tbs| {
            let mut stamp = logs()[0].stamp_precertificate(tbs, ca().certificate(), &stamp);
            stamp[index] ^= 1;
            vec![stamp]
        });
        assert_ne!(statuses(&verdict(&changed)), [CtStatus::Valid], "byte {index}");
    }
}

fn with_key(wish: &Wish, leaf: &Leaf) -> Wish {
    Wish {
        key: Some(leaf.key.clone()),
        ..wish.clone()
    }
}

#[test]
fn an_extension_stands_anywhere_among_others_and_is_cut_out_whole() {
    let more = |count: usize| Wish {
        extensions: (0..count)
            .map(|at| (vec![1, 2, 3, at as u64], vec![at as u8; 40 * at]))
            .collect(),
        ..wish()
    };
    // The lengths around it pass from one byte to two and three.
    for count in [0, 1, 3, 20] {
        let mut wish = more(count);
        assert_eq!(
            verdict(&logged(&wish, &[0, 2])).shortfall,
            None,
            "{count} others before it"
        );
        // The certificate as it is signed has one more behind the timestamps.
        let key = ca().issue(&wish).key;
        wish.key = Some(key);
        wish.extensions.push((vec![1, 2, 3, 1000], vec![7; 200]));
        let tbs = der::fields(&ca().issue(&wish).certificate).tbs.to_vec();
        let stamp = |log: usize| logs()[log].stamp_precertificate(&tbs, ca().certificate(), &Stamp::at(SEEN_MS));
        let value = extension_value(&[stamp(0), stamp(2)]);
        let place = wish.extensions.len() - 1;
        wish.extensions.insert(place, (EMBEDDED.to_vec(), value));
        assert_eq!(verdict(&ca().issue(&wish)).shortfall, None, "one behind it");
    }
}

#[test]
fn a_list_with_anything_wrong_in_it_does_not_count_at_all() {
    let good = |tbs: &[u8]| {
        let stamp = |log: usize| logs()[log].stamp_precertificate(tbs, ca().certificate(), &Stamp::at(SEEN_MS));
        vec![stamp(0), stamp(2)]
    };
    type Make<'a> = &'a dyn Fn(Vec<Vec<u8>>) -> Vec<u8>;
    let rows: &[(&str, Make<'_>)] = &[
        ("an empty OCTET STRING", &|_| der::octets(&[])),
        ("an empty list", &|_| der::octets(&[0, 0])),
        ("a length of one byte", &|_| der::octets(&[0])),
        ("a length beyond the end", &|_| der::octets(&[0xff, 0xff, 0, 1, 0])),
        ("a byte behind the list", &|stamps| {
            der::octets(&[&list(&stamps)[..], &[0]].concat())
        }),
        ("a list that is a byte short", &|stamps| {
            let list = list(&stamps);
            der::octets(&[&((list.len() - 3) as u16).to_be_bytes()[..], &list[2..]].concat())
        }),
        ("an empty timestamp", &|stamps| {
            extension_value(&[stamps[0].clone(), Vec::new()])
        }),
        ("a timestamp that is a version", &|stamps| {
            extension_value(&[stamps[0].clone(), vec![0]])
        }),
        ("a timestamp that is cut", &|stamps| {
            extension_value(&[stamps[0].clone(), stamps[1][..60].to_vec()])
        }),
        ("a timestamp with a byte more", &|stamps| {
            extension_value(&[stamps[0].clone(), [&stamps[1][..], &[0]].concat()])
        }),
        ("extensions beyond the end", &|stamps| {
            let mut stamp = stamps[0].clone();
            stamp[41] = 0xff;
            extension_value(&[stamp])
        }),
        ("a signature beyond the end", &|stamps| {
            let mut stamp = stamps[0].clone();
            stamp[45] = 0xff;
            extension_value(&[stamp])
        }),
        ("half a length behind the last", &|stamps| {
            let all = [length(2, &stamps[0]), vec![0]].concat();
            der::octets(&length(2, &all))
        }),
    ];
    for (name, make) in rows {
        let leaf = ca().issue_with_list(&wish(), |tbs| make(good(tbs)));
        let verdict = verdict(&leaf);
        assert_eq!(verdict.shortfall, Some(CtShortfall::Malformed), "{name}");
        assert_eq!(verdict.timestamps, [], "{name}");
    }
    // webpki refuses the whole certificate for what is wrong around the list.
    let around: &[(&str, Make<'_>)] = &[
        ("no OCTET STRING", &|stamps| list(&stamps)),
        ("a SEQUENCE", &|stamps| der::sequence(&[list(&stamps)])),
        ("a byte behind the OCTET STRING", &|stamps| {
            [&extension_value(&stamps)[..], &[0]].concat()
        }),
        ("nothing", &|_| Vec::new()),
    ];
    for (name, make) in around {
        let leaf = ca().issue_with_list(&wish(), |tbs| make(good(tbs)));
        assert!(Identity::new(&leaf.certificate, &leaf.key).is_err(), "{name}");
    }
    let twice = ca().issue_with_list(&wish(), |tbs| extension_value(&good(tbs)));
    let twice = ca().issue_with_list(
        &Wish {
            extensions: vec![(EMBEDDED.to_vec(), b"\x04\0".to_vec())],
            ..with_key(&wish(), &twice)
        },
        |tbs| extension_value(&good(tbs)),
    );
    assert!(
        Identity::new(&twice.certificate, &twice.key).is_err(),
        "the extension twice"
    );
    // A version that is not known yet is passed over.
    let newer = ca().issue_logged(&wish(), |tbs| [vec![vec![1, 2, 3]], good(tbs)].concat());
    assert_eq!(verdict(&newer).shortfall, None);
    let cut = |at: usize| {
        let leaf = ca().issue_with_list(&wish(), |tbs| der::octets(&list(&good(tbs))[..at]));
        verdict(&leaf).shortfall
    };
    for at in [0, 1, 2, 3, 4, 5, 36, 44, 46, 48, 60, 100, 115, 120, 200] {
        assert_eq!(cut(at), Some(CtShortfall::Malformed), "cut at {at}");
    }
}

#[test]
fn no_more_timestamps_are_verified_than_the_limit() {
    let many = logged(&wish(), &[0; CT_TIMESTAMPS_LIMIT]);
    let verdict_ = verdict(&many);
    assert_eq!(verdict_.timestamps.len(), CT_TIMESTAMPS_LIMIT);
    let mut by = [0; CT_TIMESTAMPS_LIMIT + 1];
    by[CT_TIMESTAMPS_LIMIT] = 2;
    let more = verdict(&logged(&wish(), &by));
    assert_eq!(
        (more.timestamps.len(), more.shortfall),
        (CT_TIMESTAMPS_LIMIT, too_few(1, 2))
    );
}

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
        options.ocsp = millrace_tls::OcspPolicy::Off;
    });
    assert_eq!(verdict_of(&off).shortfall, Some(CtShortfall::None));
}

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
