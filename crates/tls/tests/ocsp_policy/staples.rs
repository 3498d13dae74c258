//! Staples that a server shows.

use crate::scene::{demanding, facts, saying};
use crate::support::{ca, chained, client, established, leaf, link, link_to};
use millrace_error::Code;
use millrace_testkit::contexts::{NAME, identity, server_with};
use millrace_testkit::pki::ocsp::{self, Answer, Response, Says};
use millrace_testkit::pki::{Authority, DAY, NOW};
use millrace_testkit::tls::Cut;
use millrace_tls::{
    ClientContext, Clock, Identity, OcspPolicy, OcspVerdict, ServerContext, ServerOptions, TlsEngine, check_staple,
};
use std::sync::Arc;

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
