//! OCSP responses: which count, and who may sign them.

mod support;

use millrace_error::Code;
use millrace_testkit::pki::der;
use millrace_testkit::pki::ocsp::{self, Answer, NO_CHECK, Responder, SHA_256, Says};
use millrace_testkit::pki::{Authority, DAY, Leaf, NOW, Purpose, Wish};
use millrace_tls::{CLOCK_SKEW_S, OcspFault, OcspTimes, OcspVerdict, Revocation, verify_ocsp};
use support::ocsp::{
    answer, answered, changed, fault, is_good, responder, responder_wish, response, verdict, verdict_at,
};
use support::{ca, leaf};

#[test]
fn a_good_response_has_its_times_whoever_of_the_two_has_signed_it() {
    let times = OcspTimes {
        this_update: NOW - 3600,
        next_update: Some(NOW + DAY),
        produced_at: NOW - 3600,
    };
    for responder_id in [Responder::Name, Responder::Key] {
        for hash in [ocsp::SHA1, SHA_256] {
            for parameters in [Vec::new(), der::null()] {
                let mut response = response();
                response.responder = responder_id.clone();
                response.answers[0].hash = hash;
                response.answers[0].parameters = parameters;
                assert_eq!(verdict(&response.signed_by(ca())), OcspVerdict::Good(times));
                assert_eq!(
                    verdict(&response.signed_by_delegate(&responder())),
                    OcspVerdict::Good(times)
                );
            }
        }
    }
    assert_eq!(verdict(b""), OcspVerdict::Absent);
}

#[test]
fn the_answer_is_found_among_others() {
    let other = ca().issue(&Wish {
        serial: 2,
        ..Wish::new(&["other.test"])
    });
    let revoked = Answer {
        says: Says::Revoked(NOW - DAY, Some(1)),
        ..Answer::good(&other.certificate, ca().certificate())
    };
    let both = changed(|response| {
        response.answers.insert(0, revoked.clone());
        response.answers.push(Answer {
            hash: SHA_256,
            ..revoked
        });
    });
    assert!(is_good(&both));
}

#[test]
fn a_revocation_has_its_time_and_reason_and_counts_past_its_time() {
    let reasons = [
        (None, None),
        (Some(0), Some("unspecified")),
        (Some(1), Some("keyCompromise")),
        (Some(2), Some("cACompromise")),
        (Some(3), Some("affiliationChanged")),
        (Some(4), Some("superseded")),
        (Some(5), Some("cessationOfOperation")),
        (Some(6), Some("certificateHold")),
        (Some(9), Some("privilegeWithdrawn")),
        (Some(10), Some("aACompromise")),
    ];
    for (code, reason) in reasons {
        let revoked = answered(|answer| answer.says = Says::Revoked(NOW - DAY, code));
        let expected = OcspVerdict::Revoked(Revocation { at: NOW - DAY, reason });
        assert_eq!(verdict(&revoked), expected);
        let late = verdict_at(&revoked, None, NOW + 30 * DAY);
        if reason == Some("certificateHold") {
            assert_eq!(late, OcspVerdict::Invalid(OcspFault::Stale), "a hold may have ended");
        } else {
            assert_eq!(late, expected);
        }
    }
    let words = Revocation {
        at: NOW - DAY,
        reason: Some("superseded"),
    };
    assert_eq!(words.to_string(), "revoked since 2026-06-14T00:00:00Z, superseded");
}

#[test]
fn of_two_answers_for_one_certificate_the_worse_counts() {
    for (first, second) in [
        (Says::Good, Says::Revoked(NOW - DAY, None)),
        (Says::Revoked(NOW - DAY, None), Says::Good),
        (Says::Unknown, Says::Revoked(NOW - DAY, None)),
    ] {
        let both = changed(|response| {
            response.answers[0].says = first;
            response.answers.push(Answer {
                hash: SHA_256,
                says: second,
                ..answer()
            });
        });
        assert!(
            matches!(verdict(&both), OcspVerdict::Revoked(_)),
            "{first:?} {second:?}"
        );
    }
    let unknown = changed(|response| {
        response.answers.push(Answer {
            hash: SHA_256,
            says: Says::Unknown,
            ..answer()
        })
    });
    assert_eq!(fault(&unknown), Some(OcspFault::UnknownCertificate));
}

#[test]
fn times_are_judged_to_the_second_with_five_minutes_of_skew() {
    let skew = CLOCK_SKEW_S;
    let response = response().signed_by(ca());
    let stale = OcspVerdict::Invalid(OcspFault::Stale);
    let future = OcspVerdict::Invalid(OcspFault::FromTheFuture);
    let end = NOW + DAY;
    assert!(matches!(verdict_at(&response, None, end + skew), OcspVerdict::Good(_)));
    assert_eq!(verdict_at(&response, None, end + skew + 1), stale);
    let begin = NOW - 3600;
    assert!(matches!(
        verdict_at(&response, None, begin - skew),
        OcspVerdict::Good(_)
    ));
    assert_eq!(verdict_at(&response, None, begin - skew - 1), future);
    assert_eq!(verdict_at(&response, None, 0), future);
    assert_eq!(verdict_at(&response, None, u64::MAX), stale);

    let endless = answered(|answer| {
        answer.this_update = NOW;
        answer.next_update = None;
    });
    let good = verdict_at(&endless, None, NOW + skew);
    assert!(matches!(good, OcspVerdict::Good(times) if times.next_update.is_none()));
    assert_eq!(verdict_at(&endless, None, NOW + skew + 1), stale);

    let late = changed(|response| response.produced_at = NOW + skew + 1);
    assert_eq!(verdict(&late), future);
    let within = changed(|response| response.produced_at = NOW + skew);
    assert!(is_good(&within));
    let revoked_later = answered(|answer| {
        answer.says = Says::Revoked(NOW, None);
        answer.this_update = NOW + skew + 1;
    });
    assert_eq!(verdict(&revoked_later), future);
}

#[test]
fn a_nonce_that_was_sent_must_not_come_back_as_another() {
    let ours = [7; 32];
    let with = |bytes: &[u8]| changed(|response| response.extensions = vec![ocsp::nonce(bytes)]);
    let judged = |response: &[u8]| verdict_at(response, Some(&ours), NOW);
    assert!(matches!(judged(&with(&ours)), OcspVerdict::Good(_)));
    let wrong = OcspVerdict::Invalid(OcspFault::WrongNonce);
    assert_eq!(judged(&with(&[8; 32])), wrong);
    assert_eq!(judged(&with(&ours[..31])), wrong);
    assert_eq!(judged(&with(&[])), wrong);
    assert!(
        matches!(judged(&response().signed_by(ca())), OcspVerdict::Good(_)),
        "made beforehand"
    );
    assert!(is_good(&with(&[8; 32])), "a staple's nonce was another client's");
}

/// A delegate, and what is wrong with it.
fn delegates() -> Vec<(&'static str, Leaf, OcspFault)> {
    let wish = |change: &dyn Fn(&mut Wish)| {
        let mut wish = responder_wish();
        change(&mut wish);
        ca().issue(&wish)
    };
    let of = |purpose| wish(&|wish| wish.purpose = purpose);
    let below = ca().intermediate("intermediate CA", None);
    let other = Authority::new("another CA");
    let namesake = Authority::new("millrace test CA");
    vec![
        ("for servers", of(Purpose::Tls), OcspFault::SignerNotForOcsp),
        ("for code", of(Purpose::Code), OcspFault::SignerNotForOcsp),
        ("for anything", of(Purpose::Any), OcspFault::SignerNotForOcsp),
        (
            "for nothing that it says",
            of(Purpose::Unsaid),
            OcspFault::SignerNotForOcsp,
        ),
        (
            "expired",
            wish(&|wish| wish.not_after = NOW - 1),
            OcspFault::SignerNotValid,
        ),
        (
            "not valid yet",
            wish(&|wish| wish.not_before = NOW + 1),
            OcspFault::SignerNotValid,
        ),
        ("a CA", wish(&|wish| wish.is_ca = true), OcspFault::BadSigner),
        (
            "of a CA below",
            below.issue(&responder_wish()),
            OcspFault::SignerOfOtherCa,
        ),
        (
            "of another CA",
            other.issue(&responder_wish()),
            OcspFault::SignerOfOtherCa,
        ),
        (
            "of a namesake",
            namesake.issue(&responder_wish()),
            OcspFault::SignerOfOtherCa,
        ),
        ("of itself", responder_wish().self_signed(), OcspFault::SignerOfOtherCa),
        (
            "with nocheck twice",
            wish(&|wish| wish.extensions = vec![(NO_CHECK.to_vec(), der::null()); 2]),
            OcspFault::BadSigner,
        ),
    ]
}

#[test]
fn a_delegate_must_be_made_one_by_the_issuer_itself() {
    for (name, delegate, expected) in delegates() {
        let signed = response().signed_by_delegate(&delegate);
        assert_eq!(fault(&signed), Some(expected), "{name}");
    }
    let no_check = ca().issue(&Wish {
        extensions: vec![(NO_CHECK.to_vec(), der::null())],
        ..responder_wish()
    });
    assert!(is_good(&response().signed_by_delegate(&no_check)));
}

#[test]
fn a_delegate_is_found_behind_others_and_not_beyond_a_few_of_its_name() {
    let delegate = responder();
    let mut behind = response();
    behind.certificates = vec![leaf().certificate.clone(), ca().certificate().to_vec()];
    assert!(is_good(&behind.signed_by_delegate(&delegate)));
    // Each of the same name costs two signatures, so only a few are tried.
    let namesake = Authority::new("another CA").issue(&responder_wish());
    for (count, good) in [(3, true), (4, false)] {
        let mut crowd = response();
        crowd.certificates = vec![namesake.certificate.clone(); count];
        assert_eq!(is_good(&crowd.signed_by_delegate(&delegate)), good, "{count}");
    }
}

#[test]
fn a_pair_that_is_none_is_refused() {
    let response = response().signed_by(ca());
    let other = Authority::new("another CA");
    let namesake = Authority::new("millrace test CA");
    let certificate = &leaf().certificate;
    for (certificate, issuer) in [
        (&b"text"[..], ca().certificate()),
        (certificate, b"text"),
        (certificate, other.certificate()),
        (certificate, namesake.certificate()),
        (ca().certificate(), certificate),
    ] {
        let error = verify_ocsp(certificate, issuer, &response, None, NOW).expect_err("no pair");
        assert_eq!(error.code, Code::TlsInvalidConfiguration);
    }
}
