//! Where the start line's text and the field lines are collected while llhttp reads them.

use millrace_error::{Code, Error};
use millrace_head::{trailer_allowed, trim_ows};

use crate::facts::{CheckedHost, Facts};
use crate::llhttp::{Pause, errno};

/// A pooled parser gives back what its buffers grew beyond this.
pub(crate) const KEPT_CAPACITY: usize = 8 * 1024;

/// Which field lines are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Head,
    Trailers,
}

/// Builds the block of a head or of a trailer section, and notes what the fields of a head say about the message.
pub(crate) struct FieldSink {
    /// The target or the reason phrase, then `name\0value\0…`; of trailers the fields alone.
    pub(crate) block: Vec<u8>,
    pub(crate) facts: Facts,
    host: CheckedHost,
    /// Where llhttp paused last.
    pub(crate) pause: Pause,
    /// How many bytes of `block` the start line gave.
    pub(crate) start_line_len: usize,
    section: Section,
    name_start: usize,
    /// Set while a value is being read.
    value_start: Option<usize>,
    count: u32,
    max_fields: u32,
    error: Option<Error>,
}

impl FieldSink {
    pub(crate) fn new() -> Self {
        Self {
            block: Vec::new(),
            facts: Facts::default(),
            host: CheckedHost::none(),
            pause: Pause::Head,
            start_line_len: 0,
            section: Section::Head,
            name_start: 0,
            value_start: None,
            count: 0,
            max_fields: 0,
            error: None,
        }
    }

    /// Makes ready for a head, in `block`, which is cleared.
    #[inline]
    pub(crate) fn start_head(&mut self, block: Vec<u8>, max_fields: u32) {
        self.facts = Facts::default();
        self.start_line_len = 0;
        self.start(Section::Head, block, max_fields);
    }

    /// Makes ready for a trailer section, in `block`, which is cleared.
    pub(crate) fn start_trailers(&mut self, block: Vec<u8>, max_fields: u32) {
        self.start(Section::Trailers, block, max_fields);
    }

    #[inline]
    fn start(&mut self, section: Section, block: Vec<u8>, max_fields: u32) {
        self.block = block;
        self.block.clear();
        self.section = section;
        self.name_start = 0;
        self.value_start = None;
        self.count = 0;
        self.max_fields = max_fields;
        self.error = None;
    }

    #[inline]
    pub(crate) fn in_trailers(&self) -> bool {
        self.section == Section::Trailers
    }

    /// Bytes of the target or of the reason phrase.
    #[inline]
    pub(crate) fn start_line(&mut self, bytes: &[u8]) {
        self.block.extend_from_slice(bytes);
        self.start_line_len = self.block.len();
        self.name_start = self.start_line_len;
    }

    /// Bytes of a name.
    #[inline]
    pub(crate) fn name(&mut self, bytes: &[u8]) {
        self.block.extend_from_slice(bytes);
    }

    /// Bytes of a value, perhaps none.
    #[inline]
    pub(crate) fn value(&mut self, bytes: &[u8]) {
        if self.value_start.is_none() {
            self.end_name();
        }
        self.block.extend_from_slice(bytes);
    }

    #[inline]
    fn end_name(&mut self) -> usize {
        self.block.push(0);
        let start = self.block.len();
        self.value_start = Some(start);
        start
    }

    /// A field line is complete. False if one of our rules refuses it.
    #[inline]
    pub(crate) fn field_complete(&mut self) -> bool {
        let start = match self.value_start.take() {
            Some(start) => start,
            None => self.end_name(),
        };
        self.value_start = None;
        let name = self
            .block
            .get(self.name_start..start.saturating_sub(1))
            .unwrap_or_default();
        let value = trim_ows(self.block.get(start..).unwrap_or_default());
        let noted = match self.section {
            Section::Head => self.facts.note(name, value, &mut self.host),
            Section::Trailers if trailer_allowed(name) => Ok(()),
            Section::Trailers => Err(Error::new(Code::HttpInvalidTrailer)),
        };
        // llhttp skips white space before a value, so trimming can only have cut its end.
        let end = start.saturating_add(value.len());
        self.block.truncate(end);
        self.block.push(0);
        self.name_start = self.block.len();
        self.count = self.count.saturating_add(1);
        if self.count > self.max_fields {
            let (limit, seen) = (u64::from(self.max_fields), u64::from(self.count));
            self.error = Some(Error::limit(Code::HttpTooManyFields, limit, seen));
        } else if let Err(error) = noted {
            self.error = Some(error);
        }
        self.error.is_none()
    }

    /// Why field lines failed: our own rule if one refused, else what llhttp's number means.
    pub(crate) fn failure(&self, number: i32, at_lf: bool) -> Error {
        match self.error {
            Some(error) => error,
            None => Error::new(match self.section {
                Section::Head => code_of(number, at_lf, &self.facts),
                Section::Trailers => trailer_code_of(number, at_lf),
            }),
        }
    }
}

/// Our code for an error of llhttp within a head.
fn code_of(number: i32, at_lf: bool, facts: &Facts) -> Code {
    match number {
        errno::STRICT | errno::LF_EXPECTED | errno::CR_EXPECTED => Code::HttpInvalidLineEnding,
        errno::INVALID_HEADER_TOKEN if at_lf => Code::HttpInvalidLineEnding,
        errno::INVALID_HEADER_TOKEN | errno::UNEXPECTED_SPACE => Code::HttpInvalidHeader,
        errno::INVALID_CONTENT_LENGTH | errno::UNEXPECTED_CONTENT_LENGTH if facts.has_transfer_encoding() => {
            Code::HttpConflictingFraming
        }
        errno::INVALID_TRANSFER_ENCODING if facts.has_content_length() => Code::HttpConflictingFraming,
        errno::INVALID_CONTENT_LENGTH | errno::UNEXPECTED_CONTENT_LENGTH => Code::HttpInvalidContentLength,
        errno::INVALID_TRANSFER_ENCODING => Code::HttpInvalidTransferEncoding,
        errno::INVALID_URL => Code::HttpInvalidTarget,
        // What else llhttp refuses is in a start line, where our scan has refused before it.
        _ => Code::HttpInvalidRequestLine,
    }
}

/// Our code for an error of llhttp within trailers; framing fields there are one of them.
fn trailer_code_of(number: i32, at_lf: bool) -> Code {
    match number {
        errno::STRICT | errno::LF_EXPECTED | errno::CR_EXPECTED => Code::HttpInvalidLineEnding,
        errno::INVALID_HEADER_TOKEN if at_lf => Code::HttpInvalidLineEnding,
        _ => Code::HttpInvalidTrailer,
    }
}

/// Empties a pooled buffer and gives back what it grew beyond [`KEPT_CAPACITY`].
pub(crate) fn recycle(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.shrink_to(KEPT_CAPACITY);
}
