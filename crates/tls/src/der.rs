//! DER, read as it lies there.
//!
//! Signatures and digests are over the bytes that came, so what is signed is never decoded and encoded again. The
//! reader of the `der` crate checks every tag and length (definite, shortest form, inside what encloses it); nothing
//! here allocates by what a length claims.

use x509_cert::der::{Decode, Reader, SliceReader, Tag, TagNumber, asn1::AnyRef};

/// One value with its tag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'a> {
    pub(crate) tag: Tag,
    /// Without tag and length.
    pub(crate) value: &'a [u8],
    /// With tag and length.
    pub(crate) whole: &'a [u8],
}

/// Values one behind the other. Every method answers with nothing when the bytes are not what was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Items<'a>(SliceReader<'a>);

impl<'a> Items<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        Some(Self(SliceReader::new(bytes).ok()?))
    }

    /// The values inside the one value that `bytes` are.
    pub(crate) fn inside(bytes: &'a [u8], tag: Tag) -> Option<Self> {
        let mut outer = Self::new(bytes)?;
        let item = outer.take(tag)?;
        outer.finish()?;
        Self::new(item.value)
    }

    /// The next value, whatever it is.
    pub(crate) fn take_any(&mut self) -> Option<Item<'a>> {
        let whole = self.0.tlv_bytes().ok()?;
        let any = AnyRef::from_der(whole).ok()?;
        Some(Item {
            tag: x509_cert::der::Tagged::tag(&any),
            value: any.value(),
            whole,
        })
    }

    /// The next value, which must have this tag.
    pub(crate) fn take(&mut self, tag: Tag) -> Option<Item<'a>> {
        self.take_any().filter(|item| item.tag == tag)
    }

    /// The next value if it has this tag.
    pub(crate) fn take_if(&mut self, tag: Tag) -> Option<Option<Item<'a>>> {
        match self.0.peek_tag() {
            Ok(next) if next == tag => self.take_any().map(Some),
            Ok(_) => Some(None),
            Err(_) if self.is_empty() => Some(None),
            Err(_) => None,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_finished()
    }

    /// Nothing may follow.
    pub(crate) fn finish(self) -> Option<()> {
        self.is_empty().then_some(())
    }
}

/// What a SEQUENCE holds.
pub(crate) fn content(whole: &[u8]) -> Option<&[u8]> {
    Items::new(whole)?.take(Tag::Sequence).map(|item| item.value)
}

/// `[number]`, around other values.
pub(crate) const fn constructed(number: TagNumber) -> Tag {
    Tag::ContextSpecific {
        constructed: true,
        number,
    }
}

/// `[number]`, on bytes.
pub(crate) const fn primitive(number: TagNumber) -> Tag {
    Tag::ContextSpecific {
        constructed: false,
        number,
    }
}

/// A value with this tag around a content; lengths are in their shortest form.
pub(crate) fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let bytes = len.to_be_bytes();
    let significant = &bytes[len.leading_zeros() as usize / 8..];
    let mut out = Vec::with_capacity(2 + significant.len() + len);
    out.push(tag);
    match len {
        0..=0x7f => out.push(len as u8),
        _ => {
            out.push(0x80 | significant.len() as u8);
            out.extend_from_slice(significant);
        }
    }
    out.extend_from_slice(content);
    out
}

/// The tag of a SEQUENCE.
pub(crate) const SEQUENCE: u8 = 0x30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrapped_is_read_again() {
        for len in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let content = vec![5; len];
            let whole = wrap(SEQUENCE, &content);
            let mut items = Items::new(&whole).expect("short");
            let item = items.take(Tag::Sequence).expect("a sequence");
            assert_eq!((item.value, item.whole), (&content[..], &whole[..]));
            items.finish().expect("nothing behind it");
        }
    }

    #[test]
    fn lengths_that_are_not_der_are_refused() {
        let rows: &[&[u8]] = &[
            &[],
            &[0x30],
            &[0x30, 1],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x81, 1, 0],
            &[0x30, 0x82, 0, 0x80],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x30, 0x85, 1, 0, 0, 0, 0],
            &[0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x3f, 0x81, 0x01, 0],
        ];
        for bytes in rows {
            let mut items = Items::new(bytes).expect("short");
            assert!(items.take(Tag::Sequence).is_none(), "{bytes:?}");
            assert!(Items::inside(bytes, Tag::Sequence).is_none(), "{bytes:?}");
        }
        assert!(
            Items::inside(&[0x30, 0, 0], Tag::Sequence).is_none(),
            "a byte behind it"
        );
    }
}
