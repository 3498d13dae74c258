//! The head block: `name\0value\0name\0value\0…`, and the check that makes one safe to write to a wire.

use millrace_error::{Code, Error};

use crate::bytes::{CLASS, TOKEN, VALUE};

/// A field of a block: its name and its value.
pub type Field<'a> = (&'a [u8], &'a [u8]);

/// The fields of a block, in order; see [`fields`].
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

/// Walks the fields of a block as `(name, value)`.
///
/// It neither checks nor panics: a block that [`check_block`] refuses yields what can be read of it (a missing NUL
/// ends the last part).
#[inline]
pub fn fields(block: &[u8]) -> Fields<'_> {
    Fields { rest: block }
}

#[inline]
fn split_nul(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|&b| b == 0) {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[]),
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (name, rest) = split_nul(self.rest);
        let (value, rest) = split_nul(rest);
        self.rest = rest;
        Some((name, value))
    }
}

const REFUSED: Error = Error::new(Code::InvalidArgument);

/// Checks a block that our own side made and counts its fields.
///
/// Names must be non-empty tokens; values hold no control byte but HTAB and neither begin nor end with white space;
/// every part ends with its NUL. Anything else is [`Code::InvalidArgument`]: written to a wire, a block that passes
/// cannot become more or other fields than it says.
pub fn check_block(block: &[u8]) -> Result<usize, Error> {
    let mut rest = block;
    let mut count = 0;
    while !rest.is_empty() {
        let (_, tail) = take_field(rest)?;
        rest = tail;
        count += 1;
    }
    Ok(count)
}

/// Splits the first field off a block and checks it, as [`check_block`] does; also returns what follows.
#[inline]
pub(crate) fn take_field(block: &[u8]) -> Result<(Field<'_>, &[u8]), Error> {
    let name_len = part_len(block, TOKEN)?;
    if name_len == 0 {
        return Err(REFUSED);
    }
    let (name, rest) = (&block[..name_len], &block[name_len + 1..]);
    let value_len = part_len(rest, VALUE)?;
    let (value, tail) = (&rest[..value_len], &rest[value_len + 1..]);
    if let (Some(first), Some(last)) = (value.first(), value.last())
        && (matches!(first, b' ' | b'\t') || matches!(last, b' ' | b'\t'))
    {
        return Err(REFUSED);
    }
    Ok(((name, value), tail))
}

/// The length of the part that a NUL ends, all of it in `class` (which NUL never is).
#[inline]
fn part_len(bytes: &[u8], class: u8) -> Result<usize, Error> {
    let end = bytes.iter().position(|&b| CLASS[usize::from(b)] & class == 0);
    match end {
        Some(at) if bytes[at] == 0 => Ok(at),
        _ => Err(REFUSED),
    }
}

/// Checks one value, a reason phrase or the like: no control byte but HTAB.
pub fn check_value(value: &[u8]) -> Result<(), Error> {
    if value.iter().all(|&b| CLASS[usize::from(b)] & VALUE != 0) {
        Ok(())
    } else {
        Err(REFUSED)
    }
}

impl<'a> Fields<'a> {
    /// Takes the next field and checks it as [`check_block`] does, so that a writer needs one pass only.
    #[inline]
    pub fn next_checked(&mut self) -> Result<Option<Field<'a>>, Error> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (field, rest) = take_field(self.rest)?;
        self.rest = rest;
        Ok(Some(field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_fields_of_a_block_in_order() {
        let block = b"Host\0a\0Empty\0\0x\0\xe9\0";
        assert_eq!(check_block(block), Ok(3));
        let all: Vec<_> = fields(block).collect();
        assert_eq!(all, [(&b"Host"[..], &b"a"[..]), (b"Empty", b""), (b"x", b"\xe9")]);
        assert_eq!(check_block(b""), Ok(0));
    }

    #[test]
    fn refuses_every_block_that_could_become_other_fields() {
        let refused: &[&[u8]] = &[
            b"a",
            b"a\0",
            b"a\0b",
            b"\0",
            b"\0b\0",
            b"a b\0c\0",
            b"a:\0c\0",
            b"a\r\n\0c\0",
            b"a\0b\rc\0",
            b"a\0b\nc\0",
            b"a\0b\x01\0",
            b"a\0b\x7f\0",
            b"a\0 b\0",
            b"a\0b \0",
            b"a\0b\t\0",
            b"a\0 \0",
            b"a\0b\0\0",
            b"a\0b\0c",
            b"\xe9\0b\0",
        ];
        for block in refused {
            assert_eq!(check_block(block), Err(REFUSED), "{}", block.escape_ascii());
        }
    }

    #[test]
    fn walking_a_malformed_block_ends() {
        for block in [&b"a"[..], b"\0", b"a\0b", b"\0\0\0"] {
            assert!(fields(block).count() <= block.len());
        }
    }

    #[test]
    fn values_are_checked_byte_by_byte() {
        assert!(check_value(b"OK then\t\xff").is_ok());
        for bad in [&b"a\r"[..], b"\n", b"\0", b"\x7f"] {
            assert!(check_value(bad).is_err());
        }
    }
}
