//! What contexts are made of: the key log, and what is refused.

use crate::support::{ca, client, leaf, link, server};
use millrace_error::Code;
use millrace_testkit::contexts::{NAME, identity};
use millrace_testkit::pki::Wish;
use millrace_tls::{Identity, KeyLogger, ServerContext, ServerOptions, TlsVersion};

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
