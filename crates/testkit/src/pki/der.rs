//! DER by hand, so that what is wrong in it can be chosen.

/// A value with this tag around a content.
pub fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let mut der = match len {
        0..=0x7f => vec![tag, len as u8],
        0x80..=0xff => vec![tag, 0x81, len as u8],
        0x100..=0xffff => vec![tag, 0x82, (len >> 8) as u8, len as u8],
        _ => vec![tag, 0x83, (len >> 16) as u8, (len >> 8) as u8, len as u8],
    };
    der.extend_from_slice(content);
    der
}

/// SEQUENCE of these.
pub fn sequence(items: &[Vec<u8>]) -> Vec<u8> {
    tagged(0x30, &items.concat())
}

/// `[number]` EXPLICIT.
pub fn explicit(number: u8, content: &[u8]) -> Vec<u8> {
    tagged(0xa0 | number, content)
}

/// OCTET STRING.
pub fn octets(bytes: &[u8]) -> Vec<u8> {
    tagged(0x04, bytes)
}

/// BIT STRING of whole bytes.
pub fn bits(bytes: &[u8]) -> Vec<u8> {
    tagged(0x03, &[&[0], bytes].concat())
}

/// INTEGER, not negative.
pub fn integer(value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let zeros = (value.leading_zeros() as usize / 8).min(7);
    let mut content = bytes[zeros..].to_vec();
    if content[0] & 0x80 != 0 {
        content.insert(0, 0);
    }
    tagged(0x02, &content)
}

/// OBJECT IDENTIFIER of these arcs.
pub fn oid(arcs: &[u64]) -> Vec<u8> {
    let first = arcs[0] * 40 + arcs[1];
    let mut content = Vec::new();
    for arc in std::iter::once(&first).chain(&arcs[2..]) {
        let mut digits = vec![(arc & 0x7f) as u8];
        let mut rest = arc >> 7;
        while rest > 0 {
            digits.push(0x80 | (rest & 0x7f) as u8);
            rest >>= 7;
        }
        content.extend(digits.iter().rev());
    }
    tagged(0x06, &content)
}

/// GeneralizedTime of seconds since 1970.
pub fn time(seconds: u64) -> Vec<u8> {
    let at = super::at(seconds);
    let text = format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    );
    tagged(0x18, text.as_bytes())
}

/// NULL.
pub fn null() -> Vec<u8> {
    tagged(0x05, &[])
}

/// An AlgorithmIdentifier, with NULL or without parameters.
pub fn algorithm(arcs: &[u64], with_null: bool) -> Vec<u8> {
    let parameters = if with_null { null() } else { Vec::new() };
    sequence(&[oid(arcs), parameters])
}

/// An Extension.
pub fn extension(arcs: &[u64], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { tagged(0x01, &[0xff]) } else { Vec::new() };
    sequence(&[oid(arcs), critical, octets(value)])
}

/// The values that lie in a value which is well formed.
///
/// # Panics
/// When it is not.
pub fn children(value: &[u8]) -> Vec<&[u8]> {
    let mut rest = content(value);
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (header, length) = header(rest);
        let (whole, behind) = rest.split_at(header + length);
        found.push(whole);
        rest = behind;
    }
    found
}

/// What a value holds, without tag and length.
///
/// # Panics
/// When it is not well formed.
pub fn content(value: &[u8]) -> &[u8] {
    let (header, length) = header(value);
    &value[header..header + length]
}

fn header(value: &[u8]) -> (usize, usize) {
    match value[1] {
        short @ 0..=0x7f => (2, usize::from(short)),
        long => {
            let count = usize::from(long & 0x7f);
            let length = value[2..2 + count]
                .iter()
                .fold(0, |length, byte| length << 8 | usize::from(*byte));
            (2 + count, length)
        }
    }
}

/// What the certificate's fields are.
pub struct Fields<'a> {
    /// The signed bytes, whole.
    pub tbs: &'a [u8],
    /// The serial number, whole.
    pub serial: &'a [u8],
    /// Its issuer's name, whole.
    pub issuer: &'a [u8],
    /// Its own name, whole.
    pub subject: &'a [u8],
    /// Its key (SubjectPublicKeyInfo), whole.
    pub spki: &'a [u8],
}

/// Takes a good certificate apart.
pub fn fields(certificate: &[u8]) -> Fields<'_> {
    let tbs = children(certificate)[0];
    let all = children(tbs);
    Fields {
        tbs,
        serial: all[1],
        issuer: all[3],
        subject: all[5],
        spki: all[6],
    }
}

/// The key in a SubjectPublicKeyInfo.
pub fn key_of(spki: &[u8]) -> &[u8] {
    &content(children(spki)[1])[1..]
}
