//! The request parser: what a server reads (RFC 9112 §3 to §7).
//!
//! `Idle` ─first byte→ `Line` ─LF→ `Fields` ─empty line→ `Body` ─its end→ `Idle`, or `Closed` after the last message

use millrace_error::{Code, Error};
use millrace_head::Method;

use crate::body::Body;
use crate::chunked::Piece;
use crate::event::{BodyFraming, Event, Step};
use crate::fields::recycle;
use crate::leading::Leading;
use crate::limits::Limits;
use crate::llhttp::Kind;
use crate::reader::{Progress, Reader};
use crate::request_line::RequestLine;
use crate::start_line::{Line, StartLine};

/// The head of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The minor version: HTTP/1.`minor`, 0 or 1.
    pub minor: u8,
    /// How many bytes of `block` are the request target.
    pub target_len: u32,
    /// The target, then the fields as `name\0value\0…`: names as received, values trimmed.
    pub block: Vec<u8>,
    /// How the body ends; `None` when the head speaks of none.
    pub framing: BodyFraming,
    /// Whether the peer wants another message after this one to be possible.
    pub keep_alive: bool,
    /// The peer waits for 100 (Continue) before it sends the body.
    pub expect_continue: bool,
    /// `Connection: upgrade` and `Upgrade` are both there, on HTTP/1.1.
    pub upgrade: bool,
}

impl RequestHead {
    const fn new() -> Self {
        Self {
            method: Method::Get,
            minor: 1,
            target_len: 0,
            block: Vec::new(),
            framing: BodyFraming::None,
            keep_alive: false,
            expect_continue: false,
            upgrade: false,
        }
    }

    /// The request target.
    pub fn target(&self) -> &[u8] {
        self.block.get(..self.target_len as usize).unwrap_or_default()
    }

    /// The fields, as a block of `crates/head`.
    pub fn fields(&self) -> &[u8] {
        self.block.get(self.target_len as usize..).unwrap_or_default()
    }
}

/// The state, named by what is read next.
#[derive(Clone, Copy, Debug)]
enum State {
    /// The first byte of a message.
    Idle,
    Line,
    Fields,
    Body,
    /// Nothing: the last message said that it is the last.
    Closed,
    Failed(Error),
}

/// Reads requests from a connection, one after the other.
///
/// Drive it so: give [`handle_bytes`](Self::handle_bytes) what arrived, then again what it did not consume, until it
/// answers [`Event::NeedMore`] (all is consumed then) or you choose to stop. When the peer ends its side call
/// [`handle_end`](Self::handle_end). After a head with `upgrade`, or of CONNECT, you may take the rest of the input
/// raw and leave the parser; if you go on with it, HTTP goes on.
///
/// A parser may be moved, and pooled: [`reset`](Self::reset) makes it as new and keeps small buffers.
pub struct RequestParser {
    state: State,
    limits: Limits,
    leading: Leading,
    line: StartLine<RequestLine>,
    reader: Reader,
    body: Body,
    head: RequestHead,
}

impl RequestParser {
    /// A parser before its first message.
    pub fn new(limits: Limits) -> Self {
        Self {
            state: State::Idle,
            limits,
            leading: Leading::default(),
            line: StartLine::default(),
            reader: Reader::new(Kind::Request),
            body: Body::new(),
            head: RequestHead::new(),
        }
    }

    /// Makes the parser as new, for another connection; it keeps up to 8 KiB of each buffer.
    pub fn reset(&mut self, limits: Limits) {
        let mut block = std::mem::take(&mut self.head.block);
        if block.capacity() == 0 {
            block = std::mem::take(&mut self.reader.sink().block);
        }
        recycle(&mut block);
        self.head = RequestHead {
            block,
            ..RequestHead::new()
        };
        self.line.start();
        self.body.start(BodyFraming::None);
        self.state = State::Idle;
        self.leading = Leading::default();
        self.limits = limits;
    }

    /// Other limits, from now on; size and number of the fields of a head that has begun stay as they were.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Reads on from what arrived; see the type's contract.
    #[inline]
    pub fn handle_bytes(&mut self, input: &[u8]) -> Step {
        match self.step(input) {
            Ok(step) => step,
            Err(error) => {
                self.state = State::Failed(error);
                Step::new(0, Event::Error(error))
            }
        }
    }

    /// The peer has ended its side: fine between messages, otherwise [`Code::HttpIncompleteMessage`].
    pub fn handle_end(&mut self) -> Result<(), Error> {
        match self.state {
            State::Idle | State::Closed => Ok(()),
            State::Failed(error) => Err(error),
            State::Body if self.body.is_over() => Ok(()),
            State::Line | State::Fields | State::Body => {
                let error = Error::new(Code::HttpIncompleteMessage);
                self.state = State::Failed(error);
                Err(error)
            }
        }
    }

    /// The head of the current message: from its [`Event::Head`] until the next message begins.
    pub fn head(&self) -> &RequestHead {
        &self.head
    }

    /// The head of the current message, when nothing more will be read: who holds its bytes alone can wipe them.
    pub fn into_head(self) -> RequestHead {
        self.head
    }

    /// The trailers of the body that has just ended, as a block.
    pub fn trailers(&self) -> &[u8] {
        self.body.trailers()
    }

    /// Whether the body that is being read is known to have no further byte: one of a length that has come whole. Its
    /// [`Event::End`] follows.
    pub fn is_body_over(&self) -> bool {
        matches!(self.state, State::Body) && self.body.is_over()
    }

    /// Whether it stands between messages and has seen no byte of a next one (empty lines before one do not count).
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle | State::Closed)
    }

    #[inline]
    fn step(&mut self, input: &[u8]) -> Result<Step, Error> {
        match self.state {
            State::Idle => {
                let start = self.leading.skip(input)?;
                if start == input.len() {
                    return Ok(Step::new(start, Event::NeedMore));
                }
                self.begin();
                self.read_line(input, start)
            }
            State::Line => self.read_line(input, 0),
            State::Fields => self.read_fields(input, 0, 0),
            State::Body => self.read_body(input),
            State::Closed => {
                if self.leading.skip(input)? < input.len() {
                    return Err(Error::new(Code::HttpUnexpectedData));
                }
                Ok(Step::new(input.len(), Event::NeedMore))
            }
            State::Failed(error) => Err(error),
        }
    }

    #[inline]
    fn begin(&mut self) {
        let block = std::mem::take(&mut self.head.block);
        self.reader.start(block, &self.limits);
        self.line.start();
        self.state = State::Line;
    }

    #[inline]
    fn read_line(&mut self, input: &[u8], start: usize) -> Result<Step, Error> {
        let read = self
            .line
            .read(&input[start..], self.limits.target_size, &mut self.reader)?;
        match read {
            Line::More => Ok(Step::new(input.len(), Event::NeedMore)),
            Line::Whole(end) => {
                self.state = State::Fields;
                self.read_fields(input, start, end)
            }
            Line::Read(end) => {
                self.state = State::Fields;
                self.read_fields(input, start + end, 0)
            }
        }
    }

    /// Reads on from `start`; the first `line` bytes there are the start line.
    #[inline]
    fn read_fields(&mut self, input: &[u8], start: usize, line: usize) -> Result<Step, Error> {
        match self.reader.read_fields(&input[start..], line)? {
            Progress::More => Ok(Step::new(input.len(), Event::NeedMore)),
            Progress::Complete(end) => {
                let ended = self.complete_head()?;
                Ok(Step::new(start + end, Event::Head { ended }))
            }
        }
    }

    /// Applies the rules that need the whole head. True if the message is over with it.
    #[inline]
    fn complete_head(&mut self) -> Result<bool, Error> {
        let (method, minor) = (self.line.scan.method(), self.line.scan.minor());
        let sink = self.reader.sink();
        let facts = sink.facts;
        if minor != 0 && !facts.has_host() {
            return Err(Error::new(Code::HttpMissingHost));
        }
        let framing = facts.framing(minor)?.unwrap_or(BodyFraming::None);
        // CONNECT has no content (RFC 9110 §9.3.6): with one, tunnel and body would begin at the same byte.
        if method == Method::Connect && !framing.is_empty() {
            return Err(Error::new(match framing {
                BodyFraming::Length(_) => Code::HttpInvalidContentLength,
                _ => Code::HttpInvalidTransferEncoding,
            }));
        }
        let expect_continue = facts.expect_continue(minor)? && !framing.is_empty();
        let head = &mut self.head;
        // `begin` has left an empty one in its place.
        std::mem::swap(&mut head.block, &mut sink.block);
        head.target_len = sink.start_line_len as u32; // at most the limit of a target
        head.method = method;
        head.minor = minor;
        head.framing = framing;
        head.keep_alive = facts.keep_alive(minor);
        head.expect_continue = expect_continue;
        head.upgrade = facts.upgrade(minor);
        if framing == BodyFraming::Chunked && !self.reader.expects_chunks() {
            return Err(Error::new(Code::HttpInvalidTransferEncoding));
        }
        self.body.start(framing);
        let ended = framing.is_empty();
        if ended {
            self.end_message();
        } else {
            self.state = State::Body;
        }
        Ok(ended)
    }

    fn read_body(&mut self, input: &[u8]) -> Result<Step, Error> {
        Ok(match self.body.read(input, &self.limits, &mut self.reader)? {
            Piece::NeedMore => Step::new(input.len(), Event::NeedMore),
            Piece::Data(start, end) => Step::new(end, Event::Body { start, end }),
            Piece::End(end) => {
                self.end_message();
                Step::new(end, Event::End)
            }
        })
    }

    #[inline]
    fn end_message(&mut self) {
        self.leading = Leading::default();
        self.state = if self.head.keep_alive {
            State::Idle
        } else {
            State::Closed
        };
    }
}
