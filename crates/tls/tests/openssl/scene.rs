//! A CA and a certificate in files of a folder, for OpenSSL to use.

use crate::support::pem;
use millrace_testkit::pki::{Authority, DAY, Leaf, Wish};
use millrace_tls::{OcspVerdict, verify_ocsp};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs()
}

/// A folder that is gone when the test is.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
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

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.0.join(name), bytes).expect("written");
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("openssl");
        command.args(arguments).current_dir(&self.0).stdin(Stdio::null());
        command
    }

    /// Runs `openssl` to its end and gives all that it printed.
    pub fn openssl(&self, arguments: &[&str]) -> (bool, String) {
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
pub fn is_missing() -> bool {
    let found = Command::new("openssl").arg("version").output();
    let missing = !found.is_ok_and(|output| output.status.success());
    if missing {
        eprintln!("skipped: there is no openssl in PATH");
    }
    missing
}

pub fn wish(name: &str) -> Wish {
    Wish {
        not_before: now() - DAY,
        not_after: now() + 30 * DAY,
        ..Wish::new(&[name])
    }
}

pub fn rsa_key() -> Vec<u8> {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    let key = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).expect("an RSA key");
    let der: Pkcs8V1Der<'_> = key.as_der().expect("PKCS#8");
    der.as_ref().to_vec()
}

/// A CA with a certificate, in files.
pub struct Scene {
    pub folder: Folder,
    pub ca: Authority,
    pub leaf: Leaf,
}

impl Scene {
    pub fn new() -> Self {
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
    pub fn index(&self, state: &str) {
        let line = match state {
            "good" => "V\t491231235959Z\t\t03E8\tunknown\t/CN=server.test\n",
            "revoked" => "R\t491231235959Z\t260615000000Z,keyCompromise\t03E8\tunknown\t/CN=server.test\n",
            _ => "V\t491231235959Z\t\t03E9\tunknown\t/CN=other.test\n",
        };
        self.folder.write("index.txt", line);
    }

    /// What OpenSSL answers to a request.
    pub fn respond(&self, request: &[u8], signer: &str, more: &[&str]) -> Vec<u8> {
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

    pub fn verdict(&self, response: &[u8], nonce: Option<&[u8]>) -> OcspVerdict {
        verify_ocsp(&self.leaf.certificate, self.ca.certificate(), response, nonce, now()).expect("a pair")
    }
}
