//! What a client makes of a staple.

use crate::scene::{demanding, facts, links, saying};
use crate::support::{ca, chained, client, established, leaf, link};
use millrace_error::Code;
use millrace_testkit::contexts::{NAME, identity, server_with, trust_in};
use millrace_testkit::pki::crl::Crl;
use millrace_testkit::pki::der;
use millrace_testkit::pki::ocsp::{self, Answer, NO_CHECK, Response, Says};
use millrace_testkit::pki::{Authority, DAY, Leaf, NOW, Purpose, Wish};
use millrace_tls::{ClientOptions, OcspFault, OcspPolicy, OcspVerdict, TlsEngine};
use std::slice;

const POLICIES: [OcspPolicy; 3] = [OcspPolicy::Off, OcspPolicy::MustStaple, OcspPolicy::Require];

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
