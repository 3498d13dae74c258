//! What llhttp is too lax about in a status line (RFC 9112 §4): `HTTP-version SP 3DIGIT SP [ reason-phrase ] CRLF`.
//!
//! A scan of our own, before llhttp reads the same line: llhttp takes a bare LF, a missing second space, control bytes
//! in the reason, HTTP/0.9 and 2.0 and RTSP, and bounds nothing. The scan collects nothing but the status code.

use millrace_error::{Code, Error};
use millrace_head::value_run;

use crate::start_line::Scan;

/// The reason phrase comes after `HTTP/d.d ddd `.
const REASON: usize = 13;

/// Where the scan of a line has got to; the line may come in pieces.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StatusLine {
    pub(crate) minor: u8,
    pub(crate) status: u16,
    /// So many bytes of the reason have been seen.
    reason_seen: u32,
}

const fn refuse<T>(code: Code) -> Result<T, Error> {
    Err(Error::new(code))
}

impl Scan for StatusLine {
    fn scan(&mut self, line: &[u8], limit: u32) -> Result<Option<usize>, Error> {
        if self.reason_seen == 0 {
            self.scan_fixed(line)?;
        }
        let Some(reason) = line.get(REASON..) else {
            return Ok(None);
        };
        let seen = self.reason_seen as usize;
        let len = seen + value_run(reason.get(seen..).unwrap_or_default());
        if len > limit as usize {
            let (limit, seen) = (u64::from(limit), u64::from(limit) + 1);
            return Err(Error::limit(Code::HttpHeadersTooLarge, limit, seen));
        }
        self.reason_seen = len as u32; // at most `limit`
        match reason.get(len..).unwrap_or_default() {
            [] | [b'\r'] => Ok(None),
            [b'\r', b'\n', ..] => Ok(Some(REASON + len + 2)),
            [b'\r' | b'\n', ..] => refuse(Code::HttpInvalidLineEnding),
            [..] => refuse(Code::HttpInvalidStatusLine),
        }
    }
}

impl StatusLine {
    /// `HTTP/d.d ddd `, or the beginning of it.
    fn scan_fixed(&mut self, line: &[u8]) -> Result<(), Error> {
        let mut major = 0;
        self.status = 0;
        for (index, &byte) in line.iter().take(REASON).enumerate() {
            let fits = match index {
                0..=4 => byte == b"HTTP/"[index],
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
            match index {
                5 => major = byte,
                7 => self.minor = byte - b'0',
                8 if major != b'1' || self.minor > 1 => return refuse(Code::HttpVersionUnsupported),
                // A status code below 100 has no class (RFC 9110 §15).
                9 if byte == b'0' => return refuse(Code::HttpInvalidStatusLine),
                9..=11 => self.status = self.status * 10 + u16::from(byte - b'0'),
                _ => {}
            }
        }
        Ok(())
    }
}
