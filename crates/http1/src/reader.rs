//! llhttp with its sink and the size limits of field lines.

use millrace_error::{Code, Error};

use crate::fields::FieldSink;
use crate::limits::Limits;
use crate::llhttp::{Kind, Outcome, Parser, Pause};

/// Reads one message after the other, as far as llhttp is shown their bytes.
pub(crate) struct Reader {
    parser: Parser,
    kind: Kind,
    /// Bytes of field lines that a section may have; past it `code`.
    limit: u32,
    code: Code,
    /// Bytes of field lines seen.
    used: u32,
    /// The last byte of the input before; at first that of the line before the fields.
    last: u8,
}

/// What reading some bytes of field lines gave.
pub(crate) enum Progress {
    /// All of them belong to the section, which is not complete.
    More,
    /// The section is complete; so many bytes belong to it.
    Complete(usize),
}

/// What reading some bytes at or behind chunk data gave.
pub(crate) enum Data {
    /// All of them are done with: the first half of the CRLF that ends a chunk.
    More,
    /// So many bytes of data.
    Bytes(usize),
    /// The chunk is over; its CRLF ends after so many bytes.
    Over(usize),
}

impl Reader {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            parser: Parser::new(kind, FieldSink::new()),
            kind,
            limit: 0,
            code: Code::HttpHeadersTooLarge,
            used: 0,
            last: b'\n',
        }
    }

    /// Makes ready for a message; its head goes to `block`, which is cleared.
    #[inline]
    pub(crate) fn start(&mut self, block: Vec<u8>, limits: &Limits) {
        self.parser.sink.start_head(block, limits.header_fields);
        self.parser.start(self.kind);
        self.limit = limits.header_size;
        self.code = Code::HttpHeadersTooLarge;
        self.used = 0;
        self.last = b'\n';
    }

    /// What the callbacks write to.
    #[inline]
    pub(crate) fn sink(&mut self) -> &mut FieldSink {
        &mut self.parser.sink
    }

    /// Reads a start line alone, which our scan has accepted.
    pub(crate) fn read_line(&mut self, line: &[u8]) -> Result<(), Error> {
        match self.parser.execute(line) {
            Outcome::More => Ok(()),
            Outcome::Failed(number, _) => Err(self.parser.sink.failure(number, false)),
            // No pause is in a start line.
            Outcome::Paused(..) => Err(Error::new(Code::HttpInvalidRequestLine)),
        }
    }

    /// Reads field lines; before them, in the first `line` bytes, the start line, which our scan has accepted.
    ///
    /// llhttp is shown no more bytes than the limit allows, and the empty line. So the limit holds at the same byte
    /// however the input is cut, whatever that byte is part of.
    #[inline]
    pub(crate) fn read_fields(&mut self, input: &[u8], line: usize) -> Result<Progress, Error> {
        const EMPTY_LINE: u32 = 2;
        let left = self.limit.saturating_add(EMPTY_LINE).saturating_sub(self.used) as usize;
        let left = left.saturating_add(line);
        let shown = input.len().min(left);
        match self.parser.execute(&input[..shown]) {
            Outcome::Paused(_, end) => Ok(Progress::Complete(end)),
            Outcome::Failed(number, taken) => Err(self.parser.sink.failure(number, self.stopped_at_lf(input, taken))),
            Outcome::More if shown == left => {
                let (limit, seen) = (u64::from(self.limit), u64::from(self.limit) + 1);
                Err(Error::limit(self.code, limit, seen))
            }
            Outcome::More => {
                let fields = shown.saturating_sub(line);
                self.used = self.used.saturating_add(fields as u32); // less than `left`, which came from a u32
                self.last = input.last().copied().unwrap_or(self.last);
                Ok(Progress::More)
            }
        }
    }

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

    /// The head speaks of chunks by our rules: whether llhttp reads it so.
    pub(crate) fn expects_chunks(&self) -> bool {
        !self.parser.needs_eof()
    }

    /// Reads bytes of the line with the size of a chunk, up to its end if `whole`; our scan has accepted them.
    pub(crate) fn read_chunk_line(&mut self, line: &[u8], whole: bool) -> Result<(), Error> {
        self.parser.resume();
        match self.parser.execute(line) {
            Outcome::More if !whole => Ok(()),
            Outcome::Paused(Pause::ChunkLine, end) if whole && end == line.len() => Ok(()),
            _ => Err(Error::new(Code::HttpInvalidChunk)),
        }
    }

    /// Reads on at or behind chunk data; `after_cr`: behind the CR that follows it.
    ///
    /// llhttp has one number for any byte but CR behind data and for any byte but LF behind that CR.
    pub(crate) fn read_data(&mut self, input: &[u8], after_cr: bool) -> Result<Data, Error> {
        self.parser.resume();
        match self.parser.execute(input) {
            Outcome::More => Ok(Data::More),
            Outcome::Paused(Pause::Data, end) => Ok(Data::Bytes(end)),
            Outcome::Paused(_, end) => Ok(Data::Over(end)),
            Outcome::Failed(_, 0) if !after_cr && input.first() != Some(&b'\n') => {
                Err(Error::new(Code::HttpInvalidChunk))
            }
            Outcome::Failed(..) => Err(Error::new(Code::HttpInvalidLineEnding)),
        }
    }

    /// The last chunk has been read: makes ready for the trailers, in `block`, which is cleared.
    pub(crate) fn start_trailers(&mut self, block: Vec<u8>, limits: &Limits) {
        self.parser.resume();
        self.parser.sink.start_trailers(block, limits.header_fields);
        self.limit = limits.trailers;
        self.code = Code::HttpTrailersTooLarge;
        self.used = 0;
        self.last = b'\n';
    }
}
