//! Handshakes with OpenSSL: what is stapled and stamped arrives, and is believed.

use crate::scene::{Scene, is_missing, now, wish};
use crate::support::pem;
use millrace_error::Code;
use millrace_testkit::contexts::{client_with, identity, server_with, trust_in};
use millrace_testkit::pki::ct::{Log, Stamp};
use millrace_testkit::tls::End;
use millrace_tls::{Clock, OcspHash, OcspPolicy, OcspVerdict, TlsEngine, TlsSession, ocsp_request};
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

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
    let client = client_with(trust_in(&[scene.ca.certificate()], &[]), |options| {
        options.ocsp = OcspPolicy::Require;
        options.clock = Clock::system();
    });
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
    let server = server_with(vec![identity(&scene.leaf)], |options| options.clock = Clock::system());
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
