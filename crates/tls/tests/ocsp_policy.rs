//! What a client makes of a staple by its policy, and which staples a server shows.

mod support;

use std::slice;
use std::sync::Arc;

use millrace_error::Code;
use millrace_testkit::contexts::{NAME, identity, server_with, trust_in};
use millrace_testkit::pki::crl::Crl;
use millrace_testkit::pki::der;
use millrace_testkit::pki::ocsp::{self, AD_OCSP, Answer, NO_CHECK, Response, Says};
use millrace_testkit::pki::{Authority, DAY, Leaf, NOW, Purpose, Wish};
use millrace_testkit::tls::{Cut, Link};
use millrace_tls::{
    ClientContext, ClientOptions, Clock, Identity, OCSP_NONCE_MAX, OCSP_NONCE_MIN, OcspFault, OcspHash, OcspPolicy,
    OcspVerdict, ServerContext, ServerOptions, TlsEngine, TlsFacts, TlsSession, TlsVersion, check_staple, ocsp_issuer,
    ocsp_request, ocsp_urls,
};
use support::{ca, chained, client, established, leaf, link, link_to};
use x509_cert::der::Decode;

const POLICIES: [OcspPolicy; 3] = [OcspPolicy::Off, OcspPolicy::MustStaple, OcspPolicy::Require];

/// A certificate that demands a staple.
fn demanding() -> Leaf {
    ca().issue(&Wish {
        extensions: vec![ocsp::must_staple()],
        serial: 1001,
        ..Wish::new(&[NAME])
    })
}

fn saying(leaf: &Leaf, says: Says) -> Vec<u8> {
    let answer = Answer {
        says,
        ..Answer::good(&leaf.certificate, ca().certificate())
    };
    Response::with(vec![answer]).signed_by(ca())
}

/// A session for each version, with this certificate, staple and policy.
fn links(leaf: &Leaf, staple: Option<Vec<u8>>, policy: OcspPolicy) -> Vec<Link<TlsSession>> {
    [TlsVersion::Tls12, TlsVersion::Tls13]
        .into_iter()
        .map(|version| {
            let shown = identity(leaf).with_ocsp(staple.clone());
            let server = server_with(vec![shown], |options| options.max_version = version);
            link(&client(|options| options.ocsp = policy), &server)
        })
        .collect()
}

fn facts(link: &Link<TlsSession>) -> TlsFacts {
    let facts = link.client.session.facts();
    facts.unwrap_or_else(|| panic!("refused: {:?}", link.client.error))
}

#[test]
fn each_policy_refuses_what_it_says_and_lets_pass_the_rest() {
    use OcspPolicy::{MustStaple, Off, Require};
    let (plain, demanding) = (leaf().clone(), demanding());
    let revoked = (
        Code::TlsCertificateRevoked,
        "certificate_revoked",
        "OCSP response says revoked since 2026-06-14",
    );
    let missing = (
        Code::TlsOcspMissing,
        "bad_certificate_status_response",
        "no OCSP response was stapled",
    );
    let invalid = (
        Code::TlsOcspInvalid,
        "bad_certificate_status_response",
        "the OCSP response is malformed",
    );
    let unknown = (
        Code::TlsOcspUnknown,
        "bad_certificate_status_response",
        "does not know the certificate",
    );
    let says = [
        ("good", Some(Says::Good), None),
        ("revoked", Some(Says::Revoked(NOW - DAY, Some(1))), Some(revoked)),
        ("unknown", Some(Says::Unknown), Some(unknown)),
        ("absent", None, Some(missing)),
        ("invalid", None, Some(invalid)),
    ];
    for (name, says, refusal) in says {
        for (leaf, demands) in [(&plain, false), (&demanding, true)] {
            for policy in POLICIES {
                let staple = match (name, says) {
                    ("invalid", _) => Some(b"no response".to_vec()),
                    (_, says) => says.map(|says| saying(leaf, says)),
                };
                let refuses = match (policy, name) {
                    (Off, _) | (_, "good") => false,
                    (Require, _) | (MustStaple, "revoked") => true,
                    (MustStaple, _) => demands,
                };
                for link in links(leaf, staple, policy) {
                    let case = format!("{name} {policy:?} demands {demands}");
                    let Some((code, alert, words)) = refusal.filter(|_| refuses) else {
                        let facts = facts(&link);
                        assert_eq!(facts.authorization_error, None, "{case}");
                        assert_eq!(facts.ocsp.is_none(), policy == Off, "{case}");
                        assert_eq!(
                            matches!(facts.ocsp, Some(OcspVerdict::Good(_))),
                            policy != Off && name == "good"
                        );
                        assert_eq!(link.server.session.facts().expect("established").ocsp, None);
                        continue;
                    };
                    let error = link.client.error.as_ref().unwrap_or_else(|| panic!("{case}"));
                    let detail = error.detail().expect("facts");
                    assert_eq!(error.code, code, "{case}");
                    assert!(
                        detail.contains("CN=server.test") && detail.contains(words),
                        "{case}: {detail}"
                    );
                    assert_eq!(
                        link.server.error.as_ref().and_then(|error| error.alert),
                        Some(alert),
                        "{case}"
                    );
                }
            }
        }
    }
}

#[test]
fn which_features_demand_a_staple() {
    type Row = (&'static str, Vec<(Vec<u64>, Vec<u8>)>, bool);
    let rows: &[Row] = &[
        ("none", vec![], false),
        ("status_request", vec![ocsp::tls_feature(&[5])], true),
        (
            "status_request_v2, which is not asked for",
            vec![ocsp::tls_feature(&[17])],
            false,
        ),
        ("both", vec![ocsp::tls_feature(&[17, 5])], true),
        ("another", vec![ocsp::tls_feature(&[23])], false),
        ("an empty list", vec![ocsp::tls_feature(&[])], false),
        (
            "one that is malformed",
            vec![(ocsp::tls_feature(&[]).0, b"?".to_vec())],
            true,
        ),
        (
            "one of text",
            vec![(ocsp::tls_feature(&[]).0, der::sequence(&[der::octets(b"5")]))],
            true,
        ),
        (
            "two extensions",
            vec![ocsp::tls_feature(&[23]), ocsp::tls_feature(&[23])],
            true,
        ),
    ];
    for (name, extensions, demands) in rows {
        let leaf = ca().issue(&Wish {
            extensions: extensions.clone(),
            ..Wish::new(&[NAME])
        });
        assert_eq!(identity(&leaf).demands_staple(), *demands, "{name}");
        for link in links(&leaf, None, OcspPolicy::MustStaple) {
            let code = link.client.error.as_ref().map(|error| error.code);
            assert_eq!(code, demands.then_some(Code::TlsOcspMissing), "{name}");
        }
    }
}

#[test]
fn a_staple_of_an_intermediate_that_was_sent_along_is_judged_by_its_key() {
    let below = ca().intermediate("intermediate CA", None);
    let leaf = below.issue(&Wish::new(&[NAME]));
    let answer = || vec![Answer::good(&leaf.certificate, below.certificate())];
    let shown = |staple: Vec<u8>| chained(&leaf, &[below.certificate()]).with_ocsp(Some(staple));
    let judged = |staple: Vec<u8>| {
        let server = server_with(vec![shown(staple)], |_| {});
        link(&client(|options| options.ocsp = OcspPolicy::Require), &server)
    };
    assert!(established(&judged(Response::with(answer()).signed_by(&below))));
    let by_root = judged(Response::with(answer()).signed_by(ca()));
    assert_eq!(by_root.client.error.expect("refused").code, Code::TlsOcspInvalid);
    // Another key under the intermediate's name, sent along first, is nobody's issuer.
    let impostor = Authority::new("intermediate CA");
    let chain = chained(&leaf, &[impostor.certificate(), below.certificate()]);
    let staple = Response::with(vec![Answer::good(&leaf.certificate, impostor.certificate())]).signed_by(&impostor);
    let server = server_with(vec![chain.with_ocsp(Some(staple))], |_| {});
    let judged = link(&client(|options| options.ocsp = OcspPolicy::Require), &server);
    assert_eq!(judged.client.error.expect("refused").code, Code::TlsOcspInvalid);
}

#[test]
fn accepting_any_certificate_reports_what_the_policy_misses() {
    let any = |options: &mut ClientOptions| {
        options.dangerously_accept_any_certificate = true;
        options.ocsp = OcspPolicy::Require;
    };
    let revoked = identity(leaf()).with_ocsp(Some(saying(leaf(), Says::Revoked(NOW - DAY, None))));
    for (shown, code) in [
        (identity(leaf()), Code::TlsOcspMissing),
        (revoked, Code::TlsCertificateRevoked),
        // What the rules say comes first.
        (identity(&Wish::new(&[NAME]).self_signed()), Code::TlsSelfSigned),
    ] {
        let link = link(&client(any), &server_with(vec![shown], |_| {}));
        assert_eq!(facts(&link).authorization_error.expect("reported").code, code);
    }
    let unknown = Authority::new("another CA").issue(&Wish::new(&[NAME]));
    let shown = identity(&unknown).with_ocsp(Some(saying(leaf(), Says::Good)));
    let link = link(&client(any), &server_with(vec![shown], |_| {}));
    assert_eq!(facts(&link).ocsp, Some(OcspVerdict::Invalid(OcspFault::NoIssuer)));
}

#[test]
fn a_resumed_session_is_not_judged_again() {
    let shown = identity(leaf()).with_ocsp(Some(saying(leaf(), Says::Good)));
    let server = server_with(vec![shown], |_| {});
    let client = client(|options| options.ocsp = OcspPolicy::Require);
    assert!(facts(&link(&client, &server)).ocsp.is_some());
    server.staple(0, None).expect("there is one");
    let again = facts(&link(&client, &server));
    assert!(again.resumed && again.ocsp.is_none() && again.authorization_error.is_none());
}

#[test]
fn a_delegate_is_held_against_the_crls_that_are_loaded_unless_it_says_nocheck() {
    let wish = |extensions| Wish {
        purpose: Purpose::Ocsp,
        serial: 77,
        extensions,
        ..Wish::new(&["responder.test"])
    };
    let delegate = ca().issue(&wish(vec![]));
    let no_check = ca().issue(&wish(vec![(NO_CHECK.to_vec(), der::null())]));
    let judged = |delegate: &Leaf, crls: &[Vec<u8>]| {
        let answer = Answer::good(&leaf().certificate, ca().certificate());
        let staple = Response::with(vec![answer]).signed_by_delegate(delegate);
        let server = server_with(vec![identity(leaf()).with_ocsp(Some(staple))], |_| {});
        let client = client(|options| {
            options.ocsp = OcspPolicy::MustStaple;
            options.trust = trust_in(&[ca().certificate()], crls);
        });
        facts(&link(&client, &server)).ocsp.expect("a verdict")
    };
    let revokes = Crl::of(&[77]).signed_by(ca());
    let other = Crl::of(&[78]).signed_by(ca());
    let revoked = OcspVerdict::Invalid(OcspFault::SignerRevoked);
    assert!(matches!(judged(&delegate, &[]), OcspVerdict::Good(_)));
    assert!(matches!(judged(&delegate, &[other]), OcspVerdict::Good(_)));
    assert_eq!(judged(&delegate, slice::from_ref(&revokes)), revoked);
    assert!(matches!(judged(&no_check, &[revokes]), OcspVerdict::Good(_)));
}

fn staple_server(clock: &Clock, shown: Identity) -> (Arc<ServerContext>, Arc<ClientContext>) {
    let server = server_with(vec![shown], |options: &mut ServerOptions| options.clock = clock.clone());
    let client = client(|options| options.clock = clock.clone());
    (server, client)
}

#[test]
fn a_checked_staple_is_shown_until_its_next_update() {
    let clock = Clock::manual(NOW);
    let (server, client) = staple_server(&clock, chained(leaf(), &[ca().certificate()]));
    let staple = saying(leaf(), Says::Good);
    let told = server.staple_checked(0, None, staple).expect("a good one");
    assert_eq!((told.this_update, told.next_update), (NOW - 3600, NOW + DAY));
    assert_eq!(told.refresh_at, NOW - 3600 + (DAY + 3600) / 2);
    let seen = || {
        client.update(|_| {}).expect("good");
        facts(&link(&client, &server)).ocsp.expect("a verdict")
    };
    assert!(matches!(seen(), OcspVerdict::Good(_)));
    clock.set(NOW + DAY - 1);
    assert!(matches!(seen(), OcspVerdict::Good(_)));
    clock.set(NOW + DAY);
    assert_eq!(seen(), OcspVerdict::Absent);
}

#[test]
fn a_staple_that_is_not_good_changes_nothing() {
    let clock = Clock::manual(NOW);
    let (server, client) = staple_server(&clock, identity(leaf()));
    let issuer = Some(ca().certificate());
    server
        .staple_checked(0, issuer, saying(leaf(), Says::Good))
        .expect("a good one");
    let changed = |change: &dyn Fn(&mut Answer)| {
        let mut answer = Answer::good(&leaf().certificate, ca().certificate());
        change(&mut answer);
        Response::with(vec![answer]).signed_by(ca())
    };
    let rows: Vec<(Vec<u8>, &str)> = vec![
        (Vec::new(), "is empty"),
        (b"text".to_vec(), "is malformed"),
        (ocsp::error(3), "error of the responder (tryLater)"),
        (saying(leaf(), Says::Unknown), "does not know the certificate"),
        (
            saying(leaf(), Says::Revoked(NOW - DAY, Some(4))),
            "revoked since 2026-06-14T00:00:00Z, superseded",
        ),
        (saying(&demanding(), Says::Good), "about another certificate"),
        (changed(&|answer| answer.next_update = Some(NOW)), "past its nextUpdate"),
        (
            changed(&|answer| {
                answer.this_update = NOW;
                answer.next_update = None;
            }),
            "has no nextUpdate",
        ),
    ];
    for (response, words) in rows {
        let error = server.staple_checked(0, issuer, response).expect_err(words);
        assert_eq!(error.code, Code::TlsStapleRefused, "{error}");
        assert!(error.detail().is_some_and(|detail| detail.contains(words)), "{error}");
        assert!(matches!(
            facts(&link(&client, &server)).ocsp,
            None | Some(OcspVerdict::Good(_))
        ));
    }
    client.update(|_| {}).expect("good");
    assert!(
        matches!(facts(&link(&client, &server)).ocsp, Some(OcspVerdict::Good(_))),
        "the first one stays"
    );

    let good = saying(leaf(), Says::Good);
    let other = Authority::new("another CA");
    for (issuer, words) in [
        (None, "has no issuer"),
        (Some(other.certificate()), "has not issued"),
        (Some(&b"text"[..]), "PEM or DER"),
    ] {
        let error = server.staple_checked(0, issuer, good.clone()).expect_err(words);
        assert_eq!(error.code, Code::TlsInvalidConfiguration, "{error}");
        assert!(error.detail().is_some_and(|detail| detail.contains(words)), "{error}");
    }
    assert!(
        server.staple_checked(1, issuer, good.clone()).is_err(),
        "there is no certificate 1"
    );
    assert!(server.staple(1, Some(good)).is_err(), "there is no certificate 1");
}

#[test]
fn a_certificate_chosen_for_a_name_brings_its_checked_staple() {
    let shown = identity(leaf());
    let (stapled, _) = shown
        .with_checked_ocsp(Some(ca().certificate()), saying(leaf(), Says::Good), NOW)
        .expect("a good one");
    let server = server_with(vec![], |options| options.ask_for_certificate = true);
    let client = client(|options| options.ocsp = OcspPolicy::Require);
    let mut link = link_to(NAME, &client, &server, Cut::Whole);
    link.server.session.choose(Some(&stapled)).expect("it fits");
    link.run();
    assert!(established(&link));
    let facts = check_staple(&shown, Some(ca().certificate()), &saying(leaf(), Says::Good), NOW).expect("good");
    assert_eq!(facts.produced_at, NOW - 3600);
}

#[test]
fn a_request_names_the_certificate_and_carries_the_nonce() {
    for (hash, arcs, length) in [
        (OcspHash::Sha1, "1.3.14.3.2.26", 20),
        (OcspHash::Sha256, "2.16.840.1.101.3.4.2.1", 32),
    ] {
        let nonce = [9; OCSP_NONCE_MIN];
        let request = ocsp_request(&leaf().certificate, ca().certificate(), hash, Some(&nonce)).expect("a pair");
        let parsed = x509_ocsp::OcspRequest::from_der(&request).expect("DER");
        let tbs = &parsed.tbs_request;
        assert_eq!(parsed.nonce().expect("a nonce").0.as_bytes(), nonce);
        assert!(tbs.request_list.len() == 1 && parsed.optional_signature.is_none());
        let id = &tbs.request_list[0].req_cert;
        assert_eq!(id.hash_algorithm.oid.to_string(), arcs);
        assert_eq!(id.serial_number.as_bytes(), [3, 0xe8]);
        assert_eq!(
            (
                id.issuer_name_hash.as_bytes().len(),
                id.issuer_key_hash.as_bytes().len()
            ),
            (length, length)
        );
        let plain = ocsp_request(&leaf().certificate, ca().certificate(), hash, None).expect("a pair");
        assert!(x509_ocsp::OcspRequest::from_der(&plain).expect("DER").nonce().is_none());
    }
    let of = |nonce: usize| {
        ocsp_request(
            &leaf().certificate,
            ca().certificate(),
            OcspHash::Sha1,
            Some(&vec![1; nonce]),
        )
    };
    assert!(of(OCSP_NONCE_MAX).is_ok());
    assert!(of(OCSP_NONCE_MIN - 1).is_err() && of(OCSP_NONCE_MAX + 1).is_err());
    assert!(ocsp_request(&leaf().certificate, b"text", OcspHash::Sha1, None).is_err());
}

#[test]
fn the_responders_and_the_issuer_come_out_of_the_chain() {
    const CA_ISSUERS: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 48, 2];
    let with = |entries: &[(&[u64], &[u8])]| {
        let leaf = ca().issue(&Wish {
            extensions: vec![ocsp::access(entries)],
            ..Wish::new(&[NAME])
        });
        ocsp_urls(&leaf.certificate)
    };
    let long = [b"http://", &[b'a'; 2042][..]].concat();
    assert_eq!(
        with(&[
            (CA_ISSUERS, b"http://ca.test/ca.der"),
            (AD_OCSP, b"http://ocsp.test/a?b"),
            (AD_OCSP, b"HTTPS://ocsp.test"),
            (AD_OCSP, b"ldap://ocsp.test"),
            (AD_OCSP, b"file:///etc/passwd"),
            (AD_OCSP, b"http://ocsp.test/\r\nX: y"),
            (AD_OCSP, b"http://ocsp.test/\xe9"),
            (AD_OCSP, &long),
            (AD_OCSP, b"http"),
            (AD_OCSP, b""),
        ]),
        ["http://ocsp.test/a?b", "HTTPS://ocsp.test"]
    );
    assert_eq!(with(&[(AD_OCSP, &b"http://a.test"[..]); 20]).len(), 8);
    assert!(ocsp_urls(&leaf().certificate).is_empty() && ocsp_urls(b"text").is_empty());

    let below = ca().intermediate("intermediate CA", None);
    let deep = below.issue(&Wish::new(&[NAME]));
    let chain: [&[u8]; 4] = [&deep.certificate, b"text", ca().certificate(), below.certificate()];
    assert_eq!(ocsp_issuer(chain), Some(below.certificate()));
    assert_eq!(ocsp_issuer([&deep.certificate[..], ca().certificate()]), None);
    assert_eq!(ocsp_issuer(std::iter::empty()), None);
    let own = Wish::new(&[NAME]).self_signed();
    assert_eq!(
        ocsp_issuer([&own.certificate[..]]),
        None,
        "a certificate is no issuer of itself in a chain of one"
    );
}
