//! OpenSSL as the other side: what it makes is verified here, and what is made here by it.
//!
//! It goes by the system's clock, so these certificates are valid around now.
#![cfg(unix)]

mod support;

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use millrace_error::Code;
use millrace_testkit::pki::ct::{Log, Stamp};
use millrace_testkit::pki::ocsp::{Answer, Response, Says};
use millrace_testkit::pki::{Authority, DAY, Leaf, Purpose, Wish};
use millrace_testkit::tls::End;
use millrace_tls::{
    ClientContext, ClientOptions, Identity, OcspFault, OcspHash, OcspPolicy, OcspVerdict, ServerContext, ServerOptions,
    TlsEngine, TlsSession, Trust, TrustOptions, ocsp_request, verify_ocsp,
};
use support::pem;

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs()
}

/// A folder that is gone when the test is.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "millrace-openssl-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a new folder");
        Self(path)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.0.join(name), bytes).expect("written");
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("openssl");
        command.args(arguments).current_dir(&self.0).stdin(Stdio::null());
        command
    }

    /// Runs `openssl` to its end and gives all that it printed.
    fn openssl(&self, arguments: &[&str]) -> (bool, String) {
        let Output { status, stdout, stderr } = self.command(arguments).output().expect("openssl runs");
        let text = [stdout, stderr].concat();
        (status.success(), String::from_utf8_lossy(&text).into_owned())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether `openssl` is there; without it, a test says that it does nothing.
fn is_missing() -> bool {
    let found = Command::new("openssl").arg("version").output();
    let missing = !found.is_ok_and(|output| output.status.success());
    if missing {
        eprintln!("skipped: there is no openssl in PATH");
    }
    missing
}

fn wish(name: &str) -> Wish {
    Wish {
        not_before: now() - DAY,
        not_after: now() + 30 * DAY,
        ..Wish::new(&[name])
    }
}

fn rsa_key() -> Vec<u8> {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    let key = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).expect("an RSA key");
    let der: Pkcs8V1Der<'_> = key.as_der().expect("PKCS#8");
    der.as_ref().to_vec()
}

/// A CA with a certificate, in files.
struct Scene {
    folder: Folder,
    ca: Authority,
    leaf: Leaf,
}

impl Scene {
    fn new() -> Self {
        let folder = Folder::new();
        let ca = Authority::new("openssl CA");
        let leaf = ca.issue(&wish("server.test"));
        folder.write("ca.pem", pem("CERTIFICATE", ca.certificate()));
        folder.write("ca.key", pem("PRIVATE KEY", &ca.key().serialize_der()));
        folder.write("leaf.pem", pem("CERTIFICATE", &leaf.certificate));
        folder.write("leaf.key", pem("PRIVATE KEY", &leaf.key));
        folder.write("empty.txt", "");
        Self { folder, ca, leaf }
    }

    /// OpenSSL's database of certificates, with this one in this state.
    fn index(&self, state: &str) {
        let line = match state {
            "good" => "V\t491231235959Z\t\t03E8\tunknown\t/CN=server.test\n",
            "revoked" => "R\t491231235959Z\t260615000000Z,keyCompromise\t03E8\tunknown\t/CN=server.test\n",
            _ => "V\t491231235959Z\t\t03E9\tunknown\t/CN=other.test\n",
        };
        self.folder.write("index.txt", line);
    }

    /// What OpenSSL answers to a request.
    fn respond(&self, request: &[u8], signer: &str, more: &[&str]) -> Vec<u8> {
        self.folder.write("request.der", request);
        let certificate = format!("{signer}.pem");
        let key = format!("{signer}.key");
        let mut arguments = vec![
            "ocsp",
            "-index",
            "index.txt",
            "-CA",
            "ca.pem",
            "-rsigner",
            &certificate,
            "-rkey",
            &key,
            "-reqin",
            "request.der",
            "-respout",
            "response.der",
            "-ndays",
            "1",
        ];
        arguments.extend(more);
        let (done, text) = self.folder.openssl(&arguments);
        assert!(done, "{text}");
        self.folder.read("response.der")
    }

    fn verdict(&self, response: &[u8], nonce: Option<&[u8]>) -> OcspVerdict {
        verify_ocsp(&self.leaf.certificate, self.ca.certificate(), response, nonce, now()).expect("a pair")
    }
}

#[test]
fn responses_of_openssl_are_verified_and_our_requests_understood() {
    if is_missing() {
        return;
    }
    let scene = Scene::new();
    let delegate = scene.ca.issue(&Wish {
        purpose: Purpose::Ocsp,
        serial: 77,
        ..wish("responder.test")
    });
    scene
        .folder
        .write("delegate.pem", pem("CERTIFICATE", &delegate.certificate));
    scene.folder.write("delegate.key", pem("PRIVATE KEY", &delegate.key));
    let rsa = scene.ca.issue(&Wish {
        purpose: Purpose::Ocsp,
        serial: 78,
        key: Some(rsa_key()),
        ..wish("rsa.test")
    });
    scene.folder.write("rsa.pem", pem("CERTIFICATE", &rsa.certificate));
    scene.folder.write("rsa.key", pem("PRIVATE KEY", &rsa.key));
    let nonce = [9; 32];
    for hash in [OcspHash::Sha1, OcspHash::Sha256] {
        let certificate = &scene.leaf.certificate;
        let request = ocsp_request(certificate, scene.ca.certificate(), hash, Some(&nonce)).expect("a pair");
        for (signer, more) in [
            ("ca", &[][..]),
            ("ca", &["-resp_key_id"]),
            ("ca", &["-rmd", "sha384"]),
            ("delegate", &[]),
            ("delegate", &["-resp_key_id", "-rmd", "sha512"]),
            ("rsa", &[]),
            ("rsa", &["-rmd", "sha384"]),
        ] {
            scene.index("good");
            let good = scene.respond(&request, signer, more);
            assert!(
                matches!(scene.verdict(&good, Some(&nonce)), OcspVerdict::Good(_)),
                "{signer} {more:?}"
            );
            let wrong = OcspVerdict::Invalid(OcspFault::WrongNonce);
            assert_eq!(scene.verdict(&good, Some(&[8; 32])), wrong);
        }
        scene.index("revoked");
        let OcspVerdict::Revoked(revocation) = scene.verdict(&scene.respond(&request, "ca", &[]), Some(&nonce)) else {
            panic!("revoked")
        };
        assert_eq!(
            (revocation.at, revocation.reason),
            (millrace_testkit::pki::NOW, Some("keyCompromise"))
        );
        scene.index("other");
        let unknown = OcspVerdict::Invalid(OcspFault::UnknownCertificate);
        assert_eq!(scene.verdict(&scene.respond(&request, "ca", &[]), None), unknown);
        // Without its certificate nobody can tell a delegate.
        let alone = scene.respond(&request, "delegate", &["-resp_no_certs"]);
        assert_eq!(
            scene.verdict(&alone, None),
            OcspVerdict::Invalid(OcspFault::UnknownSigner)
        );
        let (done, text) = scene.folder.openssl(&["ocsp", "-reqin", "request.der", "-req_text"]);
        assert!(done && text.contains("Serial Number: 03E8"), "{text}");
        assert!(text.contains(&"09".repeat(32)), "the nonce: {text}");
    }
    // SHA-1 signatures are refused, which OpenSSL still makes.
    scene.index("good");
    let request = ocsp_request(&scene.leaf.certificate, scene.ca.certificate(), OcspHash::Sha1, None).expect("a pair");
    let weak = scene.respond(&request, "ca", &["-rmd", "sha1"]);
    assert_eq!(
        scene.verdict(&weak, None),
        OcspVerdict::Invalid(OcspFault::WeakSignature)
    );
}

#[test]
fn openssl_agrees_on_responses_that_are_made_here() {
    if is_missing() {
        return;
    }
    let scene = Scene::new();
    let delegate = |purpose| {
        scene.ca.issue(&Wish {
            purpose,
            ..wish("responder.test")
        })
    };
    let made = |says, this_update, next_update| {
        let mut response = Response::with(vec![Answer {
            says,
            this_update,
            next_update,
            ..Answer::good(&scene.leaf.certificate, scene.ca.certificate())
        }]);
        response.produced_at = this_update;
        response
    };
    let current = |says| made(says, now() - 3600, Some(now() + DAY));
    let other = Authority::new("openssl CA");
    let rows: Vec<(&str, Vec<u8>, bool)> = vec![
        ("good", current(Says::Good).signed_by(&scene.ca), true),
        (
            "by a delegate",
            current(Says::Good).signed_by_delegate(&delegate(Purpose::Ocsp)),
            true,
        ),
        (
            "by no delegate",
            current(Says::Good).signed_by_delegate(&delegate(Purpose::Tls)),
            false,
        ),
        ("by a namesake", current(Says::Good).signed_by(&other), false),
        (
            "revoked",
            current(Says::Revoked(now() - DAY, Some(4))).signed_by(&scene.ca),
            false,
        ),
        ("unknown", current(Says::Unknown).signed_by(&scene.ca), false),
        (
            "stale",
            made(Says::Good, now() - 3 * DAY, Some(now() - DAY)).signed_by(&scene.ca),
            false,
        ),
        (
            "from the future",
            made(Says::Good, now() + DAY, Some(now() + 2 * DAY)).signed_by(&scene.ca),
            false,
        ),
        ("text", b"text".to_vec(), false),
    ];
    for (name, response, good) in rows {
        let ours = matches!(scene.verdict(&response, None), OcspVerdict::Good(_));
        scene.folder.write("ours.der", &response);
        let (_, text) = scene.folder.openssl(&[
            "ocsp",
            "-respin",
            "ours.der",
            "-issuer",
            "ca.pem",
            "-cert",
            "leaf.pem",
            "-CAfile",
            "ca.pem",
            "-no_nonce",
        ]);
        let theirs = text.contains("Response verify OK")
            && text.contains("leaf.pem: good")
            && !text.contains("Status times invalid");
        assert_eq!((ours, theirs), (good, good), "{name}: {text}");
    }
}

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

/// Tries until there is something, for at most 20 seconds.
fn until<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(Instant::now() < end, "{what} does not come");
        std::thread::yield_now();
    }
}

#[test]
fn openssl_finds_the_timestamps_valid_that_are_made_here() {
    if is_missing() {
        return;
    }
    let scene = Scene::new();
    let logs = [Log::new("a"), Log::new("b")];
    let stamp = Stamp::at((now() - 3600) * 1000);
    let logged = scene.ca.issue_logged(&wish("server.test"), |tbs| {
        let of = |log: &Log| log.stamp_precertificate(tbs, scene.ca.certificate(), &stamp);
        logs.iter().map(of).collect()
    });
    scene
        .folder
        .write("logged.pem", pem("CERTIFICATE", &logged.certificate));
    scene.folder.write("logged.key", pem("PRIVATE KEY", &logged.key));
    let key = |log: &Log| {
        let text = pem("KEY", &log.listed(millrace_tls::CtLogState::Usable).key);
        text.lines().filter(|line| !line.starts_with('-')).collect::<String>()
    };
    let list = format!(
        "enabled_logs = a, b\n[a]\ndescription = a\nkey = {}\n[b]\ndescription = b\nkey = {}\n",
        key(&logs[0]),
        key(&logs[1])
    );
    scene.folder.write("logs.cnf", list);
    let mut server = scene
        .folder
        .command(&[
            "s_server",
            "-unix",
            "socket",
            "-cert",
            "logged.pem",
            "-key",
            "logged.key",
            "-naccept",
            "1",
            "-quiet",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl runs");
    let text = until("s_server", || {
        let (_, text) = scene.folder.openssl(&[
            "s_client",
            "-unix",
            "socket",
            "-CAfile",
            "ca.pem",
            "-ct",
            "-ctlogfile",
            "logs.cnf",
            "-servername",
            "server.test",
        ]);
        text.contains("CONNECTED").then_some(text)
    });
    let _ = server.kill();
    server.wait().expect("it has ended");
    assert_eq!(text.matches("SCT validation status: valid").count(), 2, "{text}");
}

/// Carries what both sides say until the handshake is over, one way or the other.
fn shake_hands(session: TlsSession, mut stream: UnixStream) -> End<TlsSession> {
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    let mut end = End::new(session);
    let mut buffer = [0; 16 * 1024];
    while end.error.is_none() && end.session.is_handshaking() {
        stream.write_all(&end.take_ciphertext()).expect("OpenSSL reads");
        let count = stream.read(&mut buffer).expect("OpenSSL answers");
        assert!(count > 0, "OpenSSL has ended the connection");
        end.give(&buffer[..count]);
    }
    // The last of it; whoever refused may not be listened to any more.
    let _ = stream.write_all(&end.take_ciphertext());
    end
}

#[test]
fn a_staple_passes_between_openssl_and_us_both_ways() {
    if is_missing() {
        return;
    }
    let scene = Scene::new();
    let request = ocsp_request(&scene.leaf.certificate, scene.ca.certificate(), OcspHash::Sha1, None).expect("a pair");
    let trust = Trust::new(&TrustOptions {
        ca: vec![scene.ca.certificate().to_vec()],
        ..TrustOptions::default()
    });
    let client = ClientContext::new(ClientOptions {
        ocsp: OcspPolicy::Require,
        ..ClientOptions::new(Arc::new(trust.expect("a good CA")))
    })
    .expect("a good configuration");
    for (state, version) in [
        ("good", "-tls1_2"),
        ("good", "-tls1_3"),
        ("revoked", "-tls1_2"),
        ("revoked", "-tls1_3"),
    ] {
        scene.index(state);
        scene.respond(&request, "ca", &[]);
        let name = format!("{state}{version}");
        let socket = scene.folder.0.join(&name);
        let mut peer = scene
            .folder
            .command(&[
                "s_server",
                "-unix",
                &name,
                "-cert",
                "leaf.pem",
                "-key",
                "leaf.key",
                "-status_file",
                "response.der",
                "-naccept",
                "1",
                "-quiet",
                version,
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl runs");
        let stream = until("s_server", || UnixStream::connect(&socket).ok());
        let end = shake_hands(client.connect("server.test").expect("a name"), stream);
        let _ = peer.kill();
        peer.wait().expect("it has ended");
        if state == "good" {
            let facts = end.session.facts().unwrap_or_else(|| panic!("{:?}", end.error));
            assert!(matches!(facts.ocsp, Some(OcspVerdict::Good(_))));
        } else {
            assert_eq!(end.error.expect("refused").code, Code::TlsCertificateRevoked);
        }
    }

    scene.index("good");
    let response = scene.respond(&request, "ca", &[]);
    let server = ServerContext::new(ServerOptions {
        identities: vec![Identity::new(&scene.leaf.certificate, &scene.leaf.key).expect("a good certificate")],
        ..ServerOptions::default()
    })
    .expect("a good configuration");
    server
        .staple_checked(0, Some(scene.ca.certificate()), response)
        .expect("a good response");
    for version in ["-tls1_2", "-tls1_3"] {
        let name = format!("ours{version}");
        let socket = scene.folder.0.join(&name);
        let listener = UnixListener::bind(&socket).expect("a new socket");
        let child = scene
            .folder
            .command(&[
                "s_client",
                "-unix",
                &name,
                "-CAfile",
                "ca.pem",
                "-status",
                "-verify_return_error",
                "-servername",
                "server.test",
                version,
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("openssl runs");
        listener.set_nonblocking(true).expect("a socket that can");
        let (stream, _) = until("s_client", || listener.accept().ok());
        stream.set_nonblocking(false).expect("a socket that can");
        let end = shake_hands(server.accept(), stream);
        assert!(end.session.facts().is_some(), "{:?}", end.error);
        let output = child.wait_with_output().expect("it has ended");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            text.contains("OCSP Response Status: successful") && text.contains("Cert Status: good"),
            "{text}"
        );
    }
}
