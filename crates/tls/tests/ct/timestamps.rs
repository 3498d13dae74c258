//! One timestamp: whose it is, whether it counts, and how many are enough.

use crate::scene::{
    SEEN_MS, in_states, logged, logged_as, logs, statuses, too_few, verdict, verdict_by, wish, with_key,
};
use crate::support::{ca, leaf};
use millrace_testkit::pki::ct::Stamp;
use millrace_testkit::pki::{Authority, DAY, NOW, Wish, der};
use millrace_tls::{CT_TIMESTAMPS_LIMIT, CtLogState, CtLogs, CtShortfall, CtSource, CtStatus};

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
