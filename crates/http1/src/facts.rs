//! What the fields of a head say about the message: its framing, its connection, its expectations.

use millrace_error::{Code, Error};
use millrace_head::{check_host, eq_name, is_name, list_items};

use crate::event::BodyFraming;

/// Noted field by field; asked when the head is complete.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts {
    content_length: Option<u64>,
    seen: u16,
    /// The seconds of `Keep-Alive: timeout`, plus one; 0: it says nothing.
    keep_alive_s: u16,
}

const HOST: u16 = 1;
const TRANSFER_ENCODING: u16 = 1 << 1;
const CHUNKED_LAST: u16 = 1 << 2;
const CHUNKED_BEFORE: u16 = 1 << 3;
const OTHER_CODING: u16 = 1 << 4;
const CLOSE: u16 = 1 << 5;
const KEEP_ALIVE: u16 = 1 << 6;
const CONNECTION_UPGRADE: u16 = 1 << 7;
const UPGRADE: u16 = 1 << 8;
const EXPECT_CONTINUE: u16 = 1 << 9;
const EXPECT_OTHER: u16 = 1 << 10;
const CONTENT_ENCODING: u16 = 1 << 11;

/// The Host that was found right last: requests name the same few, so the check is mostly a comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CheckedHost {
    length: u8,
    bytes: [u8; 63],
}

impl CheckedHost {
    pub(crate) const fn none() -> Self {
        // An empty Host is right, see `check_host`.
        Self {
            length: 0,
            bytes: [0; 63],
        }
    }

    #[inline]
    fn check(&mut self, value: &[u8]) -> Result<(), Error> {
        if self.bytes.get(..usize::from(self.length)) == Some(value) {
            return Ok(());
        }
        check_host(value)?;
        if let Some(bytes) = self.bytes.get_mut(..value.len()) {
            bytes.copy_from_slice(value);
            self.length = value.len() as u8; // at most 63
        }
        Ok(())
    }
}

impl Facts {
    /// Notes one field. Errors are those that need no other field to be known.
    #[inline]
    pub(crate) fn note(&mut self, name: &[u8], value: &[u8], host: &mut CheckedHost) -> Result<(), Error> {
        match name.len() {
            4 if is_name(name, b"host") => self.note_host(value, host),
            6 if is_name(name, b"expect") => {
                self.note_expect(value);
                Ok(())
            }
            7 if is_name(name, b"upgrade") => {
                if !value.is_empty() {
                    self.seen |= UPGRADE;
                }
                Ok(())
            }
            10 if is_name(name, b"connection") => {
                self.note_connection(value);
                Ok(())
            }
            10 if is_name(name, b"keep-alive") => {
                self.note_keep_alive(value);
                Ok(())
            }
            16 if is_name(name, b"content-encoding") => {
                self.seen |= CONTENT_ENCODING;
                Ok(())
            }
            14 if is_name(name, b"content-length") => self.note_content_length(value),
            17 if is_name(name, b"transfer-encoding") => self.note_transfer_encoding(value),
            _ => Ok(()),
        }
    }

    fn note_host(&mut self, value: &[u8], host: &mut CheckedHost) -> Result<(), Error> {
        if self.has(HOST) {
            return Err(Error::new(Code::HttpInvalidHost));
        }
        self.seen |= HOST;
        host.check(value)
    }

    fn note_expect(&mut self, value: &[u8]) {
        for item in list_items(value) {
            self.seen |= if eq_name(item, b"100-continue") {
                EXPECT_CONTINUE
            } else {
                EXPECT_OTHER
            };
        }
    }

    fn note_connection(&mut self, value: &[u8]) {
        for item in list_items(value) {
            match item.len() {
                5 if eq_name(item, b"close") => self.seen |= CLOSE,
                7 if eq_name(item, b"upgrade") => self.seen |= CONNECTION_UPGRADE,
                10 if eq_name(item, b"keep-alive") => self.seen |= KEEP_ALIVE,
                _ => {}
            }
        }
    }

    /// `timeout=N` of a Keep-Alive field; what else stands there is no affair of ours.
    fn note_keep_alive(&mut self, value: &[u8]) {
        for item in list_items(value) {
            let Some((name, seconds)) = item.split_at_checked(8) else {
                continue;
            };
            if eq_name(name, b"timeout=") {
                let seconds = parse_length(seconds).unwrap_or(0);
                self.keep_alive_s = seconds.saturating_add(1).min(u64::from(u16::MAX)) as u16; // at most its maximum
            }
        }
    }

    /// The seconds of `Keep-Alive: timeout`, plus one; 0: there are none.
    pub(crate) fn keep_alive_s(&self) -> u16 {
        self.keep_alive_s
    }

    /// Whether a content coding is named.
    pub(crate) fn is_coded(&self) -> bool {
        self.has(CONTENT_ENCODING)
    }

    /// Digits alone, once, no overflow: llhttp has checked the same while it read.
    fn note_content_length(&mut self, value: &[u8]) -> Result<(), Error> {
        const REFUSED: Error = Error::new(Code::HttpInvalidContentLength);
        if self.content_length.is_some() {
            return Err(REFUSED);
        }
        self.content_length = Some(parse_length(value).ok_or(REFUSED)?);
        Ok(())
    }

    fn note_transfer_encoding(&mut self, value: &[u8]) -> Result<(), Error> {
        self.seen |= TRANSFER_ENCODING;
        let mut codings = 0u32;
        for coding in list_items(value) {
            codings = codings.saturating_add(1);
            if self.has(CHUNKED_LAST) {
                self.seen = self.seen & !CHUNKED_LAST | CHUNKED_BEFORE;
            }
            self.seen |= if eq_name(coding, b"chunked") {
                CHUNKED_LAST
            } else {
                OTHER_CODING
            };
        }
        if codings == 0 {
            return Err(Error::new(Code::HttpInvalidTransferEncoding));
        }
        Ok(())
    }

    #[inline]
    fn has(&self, flag: u16) -> bool {
        self.seen & flag != 0
    }

    pub(crate) fn has_content_length(&self) -> bool {
        self.content_length.is_some()
    }

    pub(crate) fn has_transfer_encoding(&self) -> bool {
        self.has(TRANSFER_ENCODING)
    }

    pub(crate) fn has_host(&self) -> bool {
        self.has(HOST)
    }

    /// What the fields say about framing (RFC 9112 §6.3); `None` when they say nothing.
    ///
    /// The RFC lets a server take the last of two codings as unknown framing, or Transfer-Encoding over
    /// Content-Length; we refuse both, because somebody in front of us may have decided otherwise.
    #[inline]
    pub(crate) fn framing(&self, minor: u8) -> Result<Option<BodyFraming>, Error> {
        if !self.has(TRANSFER_ENCODING) {
            return Ok(self.content_length.map(BodyFraming::Length));
        }
        let code = if self.content_length.is_some() {
            Code::HttpConflictingFraming
        } else if minor == 0 || self.has(CHUNKED_BEFORE) || !self.has(CHUNKED_LAST) {
            Code::HttpInvalidTransferEncoding
        } else if self.has(OTHER_CODING) {
            Code::HttpTransferEncodingUnsupported
        } else {
            return Ok(Some(BodyFraming::Chunked));
        };
        Err(Error::new(code))
    }

    /// Whether the connection may carry another message after this one (RFC 9112 §9.3).
    #[inline]
    pub(crate) fn keep_alive(&self, minor: u8) -> bool {
        !self.has(CLOSE) && (minor != 0 || self.has(KEEP_ALIVE))
    }

    /// Whether an upgrade is asked for; HTTP/1.0 cannot (RFC 9110 §7.8).
    #[inline]
    pub(crate) fn upgrade(&self, minor: u8) -> bool {
        minor != 0 && self.has(UPGRADE) && self.has(CONNECTION_UPGRADE)
    }

    /// Whether 100-continue is expected; HTTP/1.0's expectations are ignored (RFC 9110 §10.1.1).
    #[inline]
    pub(crate) fn expect_continue(&self, minor: u8) -> Result<bool, Error> {
        if minor == 0 {
            Ok(false)
        } else if self.has(EXPECT_OTHER) {
            Err(Error::new(Code::HttpExpectationFailed))
        } else {
            Ok(self.has(EXPECT_CONTINUE))
        }
    }
}

/// Reads a Content-Length: `1*DIGIT` that fits 64 bits.
pub(crate) fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    let mut length = 0u64;
    for &b in value {
        if !b.is_ascii_digit() {
            return None;
        }
        length = length.checked_mul(10)?.checked_add(u64::from(b - b'0'))?;
    }
    Some(length)
}
