//! What rustls and webpki say of a peer, for a person to read.
//!
//! Their own texts are mostly names of Rust variants. What a person meets while setting up certificates has words of its
//! own here; of the rest, which only a broken or hostile peer brings about, the name is taken apart.

use std::fmt::{self, Write};
use std::time::Duration;

use pki_types::{UnixTime, pem};
use rustls::{CertRevocationListError, CertificateError, PeerIncompatible};
use webpki::Error as Rule;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, SliceReader};

/// How many names of a certificate are told.
const NAMES_TOLD: usize = 8;

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

/// What is wrong with a PEM text (RFC 7468). Nothing of the text itself is shown, which may be a private key.
pub(crate) fn of_pem(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no END line".to_owned(),
        pem::Error::IllegalSectionStart { .. } => "a BEGIN line is malformed".to_owned(),
        pem::Error::Base64Decode(_) => "a section is not base64".to_owned(),
        pem::Error::NoItemsFound => "none was found".to_owned(),
        pem::Error::SectionTooLarge => "a section is larger than 256 MB".to_owned(),
        other => other.to_string(),
    }
}

/// What is wrong with a certificate.
pub(crate) fn of_certificate(reason: &CertificateError) -> String {
    use CertificateError as Reason;
    match reason {
        Reason::BadEncoding => "it is malformed".to_owned(),
        Reason::Expired => "it has expired".to_owned(),
        Reason::ExpiredContext { time, not_after } => format!("it expired {} ago", span(*not_after, *time)),
        Reason::NotValidYet => "its time has not come".to_owned(),
        Reason::NotValidYetContext { time, not_before } => {
            format!("its time begins in {}", span(*time, *not_before))
        }
        Reason::Revoked => "a CRL revokes it, or an authority above it".to_owned(),
        Reason::UnhandledCriticalExtension => of_rule(&Rule::UnsupportedCriticalExtension),
        Reason::UnknownIssuer => of_rule(&Rule::UnknownIssuer),
        Reason::UnknownRevocationStatus => of_rule(&Rule::UnknownRevocationStatus),
        Reason::ExpiredRevocationList => "the CRL that covers it has expired".to_owned(),
        Reason::ExpiredRevocationListContext { time, next_update } => {
            format!("the CRL that covers it expired {} ago", span(*next_update, *time))
        }
        Reason::BadSignature => of_rule(&Rule::InvalidSignatureForPublicKey),
        Reason::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id: algorithm,
            ..
        } => format!("it is signed with {}, which is not accepted", algorithm_name(algorithm)),
        Reason::UnsupportedSignatureAlgorithmForPublicKeyContext {
            signature_algorithm_id: algorithm,
            ..
        } => format!(
            "it is signed with {}, which does not go with its issuer's key",
            algorithm_name(algorithm)
        ),
        Reason::NotValidForName => "it does not have the name that was asked for".to_owned(),
        Reason::NotValidForNameContext { expected, presented } => {
            format!("it is not for \"{}\"; {}", expected.to_str(), names(presented))
        }
        Reason::InvalidPurpose => "it is for another purpose".to_owned(),
        Reason::InvalidPurposeContext { required, presented } => {
            let allowed = presented.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            match allowed.is_empty() {
                true => format!("it is not for {required}"),
                false => format!("it is not for {required}; it is for {allowed}"),
            }
        }
        Reason::InvalidOcspResponse => "the OCSP response is not good".to_owned(),
        Reason::ApplicationVerificationFailure => "it is not accepted".to_owned(),
        Reason::Other(other) => match other.0.downcast_ref::<Rule>() {
            Some(rule) => of_rule(rule),
            None => "it is not accepted".to_owned(),
        },
        other => taken_apart(other),
    }
}

/// What is wrong with a CRL that was to judge a certificate.
pub(crate) fn of_crl(reason: &CertRevocationListError) -> String {
    let why = match reason {
        CertRevocationListError::BadSignature => "its signature is not the issuer's".to_owned(),
        CertRevocationListError::IssuerInvalidForCrl => "its issuer may not sign CRLs".to_owned(),
        CertRevocationListError::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id: algorithm,
            ..
        } => format!("it is signed with {}, which is not accepted", algorithm_name(algorithm)),
        other => taken_apart(other),
    };
    format!("the CRL that covers it cannot be used: {why}")
}

/// The rule of webpki that a certificate breaks.
pub(crate) fn of_rule(rule: &Rule) -> String {
    let words = match rule {
        Rule::BadDer | Rule::TrailingData(_) => "it is malformed",
        Rule::BadDerTime => "it has a time that is malformed",
        Rule::CaUsedAsEndEntity => "it is an authority's certificate and not a server's or client's",
        Rule::EndEntityUsedAsCa => "a certificate above it is not an authority's",
        Rule::EmptyEkuExtension => "its list of purposes is empty",
        Rule::ExtensionValueInvalid | Rule::MalformedExtensions => "an extension in it is malformed",
        Rule::InvalidCertValidity => "its time ends before it begins",
        Rule::InvalidSerialNumber => "its serial number is malformed",
        Rule::InvalidSignatureForPublicKey => "its signature is not its issuer's",
        Rule::MalformedDnsIdentifier => "a name in it is malformed",
        Rule::MalformedNameConstraint | Rule::InvalidNetworkMaskConstraint => {
            "the name constraints of an authority above it are malformed"
        }
        Rule::NameConstraintViolation => "an authority above it may not vouch for its name (name constraints)",
        Rule::PathLenConstraintViolated => {
            "an authority above it may have fewer authorities below it than there are (path length)"
        }
        Rule::MaximumNameConstraintComparisonsExceeded
        | Rule::MaximumPathBuildCallsExceeded
        | Rule::MaximumSignatureChecksExceeded => "its chain takes too much work to judge",
        Rule::MaximumPathDepthExceeded => "its chain is too long",
        Rule::SignatureAlgorithmMismatch => "it names two signature algorithms that differ",
        Rule::UnknownIssuer => "no trusted authority has issued it, or the certificates between are missing",
        Rule::UnknownRevocationStatus => "no CRL covers it, or an authority above it",
        Rule::UnsupportedCertVersion => "it is not of X.509 version 3",
        Rule::UnsupportedCriticalExtension => "it has a critical extension that is not known here",
        other => return taken_apart(other),
    };
    words.to_owned()
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

/// The RFC's name of a type of message, or its number.
fn type_name(each: &dyn fmt::Debug) -> String {
    let (name, inside) = parts(each);
    inside.unwrap_or(name)
}

/// The name of a variant in lower-case words, and what is inside of it where that is a text or a number.
fn taken_apart(variant: &dyn fmt::Debug) -> String {
    let (name, inside) = parts(variant);
    let mut words = String::new();
    for (place, char) in name.char_indices() {
        if char.is_ascii_uppercase() && place > 0 {
            words.push(' ');
        }
        words.push(char.to_ascii_lowercase());
    }
    if let Some(inside) = inside {
        // A string takes everything.
        let _ = write!(words, ": {inside}");
    }
    words
}

/// The name in front of what a Debug text has in brackets, and what is there where it is plain.
fn parts(variant: &dyn fmt::Debug) -> (String, Option<String>) {
    let text = format!("{variant:?}");
    let end = text
        .find(|char: char| !char.is_ascii_alphanumeric())
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let inside = rest
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
        .map(|inside| inside.trim_matches('"'))
        .filter(|inside| inside.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    (name.to_owned(), inside.map(str::to_owned))
}

/// The names that a certificate has, of which webpki makes Debug texts.
fn names(presented: &[String]) -> String {
    let told: Vec<_> = presented.iter().take(NAMES_TOLD).map(|name| name_of(name)).collect();
    match presented.len() {
        0 => "it has no names (subjectAltName)".to_owned(),
        count if count > NAMES_TOLD => format!("it is for {} and {} more", told.join(", "), count - NAMES_TOLD),
        _ => format!("it is for {}", told.join(", ")),
    }
}

fn name_of(presented: &str) -> String {
    let inside = |prefix| presented.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(')'));
    if let Some(quoted) = inside("DnsName(").or_else(|| inside("UniformResourceIdentifier(")) {
        quoted.to_owned()
    } else if let Some(address) = inside("IpAddress(") {
        address.to_owned()
    } else {
        "a name of another kind".to_owned()
    }
}

/// How long it is from one time to a later one.
fn span(from: UnixTime, to: UnixTime) -> String {
    let seconds = Duration::from_secs(to.as_secs().saturating_sub(from.as_secs())).as_secs();
    let (count, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7_199 => (seconds / 60, "minute"),
        7_200..=172_799 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// A signature algorithm (the content of an AlgorithmIdentifier) by name, else by number.
fn algorithm_name(content: &[u8]) -> String {
    let oid = SliceReader::new(content).and_then(|mut reader| ObjectIdentifier::decode(&mut reader));
    let Ok(oid) = oid else {
        return "an unknown algorithm".to_owned();
    };
    match oid.to_string().as_str() {
        "1.2.840.113549.1.1.4" => "MD5 and RSA".to_owned(),
        "1.2.840.113549.1.1.5" => "SHA-1 and RSA".to_owned(),
        "1.2.840.10045.4.1" => "SHA-1 and ECDSA".to_owned(),
        "1.2.840.113549.1.1.10" => "RSA-PSS with parameters".to_owned(),
        number => format!("the algorithm {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{ContentType, HandshakeType, InvalidMessage, OtherError, PeerMisbehaved};
    use std::sync::Arc;

    /// Words without what Rust writes: no variants, no brackets around quotes, no braces.
    fn reads_well(words: &str) -> bool {
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

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    #[test]
    fn every_rule_of_webpki_has_words() {
        #[expect(deprecated)]
        let rules = [
            Rule::BadDer,
            Rule::BadDerTime,
            Rule::CaUsedAsEndEntity,
            Rule::CertDistrusted,
            Rule::CertRevoked,
            Rule::EmptyEkuExtension,
            Rule::EndEntityUsedAsCa,
            Rule::ExtensionValueInvalid,
            Rule::InvalidCertValidity,
            Rule::InvalidCrlNumber,
            Rule::InvalidNetworkMaskConstraint,
            Rule::InvalidSerialNumber,
            Rule::InvalidCrlSignatureForPublicKey,
            Rule::InvalidSignatureForPublicKey,
            Rule::IssuerNotCrlSigner,
            Rule::MalformedDnsIdentifier,
            Rule::MalformedExtensions,
            Rule::MalformedNameConstraint,
            Rule::MaximumNameConstraintComparisonsExceeded,
            Rule::MaximumPathBuildCallsExceeded,
            Rule::MaximumPathDepthExceeded,
            Rule::MaximumSignatureChecksExceeded,
            Rule::NameConstraintViolation,
            Rule::PathLenConstraintViolated,
            Rule::RequiredEkuNotFound,
            Rule::SignatureAlgorithmMismatch,
            Rule::UnknownIssuer,
            Rule::UnknownRevocationStatus,
            Rule::UnsupportedCertVersion,
            Rule::UnsupportedCriticalExtension,
            Rule::UnsupportedCrlIssuingDistributionPoint,
            Rule::UnsupportedCrlVersion,
            Rule::UnsupportedDeltaCrl,
            Rule::UnsupportedIndirectCrl,
            Rule::UnsupportedNameType,
            Rule::UnsupportedRevocationReason,
            Rule::UnsupportedRevocationReasonsPartitioning,
        ];
        for rule in rules {
            let words = of_rule(&rule);
            assert!(reads_well(&words), "{rule:?}: {words}");
            let wrapped = CertificateError::Other(OtherError(Arc::new(rule)));
            assert_eq!(of_certificate(&wrapped), words);
        }
    }

    #[test]
    fn what_a_certificate_can_be_refused_for_has_words() {
        use CertificateError as Reason;
        let sha1 = vec![6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5, 5, 0];
        let name = pki_types::ServerName::try_from("a.test").expect("a name").to_owned();
        let wrong_name = |presented: &[&str]| Reason::NotValidForNameContext {
            expected: name.clone(),
            presented: presented.iter().map(|&each| each.to_owned()).collect(),
        };
        let rows = [
            (Reason::BadEncoding, "it is malformed"),
            (Reason::Expired, "it has expired"),
            (Reason::NotValidYet, "its time has not come"),
            (Reason::Revoked, "a CRL revokes it"),
            (Reason::UnhandledCriticalExtension, "a critical extension"),
            (Reason::UnknownIssuer, "no trusted authority has issued it"),
            (Reason::UnknownRevocationStatus, "no CRL covers it"),
            (Reason::ExpiredRevocationList, "the CRL that covers it has expired"),
            (Reason::BadSignature, "its signature is not its issuer's"),
            (Reason::NotValidForName, "does not have the name"),
            (Reason::InvalidPurpose, "for another purpose"),
            (Reason::InvalidOcspResponse, "the OCSP response is not good"),
            (Reason::ApplicationVerificationFailure, "it is not accepted"),
            (
                Reason::ExpiredContext {
                    time: at(1_000_000),
                    not_after: at(999_999),
                },
                "it expired 1 second ago",
            ),
            (
                Reason::NotValidYetContext {
                    time: at(0),
                    not_before: at(7_199),
                },
                "its time begins in 119 minutes",
            ),
            (
                Reason::ExpiredRevocationListContext {
                    time: at(400_000),
                    next_update: at(0),
                },
                "the CRL that covers it expired 4 days ago",
            ),
            (
                Reason::UnsupportedSignatureAlgorithmContext {
                    signature_algorithm_id: sha1.clone(),
                    supported_algorithms: Vec::new(),
                },
                "it is signed with SHA-1 and RSA, which is not accepted",
            ),
            (
                Reason::UnsupportedSignatureAlgorithmForPublicKeyContext {
                    signature_algorithm_id: sha1[..6].to_vec(),
                    public_key_algorithm_id: Vec::new(),
                },
                "it is signed with an unknown algorithm, which does not go",
            ),
            (wrong_name(&[]), "it is not for \"a.test\"; it has no names"),
            (
                wrong_name(&["DnsName(\"b.test\")", "IpAddress(127.0.0.1)", "Unsupported(0xa4)"]),
                "it is for \"b.test\", 127.0.0.1, a name of another kind",
            ),
            (wrong_name(&["DnsName(\"b.test\")"; 10]), "\"b.test\" and 2 more"),
        ];
        for (reason, wanted) in rows {
            let words = of_certificate(&reason);
            assert!(reads_well(&words) && words.contains(wanted), "{reason:?}: {words}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_pem_text_has_words() {
        let rows = [
            (
                pem::Error::MissingSectionEnd {
                    end_marker: b"PRIVATE KEY".to_vec(),
                },
                "a section has no END line",
            ),
            (
                pem::Error::IllegalSectionStart {
                    line: b"s3cret".to_vec(),
                },
                "a BEGIN line is malformed",
            ),
            (
                pem::Error::Base64Decode("InvalidCharacter(33)".to_owned()),
                "a section is not base64",
            ),
            (pem::Error::NoItemsFound, "none was found"),
            (pem::Error::SectionTooLarge, "a section is larger than 256 MB"),
        ];
        for (error, words) in rows {
            assert_eq!(of_pem(&error), words);
        }
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
