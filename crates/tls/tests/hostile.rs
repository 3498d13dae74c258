//! Peers that break the rules, or off.

mod support;

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use millrace_error::Code;
use millrace_testkit::contexts::{NAME, clock};
use millrace_testkit::tls::{Cut, End, Link};
use millrace_tls::{TlsEngine, TlsEvent, TlsSession, TlsVersion};
use support::{client, link, server};

/// A ClientHello of this crate's client.
fn hello() -> Vec<u8> {
    End::new(client(|_| {}).connect(NAME).expect("a name")).take_ciphertext()
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3, (body.len() >> 8) as u8, body.len() as u8], body].concat()
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = body.len().to_be_bytes();
    record(22, &[&[kind], &len[5..], body].concat())
}

/// A hello with only so much in it: version, random, session id, suites, compression, extensions.
fn made(version: [u8; 2], suites: &[u8], compression: &[u8], extensions: &[u8]) -> Vec<u8> {
    let body = [
        &version[..],
        &[7; 32],
        &[0],
        &(suites.len() as u16).to_be_bytes(),
        suites,
        &[compression.len() as u8],
        compression,
        &(extensions.len() as u16).to_be_bytes(),
        extensions,
    ];
    handshake(1, &body.concat())
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &(body.len() as u16).to_be_bytes(), body].concat()
}

/// Openings that no TLS server may take, each with a name.
fn malformed() -> Vec<(String, Vec<u8>)> {
    let good = hello();
    let mut rows: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: &str, bytes: Vec<u8>| rows.push((name.to_owned(), bytes));

    for kind in (0..=255).filter(|kind| *kind != 22) {
        if kind % 16 == 4 || (20..=24).contains(&kind) {
            add(&format!("a first record of type {kind}"), record(kind, &[1, 1]));
        }
    }
    for kind in [0, 2, 4, 8, 11, 12, 13, 14, 15, 16, 20, 24, 25, 254, 255] {
        add(
            &format!("a first handshake message of type {kind}"),
            handshake(kind, &[0; 40]),
        );
    }
    for length in [0x4801_u16, 0x5000, 0x8000, 0xffff] {
        let [high, low] = length.to_be_bytes();
        let body = vec![0; usize::from(length)];
        add(
            &format!("a record of {length:#x}"),
            [&[22, 3, 1, high, low][..], &body].concat(),
        );
    }
    for major in [0, 1, 2, 4, 127, 255] {
        let mut bytes = good.clone();
        bytes[1] = major;
        add(&format!("a record of major version {major}"), bytes);
    }
    add("an empty handshake record", record(22, &[]));
    add("many empty handshake records", record(22, &[]).repeat(64));
    add("a fatal alert", record(21, &[2, 40]));
    add("a warning of level 9", record(21, &[9, 0]));
    add("a short alert", record(21, &[2]));
    add("a message of 16 MiB", record(22, &[1, 0xff, 0xff, 0xff, 3, 3]));
    add("a message of 64 KiB and one", record(22, &[1, 1, 0, 1, 3, 3]));
    add(
        "an SSL 2 hello",
        vec![
            0x80, 0x2e, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10, 1, 0, 0x80, 3, 0, 0x80, 7, 0, 0xc0, 6, 0,
        ],
    );
    add("SSH", b"SSH-2.0-OpenSSH_9.2\r\n".to_vec());
    add("SMTP", b"EHLO client.test\r\n".to_vec());
    add("a lower-case method", b"get / HTTP/1.1\r\n\r\n".to_vec());
    add("zeros", vec![0; 64]);
    add("ones", vec![0xff; 64]);
    add("a PROXY head", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n".to_vec());

    let suites = [0x13, 0x01];
    add("a hello of SSL 3", made([3, 0], &[0, 5], &[0], &[]));
    add("a hello of TLS 1.0", made([3, 1], &suites, &[0], &[]));
    add("a hello of TLS 1.1", made([3, 2], &suites, &[0], &[]));
    add("a hello without suites", made([3, 3], &[], &[0], &[]));
    add("a hello with half a suite", made([3, 3], &[0x13], &[0], &[]));
    add("a hello without compression", made([3, 3], &suites, &[], &[]));
    add("a hello with deflate", made([3, 3], &suites, &[1], &[]));
    add("a hello without extensions", made([3, 3], &suites, &[0], &[]));
    add(
        "a hello with unknown suites",
        made([3, 3], &[0xfa, 0xfa, 0xff, 0xff], &[0], &[]),
    );
    let versions = extension(43, &[2, 3, 4]);
    add("a hello with versions alone", made([3, 3], &suites, &[0], &versions));
    add(
        "a hello with versions twice",
        made([3, 3], &suites, &[0], &versions.repeat(2)),
    );
    add(
        "a hello with no versions in the list",
        made([3, 3], &suites, &[0], &extension(43, &[0])),
    );
    add(
        "a hello with half a version",
        made([3, 3], &suites, &[0], &extension(43, &[1, 3])),
    );
    add(
        "a hello with an extension past its end",
        made([3, 3], &suites, &[0], &[0, 43, 0, 9, 2, 3, 4]),
    );
    add(
        "a hello with half an extension",
        made([3, 3], &suites, &[0], &[0, 43, 0]),
    );
    for (name, body) in [
        ("empty", &[][..]),
        ("list without end", &[0, 9, 0, 0, 4, b'a']),
        ("no host", &[0, 3, 0, 0, 0]),
        ("name with a NUL", &[0, 6, 0, 0, 3, b'a', 0, b'b']),
        ("two hosts", &[0, 8, 0, 0, 1, b'a', 0, 0, 1, b'b']),
    ] {
        let extensions = [versions.clone(), extension(0, body)].concat();
        add(
            &format!("a server name: {name}"),
            made([3, 3], &suites, &[0], &extensions),
        );
    }
    for (name, body) in [
        ("empty", &[][..]),
        ("empty list", &[0, 0]),
        ("empty protocol", &[0, 1, 0]),
        ("cut", &[0, 5, 2, b'h']),
    ] {
        let extensions = [versions.clone(), extension(16, body)].concat();
        add(&format!("ALPN: {name}"), made([3, 3], &suites, &[0], &extensions));
    }

    // The length fields of a good hello: record, message, session id, suites.
    for at in [3, 4, 6, 7, 8, 43, 76, 77] {
        for change in [0x01, 0x80] {
            let mut bytes = good.clone();
            bytes[at] ^= change;
            bytes.extend(record(23, &[0; 300]));
            bytes.extend(vec![0xff; 40_000]);
            add(&format!("a hello with byte {at} changed by {change:#x}"), bytes);
        }
    }
    add("a hello twice", [good.clone(), good.clone()].concat());
    add(
        "application data behind a hello",
        [good.clone(), record(23, &[0; 32])].concat(),
    );
    add("an alert behind a hello", [good, record(21, &[2, 40])].concat());
    rows
}

#[test]
fn a_hundred_malformed_openings_end_with_a_code_and_leak_nothing() {
    let rows = malformed();
    assert!(rows.len() >= 100, "{}", rows.len());
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let server = server(|options| options.max_version = version);
        for (name, bytes) in &rows {
            let mut codes = Vec::new();
            for cut in [Cut::Whole, Cut::Bytes, Cut::Random(7)] {
                let mut end = End::new(server.accept());
                Link::carry(cut, bytes, &mut end);
                end.give_eof();
                let error = end.error.clone().unwrap_or_else(|| panic!("{name} was taken"));
                assert!(
                    matches!(
                        error.code,
                        Code::TlsInvalidMessage
                            | Code::TlsRecordOverflow
                            | Code::TlsDecryptFailed
                            | Code::TlsNoSharedVersion
                            | Code::TlsNoSharedSuite
                            | Code::TlsAlertReceived
                            | Code::TlsHandshakeTruncated
                    ),
                    "{name}: {error}"
                );
                assert!(end.plaintext.is_empty() && end.early_data.is_empty(), "{name}");
                let said = end.take_ciphertext();
                assert!(said.is_empty() || matches!(said[0], 20..=22), "{name}: {said:?}");
                assert!(
                    end.take_ciphertext().is_empty() && end.session.facts().is_none(),
                    "{name}"
                );
                codes.push(error.code);
            }
            assert!(codes.iter().all(|code| *code == codes[0]), "{name}: {codes:?}");
        }
    }
}

#[test]
fn a_client_of_an_older_version_is_told_that_it_is_the_version() {
    const PROTOCOL_VERSION: [u8; 7] = [21, 3, 3, 0, 2, 2, 70];
    let (server, suites, schemes) = (server(|_| {}), [0xc0, 0x2b], extension(13, &[0, 2, 4, 3]));
    for minor in 0..=2 {
        for extensions in [&[][..], &extension(10, &[0, 2, 0, 23]), &schemes] {
            for cut in [Cut::Whole, Cut::Bytes, Cut::Random(3)] {
                let mut end = End::new(server.accept());
                Link::carry(cut, &made([3, minor], &suites, &[0], extensions), &mut end);
                let code = end.error.as_ref().map(|error| error.code);
                assert_eq!(code, Some(Code::TlsNoSharedVersion), "3.{minor} {extensions:?}");
                assert_eq!(end.take_ciphertext(), PROTOCOL_VERSION);
            }
        }
    }
    // One of TLS 1.2 that names no schemes has another fault.
    let mut end = End::new(server.accept());
    Link::carry(Cut::Whole, &made([3, 3], &suites, &[0], &[]), &mut end);
    assert_eq!(end.error.map(|error| error.code), Some(Code::TlsNoSharedSuite));
}

#[test]
fn plain_http_is_recognised_and_answered_with_no_alert() {
    let server = server(|_| {});
    for method in [
        "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE",
    ] {
        for cut in [Cut::Whole, Cut::Bytes] {
            let mut end = End::new(server.accept());
            Link::carry(
                cut,
                format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes(),
                &mut end,
            );
            assert_eq!(
                end.error.as_ref().map(|error| error.code),
                Some(Code::TlsPlainHttp),
                "{method}"
            );
            assert!(end.take_ciphertext().is_empty() && !end.session.wants_ciphertext());
        }
    }
}

#[test]
fn the_end_of_the_network_is_told_apart_by_where_it_comes() {
    let (client, server) = (client(|_| {}), server(|_| {}));
    let mut fresh = End::new(server.accept());
    fresh.give_eof();
    assert_eq!(fresh.error.expect("cut").code, Code::TlsHandshakeTruncated);
    let hello = hello();
    for cut in [1, 5, 100, hello.len()] {
        let mut end = End::new(server.accept());
        end.give(&hello[..cut]);
        end.give_eof();
        assert_eq!(end.error.expect("cut").code, Code::TlsHandshakeTruncated, "{cut}");
    }
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let server = support::server(|options| options.max_version = version);
        let mut cut = link(&client, &server);
        cut.send_down(b"half");
        cut.client.give_eof();
        assert_eq!(cut.client.plaintext, b"half");
        assert_eq!(cut.client.error.expect("cut").code, Code::TlsTruncated);

        let mut clean = link(&client, &server);
        clean.send_down(b"whole");
        clean.server.session.close_notify();
        clean.run();
        clean.client.give_eof();
        assert_eq!(
            (&clean.client.plaintext[..], &clean.client.error),
            (&b"whole"[..], &None)
        );
        assert_eq!(clean.client.events, [TlsEvent::Established, TlsEvent::Closed]);
    }
}

#[test]
fn after_close_notify_the_other_side_may_go_on_and_what_follows_it_is_dropped() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let mut link = link(&client(|_| {}), &server(|options| options.max_version = version));
        link.client.session.close_notify();
        link.run();
        assert_eq!(link.server.events, [TlsEvent::Established, TlsEvent::Closed]);
        link.send_down(b"still here");
        assert_eq!(link.client.plaintext, b"still here");
        link.server.give(b"\x17\x03\x03\x00\x05hello and more");
        link.server.give(b"\x17\x03\x03\x00\x05hello and more");
        assert_eq!((link.server.error, link.server.plaintext.len()), (None, 0));
        assert_eq!(link.server.events.len(), 2, "it ends once");
    }
}

#[test]
fn a_record_that_was_changed_ends_the_session_and_what_came_before_it_is_kept() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let mut link = link(&client(|_| {}), &server(|options| options.max_version = version));
        let mut sealed = link.client.seal_all(b"good");
        let mut changed = link.client.seal_all(b"evil");
        *changed.last_mut().expect("bytes") ^= 1;
        sealed.extend(changed);
        link.server.give(&sealed);
        assert_eq!(link.server.plaintext, b"good");
        assert_eq!(
            link.server.error.as_ref().expect("refused").code,
            Code::TlsDecryptFailed
        );
        assert_eq!(
            link.server.session.seal(&[b"x"]).expect_err("over").code,
            Code::InvalidState
        );
        let alert = link.server.take_ciphertext();
        link.client.give(&alert);
        assert_eq!(link.client.error.expect("told").alert, Some("bad_record_mac"));
    }
}

#[test]
fn a_record_of_16_kib_passes_and_a_larger_one_does_not() {
    let mut link_ = link(&client(|_| {}), &server(|_| {}));
    let full = link_.client.seal_all(&[7; 16_384]);
    assert_eq!(full.len(), 5 + 16_384 + 17);
    link_.server.give(&full);
    assert_eq!(link_.server.plaintext.len(), 16_384);
    link_.server.give(&record(23, &[0; 16_384 + 2_049]));
    assert_eq!(link_.server.error.expect("refused").code, Code::TlsRecordOverflow);
}

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
