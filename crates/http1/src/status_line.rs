//! The status line (RFC 9112 §4): `HTTP-version SP 3DIGIT SP [ reason-phrase ] CRLF`.
//!
//! Our own scanner, and not llhttp's, which is laxer: it takes a bare LF, HTTP/0.9 and 2.0 and RTSP.

use millrace_error::{Code, Error};
use millrace_head::value_run;

/// The scanner's state and what it has read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StatusLine {
    /// So many bytes of `HTTP/d.d ddd ` have been read; then the reason, CR and LF.
    index: u8,
    major: u8,
    pub(crate) minor: u8,
    pub(crate) status: u16,
    pub(crate) reason_len: u32,
}

/// The reason phrase comes after `HTTP/d.d ddd `.
const REASON: u8 = 13;
const LF: u8 = 14;

const fn refuse<T>(code: Code) -> Result<T, Error> {
    Err(Error::new(code))
}

impl StatusLine {
    pub(crate) const fn new() -> Self {
        Self {
            index: 0,
            major: 0,
            minor: 0,
            status: 0,
            reason_len: 0,
        }
    }

    /// Reads on; the reason goes to the end of `block`. `Some(n)`: the line is complete and ends after `n` bytes.
    pub(crate) fn scan(&mut self, input: &[u8], block: &mut Vec<u8>, limit: u32) -> Result<Option<usize>, Error> {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            match self.index {
                REASON => at += self.read_reason(&input[at..], block, limit)?,
                LF if byte == b'\n' => return Ok(Some(at + 1)),
                LF => return refuse(Code::HttpInvalidLineEnding),
                _ => {
                    self.read_fixed(byte)?;
                    at += 1;
                }
            }
        }
        Ok(None)
    }

    fn read_fixed(&mut self, byte: u8) -> Result<(), Error> {
        let fits = match self.index {
            0..=4 => byte == b"HTTP/"[usize::from(self.index)],
            6 => byte == b'.',
            8 | 12 => byte == b' ',
            _ => byte.is_ascii_digit(),
        };
        if !fits {
            return refuse(if byte == b'\n' {
                Code::HttpInvalidLineEnding
            } else {
                Code::HttpInvalidStatusLine
            });
        }
        match self.index {
            5 => self.major = byte - b'0',
            7 => self.minor = byte - b'0',
            8 if self.major != 1 || self.minor > 1 => return refuse(Code::HttpVersionUnsupported),
            // A status code below 100 has no class (RFC 9110 §15).
            9 if byte == b'0' => return refuse(Code::HttpInvalidStatusLine),
            9..=11 => self.status = self.status * 10 + u16::from(byte - b'0'),
            _ => {}
        }
        self.index += 1;
        Ok(())
    }

    fn read_reason(&mut self, rest: &[u8], block: &mut Vec<u8>, limit: u32) -> Result<usize, Error> {
        let run = value_run(rest);
        if block.len().saturating_add(run) > limit as usize {
            return Err(Error::limit(
                Code::HttpHeadersTooLarge,
                u64::from(limit),
                u64::from(limit) + 1,
            ));
        }
        block.extend_from_slice(&rest[..run]);
        match rest.get(run) {
            None => Ok(run),
            Some(b'\r') => {
                self.reason_len = block.len() as u32; // at most `limit`
                self.index = LF;
                Ok(run + 1)
            }
            Some(b'\n') => refuse(Code::HttpInvalidLineEnding),
            Some(_) => refuse(Code::HttpInvalidStatusLine),
        }
    }
}
