//! Where the field lines of a head are collected while llhttp reads them.

use millrace_error::{Code, Error};
use millrace_head::trim_ows;

use crate::facts::Facts;
use crate::llhttp::{HeadParser, Kind, Outcome, errno};

/// A pooled parser gives back what its buffers grew beyond this.
pub(crate) const KEPT_CAPACITY: usize = 8 * 1024;

/// Builds the block of a head and notes what its fields say about the message.
pub(crate) struct FieldSink {
    /// First what the start line puts there, then `name\0value\0…`.
    pub(crate) block: Vec<u8>,
    pub(crate) facts: Facts,
    name_start: usize,
    /// Set while a value is being read.
    value_start: Option<usize>,
    count: u32,
    max_fields: u32,
    error: Option<Error>,
}

impl FieldSink {
    pub(crate) fn new(max_fields: u32) -> Self {
        Self {
            block: Vec::new(),
            facts: Facts::default(),
            name_start: 0,
            value_start: None,
            count: 0,
            max_fields,
            error: None,
        }
    }

    pub(crate) fn clear(&mut self, max_fields: u32) {
        self.block.clear();
        self.facts = Facts::default();
        self.value_start = None;
        self.name_start = 0;
        self.count = 0;
        self.max_fields = max_fields;
        self.error = None;
    }

    /// The start line is complete and in the block: fields begin here.
    #[inline]
    pub(crate) fn begin_fields(&mut self) {
        self.name_start = self.block.len();
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
        let noted = self.facts.note(name, value);
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

    /// Why a head failed: our own rule if one refused, else what llhttp's number means.
    fn failure(&self, number: i32, at_lf: bool) -> Error {
        match self.error {
            Some(error) => error,
            None => Error::new(code_of(number, at_lf, &self.facts)),
        }
    }
}

/// Our code for an error of llhttp within field lines.
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
        // Nothing else can come out of field lines; were it to, the message is refused all the same.
        _ => Code::HttpInvalidHeader,
    }
}

/// The field lines of one head: llhttp, the sink, and the size limit.
pub(crate) struct FieldReader {
    parser: HeadParser,
    kind: Kind,
    limit: u32,
    /// Bytes of field lines seen.
    used: u32,
    /// The last byte of the input before; at first that of the start line.
    last: u8,
}

/// What reading some bytes of a head gave.
pub(crate) enum Progress {
    /// All of them belong to the head, which is not complete.
    More,
    /// The head is complete; so many bytes belong to it.
    Complete(usize),
}

impl FieldReader {
    pub(crate) fn new(kind: Kind, limit: u32, max_fields: u32) -> Self {
        Self {
            parser: HeadParser::new(FieldSink::new(max_fields)),
            kind,
            limit,
            used: 0,
            last: b'\n',
        }
    }

    /// Makes ready for one head, in `block`, which is cleared.
    #[inline]
    pub(crate) fn start(&mut self, block: Vec<u8>, limit: u32, max_fields: u32) {
        self.parser.sink.block = block;
        self.parser.sink.clear(max_fields);
        self.parser.start(self.kind);
        self.limit = limit;
        self.used = 0;
        self.last = b'\n';
    }

    /// What the callbacks write to.
    #[inline]
    pub(crate) fn sink(&mut self) -> &mut FieldSink {
        &mut self.parser.sink
    }

    /// Reads field lines.
    ///
    /// llhttp is shown no more bytes than the limit allows, and the empty line. So the limit holds at the same byte
    /// however the input is cut, whatever that byte is part of.
    #[inline]
    pub(crate) fn read(&mut self, input: &[u8]) -> Result<Progress, Error> {
        const EMPTY_LINE: u32 = 2;
        let left = self.limit.saturating_add(EMPTY_LINE).saturating_sub(self.used) as usize;
        let shown = input.len().min(left);
        match self.parser.execute(&input[..shown]) {
            Outcome::Complete(end) => Ok(Progress::Complete(end)),
            Outcome::Failed(number, taken) => Err(self.parser.sink.failure(number, self.stopped_at_lf(input, taken))),
            Outcome::More if shown == left => {
                let (limit, seen) = (u64::from(self.limit), u64::from(self.limit) + 1);
                Err(Error::limit(Code::HttpHeadersTooLarge, limit, seen))
            }
            Outcome::More => {
                self.used = self.used.saturating_add(shown as u32); // less than `left`, which is a u32
                self.last = input.last().copied().unwrap_or(self.last);
                Ok(Progress::More)
            }
        }
    }
}

impl FieldReader {
    /// Whether it was a bare LF that llhttp refused as a byte of a name or value.
    ///
    /// Some of its states take the byte that they refuse and some do not, and the answer must not depend on what
    /// follows. A taken LF without CR before it was the one. A taken space or tab was a fold. Else it was not taken.
    fn stopped_at_lf(&self, input: &[u8], taken: usize) -> bool {
        let refused = input.get(taken) == Some(&b'\n');
        match input.get(..taken).unwrap_or_default() {
            [] => refused,
            [b'\n'] => self.last != b'\r' || refused,
            [.., before, b'\n'] => *before != b'\r' || refused,
            [.., b' ' | b'\t'] => false,
            _ => refused,
        }
    }
}

/// Empties a pooled buffer and gives back what it grew beyond [`KEPT_CAPACITY`].
pub(crate) fn recycle(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.shrink_to(KEPT_CAPACITY);
}
