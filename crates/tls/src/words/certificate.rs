//! What is wrong with a certificate, or with the CRL that was to judge it.

use super::{of_rule, taken_apart};
use pki_types::UnixTime;
use rustls::{CertRevocationListError, CertificateError};
use std::time::Duration;
use webpki::Error as Rule;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, SliceReader};

/// How many names of a certificate are told.
const NAMES_TOLD: usize = 8;

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
    use crate::words::tests::reads_well;

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
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
}
