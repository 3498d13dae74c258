//! What llhttp cannot decide in a request line (RFC 9112 §3): `method SP request-target SP HTTP-version CRLF`.
//!
//! A scan of our own, before llhttp reads the same line. llhttp refuses an unknown method and a malformed one alike,
//! and at the first byte that fits none; it takes two spaces before the target, a fragment, HTTP/0.9 and 2.0; and it
//! bounds nothing. The scan collects nothing: method, target and version are llhttp's to read.

use millrace_error::{Code, Error};
use millrace_head::{Method, check_target, target_run, token_run};

use crate::start_line::Scan;

/// Longer than every method that we know (11); a longer token is an unknown method.
const METHOD_MAX: usize = 16;

/// Where the scan of a line has got to; the line may come in pieces.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RequestLine {
    method: Option<Method>,
    /// Where the target begins; 0: the method has not ended.
    target: u32,
    /// Where the version begins; 0: the target has not ended.
    version: u32,
    /// So many bytes of the target have been seen.
    target_seen: u32,
    minor: u8,
}

const fn refuse<T>(code: Code) -> Result<T, Error> {
    Err(Error::new(code))
}

impl Scan for RequestLine {
    #[inline]
    fn scan(&mut self, line: &[u8], limit: u32) -> Result<Option<usize>, Error> {
        if self.target == 0 && !self.scan_method(line)? || self.version == 0 && !self.scan_target(line, limit)? {
            return Ok(None);
        }
        let rest = line.get(self.version as usize..).unwrap_or_default();
        let len = if rest.starts_with(b"HTTP/1.1\r\n") {
            self.minor = 1;
            Some(10)
        } else {
            self.scan_version(rest)?
        };
        Ok(len.map(|len| self.version as usize + len))
    }
}

impl RequestLine {
    /// The method, once the line is complete.
    pub(crate) fn method(&self) -> Method {
        self.method.unwrap_or(Method::Get)
    }

    /// The minor version, once the line is complete.
    pub(crate) fn minor(&self) -> u8 {
        self.minor
    }

    fn scan_method(&mut self, line: &[u8]) -> Result<bool, Error> {
        let run = token_run(line);
        if run > METHOD_MAX {
            return refuse(Code::HttpMethodUnsupported);
        }
        match line.get(run) {
            None => Ok(false),
            Some(b' ') if run > 0 => {
                self.method = Method::from_bytes(&line[..run]);
                self.target = run as u32 + 1; // at most METHOD_MAX + 1
                match self.method {
                    Some(_) => Ok(true),
                    None => refuse(Code::HttpMethodUnsupported),
                }
            }
            Some(b'\n') => refuse(Code::HttpInvalidLineEnding),
            Some(b' ' | b'\t' | b'\r') => refuse(Code::HttpInvalidRequestLine),
            Some(_) => refuse(Code::HttpInvalidMethod),
        }
    }

    fn scan_target(&mut self, line: &[u8], limit: u32) -> Result<bool, Error> {
        let start = self.target as usize;
        let seen = self.target_seen as usize;
        let len = seen + target_run(line.get(start + seen..).unwrap_or_default());
        if len > limit as usize {
            let (limit, seen) = (u64::from(limit), u64::from(limit) + 1);
            return Err(Error::limit(Code::HttpTargetTooLarge, limit, seen));
        }
        self.target_seen = len as u32; // at most `limit`
        match line.get(start + len) {
            None => Ok(false),
            Some(b' ') if len == 0 => refuse(Code::HttpInvalidRequestLine),
            Some(b' ') => {
                check_target(self.method(), &line[start..start + len])?;
                self.version = self.target.saturating_add(self.target_seen).saturating_add(1);
                Ok(true)
            }
            Some(b'\n') => refuse(Code::HttpInvalidLineEnding),
            // HTTP/0.9: the line ends where the version must stand.
            Some(b'\r') if len > 0 => refuse(Code::HttpInvalidVersion),
            Some(b'\t' | b'\r') => refuse(Code::HttpInvalidRequestLine),
            Some(_) => refuse(Code::HttpInvalidTarget),
        }
    }

    /// `HTTP/d.d` and CRLF, or the beginning of it.
    fn scan_version(&mut self, rest: &[u8]) -> Result<Option<usize>, Error> {
        let mut major = 0;
        for (index, &byte) in rest.iter().take(10).enumerate() {
            let fits = match index {
                0..=4 => byte == b"HTTP/"[index],
                5 | 7 => byte.is_ascii_digit(),
                6 => byte == b'.',
                8 => byte == b'\r',
                _ => byte == b'\n',
            };
            if !fits {
                return refuse(match (index, byte) {
                    (_, b'\n') | (9, _) => Code::HttpInvalidLineEnding,
                    (0 | 8, b' ' | b'\t') => Code::HttpInvalidRequestLine,
                    _ => Code::HttpInvalidVersion,
                });
            }
            match index {
                5 => major = byte,
                7 => self.minor = byte - b'0',
                8 if major != b'1' || self.minor > 1 => return refuse(Code::HttpVersionUnsupported),
                _ => {}
            }
        }
        Ok((rest.len() >= 10).then_some(10))
    }
}
