//! Logs of Certificate Transparency, and certificates that they have seen.

use aws_lc_rs::digest::{SHA256, digest};
use millrace_tls::{CtLog, CtLogState};
use rcgen::{KeyPair, PublicKeyData, RsaKeySize, SigningKey};

use super::{Authority, Leaf, Wish, der};

/// The extension with timestamps in a certificate.
pub const EMBEDDED: &[u64] = &[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];
/// The extension with timestamps in an OCSP answer.
pub const IN_OCSP: &[u64] = &[1, 3, 6, 1, 4, 1, 11129, 2, 4, 5];

/// A log.
pub struct Log {
    key: KeyPair,
    operator: String,
    algorithm: [u8; 2],
}

/// What is signed, and the parts of a timestamp that a test may want to be wrong.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// The version.
    pub version: u8,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Its extensions.
    pub extensions: Vec<u8>,
    /// Hash and signature algorithm, when they are not the key's.
    pub algorithm: Option<[u8; 2]>,
}

impl Stamp {
    /// A good one.
    pub const fn at(at_ms: u64) -> Self {
        Self {
            version: 0,
            at_ms,
            extensions: Vec::new(),
            algorithm: None,
        }
    }
}

impl Log {
    /// One with a P-256 key.
    pub fn new(operator: &str) -> Self {
        Self {
            key: KeyPair::generate().expect("a P-256 key"),
            operator: operator.to_owned(),
            algorithm: [4, 3],
        }
    }

    /// One with an RSA key.
    pub fn with_rsa(operator: &str) -> Self {
        let key = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048);
        Self {
            key: key.expect("an RSA key"),
            operator: operator.to_owned(),
            algorithm: [4, 1],
        }
    }

    /// As a list of logs has it.
    pub fn listed(&self, state: CtLogState) -> CtLog {
        CtLog {
            key: self.key.subject_public_key_info(),
            operator: self.operator.clone(),
            state,
        }
    }

    /// Its id.
    pub fn id(&self) -> [u8; 32] {
        sha256(&self.key.subject_public_key_info())
    }

    /// A timestamp for a certificate.
    pub fn stamp_certificate(&self, certificate: &[u8], stamp: &Stamp) -> Vec<u8> {
        self.stamp(&[&[0, 0][..], &length(3, certificate)].concat(), stamp)
    }

    /// A timestamp for the signed bytes of a precertificate without its poison.
    pub fn stamp_precertificate(&self, tbs: &[u8], issuer: &[u8], stamp: &Stamp) -> Vec<u8> {
        let issuer = sha256(der::fields(issuer).spki);
        self.stamp(&[&[0, 1][..], &issuer, &length(3, tbs)].concat(), stamp)
    }

    fn stamp(&self, entry: &[u8], stamp: &Stamp) -> Vec<u8> {
        let time = stamp.at_ms.to_be_bytes();
        let extensions = length(2, &stamp.extensions);
        let message = [&[0, 0][..], &time, entry, &extensions].concat();
        let signature = length(2, &self.key.sign(&message).expect("a key that signs"));
        let algorithm = stamp.algorithm.unwrap_or(self.algorithm);
        [
            &[stamp.version][..],
            &self.id(),
            &time,
            &extensions,
            &algorithm,
            &signature,
        ]
        .concat()
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().expect("32 bytes")
}

/// Bytes behind their length of so many bytes.
pub fn length(width: usize, bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u32).to_be_bytes();
    [&length[4 - width..], bytes].concat()
}

/// A list of timestamps.
pub fn list(timestamps: &[Vec<u8>]) -> Vec<u8> {
    let all: Vec<Vec<u8>> = timestamps.iter().map(|each| length(2, each)).collect();
    length(2, &all.concat())
}

/// The value of an extension with a list of timestamps.
pub fn extension_value(timestamps: &[Vec<u8>]) -> Vec<u8> {
    der::octets(&list(timestamps))
}

impl Authority {
    /// Issues a certificate with the timestamps that `stamp` makes of a precertificate's signed bytes.
    pub fn issue_logged(&self, wish: &Wish, stamp: impl FnOnce(&[u8]) -> Vec<Vec<u8>>) -> Leaf {
        self.issue_with_list(wish, |tbs| extension_value(&stamp(tbs)))
    }

    /// The same with any value of the extension.
    pub fn issue_with_list(&self, wish: &Wish, value: impl FnOnce(&[u8]) -> Vec<u8>) -> Leaf {
        let mut wish = wish.clone();
        let key = wish.key.clone().unwrap_or_else(|| self.issue(&wish).key);
        wish.key = Some(key);
        let before = self.issue(&wish);
        let value = value(der::fields(&before.certificate).tbs);
        wish.extensions.push((EMBEDDED.to_vec(), value));
        self.issue(&wish)
    }
}
