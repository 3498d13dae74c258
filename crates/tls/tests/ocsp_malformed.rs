//! OCSP responses with something wrong in them, a row for each way.

mod support;

use millrace_testkit::pki::der::{self, explicit, extension, octets, sequence, tagged};
use millrace_testkit::pki::ocsp::{self, Answer, Responder, Says};
use millrace_testkit::pki::{Authority, DAY, NOW};
use millrace_tls::{OCSP_RESPONSE_LIMIT, OcspFault, OcspVerdict};
use support::ocsp::{answer, answered, changed, fault, is_good, responder, response, verdict};
use support::{ca, leaf};

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
            "a crowd of extensions",
            changed(|response| {
                response.extensions = (0..33).map(|arc| extension(&[1, 2, 3, arc], false, b"?")).collect();
            }),
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
