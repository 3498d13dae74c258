//! Asking a responder: what to send, and where to.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use x509_cert::der::asn1::{Any, Null, OctetString};
use x509_cert::der::{Decode, Encode, Tag, TagNumber};
use x509_cert::ext::Extension;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_ocsp::{CertId, OcspRequest, Request, TbsRequest};

use super::answer::{SHA1_OID, SHA256_OID};
use super::response::NONCE;
use crate::TlsError;
use crate::der::{Items, primitive};
use crate::x509::{self, Issuer, Parts, key_of};

/// The shortest nonce that may be sent, in bytes (RFC 9654 §2.1).
pub const OCSP_NONCE_MIN: usize = 32;
/// The longest nonce that may be sent, in bytes (RFC 9654 §2.1).
pub const OCSP_NONCE_MAX: usize = 128;

/// How many responders of a certificate are looked at, and how long an address may be, in bytes.
const URLS: usize = 8;
const URL_LIMIT: usize = 2048;

/// The hash by which a request names the certificate's issuer. It keeps nothing secret and nothing safe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OcspHash {
    /// What every responder knows (RFC 5019 §2.1.1).
    #[default]
    Sha1,
    /// What some responders know.
    Sha256,
}

/// A request (DER) for the status of a certificate; certificates in DER. Without a nonce the answer may be one that was
/// made beforehand, which is what public CAs give.
///
/// # Errors
/// [`millrace_error::Code::TlsInvalidConfiguration`]: a certificate that is malformed or was not issued by `issuer`,
/// or a nonce of another length than [`OCSP_NONCE_MIN`] to [`OCSP_NONCE_MAX`].
pub fn ocsp_request(
    certificate: &[u8],
    issuer: &[u8],
    hash: OcspHash,
    nonce: Option<&[u8]>,
) -> Result<Vec<u8>, TlsError> {
    let (certificate, issuer) = x509::pair(certificate, issuer)?;
    if nonce.is_some_and(|nonce| !(OCSP_NONCE_MIN..=OCSP_NONCE_MAX).contains(&nonce.len())) {
        return Err(TlsError::configuration(format!(
            "expected a nonce of {OCSP_NONCE_MIN} to {OCSP_NONCE_MAX} bytes"
        )));
    }
    encode(&certificate, &issuer, hash, nonce)
        .ok_or_else(|| TlsError::configuration("the certificate cannot be named in an OCSP request"))
}

fn encode(certificate: &Parts<'_>, issuer: &Issuer, hash: OcspHash, nonce: Option<&[u8]>) -> Option<Vec<u8>> {
    let (oid, algorithm) = match hash {
        OcspHash::Sha1 => (SHA1_OID, &SHA1_FOR_LEGACY_USE_ONLY),
        OcspHash::Sha256 => (SHA256_OID, &SHA256),
    };
    let hashed = |bytes| OctetString::new(digest::digest(algorithm, bytes).as_ref()).ok();
    let cert_id = CertId {
        hash_algorithm: AlgorithmIdentifierOwned {
            oid,
            parameters: Some(Any::from(Null)),
        },
        issuer_name_hash: hashed(&issuer.name)?,
        issuer_key_hash: hashed(key_of(&issuer.spki)?)?,
        serial_number: SerialNumber::from_der(certificate.serial).ok()?,
    };
    let extensions = match nonce {
        Some(nonce) => Some(vec![Extension {
            extn_id: NONCE,
            critical: false,
            extn_value: OctetString::new(OctetString::new(nonce).ok()?.to_der().ok()?).ok()?,
        }]),
        None => None,
    };
    let request = OcspRequest {
        tbs_request: TbsRequest {
            request_list: vec![Request {
                req_cert: cert_id,
                single_request_extensions: None,
            }],
            request_extensions: extensions,
            ..TbsRequest::default()
        },
        optional_signature: None,
    };
    request.to_der().ok()
}

/// Where a certificate (DER) says that its responders are (`authorityInfoAccess`, RFC 5280 §4.2.2.1): addresses with
/// http or https in printable ASCII, in its order; others are left out.
pub fn ocsp_urls(certificate: &[u8]) -> Vec<String> {
    let access = Parts::new(certificate).and_then(|parts| parts.extension(AUTHORITY_INFO_ACCESS).ok().flatten());
    let mut urls = Vec::new();
    let Some(mut list) = access.and_then(|value| Items::inside(value, Tag::Sequence)) else {
        return urls;
    };
    while let Some(description) = list.take(Tag::Sequence) {
        let url = url_of(description.value);
        if let (Some(url), true) = (url, urls.len() < URLS) {
            urls.push(url);
        }
    }
    urls
}

/// id-pe-authorityInfoAccess, 1.3.6.1.5.5.7.1.1.
const AUTHORITY_INFO_ACCESS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 1];

fn url_of(description: &[u8]) -> Option<String> {
    /// id-ad-ocsp, 1.3.6.1.5.5.7.48.1.
    const OCSP: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 48, 1];
    let mut fields = Items::new(description)?;
    if fields.take(Tag::ObjectIdentifier)?.value != OCSP {
        return None;
    }
    // GeneralName: [6] IMPLICIT IA5String.
    let url = fields.take(primitive(TagNumber::N6))?.value;
    let url = std::str::from_utf8(url).ok()?;
    let is_printable = url.len() <= URL_LIMIT && url.bytes().all(|byte| byte.is_ascii_graphic());
    let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    (is_printable && matches!(scheme.as_deref(), Some("http" | "https"))).then(|| url.to_owned())
}

/// The certificate in a chain (DER) that has issued the first one: whose name it bears and whose key has signed it.
pub fn ocsp_issuer<'a>(chain: impl IntoIterator<Item = &'a [u8]>) -> Option<&'a [u8]> {
    let mut chain = chain.into_iter();
    let first = Parts::new(chain.next()?)?;
    chain.find(|other| Parts::new(other).is_some_and(|parts| Issuer::of(&parts).has_issued(&first)))
}
