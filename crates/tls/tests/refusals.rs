//! Certificates that are refused, each with its code, its alert and its facts in words.

mod support;

use std::sync::Arc;

use millrace_error::Code;
use millrace_testkit::pki::{Authority, DAY, Leaf, NOW, Purpose, Wish};
use millrace_testkit::tls::{Cut, Link};
use millrace_tls::{
    ClientContext, ClientOptions, Identity, Pins, TlsEngine, TlsSession, TlsVersion, Trust, TrustOptions,
};
use support::{NAME, ca, chained, client, established, identity, leaf, link, link_to, required, server, server_with};
use support::{trust, trust_in};

/// A server with this identity, and what a client with these options says of it.
fn judged(identity: Identity, name: &str, change: impl Fn(&mut ClientOptions)) -> Vec<Link<TlsSession>> {
    [TlsVersion::Tls12, TlsVersion::Tls13]
        .into_iter()
        .map(|version| {
            let server = server_with(vec![identity.clone()], |options| options.max_version = version);
            link_to(name, &client(&change), &server, Cut::Whole)
        })
        .collect()
}

fn refused(links: Vec<Link<TlsSession>>, code: Code, alert: &str, words: &[&str]) {
    for link in links {
        let error = link.client.error.as_ref().expect("the client refuses");
        assert_eq!(error.code, code, "{error}");
        let detail = error.detail().expect("facts");
        for word in words {
            assert!(detail.contains(word), "{word} is missing in {detail}");
        }
        for debug in ["Other", "Error", "Context", "(\"", "{", "["] {
            assert!(!detail.contains(debug), "words for a person: {detail}");
        }
        let told = link.server.error.as_ref().expect("the server is told");
        assert_eq!(
            (told.code, told.alert),
            (Code::TlsAlertReceived, Some(alert)),
            "{code:?}"
        );
        assert!(link.server.plaintext.is_empty() && link.client.session.facts().is_none());
    }
}

fn accepted(links: Vec<Link<TlsSession>>) {
    for link in links {
        assert!(established(&link), "{:?}", link.client.error);
        assert_eq!(link.client.session.facts().expect("facts").authorization_error, None);
    }
}

fn defaults(_: &mut ClientOptions) {}

fn issued(wish: Wish) -> Identity {
    identity(&ca().issue(&wish))
}

#[test]
fn an_expired_certificate_is_refused_from_the_second_after_its_end() {
    let ends = |not_after| {
        issued(Wish {
            not_after,
            ..Wish::new(&[NAME])
        })
    };
    let words = [
        "subject \"CN=server.test\"",
        "issuer \"CN=millrace test CA\"",
        "valid from 2026-06-14",
        "to 2026-06-14T23:59:59Z",
    ];
    refused(
        judged(ends(NOW - 1), NAME, defaults),
        Code::TlsCertificateExpired,
        "certificate_expired",
        &words,
    );
    accepted(judged(ends(NOW), NAME, defaults));
}

#[test]
fn a_certificate_is_refused_until_its_time_has_come() {
    let begins = |not_before| {
        issued(Wish {
            not_before,
            ..Wish::new(&[NAME])
        })
    };
    let links = judged(begins(NOW + 1), NAME, defaults);
    refused(
        links,
        Code::TlsCertificateNotYetValid,
        "certificate_expired",
        &["2026-06-15T00:00:01Z"],
    );
    accepted(judged(begins(NOW), NAME, defaults));
}

#[test]
fn an_authority_that_is_shown_as_a_servers_certificate_is_refused_in_words() {
    let authority = issued(Wish {
        is_ca: true,
        ..Wish::new(&[NAME])
    });
    let words = [
        "CN=server.test",
        "it is an authority's certificate and not a server's or client's",
    ];
    refused(
        judged(authority, NAME, defaults),
        Code::TlsBadCertificate,
        "certificate_unknown",
        &words,
    );
}

#[test]
fn an_unknown_ca_and_a_self_signed_certificate_are_told_apart() {
    let other = Authority::new("another CA").issue(&Wish::new(&[NAME]));
    let links = judged(identity(&other), NAME, defaults);
    refused(links, Code::TlsUnknownCa, "unknown_ca", &["issuer \"CN=another CA\""]);
    let own = Wish::new(&[NAME]).self_signed();
    refused(
        judged(identity(&own), NAME, defaults),
        Code::TlsSelfSigned,
        "unknown_ca",
        &["CN=server.test"],
    );
    let own_ca = Wish::new(&[NAME]).self_signed_ca();
    refused(
        judged(identity(&own_ca), NAME, defaults),
        Code::TlsSelfSigned,
        "certificate_unknown",
        &[],
    );
}

#[test]
fn a_self_signed_certificate_that_is_listed_as_trusted_is_judged_by_time_and_name() {
    for make in [Wish::self_signed, Wish::self_signed_ca] {
        let of = |wish: &Wish| {
            let leaf = make(wish);
            let trust = trust_in(&[&leaf.certificate], &[]);
            (identity(&leaf), move |options: &mut ClientOptions| {
                options.trust = Arc::clone(&trust)
            })
        };
        let (shown, trusting) = of(&Wish::new(&[NAME]));
        accepted(judged(shown.clone(), NAME, &trusting));
        refused(
            judged(shown, "other.test", &trusting),
            Code::TlsWrongHost,
            "bad_certificate",
            &[],
        );
        let (late, trusting) = of(&Wish {
            not_after: NOW - 1,
            ..Wish::new(&[NAME])
        });
        refused(
            judged(late, NAME, &trusting),
            Code::TlsCertificateExpired,
            "certificate_expired",
            &[],
        );
        let (early, trusting) = of(&Wish {
            not_before: NOW + 1,
            ..Wish::new(&[NAME])
        });
        refused(
            judged(early, NAME, &trusting),
            Code::TlsCertificateNotYetValid,
            "certificate_expired",
            &[],
        );
    }
}

#[test]
fn host_names_are_matched_as_rfc_9525_says() {
    let rows: &[(&[&str], &str, bool)] = &[
        (&["a.test"], "a.test", true),
        (&["a.test"], "A.Test", true),
        (&["a.test"], "a.test.", true),
        (&["a.test"], "b.a.test", false),
        (&["a.test"], "xa.test", false),
        (&["*.a.test"], "b.a.test", true),
        (&["*.a.test"], "B.A.TEST", true),
        (&["*.a.test"], "a.test", false),
        (&["*.a.test"], "c.b.a.test", false),
        (&["*.a.test", "c.b.a.test"], "c.b.a.test", true),
        (&["x*.a.test"], "xy.a.test", false),
        (&["b.*.test"], "b.a.test", false),
        (&["127.0.0.1"], "127.0.0.1", true),
        (&["127.0.0.1"], "127.0.0.2", false),
        (&["::1"], "::1", true),
        (&["::1"], "0:0::1", true),
        (&["127.0.0.1"], "localhost", false),
        (&["localhost"], "127.0.0.1", false),
    ];
    for (names, asked, good) in rows {
        let links = judged(issued(Wish::new(names)).with_names(["x.test"]), asked, defaults);
        if *good {
            accepted(links);
        } else {
            refused(links, Code::TlsWrongHost, "bad_certificate", &[]);
        }
    }
}

#[test]
fn a_revoked_certificate_is_refused_and_so_is_one_that_no_crl_covers() {
    let serial = leaf().serial;
    let with_crls = |crls: &[Vec<u8>]| {
        let trust = trust_in(&[ca().certificate()], crls);
        move |options: &mut ClientOptions| options.trust = Arc::clone(&trust)
    };
    let fresh = |revoked: &[u64]| ca().crl(revoked, NOW + DAY);
    let shown = || identity(leaf());
    accepted(judged(shown(), NAME, with_crls(&[fresh(&[serial + 1])])));
    let links = judged(shown(), NAME, with_crls(&[fresh(&[serial])]));
    refused(
        links,
        Code::TlsCertificateRevoked,
        "certificate_revoked",
        &["CN=server.test"],
    );
    let other = Authority::new("another CA").crl(&[], NOW + DAY);
    let links = judged(shown(), NAME, with_crls(&[other]));
    refused(links, Code::TlsRevocationUnknown, "unknown_ca", &[]);
    let links = judged(shown(), NAME, with_crls(&[ca().crl(&[], NOW - 1)]));
    refused(links, Code::TlsCrlExpired, "unknown_ca", &[]);
}

#[test]
fn a_missing_and_a_stale_crl_are_let_pass_when_asked_to() {
    let lenient = |crl: Vec<u8>| {
        let options = TrustOptions {
            ca: vec![ca().certificate().to_vec()],
            crls: vec![crl],
            allow_unknown_revocation: true,
            allow_expired_crls: true,
            ..TrustOptions::default()
        };
        let trust = Arc::new(Trust::new(&options).expect("good"));
        move |options: &mut ClientOptions| options.trust = Arc::clone(&trust)
    };
    accepted(judged(
        identity(leaf()),
        NAME,
        lenient(Authority::new("another CA").crl(&[], NOW + DAY)),
    ));
    accepted(judged(identity(leaf()), NAME, lenient(ca().crl(&[], NOW - 1))));
    let links = judged(identity(leaf()), NAME, lenient(ca().crl(&[leaf().serial], NOW - 1)));
    refused(links, Code::TlsCertificateRevoked, "certificate_revoked", &[]);
}

#[test]
fn crls_are_read_from_pem_and_der_and_a_first_load_fails_closed() {
    let der = ca().crl(&[leaf().serial], NOW + DAY);
    let text = support::pem("X509 CRL", &der) + &support::pem("X509 CRL", &ca().crl(&[], NOW + DAY));
    let trust = trust_in(&[ca().certificate()], &[text.into_bytes()]);
    let links = judged(identity(leaf()), NAME, move |options| {
        options.trust = Arc::clone(&trust)
    });
    refused(links, Code::TlsCertificateRevoked, "certificate_revoked", &[]);
    for bad in [&b""[..], b"not a CRL", &der[..der.len() - 1], ca().certificate()] {
        let options = TrustOptions {
            ca: vec![ca().certificate().to_vec()],
            crls: vec![bad.to_vec()],
            ..TrustOptions::default()
        };
        let error = Trust::new(&options).expect_err("malformed");
        assert!(
            error.code == Code::TlsInvalidConfiguration && error.to_string().contains("CRL"),
            "{error}"
        );
    }
}

#[test]
fn a_reload_takes_effect_at_once_and_a_bad_one_keeps_the_last_good() {
    let client = client(|_| {});
    let server = server(|options| options.client_auth = required());
    let person = ca().issue(&Wish {
        serial: 7,
        ..Wish::new(&["person.test"])
    });
    client
        .update(|options| options.identity = Some(identity(&person)))
        .expect("good");
    let works = |client: &Arc<ClientContext>| established(&link(client, &server));
    assert!(works(&client));

    client
        .reload_crls(&[ca().crl(&[leaf().serial], NOW + DAY)])
        .expect("good");
    assert!(!works(&client));
    client.reload_crls(&[b"bad".to_vec()]).expect_err("malformed");
    assert!(!works(&client), "the last good list stays in force");
    client.reload_crls(&[ca().crl(&[], NOW + DAY)]).expect("good");
    assert!(works(&client));

    server.reload_crls(&[ca().crl(&[7], NOW + DAY)]).expect("good");
    let error = link(&client, &server).server.error.expect("refused");
    assert_eq!(error.code, Code::TlsCertificateRevoked);
    server.reload_crls(&[b"bad".to_vec()]).expect_err("malformed");
    assert!(!works(&client), "the last good list stays in force");
    let plain = support::server(|_| {});
    assert!(plain.reload_crls(&[]).is_err(), "there is nobody to judge");
}

#[test]
fn names_outside_the_constraints_of_a_ca_are_refused() {
    let limited = ca().intermediate("limited CA", Some("inside.test"));
    let shown = |name: &str| chained(&limited.issue(&Wish::new(&[name])), &[limited.certificate()]);
    accepted(judged(shown("a.inside.test"), "a.inside.test", defaults));
    let links = judged(shown("outside.test"), "outside.test", defaults);
    refused(
        links,
        Code::TlsNameConstraints,
        "certificate_unknown",
        &["issuer \"CN=limited CA\""],
    );
}

#[test]
fn a_chain_without_its_intermediate_is_refused() {
    let below = ca().intermediate("intermediate CA", None);
    let leaf = below.issue(&Wish::new(&[NAME]));
    accepted(judged(chained(&leaf, &[below.certificate()]), NAME, defaults));
    let links = judged(identity(&leaf), NAME, defaults);
    refused(
        links,
        Code::TlsUnknownCa,
        "unknown_ca",
        &["issuer \"CN=intermediate CA\""],
    );
}

#[test]
fn a_certificate_for_another_purpose_is_refused() {
    let wish = Wish {
        purpose: Purpose::Code,
        ..Wish::new(&[NAME])
    };
    let links = judged(issued(wish), NAME, defaults);
    refused(links, Code::TlsWrongPurpose, "unsupported_certificate", &[]);
}

/// DER with a content of more than 127 bytes in the long form of its length.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let mut der = match len {
        0..=127 => vec![tag, len as u8],
        128..=255 => vec![tag, 0x81, len as u8],
        _ => vec![tag, 0x82, (len >> 8) as u8, len as u8],
    };
    der.extend_from_slice(content);
    der
}

/// An RSA public key with an odd modulus of so many bits; nobody has its private key, and nobody needs it.
struct PublicRsa(usize);

impl rcgen::PublicKeyData for PublicRsa {
    fn der_bytes(&self) -> &[u8] {
        // SEQUENCE { INTEGER modulus, INTEGER 65537 }, in memory that lives as long as the tests.
        let modulus = std::iter::once(0).chain((0..self.0 / 8).map(|at| if at == 0 { 0xc5 } else { 0xa7 }));
        let integers = [tagged(0x02, &modulus.collect::<Vec<u8>>()), tagged(0x02, &[1, 0, 1])];
        let der = tagged(0x30, &integers.concat());
        der.leak()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

#[test]
fn an_rsa_key_of_1024_bits_is_refused_as_weak_wherever_it_stands() {
    let weak = ca().issue_for(&Wish::new(&["weak.test"]), &PublicRsa(1024));
    let strong = ca().issue_for(&Wish::new(&["strong.test"]), &PublicRsa(2048));
    let links = judged(chained(leaf(), &[&weak]), NAME, defaults);
    refused(
        links,
        Code::TlsWeakSignature,
        "unsupported_certificate",
        &["CN=weak.test", "1024 bits"],
    );
    accepted(judged(chained(leaf(), &[&strong]), NAME, defaults));
}

fn pinned(pins: &[&str], report_only: bool) -> impl Fn(&mut ClientOptions) + use<> {
    let pins = Pins::parse(pins.iter().copied(), report_only).expect("good pins");
    move |options| options.pins = pins.clone()
}

fn pin(certificate: &[u8]) -> String {
    Pins::of(certificate).expect("a key")
}

#[test]
fn a_pin_matches_the_servers_key_its_intermediate_or_its_root() {
    let below = ca().intermediate("intermediate CA", None);
    let leaf = below.issue(&Wish::new(&[NAME]));
    let shown = || chained(&leaf, &[below.certificate()]);
    for certificate in [&leaf.certificate[..], below.certificate(), ca().certificate()] {
        accepted(judged(
            shown(),
            NAME,
            pinned(&[&pin(certificate), &pin(&support::leaf().certificate)], false),
        ));
    }
    let wrong = pin(&support::leaf().certificate);
    let links = judged(shown(), NAME, pinned(&[&wrong], false));
    refused(links, Code::TlsPinMismatch, "access_denied", &[&pin(&leaf.certificate)]);
}

#[test]
fn a_pinned_certificate_that_is_only_sent_along_does_not_count() {
    let pinned_ca = Authority::new("pinned CA");
    let pinned_leaf = pinned_ca.issue(&Wish::new(&[NAME]));
    let shown = chained(leaf(), &[&pinned_leaf.certificate, pinned_ca.certificate()]);
    let pins = [pin(&pinned_leaf.certificate), pin(pinned_ca.certificate())];
    let links = judged(shown, NAME, pinned(&[&pins[0], &pins[1]], false));
    refused(links, Code::TlsPinMismatch, "access_denied", &[]);
}

#[test]
fn pins_that_only_report_let_pass_and_say_so() {
    let wrong = pin(ca().issue(&Wish::new(&["x.test"])).certificate.as_slice());
    for link in judged(identity(leaf()), NAME, pinned(&[&wrong], true)) {
        let facts = link.client.session.facts().expect("established");
        assert_eq!(facts.authorization_error.expect("reported").code, Code::TlsPinMismatch);
    }
}

#[test]
fn accepting_any_certificate_reports_what_is_wrong_and_keeps_strict_pins() {
    let own = Wish::new(&[NAME]).self_signed();
    let any = |options: &mut ClientOptions| options.dangerously_accept_any_certificate = true;
    for link in judged(identity(&own), "other.test", any) {
        let facts = link.client.session.facts().expect("established");
        assert_eq!(facts.authorization_error.expect("reported").code, Code::TlsSelfSigned);
    }
    accepted(judged(identity(leaf()), NAME, any));
    let with_pin = |pin: &str| {
        let pin = pinned(&[pin], false);
        move |options: &mut ClientOptions| {
            any(options);
            pin(options);
        }
    };
    for link in judged(identity(&own), NAME, with_pin(&pin(&own.certificate))) {
        assert!(established(&link));
    }
    let links = judged(identity(&own), NAME, with_pin(&pin(&leaf().certificate)));
    refused(links, Code::TlsPinMismatch, "access_denied", &[]);
}

#[test]
fn trust_needs_at_least_one_usable_ca() {
    let new = |ca: &[&[u8]], skip_unusable_ca| {
        Trust::new(&TrustOptions {
            ca: ca.iter().map(|bytes| bytes.to_vec()).collect(),
            skip_unusable_ca,
            ..TrustOptions::default()
        })
    };
    let broken = &ca().certificate()[..40];
    assert!(new(&[], false).is_err() && new(&[], true).is_err());
    assert!(new(&[broken], true).is_err());
    assert!(new(&[ca().certificate(), broken], false).is_err());
    assert_eq!(
        new(&[ca().certificate(), broken], true).expect("one is good").skipped(),
        1
    );
    let both = support::pem("CERTIFICATE", ca().certificate()) + &support::pem("CERTIFICATE", &leaf().certificate);
    assert!(new(&[both.as_bytes()], false).is_ok());
    assert!(Arc::strong_count(&trust()) == 1);
}

#[test]
fn a_hostile_name_is_escaped_in_the_words() {
    let hostile = "evil\r\n\u{1b}[31m\u{202e}";
    let mut wish = Wish::new(&[NAME]);
    wish.names.insert(0, "x.test".to_owned());
    let leaf: Leaf = Authority::new(hostile).issue(&wish);
    for link in judged(identity(&leaf), NAME, defaults) {
        let error = link.client.error.expect("refused").to_string();
        assert!(error.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{error:?}");
    }
    let _ = server(|_| {});
}
