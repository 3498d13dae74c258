//! OCSP responses, as good or as wrong as a test wishes.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use rcgen::{KeyPair, SigningKey};

use super::der::{self, explicit, extension, octets, sequence, tagged};
use super::{Authority, DAY, Leaf, NOW};

/// id-pkix-ocsp-basic.
pub const BASIC: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 48, 1, 1];
/// id-pkix-ocsp-nonce.
pub const NONCE: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 48, 1, 2];
/// id-pkix-ocsp-nocheck.
pub const NO_CHECK: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 48, 1, 5];
/// id-sha1.
pub const SHA1: &[u64] = &[1, 3, 14, 3, 2, 26];
/// id-sha256.
pub const SHA_256: &[u64] = &[2, 16, 840, 1, 101, 3, 4, 2, 1];
/// ecdsa-with-SHA256.
pub const ECDSA_SHA256: &[u64] = &[1, 2, 840, 10045, 4, 3, 2];

/// What a response says of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// It is not revoked.
    Good,
    /// It is, since then and for this reason (CRLReason).
    Revoked(u64, Option<u8>),
    /// It is not known.
    Unknown,
}

/// An answer about one certificate.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The hash of its CertID.
    pub hash: &'static [u64],
    /// The parameters of the hash.
    pub parameters: Vec<u8>,
    /// The issuer's name in DER, to be hashed.
    pub issuer_name: Vec<u8>,
    /// The issuer's key, to be hashed.
    pub issuer_key: Vec<u8>,
    /// The serial number in DER.
    pub serial: Vec<u8>,
    /// The status.
    pub says: Says,
    /// Since when.
    pub this_update: u64,
    /// Until when.
    pub next_update: Option<u64>,
    /// Its extensions.
    pub extensions: Vec<Vec<u8>>,
}

/// Who a response says has signed it.
#[derive(Clone, Debug)]
pub enum Responder {
    /// Who signs, by name.
    Name,
    /// Who signs, by key.
    Key,
    /// These bytes.
    Other(Vec<u8>),
}

/// A response.
#[derive(Clone, Debug)]
pub struct Response {
    /// `responseStatus`.
    pub status: u8,
    /// Its type.
    pub kind: &'static [u64],
    /// The version, when it is written down.
    pub version: Option<u64>,
    /// Who has signed.
    pub responder: Responder,
    /// When.
    pub produced_at: u64,
    /// The answers.
    pub answers: Vec<Answer>,
    /// Its extensions.
    pub extensions: Vec<Vec<u8>>,
    /// The AlgorithmIdentifier of the signature.
    pub algorithm: Vec<u8>,
    /// The certificates that come with it.
    pub certificates: Vec<Vec<u8>>,
}

/// The nonce extension.
pub fn nonce(bytes: &[u8]) -> Vec<u8> {
    extension(NONCE, false, &octets(bytes))
}

impl Answer {
    /// That the certificate is good, since an hour for a day.
    pub fn good(certificate: &[u8], issuer: &[u8]) -> Self {
        let issuer = der::fields(issuer);
        Self {
            hash: SHA1,
            parameters: der::null(),
            issuer_name: issuer.subject.to_vec(),
            issuer_key: der::key_of(issuer.spki).to_vec(),
            serial: der::fields(certificate).serial.to_vec(),
            says: Says::Good,
            this_update: NOW - 3600,
            next_update: Some(NOW + DAY),
            extensions: Vec::new(),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let algorithm = if self.hash == SHA_256 {
            &SHA256
        } else {
            &SHA1_FOR_LEGACY_USE_ONLY
        };
        let hashed = |bytes: &[u8]| octets(digest::digest(algorithm, bytes).as_ref());
        let id = sequence(&[
            sequence(&[der::oid(self.hash), self.parameters.clone()]),
            hashed(&self.issuer_name),
            hashed(&self.issuer_key),
            self.serial.clone(),
        ]);
        let status = match self.says {
            Says::Good => tagged(0x80, &[]),
            Says::Revoked(at, reason) => {
                let reason = reason.map(|reason| explicit(0, &tagged(0x0a, &[reason])));
                tagged(0xa1, &[der::time(at), reason.unwrap_or_default()].concat())
            }
            Says::Unknown => tagged(0x82, &[]),
        };
        let next = self.next_update.map(|next| explicit(0, &der::time(next)));
        sequence(&[
            id,
            status,
            der::time(self.this_update),
            next.unwrap_or_default(),
            extensions(1, &self.extensions),
        ])
    }
}

fn extensions(number: u8, all: &[Vec<u8>]) -> Vec<u8> {
    if all.is_empty() {
        return Vec::new();
    }
    explicit(number, &sequence(all))
}

impl Response {
    /// One with these answers, produced an hour ago and signed by name.
    pub fn with(answers: Vec<Answer>) -> Self {
        Self {
            status: 0,
            kind: BASIC,
            version: None,
            responder: Responder::Name,
            produced_at: NOW - 3600,
            answers,
            extensions: Vec::new(),
            algorithm: der::algorithm(ECDSA_SHA256, false),
            certificates: Vec::new(),
        }
    }

    /// Signs it as a CA.
    pub fn signed_by(&self, authority: &Authority) -> Vec<u8> {
        self.sign(authority.certificate(), authority.key())
    }

    /// Signs it as a responder, whose certificate it then has with it.
    pub fn signed_by_delegate(&self, delegate: &Leaf) -> Vec<u8> {
        let mut response = self.clone();
        response.certificates.push(delegate.certificate.clone());
        response.sign(&delegate.certificate, &delegate.key_pair())
    }

    /// Signs it in the name of a certificate, with a key that may be another's.
    pub fn sign(&self, certificate: &[u8], key: &KeyPair) -> Vec<u8> {
        let signer = der::fields(certificate);
        let version = self.version.map(|version| explicit(0, &der::integer(version)));
        let responder = match &self.responder {
            Responder::Name => explicit(1, signer.subject),
            Responder::Key => {
                let hash = digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, der::key_of(signer.spki));
                explicit(2, &octets(hash.as_ref()))
            }
            Responder::Other(bytes) => bytes.clone(),
        };
        let answers: Vec<Vec<u8>> = self.answers.iter().map(Answer::encode).collect();
        let tbs = sequence(&[
            version.unwrap_or_default(),
            responder,
            der::time(self.produced_at),
            sequence(&answers),
            extensions(1, &self.extensions),
        ]);
        let certificates = match self.certificates.is_empty() {
            true => Vec::new(),
            false => explicit(0, &sequence(&self.certificates)),
        };
        let signature = der::bits(&key.sign(&tbs).expect("a key that signs"));
        self.wrap(&sequence(&[tbs, self.algorithm.clone(), signature, certificates]))
    }

    /// Puts a BasicOCSPResponse in DER into a response.
    pub fn wrap(&self, basic: &[u8]) -> Vec<u8> {
        let bytes = sequence(&[der::oid(self.kind), octets(basic)]);
        sequence(&[tagged(0x0a, &[self.status]), explicit(0, &bytes)])
    }
}

/// A response that is an error.
pub fn error(status: u8) -> Vec<u8> {
    sequence(&[tagged(0x0a, &[status])])
}

/// An extension that demands a staple (RFC 7633), for [`super::Wish::extensions`].
pub fn must_staple() -> (Vec<u64>, Vec<u8>) {
    tls_feature(&[5])
}

/// A TLS Feature extension with these features.
pub fn tls_feature(features: &[u64]) -> (Vec<u64>, Vec<u8>) {
    let features: Vec<Vec<u8>> = features.iter().map(|feature| der::integer(*feature)).collect();
    (vec![1, 3, 6, 1, 5, 5, 7, 1, 24], sequence(&features))
}

/// An Authority Information Access extension: methods (arcs) and addresses.
pub fn access(entries: &[(&[u64], &[u8])]) -> (Vec<u64>, Vec<u8>) {
    let entries: Vec<Vec<u8>> = entries
        .iter()
        .map(|(method, url)| sequence(&[der::oid(method), tagged(0x86, url)]))
        .collect();
    (vec![1, 3, 6, 1, 5, 5, 7, 1, 1], sequence(&entries))
}

/// id-ad-ocsp.
pub const AD_OCSP: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 48, 1];
