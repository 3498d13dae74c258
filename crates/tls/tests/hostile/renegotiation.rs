//! A client that begins a second handshake in its TLS 1.2 session.

use crate::messages::{hello, record};
use crate::support::{self, server};
use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use millrace_error::Code;
use millrace_testkit::contexts::{NAME, clock};
use millrace_testkit::tls::End;
use millrace_tls::{TlsEngine, TlsSession};

/// A TLS 1.2 session whose client (or server) is rustls's own with its keys laid open, so that a test can seal records
/// that no TLS library would: the suite is AES-128-GCM, whose nonce is 4 secret bytes and 8 that go along (RFC 5288 §3).
struct Forger {
    key: LessSafeKey,
    salt: [u8; 4],
    sequence: u64,
}

impl Forger {
    fn new((sequence, secrets): (u64, rustls::ConnectionTrafficSecrets)) -> Self {
        let rustls::ConnectionTrafficSecrets::Aes128Gcm { key, iv } = secrets else {
            panic!("another suite");
        };
        Self {
            key: LessSafeKey::new(UnboundKey::new(&AES_128_GCM, key.as_ref()).expect("16 bytes")),
            salt: iv.as_ref()[..4].try_into().expect("4 bytes"),
            sequence,
        }
    }

    fn seal(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        let explicit = self.sequence.to_be_bytes();
        let mut aad = explicit.to_vec();
        aad.extend([kind, 3, 3, (body.len() >> 8) as u8, body.len() as u8]);
        let nonce = Nonce::try_assume_unique_for_key(&[&self.salt[..], &explicit].concat()).expect("12 bytes");
        let mut sealed = body.to_vec();
        self.key
            .seal_in_place_append_tag(nonce, Aad::from(aad), &mut sealed)
            .expect("sealed");
        self.sequence += 1;
        record(kind, &[&explicit[..], &sealed].concat())
    }
}

const ONLY: &str = "ECDHE-ECDSA-AES128-GCM-SHA256";

/// Runs rustls's own client against our server, and lays its keys open.
fn forging_client() -> (Forger, rustls::ConnectionTrafficSecrets, End<TlsSession>) {
    let roots = rustls::RootCertStore {
        roots: vec![
            webpki::anchor_from_trusted_cert(&support::ca().certificate().into())
                .expect("a CA")
                .to_owned(),
        ],
    };
    let mut config = rustls::ClientConfig::builder_with_details(
        std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
        std::sync::Arc::new(clock()),
    )
    .with_protocol_versions(&[&rustls::version::TLS12])
    .expect("TLS 1.2")
    .with_root_certificates(roots)
    .with_no_client_auth();
    config.enable_secret_extraction = true;
    let name = NAME.to_owned().try_into().expect("a name");
    let mut peer = rustls::ClientConnection::new(std::sync::Arc::new(config), name).expect("a client");
    let server = server(|options| options.ciphers = vec![ONLY.to_owned()]);
    let mut end = End::new(server.accept());
    while peer.is_handshaking() || peer.wants_write() {
        let mut up = Vec::new();
        while peer.wants_write() {
            peer.write_tls(&mut up).expect("a vector");
        }
        end.give(&up);
        let down = end.take_ciphertext();
        peer.read_tls(&mut &down[..]).expect("a slice");
        peer.process_new_packets().expect("a good server");
    }
    assert!(end.session.facts().is_some());
    let secrets = peer.dangerous_extract_secrets().expect("allowed");
    (Forger::new(secrets.tx), secrets.rx.1, end)
}

#[test]
fn renegotiation_is_refused_with_a_warning_and_a_second_hello_changes_nothing() {
    let (mut forger, _, mut end) = forging_client();
    let hello = &hello()[5..];
    end.give(&forger.seal(22, hello));
    assert_eq!(end.error, None);
    let warning = end.take_ciphertext();
    // An alert record: header, explicit nonce, level and description under the tag.
    assert_eq!((warning[0], warning.len()), (21, 5 + 8 + 2 + 16));
    end.give(&forger.seal(23, b"still the same session"));
    assert_eq!(end.plaintext, b"still the same session");
    for _ in 0..64 {
        end.give(&forger.seal(22, hello));
    }
    assert_eq!(end.error.expect("enough").code, Code::TlsInvalidMessage);
}

#[test]
fn the_warning_against_renegotiation_is_no_renegotiation() {
    let (mut forger, secrets, mut end) = forging_client();
    end.give(&forger.seal(22, &hello()[5..]));
    let warning = end.take_ciphertext();
    let rustls::ConnectionTrafficSecrets::Aes128Gcm { key, iv } = secrets else {
        panic!("another suite");
    };
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, key.as_ref()).expect("16 bytes"));
    let nonce = [&iv.as_ref()[..4], &warning[5..13]].concat();
    // The server's Finished was its record 0.
    let aad = [&1_u64.to_be_bytes()[..], &[21, 3, 3, 0, 2]].concat();
    let mut body = warning[13..].to_vec();
    let plain = key
        .open_in_place(
            Nonce::try_assume_unique_for_key(&nonce).expect("12 bytes"),
            Aad::from(aad),
            &mut body,
        )
        .expect("the server's record");
    assert_eq!(plain, [1, 100], "warning, no_renegotiation");
}
