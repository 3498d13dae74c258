//! Revocation lists: what they refuse, and what their absence does.

use crate::support;
use crate::support::{ca, client, established, leaf, link, required, server};
use crate::verdict::{accepted, judged, refused};
use millrace_error::Code;
use millrace_testkit::contexts::{NAME, identity, trust_in};
use millrace_testkit::pki::{Authority, DAY, NOW, Wish};
use millrace_tls::{ClientContext, ClientOptions, Trust, TrustOptions};
use std::sync::Arc;

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
