//! Reading a response (RFC 6960 §4.2.1).
//!
//! The structure is decoded by `x509-ocsp`; what is signed, and the names and certificates that are compared or judged,
//! are taken as they lie there.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY};
use x509_cert::der::asn1::{ObjectIdentifier, OctetStringRef};
use x509_cert::der::{Decode, Tag, TagNumber};
use x509_cert::ext::Extensions;
use x509_ocsp::{OcspGeneralizedTime, OcspResponse, OcspResponseStatus, ResponseData, SingleResponse};

use super::About;
use super::answer::{Answer, SCTS, is_about};
use super::verdict::OcspFault;
use crate::der::{Items, constructed};
use crate::x509;

/// The longest response that is read, in bytes: a TLS handshake message has no more either (rustls). Good ones have
/// 300 to 3 000.
pub const OCSP_RESPONSE_LIMIT: usize = 64 * 1024;

/// id-pkix-ocsp-basic.
const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
/// id-pkix-ocsp-nonce (RFC 9654 §2.1).
pub(super) const NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2");

/// A BasicOCSPResponse.
#[derive(Debug)]
pub(super) struct Basic<'a> {
    /// What is signed, whole.
    pub(super) tbs: &'a [u8],
    /// Who signed.
    pub(super) responder: Responder<'a>,
    pub(super) produced_at: u64,
    pub(super) nonce: Option<Vec<u8>>,
    pub(super) algorithm: &'a [u8],
    pub(super) signature: &'a [u8],
    /// The certificates that came with it, one behind the other.
    pub(super) certificates: &'a [u8],
    answers: Vec<SingleResponse>,
}

/// `ResponderID`: a name, whole, or a SHA-1 of a key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Responder<'a> {
    Name(&'a [u8]),
    KeyHash(&'a [u8]),
}

impl Responder<'_> {
    /// Whether it names who has this name and key.
    pub(super) fn is(&self, name: &[u8], spki: &[u8]) -> bool {
        match self {
            Self::Name(named) => *named == name,
            Self::KeyHash(hash) => {
                x509::key_of(spki).is_some_and(|key| digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, key).as_ref() == *hash)
            }
        }
    }
}

impl<'a> Basic<'a> {
    /// Reads a response; all of it, whatever it is about.
    pub(super) fn parse(response: &'a [u8]) -> Result<Self, OcspFault> {
        if response.len() > OCSP_RESPONSE_LIMIT {
            return Err(OcspFault::TooLong);
        }
        let outer = OcspResponse::from_der(response).map_err(|_| OcspFault::Malformed)?;
        match (outer.response_status, &outer.response_bytes) {
            (OcspResponseStatus::Successful, Some(bytes)) if bytes.response_type == BASIC => {}
            (OcspResponseStatus::Successful, Some(_)) => return Err(OcspFault::OtherType),
            // RFC 6960 §4.2.1: an error has no bytes, and what is successful has some.
            (OcspResponseStatus::Successful, None) | (_, Some(_)) => return Err(OcspFault::Malformed),
            (status, None) => return Err(OcspFault::Refused(name_of(status))),
        }
        Self::parse_basic(response).ok_or(OcspFault::Malformed)?
    }

    /// The same bytes again, for what has to be taken as it lies there.
    fn parse_basic(response: &'a [u8]) -> Option<Result<Self, OcspFault>> {
        let mut outer = Items::inside(response, Tag::Sequence)?;
        outer.take(Tag::Enumerated)?;
        let mut typed = Items::inside(outer.take(constructed(TagNumber::N0))?.value, Tag::Sequence)?;
        typed.take(Tag::ObjectIdentifier)?;
        let mut basic = Items::inside(typed.take(Tag::OctetString)?.value, Tag::Sequence)?;

        let tbs = basic.take(Tag::Sequence)?;
        let algorithm = basic.take(Tag::Sequence)?.whole;
        let signature = x509::bits(basic.take(Tag::BitString)?.value)?;
        let certificates = match basic.take_if(constructed(TagNumber::N0))? {
            Some(explicit) => {
                let mut inside = Items::new(explicit.value)?;
                let list = inside.take(Tag::Sequence)?;
                inside.finish()?;
                // They are only read when one of them is needed, but certificates they are.
                let mut each = Items::new(list.value)?;
                while !each.is_empty() {
                    each.take(Tag::Sequence)?;
                }
                list.value
            }
            None => &[],
        };
        basic.finish()?;

        let mut fields = Items::new(tbs.value)?;
        fields.take_if(constructed(TagNumber::N0))?;
        let id = fields.take_any()?;
        let mut inside = Items::new(id.value)?;
        let responder = match id.tag {
            tag if tag == constructed(TagNumber::N1) => Responder::Name(inside.take(Tag::Sequence)?.whole),
            tag if tag == constructed(TagNumber::N2) => Responder::KeyHash(inside.take(Tag::OctetString)?.value),
            _ => return None,
        };
        inside.finish()?;

        let data = ResponseData::from_der(tbs.whole).ok()?;
        let extensions = data.response_extensions.as_ref();
        if !each_once(extensions)
            || !data
                .responses
                .iter()
                .all(|each| each_once(each.single_extensions.as_ref()))
        {
            return None;
        }
        if has_unknown_critical(extensions) {
            return Some(Err(OcspFault::CriticalExtension));
        }
        let nonce = match extension(extensions, NONCE) {
            Some(value) => Some(OctetStringRef::from_der(value).ok()?.as_bytes().to_vec()),
            None => None,
        };
        Some(Ok(Self {
            tbs: tbs.whole,
            responder,
            produced_at: seconds(data.produced_at),
            nonce,
            algorithm,
            signature,
            certificates,
            answers: data.responses,
        }))
    }

    /// The answers about a certificate: one, or one for each kind of hash.
    pub(super) fn about(&self, about: About<'_>) -> Result<Vec<Answer>, OcspFault> {
        let mut found: Vec<&SingleResponse> = Vec::new();
        for each in &self.answers {
            if !is_about(&each.cert_id, about) {
                continue;
            }
            let again = |other: &&SingleResponse| other.cert_id.hash_algorithm.oid == each.cert_id.hash_algorithm.oid;
            if found.iter().any(again) {
                return Err(OcspFault::Duplicate);
            }
            if has_unknown_critical(each.single_extensions.as_ref()) {
                return Err(OcspFault::CriticalExtension);
            }
            found.push(each);
        }
        if found.is_empty() {
            return Err(OcspFault::OtherCertificate);
        }
        found.into_iter().map(Answer::new).collect()
    }
}

pub(super) fn seconds(time: OcspGeneralizedTime) -> u64 {
    time.0.to_unix_duration().as_secs()
}

pub(super) fn extension(extensions: Option<&Extensions>, oid: ObjectIdentifier) -> Option<&[u8]> {
    let found = extensions?.iter().find(|each| each.extn_id == oid)?;
    Some(found.extn_value.as_bytes())
}

/// Whether no extension stands there twice. RFC 6960 §4.4 has eight; a crowd of them is only there to be compared.
fn each_once(extensions: Option<&Extensions>) -> bool {
    const MOST: usize = 32;
    let Some(all) = extensions else { return true };
    all.len() <= MOST
        && all
            .iter()
            .enumerate()
            .all(|(index, each)| all.iter().skip(index + 1).all(|other| other.extn_id != each.extn_id))
}

fn has_unknown_critical(extensions: Option<&Extensions>) -> bool {
    extensions.is_some_and(|all| {
        all.iter()
            .any(|each| each.critical && ![NONCE, SCTS].contains(&each.extn_id))
    })
}

/// RFC 6960 §4.2.1.
const fn name_of(status: OcspResponseStatus) -> &'static str {
    match status {
        OcspResponseStatus::Successful => "successful",
        OcspResponseStatus::MalformedRequest => "malformedRequest",
        OcspResponseStatus::InternalError => "internalError",
        OcspResponseStatus::TryLater => "tryLater",
        OcspResponseStatus::SigRequired => "sigRequired",
        OcspResponseStatus::Unauthorized => "unauthorized",
    }
}
