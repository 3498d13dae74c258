//! What rustls and webpki say of a peer, for a person to read.
//!
//! Their own texts are mostly names of Rust variants. What a person meets while setting up certificates has words of its
//! own here; of the rest, which only a broken or hostile peer brings about, the name is taken apart.

mod certificate;
mod pem;
mod rule;
mod variant;

use rustls::PeerIncompatible;
use std::fmt;

pub(crate) use certificate::{of_certificate, of_crl};
pub(crate) use pem::of_pem;
pub(crate) use rule::of_rule;
use variant::{taken_apart, type_name};

/// What went wrong in a session.
pub(crate) fn of_error(error: &rustls::Error) -> String {
    use rustls::Error;
    match error {
        Error::InappropriateMessage { expect_types, got_type } => unexpected(got_type, expect_types),
        Error::InappropriateHandshakeMessage { expect_types, got_type } => unexpected(got_type, expect_types),
        Error::InvalidMessage(what) => format!("a message is malformed: {}", taken_apart(what)),
        Error::PeerIncompatible(what) => of_incompatibility(what),
        Error::PeerMisbehaved(what) => format!("the peer breaks a rule: {}", taken_apart(what)),
        Error::InvalidCertificate(reason) => of_certificate(reason),
        Error::InvalidCertRevocationList(reason) => of_crl(reason),
        Error::NoCertificatesPresented => "the peer has shown no certificate".to_owned(),
        Error::DecryptError => "a record cannot be decrypted: it was changed on its way, or the keys differ".to_owned(),
        Error::PeerSentOversizedRecord => "a record is longer than TLS allows".to_owned(),
        Error::NoApplicationProtocol => "the client offers only protocols that this side does not speak".to_owned(),
        Error::InconsistentKeys(_) => "the key is another than the certificate's".to_owned(),
        Error::General(words) => words.clone(),
        other => other.to_string(),
    }
}

fn of_incompatibility(reason: &PeerIncompatible) -> String {
    use PeerIncompatible as Reason;
    let words = match reason {
        Reason::NoCipherSuitesInCommon => "no cipher suite in common",
        Reason::NoKxGroupsInCommon => "no key exchange group in common",
        Reason::NoSignatureSchemesInCommon | Reason::NoCertificateRequestSignatureSchemesInCommon => {
            "no signature scheme in common that goes with the certificate"
        }
        Reason::NoEcPointFormatsInCommon | Reason::UncompressedEcPointsRequired | Reason::EcPointsExtensionRequired => {
            "the peer does not take uncompressed points"
        }
        Reason::ServerDoesNotSupportTls12Or13 => "the server speaks neither TLS 1.2 nor TLS 1.3",
        Reason::ServerTlsVersionIsDisabledByOurConfig => "the server chose a version that is not allowed here",
        Reason::Tls12NotOffered | Reason::Tls12NotOfferedOrEnabled | Reason::SupportedVersionsExtensionRequired => {
            "the client speaks no version that is allowed here"
        }
        Reason::SignatureAlgorithmsExtensionRequired => "the client names no signature schemes",
        Reason::NamedGroupsExtensionRequired => "the client names no key exchange groups",
        Reason::KeyShareExtensionRequired => "the client sends no key share",
        Reason::NullCompressionRequired => "the client insists on compression",
        Reason::ExtendedMasterSecretExtensionRequired => "the peer does not know the extended master secret",
        other => return format!("the peer is incompatible: {}", taken_apart(other)),
    };
    words.to_owned()
}

/// A message that has no place where it came.
fn unexpected(got: &dyn fmt::Debug, expected: &[impl fmt::Debug]) -> String {
    let expected: Vec<_> = expected.iter().map(|each| type_name(each)).collect();
    format!(
        "a message of type {} came, expected {}",
        type_name(got),
        expected.join(" or ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{CertRevocationListError, ContentType, HandshakeType, InvalidMessage, PeerMisbehaved};

    /// Words without what Rust writes: no variants, no brackets around quotes, no braces.
    pub(super) fn reads_well(words: &str) -> bool {
        let is_variant = |word: &str| {
            let word = word.trim_matches(|char: char| !char.is_ascii_alphanumeric());
            word.bytes().skip(1).any(|byte| byte.is_ascii_uppercase())
                && word.bytes().any(|byte| byte.is_ascii_lowercase())
                && !["CRLs", "ClientHello", "ServerHello", "subjectAltName"].contains(&word)
        };
        !words.contains(['{', '}', '['])
            && !words.contains("(\"")
            && !words.contains("Other")
            && !words.split(' ').any(is_variant)
            && words.starts_with(|char: char| char.is_ascii_lowercase())
    }

    #[test]
    fn what_a_peer_does_wrong_has_words() {
        use rustls::Error;
        let rows = [
            (
                Error::InvalidMessage(InvalidMessage::MissingData("ClientHello")),
                "a message is malformed: missing data: ClientHello",
            ),
            (
                Error::InvalidMessage(InvalidMessage::DuplicateExtension(13)),
                "a message is malformed: duplicate extension: 13",
            ),
            (
                Error::PeerMisbehaved(PeerMisbehaved::TooManyKeyUpdateRequests),
                "the peer breaks a rule: too many key update requests",
            ),
            (
                Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
                "no cipher suite in common",
            ),
            (
                Error::InappropriateHandshakeMessage {
                    expect_types: vec![HandshakeType::ClientHello, HandshakeType::ServerHello],
                    got_type: HandshakeType::Unknown(99),
                },
                "a message of type 0x63 came, expected ClientHello or ServerHello",
            ),
            (
                Error::InvalidCertRevocationList(CertRevocationListError::BadSignature),
                "the CRL that covers it cannot be used: its signature is not the issuer's",
            ),
            (Error::General("plain words".to_owned()), "plain words"),
        ];
        for (error, wanted) in rows {
            let words = of_error(&error);
            assert!(reads_well(&words), "{words}");
            assert_eq!(words, wanted);
        }
        let data = Error::InappropriateMessage {
            expect_types: vec![ContentType::Handshake],
            got_type: ContentType::ApplicationData,
        };
        assert_eq!(
            of_error(&data),
            "a message of type ApplicationData came, expected Handshake"
        );
    }
}
