//! The trailer section of a chunked body (RFC 9112 §7.1.2): field lines, then an empty line.
//!
//! `LineStart` ─name→ `Name` ─`:`→ `BeforeValue` → `Value` ─CR→ `LineEnd` ─LF→ `LineStart` ─CR→ `LastEnd` ─LF→ done

use millrace_error::{Code, Error};
use millrace_head::{is_token_byte, is_value_byte, trailer_allowed, trim_ows};

use crate::fields::recycle;
use crate::limits::Limits;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    LineStart,
    Name,
    BeforeValue,
    Value,
    LineEnd,
    LastEnd,
}

/// Reads a trailer section into a block.
#[derive(Debug)]
pub(crate) struct Trailers {
    expect: Expect,
    block: Vec<u8>,
    /// Where the name or value that is being read begins.
    start: usize,
    /// Bytes of field lines seen.
    used: u32,
    count: u32,
}

const fn refuse<T>(code: Code) -> Result<T, Error> {
    Err(Error::new(code))
}

impl Trailers {
    pub(crate) const fn new() -> Self {
        Self {
            expect: Expect::LineStart,
            block: Vec::new(),
            start: 0,
            used: 0,
            count: 0,
        }
    }

    pub(crate) fn clear(&mut self) {
        recycle(&mut self.block);
        self.expect = Expect::LineStart;
        (self.start, self.used, self.count) = (0, 0, 0);
    }

    pub(crate) fn block(&self) -> &[u8] {
        &self.block
    }

    /// Reads on. `Some(n)`: the section is complete and ends after `n` bytes.
    pub(crate) fn read(&mut self, input: &[u8], limits: &Limits) -> Result<Option<usize>, Error> {
        for (index, &byte) in input.iter().enumerate() {
            match (self.expect, byte) {
                (Expect::LastEnd, b'\n') => return Ok(Some(index + 1)),
                (Expect::LastEnd, _) => return refuse(Code::HttpInvalidLineEnding),
                (Expect::LineStart, b'\r') => self.expect = Expect::LastEnd,
                _ => {
                    self.used = self.used.saturating_add(1);
                    if self.used > limits.trailers {
                        let (limit, seen) = (u64::from(limits.trailers), u64::from(self.used));
                        return Err(Error::limit(Code::HttpTrailersTooLarge, limit, seen));
                    }
                    self.read_byte(byte, limits.header_fields)?;
                }
            }
        }
        Ok(None)
    }

    fn read_byte(&mut self, byte: u8, max_fields: u32) -> Result<(), Error> {
        match (self.expect, byte) {
            (Expect::LineStart | Expect::Name, _) if is_token_byte(byte) => {
                self.block.push(byte);
                self.expect = Expect::Name;
            }
            (Expect::Name, b':') => self.end_name(max_fields)?,
            (Expect::BeforeValue, b' ' | b'\t') => {}
            (Expect::BeforeValue | Expect::Value, b'\r') => {
                let len = trim_ows(self.block.get(self.start..).unwrap_or_default()).len();
                self.block.truncate(self.start + len);
                self.block.push(0);
                self.start = self.block.len();
                self.expect = Expect::LineEnd;
            }
            (Expect::BeforeValue | Expect::Value, _) if is_value_byte(byte) => {
                self.block.push(byte);
                self.expect = Expect::Value;
            }
            (Expect::LineEnd, b'\n') => self.expect = Expect::LineStart,
            (Expect::LineEnd, _) | (_, b'\n') => return refuse(Code::HttpInvalidLineEnding),
            _ => return refuse(Code::HttpInvalidTrailer),
        }
        Ok(())
    }

    fn end_name(&mut self, max_fields: u32) -> Result<(), Error> {
        if !trailer_allowed(self.block.get(self.start..).unwrap_or_default()) {
            return refuse(Code::HttpInvalidTrailer);
        }
        self.count = self.count.saturating_add(1);
        if self.count > max_fields {
            return Err(Error::limit(
                Code::HttpTooManyFields,
                u64::from(max_fields),
                u64::from(self.count),
            ));
        }
        self.block.push(0);
        self.start = self.block.len();
        self.expect = Expect::BeforeValue;
        Ok(())
    }
}
