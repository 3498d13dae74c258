//! The parts of a certificate that evidence about it is bound to, as they lie there.
//!
//! webpki judges certificates; what it does not hand out is read here: the signed bytes, names and keys whole, and
//! extensions by their OID (RFC 5280 §4.1).

use x509_cert::der::{Tag, TagNumber};

use crate::der::{Items, constructed};
use crate::{TlsError, signature};

/// A certificate taken apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'a> {
    /// The signed bytes: TBSCertificate, whole.
    pub(crate) tbs: &'a [u8],
    /// The serial number, whole.
    pub(crate) serial: &'a [u8],
    /// The name of its issuer, whole.
    pub(crate) issuer: &'a [u8],
    /// Its own name, whole.
    pub(crate) subject: &'a [u8],
    /// Its key: SubjectPublicKeyInfo, whole.
    pub(crate) spki: &'a [u8],
    /// The extensions one behind the other, or nothing.
    extensions: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Takes a certificate in DER apart; nothing when it is malformed.
    pub(crate) fn new(certificate: &'a [u8]) -> Option<Self> {
        let mut outer = Items::inside(certificate, Tag::Sequence)?;
        let tbs = outer.take(Tag::Sequence)?;
        let algorithm = outer.take(Tag::Sequence)?.whole;
        let signature = bits(outer.take(Tag::BitString)?.value)?;
        outer.finish()?;
        let mut fields = Items::new(tbs.value)?;
        // The CAs of old are of version 1, which is not written down.
        fields.take_if(constructed(TagNumber::N0))?;
        let serial = fields.take(Tag::Integer)?.whole;
        fields.take(Tag::Sequence)?;
        let issuer = fields.take(Tag::Sequence)?.whole;
        fields.take(Tag::Sequence)?;
        let subject = fields.take(Tag::Sequence)?.whole;
        let spki = fields.take(Tag::Sequence)?.whole;
        let extensions = match fields.take_if(constructed(TagNumber::N3))? {
            Some(explicit) => {
                let mut inside = Items::new(explicit.value)?;
                let list = inside.take(Tag::Sequence)?;
                inside.finish()?;
                list.value
            }
            None => &[],
        };
        fields.finish()?;
        Some(Self {
            tbs: tbs.whole,
            serial,
            issuer,
            subject,
            spki,
            extensions,
            algorithm,
            signature,
        })
    }

    /// Whether it is signed with this key (SubjectPublicKeyInfo, whole).
    pub(crate) fn is_signed_with(&self, spki: &[u8]) -> bool {
        signature::verify(spki, self.algorithm, self.tbs, self.signature).is_ok()
    }

    /// The value of the extension with this OID (its content octets), if it has one.
    ///
    /// # Errors
    /// The extensions are malformed, or one stands there twice (RFC 5280 §4.2 allows each once).
    pub(crate) fn extension(&self, oid: &[u8]) -> Result<Option<&'a [u8]>, Malformed> {
        let mut found = None;
        let mut items = Items::new(self.extensions).ok_or(Malformed)?;
        while !items.is_empty() {
            let extension = Extension::take(&mut items).ok_or(Malformed)?;
            if extension.oid == oid && found.replace(extension.value).is_some() {
                return Err(Malformed);
            }
        }
        Ok(found)
    }

    /// The signed bytes without the extension with this OID, as they stood in a precertificate without its poison
    /// (RFC 6962 §3.2); all else stays byte for byte.
    pub(crate) fn tbs_without(&self, oid: &[u8]) -> Option<Vec<u8>> {
        const EXPLICIT_3: u8 = 0xa3;
        let mut kept = Vec::with_capacity(self.extensions.len());
        let mut items = Items::new(self.extensions)?;
        while !items.is_empty() {
            let extension = Extension::take(&mut items)?;
            if extension.oid != oid {
                kept.extend_from_slice(extension.whole);
            }
        }
        let mut fields = Items::inside(self.tbs, Tag::Sequence)?;
        let mut content = Vec::with_capacity(self.tbs.len());
        while !fields.is_empty() {
            let field = fields.take_any()?;
            if field.tag != constructed(TagNumber::N3) {
                content.extend_from_slice(field.whole);
            } else if !kept.is_empty() {
                // RFC 5280 §4.1: extensions, where there are any, are one or more.
                let list = crate::der::wrap(crate::der::SEQUENCE, &kept);
                content.extend(crate::der::wrap(EXPLICIT_3, &list));
            }
        }
        Some(crate::der::wrap(crate::der::SEQUENCE, &content))
    }
}

/// Something is not as RFC 5280 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// `Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue }`, without whether it is critical, which
/// webpki has looked at.
struct Extension<'a> {
    oid: &'a [u8],
    value: &'a [u8],
    whole: &'a [u8],
}

impl<'a> Extension<'a> {
    fn take(items: &mut Items<'a>) -> Option<Self> {
        let item = items.take(Tag::Sequence)?;
        let mut fields = Items::new(item.value)?;
        let oid = fields.take(Tag::ObjectIdentifier)?.value;
        fields.take_if(Tag::Boolean)?;
        let value = fields.take(Tag::OctetString)?.value;
        fields.finish()?;
        Some(Self {
            oid,
            value,
            whole: item.whole,
        })
    }
}

/// The bytes of a BIT STRING of whole bytes.
pub(crate) fn bits(value: &[u8]) -> Option<&[u8]> {
    match value {
        [0, bytes @ ..] => Some(bytes),
        _ => None,
    }
}

/// The key itself in a SubjectPublicKeyInfo: what key hashes are over (RFC 6960 §4.1.1).
pub(crate) fn key_of(spki: &[u8]) -> Option<&[u8]> {
    let mut fields = Items::inside(spki, Tag::Sequence)?;
    fields.take(Tag::Sequence)?;
    let key = fields.take(Tag::BitString)?;
    fields.finish()?;
    bits(key.value)
}

/// A CA as its certificates and responses name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issuer {
    /// Its name, whole.
    pub(crate) name: Vec<u8>,
    /// Its key: SubjectPublicKeyInfo, whole.
    pub(crate) spki: Vec<u8>,
}

impl Issuer {
    /// The one whose certificate this is.
    pub(crate) fn of(parts: &Parts<'_>) -> Self {
        Self {
            name: parts.subject.to_vec(),
            spki: parts.spki.to_vec(),
        }
    }

    /// Whether it has issued the certificate: it bears the name and its key has signed.
    pub(crate) fn has_issued(&self, certificate: &Parts<'_>) -> bool {
        self.name == certificate.issuer && certificate.is_signed_with(&self.spki)
    }
}

/// A certificate and its issuer, which must have issued it.
pub(crate) fn pair<'a>(certificate: &'a [u8], issuer: &[u8]) -> Result<(Parts<'a>, Issuer), TlsError> {
    let malformed = |what: &str| TlsError::configuration(format!("{what} is no certificate in DER"));
    let certificate = Parts::new(certificate).ok_or_else(|| malformed("what evidence is to be about"))?;
    let issuer = Issuer::of(&Parts::new(issuer).ok_or_else(|| malformed("the issuer that was given"))?);
    if !issuer.has_issued(&certificate) {
        return Err(TlsError::configuration(
            "the issuer that was given has not issued the certificate",
        ));
    }
    Ok((certificate, issuer))
}
