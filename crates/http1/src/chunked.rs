//! The chunked transfer coding (RFC 9112 §7.1).
//!
//! ```text
//! chunk     = 1*HEXDIG [ chunk-ext ] CRLF chunk-data CRLF
//! chunk-ext = *( ";" name [ "=" ( token / quoted-string ) ] )
//! ```
//! llhttp reads it all: sizes, data, trailers. What it does not bound or report is scanned here first: how many digits
//! a size has (leading zeros could go on for ever) and how many bytes of extensions there are. llhttp is shown what
//! the scan of a line has accepted and not a byte more, and both must accept.
//!
//! The RFC lets a recipient take white space around `;` and `=`; we refuse it, as llhttp does: readings of it differ
//! between implementations, and a difference in framing is an attack.

use millrace_error::{Code, Error};
use millrace_head::{is_token_byte, is_value_byte};

use crate::fields::recycle;
use crate::limits::Limits;
use crate::reader::{Data, Progress, Reader};

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
    /// Data or the CRLF behind it.
    Data,
    /// The LF behind data and its CR.
    DataLf,
    Trailers,
}

/// 16 digits fill 64 bits.
const MAX_DIGITS: u8 = 16;

/// Reads a chunked body.
#[derive(Debug)]
pub(crate) struct Chunked {
    expect: Expect,
    /// Whether all digits of the size were zeros: the last chunk.
    last: bool,
    /// Bytes of extensions seen, over the whole body.
    extensions: u32,
    /// The trailers of the body that ended last.
    trailers: Vec<u8>,
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
            last: true,
            extensions: 0,
            trailers: Vec::new(),
        }
    }

    /// Makes ready for a body, or forgets the last one.
    pub(crate) fn clear(&mut self) {
        recycle(&mut self.trailers);
        self.expect = Expect::Size(0);
        self.last = true;
        self.extensions = 0;
    }

    pub(crate) fn trailers(&self) -> &[u8] {
        &self.trailers
    }

    /// Reads on, up to the end of the next run of data. `reader` has read the head.
    pub(crate) fn read(&mut self, input: &[u8], limits: &Limits, reader: &mut Reader) -> Result<Piece, Error> {
        let mut at = 0;
        while at < input.len() {
            let rest = &input[at..];
            at += match self.expect {
                Expect::Data | Expect::DataLf => match reader.read_data(rest, self.expect == Expect::DataLf)? {
                    Data::Bytes(len) => return Ok(Piece::Data(at, at + len)),
                    Data::More => {
                        self.expect = Expect::DataLf;
                        rest.len()
                    }
                    Data::Over(len) => {
                        self.expect = Expect::Size(0);
                        self.last = true;
                        len
                    }
                },
                Expect::Trailers => {
                    let Progress::Complete(len) = reader.read_fields(rest, 0)? else {
                        return Ok(Piece::NeedMore);
                    };
                    self.trailers = std::mem::take(&mut reader.sink().block);
                    return Ok(Piece::End(at + len));
                }
                _ => self.read_line(rest, limits, reader)?,
            };
        }
        Ok(Piece::NeedMore)
    }

    /// Reads on in the line with a size. Returns how many bytes of it there were.
    fn read_line(&mut self, input: &[u8], limits: &Limits, reader: &mut Reader) -> Result<usize, Error> {
        let mut len = 0;
        let mut whole = false;
        for &byte in input {
            len += 1;
            whole = self.expect == Expect::SizeLf && byte == b'\n';
            if whole {
                break;
            }
            self.scan(byte, limits.chunk_extensions)?;
        }
        reader.read_chunk_line(&input[..len], whole)?;
        if whole && self.last {
            reader.start_trailers(std::mem::take(&mut self.trailers), limits);
            self.expect = Expect::Trailers;
        } else if whole {
            self.expect = Expect::Data;
        }
        Ok(len)
    }

    /// One byte of a line with a size, but the LF that ends it.
    pub(crate) fn scan(&mut self, byte: u8, max_extensions: u32) -> Result<(), Error> {
        self.expect = match (self.expect, byte) {
            (Expect::Size(MAX_DIGITS), _) if byte.is_ascii_hexdigit() => return refuse(Code::HttpInvalidChunk),
            (Expect::Size(digits), _) if byte.is_ascii_hexdigit() => {
                self.last &= byte == b'0';
                Expect::Size(digits + 1)
            }
            (Expect::Size(1..) | Expect::ExtName | Expect::ExtValue | Expect::ExtEnd, b'\r') => Expect::SizeLf,
            (_, b'\n') | (Expect::SizeLf, _) => return refuse(Code::HttpInvalidLineEnding),
            (Expect::Size(0), _) => return refuse(Code::HttpInvalidChunk),
            (expect, _) => {
                self.extensions = self.extensions.saturating_add(1);
                if self.extensions > max_extensions {
                    let (limit, seen) = (u64::from(max_extensions), u64::from(self.extensions));
                    return Err(Error::limit(Code::HttpChunkExtensionsTooLarge, limit, seen));
                }
                scan_extension(expect, byte)?
            }
        };
        Ok(())
    }
}

fn scan_extension(expect: Expect, byte: u8) -> Result<Expect, Error> {
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
