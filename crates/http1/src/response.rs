//! The response parser: what a client reads (RFC 9112 §4 to §7).
//!
//! `Idle` ─first byte→ `Line` ─LF→ `Fields` ─empty line→ `Body` ─its end→ `Closed`; after a 1xx `Idle` again.

use millrace_error::{Code, Error};

use crate::body::Body;
use crate::chunked::Piece;
use crate::event::{BodyFraming, Event, Step};
use crate::fields::recycle;
use crate::limits::Limits;
use crate::llhttp::Kind;
use crate::reader::{Progress, Reader};
use crate::start_line::{Line, StartLine};
use crate::status_line::StatusLine;

/// More 1xx responses than this before one final response are refused.
const MAX_INFORMATIONAL: u64 = 16;

/// What the request was, as far as it decides how its response is framed (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResponseContext {
    /// The request was a HEAD: the response has no body whatever its fields say.
    pub head_request: bool,
    /// The request was a CONNECT: a 2xx response ends HTTP on the connection.
    pub connect: bool,
}

/// The head of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status code, 100 to 999.
    pub status: u16,
    /// The minor version: HTTP/1.`minor`, 0 or 1.
    pub minor: u8,
    /// How many bytes of `block` are the reason phrase.
    pub reason_len: u32,
    /// The reason phrase, then the fields as `name\0value\0…`: names as received, values trimmed.
    pub block: Vec<u8>,
    /// How the body ends.
    pub framing: BodyFraming,
    /// Whether the connection may carry another exchange after this one.
    pub keep_alive: bool,
    /// The seconds of `Keep-Alive: timeout`, plus one; 0: there are none.
    pub keep_alive_s: u16,
    /// Whether the body has a content coding.
    pub coded: bool,
}

impl ResponseHead {
    const fn new() -> Self {
        Self {
            status: 0,
            minor: 1,
            reason_len: 0,
            block: Vec::new(),
            framing: BodyFraming::None,
            keep_alive: false,
            keep_alive_s: 0,
            coded: false,
        }
    }

    /// The reason phrase.
    pub fn reason(&self) -> &[u8] {
        self.block.get(..self.reason_len as usize).unwrap_or_default()
    }

    /// The fields, as a block of `crates/head`.
    pub fn fields(&self) -> &[u8] {
        self.block.get(self.reason_len as usize..).unwrap_or_default()
    }
}

/// The state, named by what is read next.
#[derive(Clone, Copy, Debug)]
enum State {
    /// The first byte of a response.
    Idle,
    Line,
    Fields,
    Body,
    /// Nothing: the response is complete, and what follows needs another [`ResponseParser::begin`], or is raw.
    Closed,
    Failed(Error),
}

/// Reads the response to one request after the other.
///
/// It is driven like the request parser. 1xx responses come as `Head { ended: true }` with their status and the final
/// one follows; after 101, and after a 2xx to CONNECT, the rest of the input is no longer HTTP. Call
/// [`begin`](Self::begin) for each further request on the connection: a response that nobody asked for is
/// [`Code::HttpUnexpectedData`].
pub struct ResponseParser {
    state: State,
    limits: Limits,
    context: ResponseContext,
    informational: u64,
    line: StartLine<StatusLine>,
    reader: Reader,
    body: Body,
    head: ResponseHead,
}

impl ResponseParser {
    /// A parser for the response to a first request.
    pub fn new(limits: Limits, context: ResponseContext) -> Self {
        Self {
            state: State::Idle,
            limits,
            context,
            informational: 0,
            line: StartLine::default(),
            reader: Reader::new(Kind::Response),
            body: Body::new(),
            head: ResponseHead::new(),
        }
    }

    /// Makes the parser as new, for another connection; it keeps up to 8 KiB of each buffer.
    pub fn reset(&mut self, limits: Limits, context: ResponseContext) {
        let mut block = std::mem::take(&mut self.head.block);
        if block.capacity() == 0 {
            block = std::mem::take(&mut self.reader.sink().block);
        }
        recycle(&mut block);
        self.head = ResponseHead {
            block,
            ..ResponseHead::new()
        };
        self.line.start();
        self.body.start(BodyFraming::None);
        self.state = State::Idle;
        self.informational = 0;
        self.limits = limits;
        self.context = context;
    }

    /// Makes ready for the response to the next request on the same connection.
    ///
    /// [`Code::InvalidState`] while a response is being read, or when the last one ended the connection.
    pub fn begin(&mut self, context: ResponseContext) -> Result<(), Error> {
        match self.state {
            State::Closed if self.head.keep_alive => {
                self.context = context;
                self.informational = 0;
                self.state = State::Idle;
                Ok(())
            }
            State::Failed(error) => Err(error),
            _ => Err(Error::new(Code::InvalidState)),
        }
    }

    /// Reads on from what arrived; see the type's contract.
    pub fn handle_bytes(&mut self, input: &[u8]) -> Step {
        match self.step(input) {
            Ok(step) => step,
            Err(error) => {
                self.state = State::Failed(error);
                Step::new(0, Event::Error(error))
            }
        }
    }

    /// The peer has ended its side.
    ///
    /// `Ok(true)`: that completed a body which only the end delimits. `Ok(false)`: nothing was being read (perhaps a
    /// response was awaited: [`is_complete`](Self::is_complete) tells). Otherwise [`Code::HttpIncompleteMessage`].
    pub fn handle_end(&mut self) -> Result<bool, Error> {
        match self.state {
            State::Idle | State::Closed => Ok(false),
            State::Failed(error) => Err(error),
            State::Body if self.body.framing() == BodyFraming::UntilClose => {
                self.state = State::Closed;
                Ok(true)
            }
            State::Body if self.body.is_over() => Ok(false),
            State::Line | State::Fields | State::Body => {
                let error = Error::new(Code::HttpIncompleteMessage);
                self.state = State::Failed(error);
                Err(error)
            }
        }
    }

    /// The head of the current response: from its [`Event::Head`] until the next one begins.
    pub fn head(&self) -> &ResponseHead {
        &self.head
    }

    /// The trailers of the body that has just ended, as a block.
    pub fn trailers(&self) -> &[u8] {
        self.body.trailers()
    }

    /// Whether the final response has been read whole.
    pub fn is_complete(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Whether no byte of the response has been seen, or it is complete.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle | State::Closed)
    }

    fn step(&mut self, input: &[u8]) -> Result<Step, Error> {
        match self.state {
            _ if input.is_empty() && !matches!(self.state, State::Body | State::Failed(_)) => {
                Ok(Step::new(0, Event::NeedMore))
            }
            State::Idle => {
                let block = std::mem::take(&mut self.head.block);
                self.reader.start(block, &self.limits);
                self.line.start();
                self.state = State::Line;
                self.read_line(input)
            }
            State::Line => self.read_line(input),
            State::Fields => self.read_fields(input, 0, 0),
            State::Body => self.read_body(input),
            State::Closed => Err(Error::new(Code::HttpUnexpectedData)),
            State::Failed(error) => Err(error),
        }
    }

    fn read_line(&mut self, input: &[u8]) -> Result<Step, Error> {
        match self.line.read(input, self.limits.target_size, &mut self.reader)? {
            Line::More => Ok(Step::new(input.len(), Event::NeedMore)),
            Line::Whole(end) => {
                self.state = State::Fields;
                self.read_fields(input, 0, end)
            }
            Line::Read(end) => {
                self.state = State::Fields;
                self.read_fields(input, end, 0)
            }
        }
    }

    /// Reads on from `start`; the first `line` bytes there are the start line.
    fn read_fields(&mut self, input: &[u8], start: usize, line: usize) -> Result<Step, Error> {
        match self.reader.read_fields(&input[start..], line)? {
            Progress::More => Ok(Step::new(input.len(), Event::NeedMore)),
            Progress::Complete(end) => {
                let ended = self.complete_head()?;
                Ok(Step::new(start + end, Event::Head { ended }))
            }
        }
    }

    /// Applies the rules that need the whole head. True if the response is over with it.
    fn complete_head(&mut self) -> Result<bool, Error> {
        let StatusLine { status, minor, .. } = self.line.scan;
        let sink = self.reader.sink();
        let facts = sink.facts;
        let tunnel = self.context.connect && (200..300).contains(&status);
        let bodiless = status < 200 || status == 204 || status == 304 || self.context.head_request || tunnel;
        // RFC 9110 §9.3.6: a 2xx to CONNECT has no framing, whatever its fields say.
        let declared = if tunnel { None } else { facts.framing(minor)? };
        let framing = match declared {
            _ if bodiless => BodyFraming::None,
            Some(framing) => framing,
            None => BodyFraming::UntilClose,
        };
        let block = std::mem::take(&mut sink.block);
        let reason_len = sink.start_line_len as u32; // at most the limit of a reason
        if framing == BodyFraming::Chunked && !self.reader.expects_chunks() {
            return Err(Error::new(Code::HttpInvalidTransferEncoding));
        }
        self.head = ResponseHead {
            status,
            minor,
            reason_len,
            block,
            framing,
            keep_alive: facts.keep_alive(minor) && framing != BodyFraming::UntilClose && status != 101 && !tunnel,
            keep_alive_s: facts.keep_alive_s(),
            coded: facts.is_coded(),
        };
        self.body.start(framing);
        if status < 200 && status != 101 {
            self.informational += 1; // at most one past the limit
            if self.informational > MAX_INFORMATIONAL {
                let (limit, seen) = (MAX_INFORMATIONAL, self.informational);
                return Err(Error::limit(Code::HttpTooManyInformational, limit, seen));
            }
            self.state = State::Idle;
            return Ok(true);
        }
        let ended = framing.is_empty();
        self.state = if ended { State::Closed } else { State::Body };
        Ok(ended)
    }

    fn read_body(&mut self, input: &[u8]) -> Result<Step, Error> {
        Ok(match self.body.read(input, &self.limits, &mut self.reader)? {
            Piece::NeedMore => Step::new(input.len(), Event::NeedMore),
            Piece::Data(start, end) => Step::new(end, Event::Body { start, end }),
            Piece::End(end) => {
                self.state = State::Closed;
                Step::new(end, Event::End)
            }
        })
    }
}
