//! Version, suite and protocol: what both sides know is agreed on, or the handshake ends.

use crate::support::{ca, client, leaf, link, link_to, server};
use crate::{CUTS, facts};
use millrace_error::Code;
use millrace_testkit::contexts::{NAME, identity, server_with};
use millrace_testkit::pki::Wish;
use millrace_testkit::tls::Link;
use millrace_tls::{TlsEngine, TlsEvent, TlsSession, TlsVersion, cipher_names};

#[test]
fn every_version_carries_bytes_both_ways_however_the_link_cuts() {
    let body: Vec<u8> = (0..40_000_u32).map(|n| (n * n) as u8).collect();
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let client = client(|options| options.max_version = version);
        let server = server(|_| {});
        for cut in CUTS {
            let mut link = link_to(NAME, &client, &server, cut);
            let (ours, theirs) = facts(&link);
            assert_eq!((ours.version, theirs.version), (version, version));
            assert_eq!(theirs.servername.as_deref(), Some(NAME));
            assert_eq!(ours.peer_certificates, [leaf().certificate.clone()]);
            assert!(theirs.peer_certificates.is_empty());
            link.send_up(b"ping");
            link.send_down(&body);
            assert_eq!(link.server.plaintext, b"ping");
            assert!(link.client.plaintext == body, "{version:?} {cut:?}");
            assert_eq!(link.client.events, [TlsEvent::Established]);
            assert_eq!(link.server.events, [TlsEvent::Established]);
        }
    }
}

#[test]
fn every_suite_is_spoken_when_it_is_the_only_one_and_facts_name_it() {
    let key = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).expect("an RSA key");
    let key = aws_lc_rs::encoding::AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&key).expect("DER");
    let rsa = ca().issue(&Wish {
        key: Some(key.as_ref().to_vec()),
        ..Wish::new(&[NAME])
    });
    for name in cipher_names() {
        let leaf = if name.contains("RSA") && !name.contains("ECDSA") {
            &rsa
        } else {
            leaf()
        };
        let server = server_with(vec![identity(leaf)], |options| {
            options.ciphers = vec![name.to_owned()];
            if !name.starts_with("TLS_") {
                options.max_version = TlsVersion::Tls12;
            } else {
                options.min_version = TlsVersion::Tls13;
            }
        });
        let link = link(&client(|_| {}), &server);
        let (ours, theirs) = facts(&link);
        assert_eq!((ours.cipher, theirs.cipher), (name, name));
    }
}

#[test]
fn no_shared_version_suite_or_protocol_ends_with_its_code_and_alert() {
    let only = |version| {
        server(|options| {
            options.min_version = version;
            options.max_version = version;
        })
    };
    let link_ = link(
        &client(|options| options.max_version = TlsVersion::Tls12),
        &only(TlsVersion::Tls13),
    );
    refused(&link_, Code::TlsNoSharedVersion, "protocol_version");
    let link_ = link(
        &client(|options| options.min_version = TlsVersion::Tls13),
        &only(TlsVersion::Tls12),
    );
    refused(&link_, Code::TlsNoSharedVersion, "protocol_version");

    let suite = |name: &str| vec![name.to_owned()];
    let client_ = client(|options| {
        options.ciphers = suite("TLS_AES_128_GCM_SHA256");
        options.min_version = TlsVersion::Tls13;
    });
    let server_ = server(|options| {
        options.ciphers = suite("TLS_AES_256_GCM_SHA384");
        options.min_version = TlsVersion::Tls13;
    });
    refused(&link(&client_, &server_), Code::TlsNoSharedSuite, "handshake_failure");

    let client_ = client(|options| options.alpn = vec![b"spdy/3".to_vec()]);
    let server_ = server(|options| options.alpn = vec![b"h2".to_vec(), b"http/1.1".to_vec()]);
    refused(
        &link(&client_, &server_),
        Code::TlsNoSharedAlpn,
        "no_application_protocol",
    );
}

fn refused(link: &Link<TlsSession>, code: Code, alert: &str) {
    let error = link.server.error.as_ref().expect("the server refuses");
    assert_eq!(error.code, code, "{error}");
    let told = link.client.error.as_ref().expect("the client is told");
    assert_eq!((told.code, told.alert), (Code::TlsAlertReceived, Some(alert)));
    assert!(!link.server.session.wants_ciphertext() && !link.server.session.has_ciphertext());
}

#[test]
fn the_servers_order_of_protocols_counts() {
    let rows: [(&[&str], &[&str], Option<&str>); 4] = [
        (&["http/1.1", "h2"], &["h2", "http/1.1"], Some("h2")),
        (&["http/1.1"], &["h2", "http/1.1"], Some("http/1.1")),
        (&[], &["h2"], None),
        (&["h2"], &[], None),
    ];
    let list = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect();
    for (offered, known, agreed) in rows {
        let client = client(|options| options.alpn = list(offered));
        let server = server(|options| options.alpn = list(known));
        let (ours, theirs) = facts(&link(&client, &server));
        let agreed = agreed.map(|name| name.as_bytes().to_vec());
        assert_eq!((&ours.alpn, &theirs.alpn), (&agreed, &agreed), "{offered:?} {known:?}");
    }
}
