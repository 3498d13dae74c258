//! Sessions that come about: what is agreed on, and what goes through them.

mod support;

use millrace_buffer::{Output, Pool};
use millrace_error::Code;
use millrace_testkit::contexts::{NAME, identity, server_with};
use millrace_testkit::pki::Wish;
use millrace_testkit::tls::{Cut, Link};
use millrace_tls::{
    ClientAuth, Identity, KeyLogger, ServerContext, ServerOptions, TlsEngine, TlsEvent, TlsFacts, TlsSession,
    TlsVersion, cipher_names,
};
use support::{ca, client, established, leaf, link, link_to, required, server};

const CUTS: [Cut; 4] = [Cut::Whole, Cut::Bytes, Cut::Random(1), Cut::Random(2)];

fn facts(link: &Link<TlsSession>) -> (TlsFacts, TlsFacts) {
    let of = |session: &TlsSession, error: &Option<_>| {
        session.facts().unwrap_or_else(|| panic!("not established: {error:?}"))
    };
    (
        of(&link.client.session, &link.client.error),
        of(&link.server.session, &link.server.error),
    )
}

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

fn shown(link: &Link<TlsSession>) -> Vec<u8> {
    facts(link).0.peer_certificates[0].clone()
}

#[test]
fn the_name_chooses_the_certificate() {
    let names = ["default.test", "a.test", "*.a.test", "exact.a.test"];
    let leaves: Vec<_> = names.iter().map(|name| ca().issue(&Wish::new(&[name]))).collect();
    let server = server_with(leaves.iter().map(identity).collect(), |_| {});
    let client = client(|options| options.dangerously_accept_any_certificate = true);
    let rows = [
        ("default.test", 0),
        ("a.test", 1),
        ("A.TEST", 1),
        ("b.a.test", 2),
        ("exact.a.test", 3),
        ("c.b.a.test", 0),
        ("other.test", 0),
        ("127.0.0.1", 0),
    ];
    for (name, index) in rows {
        let link = link_to(name, &client, &server, Cut::Whole);
        assert_eq!(shown(&link), leaves[index].certificate, "{name}");
    }
}

#[test]
fn a_certificate_is_asked_for_only_when_the_table_has_none() {
    let late = ca().issue(&Wish::new(&["late.test"]));
    for cut in CUTS {
        let server = server(|options| {
            options.ask_for_certificate = true;
            options.alpn = vec![b"h2".to_vec()];
        });
        let client = client(|options| options.alpn = vec![b"h2".to_vec()]);
        let link_ = link_to(NAME, &client, &server, cut);
        assert!(established(&link_), "a name in the table is not asked for");

        let mut link = link_to("late.test", &client, &server, cut);
        let [TlsEvent::ClientHello(hello)] = &link.server.events[..] else {
            panic!("{:?}", link.server.events);
        };
        assert_eq!(hello.servername.as_deref(), Some("late.test"));
        assert_eq!((&hello.alpn[..], hello.ecdsa), (&[b"h2".to_vec()][..], true));
        assert!(link.server.session.is_handshaking() && !link.server.session.wants_ciphertext());
        link.server.session.choose(Some(&identity(&late))).expect("it fits");
        link.run();
        assert_eq!(shown(&link), late.certificate);
        let again = link.server.session.choose(None).expect_err("it was chosen");
        assert_eq!(again.code, Code::InvalidState);
    }
}

#[test]
fn no_answer_to_the_question_is_the_default_certificate_or_unrecognized_name() {
    let client = client(|options| options.dangerously_accept_any_certificate = true);
    let with_default = server(|options| options.ask_for_certificate = true);
    let mut link = link_to("late.test", &client, &with_default, Cut::Whole);
    link.server.session.choose(None).expect("there is a default");
    link.run();
    assert_eq!(shown(&link), leaf().certificate);

    let without = server_with(Vec::new(), |options| options.ask_for_certificate = true);
    let mut link = link_to("late.test", &client, &without, Cut::Whole);
    let error = link.server.session.choose(None).expect_err("there is no default");
    assert_eq!(error.code, Code::TlsNoCertificate);
    link.run();
    assert_eq!(link.client.error.expect("an alert").alert, Some("unrecognized_name"));
}

#[test]
fn what_arrives_while_a_certificate_is_chosen_is_kept_up_to_its_limit() {
    let server = server(|options| options.ask_for_certificate = true);
    for (extra, refused) in [
        (millrace_tls::PENDING_LIMIT, false),
        (millrace_tls::PENDING_LIMIT + 1, true),
    ] {
        let mut link = link_to("late.test", &client(|_| {}), &server, Cut::Whole);
        link.server.give(&vec![0x17; extra]);
        let code = link.server.error.as_ref().map(|error| error.code);
        assert_eq!(code, refused.then_some(Code::TlsBufferLimit), "{extra}");
    }
}

#[test]
fn a_client_certificate_reaches_the_server_and_its_absence_ends_the_handshake() {
    let person = ca().issue(&Wish::new(&["person.test"]));
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let server = server(|options| {
            options.client_auth = required();
            options.max_version = version;
        });
        let with = client(|options| options.identity = Some(identity(&person)));
        let (_, theirs) = facts(&link(&with, &server));
        assert_eq!(theirs.peer_certificates, *std::slice::from_ref(&person.certificate));
        assert_eq!(theirs.authorization_error, None);

        let link = link(&client(|_| {}), &server);
        let error = link.server.error.as_ref().expect("refused");
        assert_eq!(error.code, Code::TlsCertificateRequired, "{error}");
        let told = link.client.error.as_ref().and_then(|error| error.alert);
        assert_eq!(told, Some("certificate_required"));
    }
}

#[test]
fn an_unknown_client_is_refused_or_reported() {
    let stranger = Wish::new(&["stranger.test"]).self_signed();
    let client = client(|options| options.identity = Some(identity(&stranger)));
    let link_ = link(&client, &server(|options| options.client_auth = required()));
    let error = link_.server.error.as_ref().expect("refused");
    assert_eq!(error.code, Code::TlsSelfSigned);
    assert!(error.detail().expect("facts").contains("stranger.test"), "{error}");

    let optional = server(|options| options.client_auth = ClientAuth::DangerouslyOptional(support::trust()));
    let (_, theirs) = facts(&link(&client, &optional));
    assert_eq!(theirs.peer_certificates, [stranger.certificate]);
    assert_eq!(theirs.authorization_error.expect("reported").code, Code::TlsSelfSigned);
    let (_, theirs) = facts(&link(&support::client(|_| {}), &optional));
    assert_eq!(theirs.peer_certificates.len(), 0);
    let reported = theirs.authorization_error.expect("its absence too");
    assert_eq!(reported.code, Code::TlsCertificateRequired);
}

/// The lengths of the records in a run of ciphertext.
fn records(mut bytes: &[u8]) -> Vec<usize> {
    let mut lengths = Vec::new();
    while let [kind, 3, 3, high, low, rest @ ..] = bytes {
        assert_eq!(*kind, 23, "application data");
        let length = usize::from(*high) << 8 | usize::from(*low);
        lengths.push(length);
        bytes = &rest[length..];
    }
    assert!(bytes.is_empty());
    lengths
}

#[test]
fn a_head_and_a_small_body_share_a_record_and_a_large_body_fills_them() {
    /// The content type inside and the tag (RFC 8446 §5.2).
    const OVERHEAD: usize = 17;
    let mut link = link(&client(|_| {}), &server(|_| {}));
    let session = &mut link.server.session;
    assert_eq!(
        session.seal(&[&[b'h'; 200], &[b'b'; 1_000]]).expect("established"),
        1_200
    );
    assert_eq!(records(&link.server.take_ciphertext()), [1_200 + OVERHEAD]);

    let session = &mut link.server.session;
    assert_eq!(
        session.seal(&[&[b'h'; 200], &[b'b'; 40_000]]).expect("established"),
        40_200
    );
    assert_eq!(
        records(&link.server.take_ciphertext()),
        [16_384 + OVERHEAD, 16_384 + OVERHEAD, 7_432 + OVERHEAD]
    );
}

#[test]
fn the_buffer_limit_is_where_sealing_stops_and_sending_makes_room() {
    let mut link = link(&client(|_| {}), &server(|_| {}));
    let body = vec![7; 100_000];
    let session = &mut link.server.session;
    session.set_buffer_limit(20_000);
    assert_eq!(session.seal(&[&body]).expect("established"), 20_000);
    assert_eq!(session.seal(&[&body]).expect("established"), 0);
    let sealed = link.server.take_ciphertext();
    link.client.give(&sealed);
    link.send_down(&body[20_000..]);
    assert!(link.client.plaintext == body);
}

#[test]
fn nothing_is_sealed_before_the_handshake_is_over_or_after_close_notify() {
    let (client, server) = (client(|_| {}), server(|_| {}));
    let mut ours = client.connect(NAME).expect("a name");
    let mut theirs = server.accept();
    for session in [&mut ours, &mut theirs] {
        assert!(session.is_handshaking() && session.facts().is_none());
        assert_eq!(
            session.seal(&[b"early"]).expect_err("handshaking").code,
            Code::InvalidState
        );
    }
    let mut link = link(&client, &server);
    link.client.session.close_notify();
    assert_eq!(
        link.client.session.seal(&[b"late"]).expect_err("closed").code,
        Code::InvalidState
    );
}

#[test]
fn the_key_log_has_the_lines_that_wireshark_reads() {
    use std::sync::{Arc, Mutex};
    for (version, label) in [
        (TlsVersion::Tls12, "CLIENT_RANDOM "),
        (TlsVersion::Tls13, "CLIENT_TRAFFIC_SECRET_0 "),
    ] {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&lines);
        let server = server(|options| {
            options.max_version = version;
            options.key_log = Some(KeyLogger::new(move |line| {
                taken.lock().expect("not poisoned").push(line.to_owned());
            }));
        });
        link(&client(|_| {}), &server);
        let lines = lines.lock().expect("not poisoned");
        let line = lines.iter().find(|line| line.starts_with(label)).expect(label);
        let parts: Vec<&str> = line.split(' ').collect();
        assert_eq!((parts.len(), parts[1].len()), (3, 64), "{line}");
    }
}

#[test]
fn tls_runs_inside_tls() {
    let (client, server) = (client(|_| {}), server(|_| {}));
    let mut outer = link(&client, &server);
    let mut inner = Link::new(client.connect(NAME).expect("a name"), server.accept(), Cut::Whole);
    for _ in 0..8 {
        let up = inner.client.take_ciphertext();
        outer.send_up(&up);
        inner.server.give(&std::mem::take(&mut outer.server.plaintext));
        let down = inner.server.take_ciphertext();
        outer.send_down(&down);
        inner.client.give(&std::mem::take(&mut outer.client.plaintext));
    }
    let sealed = inner.client.seal_all(b"through two");
    outer.send_up(&sealed);
    inner.server.give(&std::mem::take(&mut outer.server.plaintext));
    assert_eq!(inner.server.plaintext, b"through two");
}

#[test]
fn wrong_configurations_are_refused_with_what_is_wrong() {
    let refused = |options: ServerOptions| ServerContext::new(options).expect_err("refused").to_string();
    let good = || ServerOptions {
        identities: vec![identity(leaf())],
        ..ServerOptions::default()
    };
    let none = refused(ServerOptions::default());
    assert!(none.contains("needs a certificate"), "{none}");
    let versions = refused(ServerOptions {
        min_version: TlsVersion::Tls13,
        max_version: TlsVersion::Tls12,
        ..good()
    });
    assert!(versions.contains("minVersion"), "{versions}");
    let suite = refused(ServerOptions {
        ciphers: vec!["TLS_AES_128_GCM_SHA256".to_owned()],
        max_version: TlsVersion::Tls12,
        ..good()
    });
    assert!(suite.contains("no suite fits"), "{suite}");
    let name = refused(ServerOptions {
        identities: vec![identity(leaf()).with_names(["a*.test"])],
        ..ServerOptions::default()
    });
    assert!(name.contains("a*.test"), "{name}");

    let other = ca().issue(&Wish::new(&[NAME]));
    let keys = Identity::new(&leaf().certificate, &other.key).expect_err("another key");
    assert!(keys.to_string().contains("does not belong"), "{keys}");
    let no_key = Identity::new(&leaf().certificate, b"").expect_err("no key");
    assert_eq!(no_key.code, Code::TlsInvalidConfiguration);
    let bad_name = client(|_| {}).connect("no name").expect_err("a space");
    assert_eq!(bad_name.code, Code::InvalidArgument);
}

#[test]
fn an_output_that_holds_something_goes_first() {
    let mut session = client(|_| {}).connect(NAME).expect("a name");
    let (mut output, mut pool) = (Output::new(), Pool::new());
    output.tail(&mut pool).extend_from_slice(b"CONNECT");
    let count = session.poll_ciphertext(&mut output, &mut pool);
    let bytes = output.single().expect("one run");
    assert_eq!((&bytes[..9], bytes.len()), (&b"CONNECT\x16\x03"[..], count + 7));
    output.clear(&mut pool, |_| {});
}
