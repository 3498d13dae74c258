//! Revocation lists that OpenSSL makes.

use crate::scene::{Scene, is_missing};
use millrace_testkit::pki::DAY;
use millrace_tls::{Trust, TrustOptions};

#[test]
fn crls_of_openssl_are_read_and_its_version_1_is_refused_in_words() {
    if is_missing() {
        return;
    }
    let scene = Scene::new();
    scene.index("revoked");
    scene.folder.write("crlnumber", "01\n");
    let common = "[ca]\ndefault_ca = one\n[one]\ndatabase = index.txt\ndefault_md = sha256\ndefault_crl_days = 1\n";
    let version_2 =
        format!("{common}crlnumber = crlnumber\ncrl_extensions = more\n[more]\nauthorityKeyIdentifier = keyid\n");
    scene.folder.write("v2.cnf", version_2);
    scene.folder.write("v1.cnf", common);
    let load = |config: &str| {
        let (done, text) = scene.folder.openssl(&[
            "ca", "-gencrl", "-config", config, "-cert", "ca.pem", "-keyfile", "ca.key", "-out", "crl.pem",
        ]);
        assert!(done, "{text}");
        Trust::new(&TrustOptions {
            ca: vec![scene.ca.certificate().to_vec()],
            crls: vec![scene.folder.read("crl.pem")],
            ..TrustOptions::default()
        })
    };
    let trust = load("v2.cnf").expect("a good CRL");
    let [facts] = trust.crl_facts() else { panic!("one CRL") };
    assert_eq!((facts.issuer.as_str(), facts.count), ("CN=openssl CA", 1));
    assert_eq!(facts.next_update - facts.this_update, DAY);
    let error = load("v1.cnf").expect_err("with a reason, but without a number");
    assert!(error.to_string().contains("it has no extensions"), "{error}");
    scene.index("good");
    let error = load("v1.cnf").expect_err("version 1");
    assert!(error.to_string().contains("it is of version 1"), "{error}");
}
