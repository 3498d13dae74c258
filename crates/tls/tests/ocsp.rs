//! OCSP responses: which count, which do not and why, and what clients and servers make of them.

mod support;

use millrace_error::Code;
use millrace_testkit::pki::der::{self, explicit, extension, octets, sequence, tagged};
use millrace_testkit::pki::ocsp::{self, Answer, NO_CHECK, Responder, Response, SHA_256, Says};
use millrace_testkit::pki::{Authority, DAY, Leaf, NOW, Wish};
use millrace_tls::{CLOCK_SKEW_S, OCSP_RESPONSE_LIMIT, OcspFault, OcspTimes, OcspVerdict, Revocation, verify_ocsp};
use support::{ca, leaf};

fn answer() -> Answer {
    Answer::good(&leaf().certificate, ca().certificate())
}

fn response() -> Response {
    Response::with(vec![answer()])
}

/// What a response about [`leaf`] comes to.
fn verdict_at(response: &[u8], nonce: Option<&[u8]>, now: u64) -> OcspVerdict {
    verify_ocsp(&leaf().certificate, ca().certificate(), response, nonce, now).expect("a good pair")
}

fn verdict(response: &[u8]) -> OcspVerdict {
    verdict_at(response, None, NOW)
}

fn fault(response: &[u8]) -> Option<OcspFault> {
    match verdict(response) {
        OcspVerdict::Invalid(fault) => Some(fault),
        _ => None,
    }
}

fn is_good(response: &[u8]) -> bool {
    matches!(verdict(response), OcspVerdict::Good(_))
}

fn responder_wish() -> Wish {
    Wish {
        for_ocsp: true,
        serial: 77,
        ..Wish::new(&["responder.test"])
    }
}

fn responder() -> Leaf {
    ca().issue(&responder_wish())
}

fn changed(change: impl FnOnce(&mut Response)) -> Vec<u8> {
    let mut response = response();
    change(&mut response);
    response.signed_by(ca())
}

fn answered(change: impl FnOnce(&mut Answer)) -> Vec<u8> {
    changed(|response| change(&mut response.answers[0]))
}

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
    let below = ca().intermediate("intermediate CA", None);
    let other = Authority::new("another CA");
    let namesake = Authority::new("millrace test CA");
    vec![
        (
            "for servers",
            wish(&|wish| wish.for_ocsp = false),
            OcspFault::SignerNotForOcsp,
        ),
        (
            "for code",
            wish(&|wish| {
                wish.for_ocsp = false;
                wish.for_tls = false;
            }),
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

/// Replaces the first place where `from` stands.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from);
    let at = at.expect("it is there");
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

/// The parts of a BasicOCSPResponse: what is signed, algorithm, signature, and certificates if there are any.
fn parts(response: &[u8]) -> Vec<Vec<u8>> {
    let bytes = der::content(der::children(response)[1]);
    let basic = der::content(der::children(bytes)[1]);
    der::children(basic).into_iter().map(<[u8]>::to_vec).collect()
}

fn from_parts(parts: &[Vec<u8>]) -> Vec<u8> {
    response().wrap(&sequence(parts))
}

#[test]
fn what_is_malformed_or_not_about_the_certificate_says_nothing() {
    use OcspFault::{
        CriticalExtension, Duplicate, EndsBeforeItBegins, FromTheFuture, Malformed, OtherCertificate, OtherType,
        Refused, Stale, TooLong, UnknownCertificate, UnknownSigner, WeakSignature, WrongSignature,
    };
    let good = response().signed_by(ca());
    let basic = parts(&good);
    let other_ca = Authority::new("another CA");
    let namesake = Authority::new("millrace test CA");
    let with_parts = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut parts = basic.clone();
        change(&mut parts);
        from_parts(&parts)
    };
    let with_extension = |one: Vec<u8>| changed(|response| response.extensions = vec![one]);
    let with_single = |one: Vec<u8>| answered(|answer| answer.extensions = vec![one]);
    let unknown = |critical| extension(&[1, 2, 3, 4], critical, b"?");
    let mut long = good.clone();
    long.resize(OCSP_RESPONSE_LIMIT + 1, 0);
    let rows: Vec<(&str, Vec<u8>, OcspFault)> = vec![
        // The envelope.
        ("one byte", vec![0x30], Malformed),
        ("text", b"HTTP/1.1 404 Not Found".to_vec(), Malformed),
        ("an empty sequence", sequence(&[]), Malformed),
        ("a set around it", tagged(0x31, der::content(&good)), Malformed),
        ("an indefinite length", vec![0x30, 0x80, 0x0a, 1, 0, 0, 0], Malformed),
        (
            "a length beyond all memory",
            [&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..], &good].concat(),
            Malformed,
        ),
        (
            "a length of eight bytes",
            [&[0x30, 0x88, 1, 0, 0, 0, 0, 0, 0, 0][..], &good].concat(),
            Malformed,
        ),
        (
            "a length with a leading zero",
            [&[0x30, 0x83, 0, 1, 0][..], &good[4..]].concat(),
            Malformed,
        ),
        ("a byte behind it", [&good[..], &[0]].concat(), Malformed),
        ("another response behind it", [&good[..], &good].concat(), Malformed),
        ("more than the limit", long, TooLong),
        ("certificate instead", leaf().certificate.clone(), Malformed),
        // responseStatus.
        ("malformedRequest", ocsp::error(1), Refused("malformedRequest")),
        ("internalError", ocsp::error(2), Refused("internalError")),
        ("tryLater", ocsp::error(3), Refused("tryLater")),
        ("sigRequired", ocsp::error(5), Refused("sigRequired")),
        ("unauthorized", ocsp::error(6), Refused("unauthorized")),
        ("status 4, which nobody uses", ocsp::error(4), Malformed),
        ("status 7", ocsp::error(7), Malformed),
        ("successful without bytes", ocsp::error(0), Malformed),
        (
            "an error with bytes",
            changed(|response| response.status = 3),
            Malformed,
        ),
        ("an empty status", sequence(&[tagged(0x0a, &[])]), Malformed),
        ("a status of two bytes", sequence(&[tagged(0x0a, &[0, 0])]), Malformed),
        // ResponseBytes.
        (
            "another type",
            changed(|response| response.kind = &[1, 3, 6, 1, 5, 5, 7, 48, 1, 9]),
            OtherType,
        ),
        ("bytes that are empty", response().wrap(&[]), Malformed),
        ("bytes that are text", response().wrap(b"text"), Malformed),
        (
            "bytes with a tail",
            response().wrap(&[&sequence(&basic)[..], &[5, 0]].concat()),
            Malformed,
        ),
        (
            "a response without [0]",
            sequence(&[
                tagged(0x0a, &[0]),
                sequence(&[der::oid(ocsp::BASIC), octets(&sequence(&basic))]),
            ]),
            Malformed,
        ),
        (
            "bytes twice",
            {
                let bytes = explicit(0, &sequence(&[der::oid(ocsp::BASIC), octets(&sequence(&basic))]));
                sequence(&[tagged(0x0a, &[0]), bytes.clone(), bytes])
            },
            Malformed,
        ),
        // BasicOCSPResponse.
        ("no signature", with_parts(&|parts| drop(parts.pop())), Malformed),
        ("no algorithm", with_parts(&|parts| drop(parts.remove(1))), Malformed),
        (
            "an empty signature",
            with_parts(&|parts| parts[2] = der::bits(&[])),
            WrongSignature,
        ),
        (
            "a signature with unused bits",
            with_parts(&|parts| parts[2] = tagged(3, &[1, 2])),
            Malformed,
        ),
        (
            "a signature that is an OCTET STRING",
            with_parts(&|parts| parts[2] = octets(&[1])),
            Malformed,
        ),
        (
            "zeros for a signature",
            with_parts(&|parts| parts[2] = der::bits(&[0; 70])),
            WrongSignature,
        ),
        (
            "certificates that are none",
            with_parts(&|parts| parts.push(explicit(0, &octets(b"x")))),
            Malformed,
        ),
        (
            "a field more",
            with_parts(&|parts| parts.push(explicit(1, &sequence(&[])))),
            Malformed,
        ),
        (
            "a certificate that is a number",
            changed(|response| response.certificates = vec![der::integer(1)]),
            Malformed,
        ),
        // The algorithm.
        (
            "RSA with SHA-256",
            changed(|response| response.algorithm = der::algorithm(&[1, 2, 840, 113549, 1, 1, 11], true)),
            WeakSignature,
        ),
        (
            "ECDSA with SHA-1",
            changed(|response| response.algorithm = der::algorithm(&[1, 2, 840, 10045, 4, 1], false)),
            WeakSignature,
        ),
        (
            "RSA with MD5",
            changed(|response| response.algorithm = der::algorithm(&[1, 2, 840, 113549, 1, 1, 4], true)),
            WeakSignature,
        ),
        (
            "ECDSA with SHA-384 of a SHA-256 signature",
            changed(|response| response.algorithm = der::algorithm(&[1, 2, 840, 10045, 4, 3, 3], false)),
            WrongSignature,
        ),
        (
            "ECDSA with NULL",
            changed(|response| response.algorithm = der::algorithm(ocsp::ECDSA_SHA256, true)),
            WeakSignature,
        ),
        // The signer.
        ("signed by another CA", response().signed_by(&other_ca), UnknownSigner),
        ("signed by a namesake", response().signed_by(&namesake), WrongSignature),
        (
            "signed by the certificate itself",
            response().sign(&leaf().certificate, &leaf().key_pair()),
            UnknownSigner,
        ),
        (
            "signed with another key",
            response().sign(ca().certificate(), namesake.key()),
            WrongSignature,
        ),
        (
            "by a delegate that did not come along",
            response().sign(&responder().certificate, &responder().key_pair()),
            UnknownSigner,
        ),
        (
            "a responder that is [3]",
            changed(|response| response.responder = Responder::Other(explicit(3, &sequence(&[])))),
            Malformed,
        ),
        (
            "a responder that is empty",
            changed(|response| response.responder = Responder::Other(explicit(1, &[]))),
            Malformed,
        ),
        (
            "a key hash that is cut",
            changed(|response| response.responder = Responder::Other(explicit(2, &octets(&[0; 19])))),
            UnknownSigner,
        ),
        (
            "a key hash of another key",
            changed(|response| response.responder = Responder::Other(explicit(2, &octets(&[0; 20])))),
            UnknownSigner,
        ),
        // ResponseData.
        ("version 2", changed(|response| response.version = Some(1)), Malformed),
        (
            "no answers",
            changed(|response| response.answers.clear()),
            OtherCertificate,
        ),
        (
            "produced in the future",
            changed(|response| response.produced_at = NOW + 301),
            FromTheFuture,
        ),
        (
            "produced at a time with fractions",
            replaced(&good, &der::time(NOW - 3600)[2..], b"20260614230.0Z"),
            Malformed,
        ),
        (
            "month 13",
            replaced(&good, &der::time(NOW - 3600)[2..], b"20261314230000Z"),
            Malformed,
        ),
        (
            "a time that is local",
            replaced(&good, &der::time(NOW - 3600)[2..], b"202606142300000"),
            Malformed,
        ),
        (
            "an unknown critical extension",
            with_extension(unknown(true)),
            CriticalExtension,
        ),
        (
            "an extension twice",
            changed(|response| response.extensions = vec![unknown(false); 2]),
            Malformed,
        ),
        (
            "two nonces",
            changed(|response| response.extensions = vec![ocsp::nonce(b"1"), ocsp::nonce(b"2")]),
            Malformed,
        ),
        (
            "a nonce that is no OCTET STRING",
            with_extension(extension(ocsp::NONCE, false, b"\x05\0")),
            Malformed,
        ),
        // CertID.
        (
            "another serial",
            answered(|answer| answer.serial = der::integer(1001)),
            OtherCertificate,
        ),
        (
            "a serial with a leading zero",
            answered(|answer| answer.serial = tagged(2, &[0, 3, 0xe8])),
            Malformed,
        ),
        (
            "a negative serial",
            answered(|answer| answer.serial = tagged(2, &[0xfc, 0x18])),
            OtherCertificate,
        ),
        (
            "a serial of 100 bytes",
            answered(|answer| answer.serial = tagged(2, &[1; 100])),
            Malformed,
        ),
        (
            "another issuer's name",
            answered(|answer| answer.issuer_name = der::fields(other_ca.certificate()).subject.to_vec()),
            OtherCertificate,
        ),
        (
            "another issuer's key",
            answered(|answer| answer.issuer_key = der::key_of(der::fields(namesake.certificate()).spki).to_vec()),
            OtherCertificate,
        ),
        (
            "the key hashed with its header",
            answered(|answer| answer.issuer_key = der::fields(ca().certificate()).spki.to_vec()),
            OtherCertificate,
        ),
        (
            "hashed by MD5",
            answered(|answer| answer.hash = &[1, 2, 840, 113549, 2, 5]),
            OtherCertificate,
        ),
        (
            "hash parameters",
            answered(|answer| answer.parameters = der::integer(1)),
            OtherCertificate,
        ),
        (
            "the same answer twice",
            changed(|response| response.answers.push(answer())),
            Duplicate,
        ),
        (
            "a good and a revoked answer under one CertID",
            changed(|response| {
                response.answers.push(Answer {
                    says: Says::Revoked(NOW - DAY, None),
                    ..answer()
                })
            }),
            Duplicate,
        ),
        // The answer.
        (
            "unknown",
            answered(|answer| answer.says = Says::Unknown),
            UnknownCertificate,
        ),
        (
            "revoked for reason 7",
            answered(|answer| answer.says = Says::Revoked(NOW, Some(7))),
            Malformed,
        ),
        (
            "revoked for reason 11",
            answered(|answer| answer.says = Says::Revoked(NOW, Some(11))),
            Malformed,
        ),
        ("status [3]", replaced(&good, &[0x80, 0], &[0x83, 0]), Malformed),
        ("good with content", replaced(&good, &[0x80, 0], &[0x80, 1]), Malformed),
        (
            "from the future",
            answered(|answer| answer.this_update = NOW + 301),
            FromTheFuture,
        ),
        ("stale", answered(|answer| answer.next_update = Some(NOW - 301)), Stale),
        (
            "ends before it begins",
            answered(|answer| answer.next_update = Some(answer.this_update - 1)),
            EndsBeforeItBegins,
        ),
        (
            "old and without an end",
            answered(|answer| answer.next_update = None),
            Stale,
        ),
        (
            "an unknown critical extension of the answer",
            with_single(unknown(true)),
            CriticalExtension,
        ),
        (
            "an extension of the answer twice",
            answered(|answer| answer.extensions = vec![unknown(false); 2]),
            Malformed,
        ),
    ];
    assert!(rows.len() >= 60, "{}", rows.len());
    for (name, bytes, expected) in rows {
        assert_eq!(verdict(&bytes), OcspVerdict::Invalid(expected), "{name}");
    }
    assert!(is_good(&with_extension(unknown(false))) && is_good(&with_single(unknown(false))));
    assert!(is_good(&with_parts(&|parts| parts.push(explicit(0, &sequence(&[]))))));
    assert!(is_good(&with_parts(&|_| {})), "the rows begin with a good one");
}

#[test]
fn no_cut_and_no_changed_byte_leaves_a_response_good() {
    for good in [response().signed_by(ca()), response().signed_by_delegate(&responder())] {
        assert!(is_good(&good));
        for cut in 1..good.len() {
            assert_eq!(fault(&good[..cut]), Some(OcspFault::Malformed), "cut at {cut}");
        }
    }
    let good = response().signed_by(ca());
    for index in 0..good.len() {
        let mut other = good.clone();
        other[index] ^= 1 << (index % 8);
        assert!(matches!(verdict(&other), OcspVerdict::Invalid(_)), "byte {index}");
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
