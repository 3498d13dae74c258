//! What a certificate says, in words, and the two questions about it that rustls does not answer.

use aws_lc_rs::digest::{SHA256, digest};
use pki_types::{CertificateDer, TrustAnchor};
use x509_cert::Certificate;
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::{Decode, Encode, Reader, SliceReader};

use crate::der;
use crate::error::bounded;

/// rsaEncryption (RFC 8017 §A.1).
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The least RSA modulus that is trusted, in bits; rustls verifies none below it.
const RSA_LEAST_BITS: usize = 2048;

/// How much of one name goes into the words, in bytes.
const NAME_LIMIT: usize = 160;

/// The facts that help a person: subject, issuer, validity.
pub(crate) fn describe(certificate: &CertificateDer<'_>) -> String {
    let Ok(parsed) = Certificate::from_der(certificate) else {
        return format!("a certificate of {} bytes that cannot be read", certificate.len());
    };
    let tbs = &parsed.tbs_certificate;
    format!(
        "subject \"{}\", issuer \"{}\", valid from {} to {}",
        bounded(&tbs.subject.to_string(), NAME_LIMIT),
        bounded(&tbs.issuer.to_string(), NAME_LIMIT),
        tbs.validity.not_before,
        tbs.validity.not_after,
    )
}

/// Whether it names itself as its issuer.
pub(crate) fn is_self_issued(certificate: &CertificateDer<'_>) -> bool {
    Certificate::from_der(certificate)
        .is_ok_and(|parsed| parsed.tbs_certificate.subject == parsed.tbs_certificate.issuer)
}

/// SHA-256 of the SubjectPublicKeyInfo: what a pin names (RFC 7469 §2.4).
pub(crate) fn spki_digest(certificate: &CertificateDer<'_>) -> Option<[u8; 32]> {
    let spki = Certificate::from_der(certificate)
        .ok()?
        .tbs_certificate
        .subject_public_key_info
        .to_der()
        .ok()?;
    digest(&SHA256, &spki).as_ref().try_into().ok()
}

/// SHA-256 of a CA's SubjectPublicKeyInfo. webpki keeps it without the SEQUENCE around it.
pub(crate) fn digest_of_anchor(anchor: &TrustAnchor<'_>) -> [u8; 32] {
    let spki = der::wrap(der::SEQUENCE, &anchor.subject_public_key_info);
    // SHA-256 has 32 bytes.
    digest(&SHA256, &spki).as_ref().try_into().expect("32 bytes")
}

/// The size of an RSA key that is too small to be trusted, in bits.
pub(crate) fn weak_rsa_bits(certificate: &CertificateDer<'_>) -> Option<usize> {
    let parsed = Certificate::from_der(certificate).ok()?;
    let spki = parsed.tbs_certificate.subject_public_key_info;
    if spki.algorithm.oid != RSA {
        return None;
    }
    let mut reader = SliceReader::new(spki.subject_public_key.as_bytes()?).ok()?;
    let modulus: UintRef<'_> = reader
        .sequence(|inner| {
            let modulus = UintRef::decode(inner)?;
            UintRef::decode(inner)?;
            Ok(modulus)
        })
        .ok()?;
    let bytes = modulus.as_bytes();
    let bits = bytes.len() * 8 - bytes.first()?.leading_zeros() as usize;
    (bits < RSA_LEAST_BITS).then_some(bits)
}

/// Seconds since 1970 between which it is valid.
pub(crate) fn validity(certificate: &CertificateDer<'_>) -> Option<(u64, u64)> {
    let validity = Certificate::from_der(certificate).ok()?.tbs_certificate.validity;
    Some((
        validity.not_before.to_unix_duration().as_secs(),
        validity.not_after.to_unix_duration().as_secs(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_certificate_are_answered_in_words() {
        let none = CertificateDer::from(&[0x30, 0x03, 1, 2, 3][..]);
        assert!(describe(&none).contains("cannot be read"));
        assert!(!is_self_issued(&none));
        assert_eq!(
            (spki_digest(&none), weak_rsa_bits(&none), validity(&none)),
            (None, None, None)
        );
    }
}
