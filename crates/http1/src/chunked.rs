//! The chunked transfer coding (RFC 9112 §7.1).
//!
//! ```text
//! chunk     = 1*HEXDIG [ chunk-ext ] CRLF chunk-data CRLF
//! chunk-ext = *( ";" name [ "=" ( token / quoted-string ) ] )
//! ```
//! The RFC lets a recipient take white space around `;` and `=`; we refuse it, as llhttp does: readings of it differ
//! between implementations, and a difference in framing is an attack.

use millrace_error::{Code, Error};
use millrace_head::{is_token_byte, is_value_byte};

use crate::limits::Limits;
use crate::trailers::Trailers;

/// The state, named by what is read next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    /// Hex digits; so many have been read.
    Size(u8),
    /// The first byte of an extension's name, after `;`.
    ExtNameStart,
    ExtName,
    /// The first byte of an extension's value, after `=`.
    ExtValueStart,
    ExtValue,
    Quoted,
    /// The byte after a backslash in a quoted string.
    QuotedPair,
    /// `;` or CR, after a closing quote.
    ExtEnd,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    Trailers,
}

/// 16 digits fill 64 bits; leading zeros count, or a size could go on for ever.
const MAX_DIGITS: u8 = 16;

/// Reads a chunked body.
#[derive(Debug)]
pub(crate) struct Chunked {
    expect: Expect,
    /// The size that is being read; then what is left of the chunk.
    left: u64,
    /// Bytes of extensions seen, over the whole body.
    extensions: u32,
    pub(crate) trailers: Trailers,
}

/// What reading some bytes of a body gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    NeedMore,
    /// Data at this range of the input; it ends where the piece ends.
    Data(usize, usize),
    /// The body is complete and ends after so many bytes.
    End(usize),
}

const fn refuse<T>(code: Code) -> Result<T, Error> {
    Err(Error::new(code))
}

impl Chunked {
    pub(crate) const fn new() -> Self {
        Self {
            expect: Expect::Size(0),
            left: 0,
            extensions: 0,
            trailers: Trailers::new(),
        }
    }

    /// Makes ready for a body.
    pub(crate) fn clear(&mut self) {
        self.expect = Expect::Size(0);
        self.left = 0;
        self.extensions = 0;
        self.trailers.clear();
    }

    /// Reads on, up to the end of the next run of data.
    pub(crate) fn read(&mut self, input: &[u8], limits: &Limits) -> Result<Piece, Error> {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            match self.expect {
                Expect::Data => {
                    let here = input.len() - at;
                    let len = usize::try_from(self.left).map_or(here, |left| left.min(here));
                    self.left -= len as u64; // len <= left
                    if self.left == 0 {
                        self.expect = Expect::DataCr;
                    }
                    return Ok(Piece::Data(at, at + len));
                }
                Expect::Trailers => {
                    let end = self.trailers.read(&input[at..], limits)?;
                    return Ok(end.map_or(Piece::NeedMore, |end| Piece::End(at + end)));
                }
                expect => self.expect = self.read_frame(expect, byte, limits.chunk_extensions)?,
            }
            at += 1;
        }
        Ok(Piece::NeedMore)
    }

    /// One byte of what stands around the data.
    fn read_frame(&mut self, expect: Expect, byte: u8, max_extensions: u32) -> Result<Expect, Error> {
        match (expect, byte) {
            (Expect::Size(digits), _) if byte.is_ascii_hexdigit() => {
                if digits == MAX_DIGITS {
                    return refuse(Code::HttpInvalidChunk);
                }
                self.left = self.left << 4 | u64::from(hex(byte));
                Ok(Expect::Size(digits + 1))
            }
            (Expect::Size(1..) | Expect::ExtName | Expect::ExtValue | Expect::ExtEnd, b'\r') => Ok(Expect::SizeLf),
            (Expect::SizeLf, b'\n') if self.left == 0 => Ok(Expect::Trailers),
            (Expect::SizeLf, b'\n') => Ok(Expect::Data),
            (Expect::DataCr, b'\r') => Ok(Expect::DataLf),
            (Expect::DataLf, b'\n') => Ok(Expect::Size(0)),
            (_, b'\n') | (Expect::SizeLf | Expect::DataLf, _) => refuse(Code::HttpInvalidLineEnding),
            (Expect::DataCr | Expect::Size(0), _) => refuse(Code::HttpInvalidChunk),
            _ => {
                self.extensions = self.extensions.saturating_add(1);
                if self.extensions > max_extensions {
                    let (limit, seen) = (u64::from(max_extensions), u64::from(self.extensions));
                    return Err(Error::limit(Code::HttpChunkExtensionsTooLarge, limit, seen));
                }
                read_extension(expect, byte)
            }
        }
    }
}

fn read_extension(expect: Expect, byte: u8) -> Result<Expect, Error> {
    match (expect, byte) {
        (Expect::Size(_) | Expect::ExtName | Expect::ExtValue | Expect::ExtEnd, b';') => Ok(Expect::ExtNameStart),
        (Expect::ExtNameStart | Expect::ExtName, _) if is_token_byte(byte) => Ok(Expect::ExtName),
        (Expect::ExtName, b'=') => Ok(Expect::ExtValueStart),
        (Expect::ExtValueStart, b'"') => Ok(Expect::Quoted),
        (Expect::ExtValueStart | Expect::ExtValue, _) if is_token_byte(byte) => Ok(Expect::ExtValue),
        (Expect::Quoted, b'"') => Ok(Expect::ExtEnd),
        (Expect::Quoted, b'\\') => Ok(Expect::QuotedPair),
        (Expect::Quoted | Expect::QuotedPair, _) if is_value_byte(byte) => Ok(Expect::Quoted),
        _ => refuse(Code::HttpInvalidChunk),
    }
}

/// The value of a hex digit.
fn hex(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        _ => (byte | 0x20) - b'a' + 10,
    }
}
