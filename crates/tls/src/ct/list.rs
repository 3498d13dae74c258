//! The list of timestamps, in TLS's presentation language (RFC 6962 §3.3).
//!
//! ```text
//! opaque SerializedSCT<1..2^16-1>;
//! struct { SerializedSCT sct_list <1..2^16-1>; } SignedCertificateTimestampList;
//! ```

use x509_cert::der::Tag;

use super::sct::Sct;
use crate::der::Items;

/// Bytes that are read from the front.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// A vector with a length of two bytes.
    pub(super) fn vector(&mut self) -> Option<&'a [u8]> {
        let length = u16::from_be_bytes(*self.array()?);
        self.take(usize::from(length))
    }
}

/// The list inside an extension's value: an OCTET STRING in DER.
pub(super) fn inside_octets(value: &[u8]) -> Option<&[u8]> {
    let mut items = Items::new(value)?;
    let octets = items.take(Tag::OctetString)?;
    items.finish()?;
    Some(octets.value)
}

/// The timestamps of version 1, of a list without anything wrong in it.
pub(super) fn scts(list: &[u8]) -> Option<Vec<Sct<'_>>> {
    let mut outer = Bytes(list);
    let mut rest = Bytes(outer.vector()?);
    if !outer.0.is_empty() || rest.0.is_empty() {
        return None;
    }
    let mut found = Vec::new();
    while !rest.0.is_empty() {
        let serialized = rest.vector()?;
        // An empty one has no version.
        found.extend(Sct::parse(serialized)?);
    }
    Some(found)
}
