//! OCSP responses, made by either side and judged by the other.

use crate::scene::{Scene, is_missing, now, rsa_key, wish};
use crate::support::pem;
use millrace_testkit::pki::ocsp::{Answer, Response, Says};
use millrace_testkit::pki::{Authority, DAY, Purpose, Wish};
use millrace_tls::{OcspFault, OcspHash, OcspVerdict, ocsp_request};

#[test]
fn responses_of_openssl_are_verified_and_our_requests_understood() {
    if is_missing() {
        return;
    }
    let scene = Scene::new();
    let delegate = scene.ca.issue(&Wish {
        purpose: Purpose::Ocsp,
        serial: 77,
        ..wish("responder.test")
    });
    scene
        .folder
        .write("delegate.pem", pem("CERTIFICATE", &delegate.certificate));
    scene.folder.write("delegate.key", pem("PRIVATE KEY", &delegate.key));
    let rsa = scene.ca.issue(&Wish {
        purpose: Purpose::Ocsp,
        serial: 78,
        key: Some(rsa_key()),
        ..wish("rsa.test")
    });
    scene.folder.write("rsa.pem", pem("CERTIFICATE", &rsa.certificate));
    scene.folder.write("rsa.key", pem("PRIVATE KEY", &rsa.key));
    let nonce = [9; 32];
    for hash in [OcspHash::Sha1, OcspHash::Sha256] {
        let certificate = &scene.leaf.certificate;
        let request = ocsp_request(certificate, scene.ca.certificate(), hash, Some(&nonce)).expect("a pair");
        for (signer, more) in [
            ("ca", &[][..]),
            ("ca", &["-resp_key_id"]),
            ("ca", &["-rmd", "sha384"]),
            ("delegate", &[]),
            ("delegate", &["-resp_key_id", "-rmd", "sha512"]),
            ("rsa", &[]),
            ("rsa", &["-rmd", "sha384"]),
        ] {
            scene.index("good");
            let good = scene.respond(&request, signer, more);
            assert!(
                matches!(scene.verdict(&good, Some(&nonce)), OcspVerdict::Good(_)),
                "{signer} {more:?}"
            );
            let wrong = OcspVerdict::Invalid(OcspFault::WrongNonce);
            assert_eq!(scene.verdict(&good, Some(&[8; 32])), wrong);
        }
        scene.index("revoked");
        let OcspVerdict::Revoked(revocation) = scene.verdict(&scene.respond(&request, "ca", &[]), Some(&nonce)) else {
            panic!("revoked")
        };
        assert_eq!(
            (revocation.at, revocation.reason),
            (millrace_testkit::pki::NOW, Some("keyCompromise"))
        );
        scene.index("other");
        let unknown = OcspVerdict::Invalid(OcspFault::UnknownCertificate);
        assert_eq!(scene.verdict(&scene.respond(&request, "ca", &[]), None), unknown);
        // Without its certificate nobody can tell a delegate.
        let alone = scene.respond(&request, "delegate", &["-resp_no_certs"]);
        assert_eq!(
            scene.verdict(&alone, None),
            OcspVerdict::Invalid(OcspFault::UnknownSigner)
        );
        let (done, text) = scene.folder.openssl(&["ocsp", "-reqin", "request.der", "-req_text"]);
        assert!(done && text.contains("Serial Number: 03E8"), "{text}");
        assert!(text.contains(&"09".repeat(32)), "the nonce: {text}");
    }
    // SHA-1 signatures are refused, which OpenSSL still makes.
    scene.index("good");
    let request = ocsp_request(&scene.leaf.certificate, scene.ca.certificate(), OcspHash::Sha1, None).expect("a pair");
    let weak = scene.respond(&request, "ca", &["-rmd", "sha1"]);
    assert_eq!(
        scene.verdict(&weak, None),
        OcspVerdict::Invalid(OcspFault::WeakSignature)
    );
}

#[test]
fn openssl_agrees_on_responses_that_are_made_here() {
    if is_missing() {
        return;
    }
    let scene = Scene::new();
    let delegate = |purpose| {
        scene.ca.issue(&Wish {
            purpose,
            ..wish("responder.test")
        })
    };
    let made = |says, this_update, next_update| {
        let mut response = Response::with(vec![Answer {
            says,
            this_update,
            next_update,
            ..Answer::good(&scene.leaf.certificate, scene.ca.certificate())
        }]);
        response.produced_at = this_update;
        response
    };
    let current = |says| made(says, now() - 3600, Some(now() + DAY));
    let other = Authority::new("openssl CA");
    let rows: Vec<(&str, Vec<u8>, bool)> = vec![
        ("good", current(Says::Good).signed_by(&scene.ca), true),
        (
            "by a delegate",
            current(Says::Good).signed_by_delegate(&delegate(Purpose::Ocsp)),
            true,
        ),
        (
            "by no delegate",
            current(Says::Good).signed_by_delegate(&delegate(Purpose::Tls)),
            false,
        ),
        ("by a namesake", current(Says::Good).signed_by(&other), false),
        (
            "revoked",
            current(Says::Revoked(now() - DAY, Some(4))).signed_by(&scene.ca),
            false,
        ),
        ("unknown", current(Says::Unknown).signed_by(&scene.ca), false),
        (
            "stale",
            made(Says::Good, now() - 3 * DAY, Some(now() - DAY)).signed_by(&scene.ca),
            false,
        ),
        (
            "from the future",
            made(Says::Good, now() + DAY, Some(now() + 2 * DAY)).signed_by(&scene.ca),
            false,
        ),
        ("text", b"text".to_vec(), false),
    ];
    for (name, response, good) in rows {
        let ours = matches!(scene.verdict(&response, None), OcspVerdict::Good(_));
        scene.folder.write("ours.der", &response);
        let (_, text) = scene.folder.openssl(&[
            "ocsp",
            "-respin",
            "ours.der",
            "-issuer",
            "ca.pem",
            "-cert",
            "leaf.pem",
            "-CAfile",
            "ca.pem",
            "-no_nonce",
        ]);
        let theirs = text.contains("Response verify OK")
            && text.contains("leaf.pem: good")
            && !text.contains("Status times invalid");
        assert_eq!((ours, theirs), (good, good), "{name}: {text}");
    }
}
