//! Certificates, keys and CRLs out of PEM or DER.

use pki_types::pem::PemObject;
use pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use crate::{TlsError, words};

/// The first byte of everything that DER has for us: a SEQUENCE.
const SEQUENCE: u8 = 0x30;

/// PEM may have any text before its first section (RFC 7468 §2), DER begins with its tag.
fn is_der(bytes: &[u8]) -> bool {
    bytes.first() == Some(&SEQUENCE)
}

/// All certificates of a PEM text, or the one in DER.
///
/// # Errors
/// [`millrace_error::Code::TlsInvalidConfiguration`] when there is none or one is not well formed.
pub(crate) fn certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    if is_der(bytes) {
        return Ok(vec![CertificateDer::from(bytes.to_vec())]);
    }
    all(CertificateDer::pem_slice_iter(bytes), "certificate")
}

/// All CRLs of a PEM text, or the one in DER.
pub(crate) fn crls(bytes: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    if is_der(bytes) {
        return Ok(vec![CertificateRevocationListDer::from(bytes.to_vec())]);
    }
    all(CertificateRevocationListDer::pem_slice_iter(bytes), "CRL")
}

fn all<T>(found: impl Iterator<Item = Result<T, pki_types::pem::Error>>, what: &str) -> Result<Vec<T>, TlsError> {
    let items = found.collect::<Result<Vec<T>, _>>().map_err(|error| {
        TlsError::configuration(format!(
            "the PEM text of a {what} is malformed: {}",
            words::of_pem(&error)
        ))
    })?;
    if items.is_empty() {
        return Err(TlsError::configuration(format!(
            "expected a {what} in PEM or DER and found none"
        )));
    }
    Ok(items)
}

/// The private key of a PEM text or in DER: PKCS#8, PKCS#1 or SEC1.
pub(crate) fn private_key(bytes: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    const ENCRYPTED: &[u8] = b"ENCRYPTED";
    if is_der(bytes) {
        return PrivateKeyDer::try_from(bytes)
            .map(|key| key.clone_key())
            .map_err(|_| TlsError::configuration("expected a private key as PKCS#8, PKCS#1 or SEC1 in DER"));
    }
    if bytes.windows(ENCRYPTED.len()).any(|window| window == ENCRYPTED) {
        return Err(TlsError::configuration(
            "the private key is encrypted; decrypt it first",
        ));
    }
    PrivateKeyDer::from_pem_slice(bytes).map_err(|error| {
        TlsError::configuration(format!(
            "expected a private key in PEM or DER: {}",
            words::of_pem(&error)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encrypted_key_is_refused_with_what_to_do() {
        let pem = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        let error = private_key(pem).expect_err("it is encrypted");
        assert!(
            error.detail().is_some_and(|words| words.contains("decrypt it")),
            "{error}"
        );
    }

    #[test]
    fn an_empty_text_and_a_cut_text_are_refused() {
        for text in [&b""[..], b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n"] {
            assert!(certificates(text).is_err() && crls(text).is_err() && private_key(text).is_err());
        }
    }
}
