//! First bytes that open no session.

use crate::messages::{extension, handshake, hello, made, record};
use crate::support::server;
use millrace_error::Code;
use millrace_testkit::tls::{Cut, End, Link};
use millrace_tls::{TlsEngine, TlsVersion};

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
