//! The request line (RFC 9112 §3): `method SP request-target SP HTTP-version CRLF`.
//!
//! Our own scanner, and not llhttp's, which is laxer: it takes two spaces, a fragment, HTTP/0.9 and 2.0,
//! and cannot tell an unknown method from a malformed one. The states, each named by what is read next:
//!
//! `Method` ─SP→ `Target` ─SP→ `Version` ("HTTP/d.d" and CRLF) ─LF→ done

use millrace_error::{Code, Error};
use millrace_head::{Method, check_target, target_run, token_run};

/// Longer than every method that we know (11); a longer token is an unknown method.
const TOKEN_MAX: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    Method,
    Target,
    /// So many bytes of `HTTP/d.d\r\n` have been read.
    Version(u8),
}

/// The scanner's state and what it has read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLine {
    expect: Expect,
    token: [u8; TOKEN_MAX],
    token_len: u8,
    pub(crate) method: Method,
    pub(crate) target_len: u32,
    major: u8,
    pub(crate) minor: u8,
}

const fn refuse<T>(code: Code) -> Result<T, Error> {
    Err(Error::new(code))
}

impl RequestLine {
    pub(crate) const fn new() -> Self {
        Self {
            expect: Expect::Method,
            token: [0; TOKEN_MAX],
            token_len: 0,
            method: Method::Get,
            target_len: 0,
            major: 0,
            minor: 0,
        }
    }

    /// Reads on; the target goes to the end of `block`. `Some(n)`: the line is complete and ends after `n` bytes.
    #[inline]
    pub(crate) fn scan(&mut self, input: &[u8], block: &mut Vec<u8>, limit: u32) -> Result<Option<usize>, Error> {
        let mut at = 0;
        loop {
            let rest = &input[at..];
            if rest.is_empty() {
                return Ok(None);
            }
            let (read, done) = match self.expect {
                Expect::Method => (self.read_method(rest)?, false),
                Expect::Target => (self.read_target(rest, block, limit)?, false),
                Expect::Version(0) if rest.starts_with(b"HTTP/1.1\r\n") => {
                    self.minor = 1;
                    (10, true)
                }
                Expect::Version(index) => self.read_version(rest, index)?,
            };
            at += read;
            if done {
                return Ok(Some(at));
            }
        }
    }

    fn read_method(&mut self, rest: &[u8]) -> Result<usize, Error> {
        let run = token_run(rest);
        let have = usize::from(self.token_len);
        let Some(room) = self.token.get_mut(have..have + run) else {
            return refuse(Code::HttpMethodUnsupported);
        };
        room.copy_from_slice(&rest[..run]);
        let len = have + run;
        self.token_len = len as u8; // at most TOKEN_MAX
        match rest.get(run) {
            None => Ok(run),
            Some(b' ') if len > 0 => {
                let Some(method) = Method::from_bytes(&self.token[..len]) else {
                    return refuse(Code::HttpMethodUnsupported);
                };
                self.method = method;
                self.expect = Expect::Target;
                Ok(run + 1)
            }
            Some(b'\n') => refuse(Code::HttpInvalidLineEnding),
            Some(b' ' | b'\t' | b'\r') => refuse(Code::HttpInvalidRequestLine),
            Some(_) => refuse(Code::HttpInvalidMethod),
        }
    }

    fn read_target(&mut self, rest: &[u8], block: &mut Vec<u8>, limit: u32) -> Result<usize, Error> {
        let run = target_run(rest);
        let len = block.len().saturating_add(run);
        if len > limit as usize {
            return Err(Error::limit(
                Code::HttpTargetTooLarge,
                u64::from(limit),
                u64::from(limit) + 1,
            ));
        }
        block.extend_from_slice(&rest[..run]);
        match rest.get(run) {
            None => Ok(run),
            Some(b' ') if len == 0 => refuse(Code::HttpInvalidRequestLine),
            Some(b' ') => {
                check_target(self.method, block)?;
                self.target_len = len as u32; // at most `limit`
                self.expect = Expect::Version(0);
                Ok(run + 1)
            }
            Some(b'\n') => refuse(Code::HttpInvalidLineEnding),
            // HTTP/0.9: the line ends where the version must stand.
            Some(b'\r') if len > 0 => refuse(Code::HttpInvalidVersion),
            Some(b'\t' | b'\r') => refuse(Code::HttpInvalidRequestLine),
            Some(_) => refuse(Code::HttpInvalidTarget),
        }
    }

    fn read_version(&mut self, rest: &[u8], index: u8) -> Result<(usize, bool), Error> {
        let byte = rest[0];
        let fits = match index {
            0..=4 => byte == b"HTTP/"[usize::from(index)],
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
            5 => self.major = byte - b'0',
            7 => self.minor = byte - b'0',
            8 if self.major != 1 || self.minor > 1 => return refuse(Code::HttpVersionUnsupported),
            _ => {}
        }
        self.expect = Expect::Version(index + 1);
        Ok((1, index == 9))
    }
}
