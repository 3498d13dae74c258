//! The link of an injected request: its bytes are given at once, its answer is parsed and collected here.

use crate::connection::append;
use crate::id::Id;
use millrace_error::{Code, Error};
use millrace_head::fields;
use millrace_http1::{Event, Limits, ResponseContext, ResponseParser};

/// A collected answer.
pub(crate) struct Collected {
    pub status: u16,
    pub reason_len: u32,
    /// The reason, then the fields.
    pub head: Vec<u8>,
    pub body: Vec<u8>,
}

/// Parses what the server writes until the final response is complete.
pub(crate) struct MemoryLink {
    /// Names the exchange to whoever injected it: a stream of its own.
    pub client: Id,
    parser: ResponseParser,
    head: Option<(u16, u32, Vec<u8>)>,
    body: Vec<u8>,
    rest: Vec<u8>,
    complete: bool,
}

impl MemoryLink {
    pub fn new(client: Id, head_request: bool) -> Self {
        let limits = Limits {
            header_size: u32::MAX,
            header_fields: u32::MAX,
            ..Limits::default()
        };
        let context = ResponseContext {
            head_request,
            connect: false,
        };
        let parser = ResponseParser::new(limits, context);
        Self {
            client,
            parser,
            head: None,
            body: Vec::new(),
            rest: Vec::new(),
            complete: false,
        }
    }

    /// Whether the whole response is here.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Takes bytes that the server wrote.
    pub fn handle_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let joined;
        let mut input = bytes;
        if !self.rest.is_empty() {
            append(&mut self.rest, bytes)?;
            joined = std::mem::take(&mut self.rest);
            input = &joined;
        }
        while !self.complete {
            let step = self.parser.handle_bytes(input);
            match step.event {
                Event::NeedMore => break,
                Event::Head { ended } => {
                    let head = self.parser.head();
                    if head.status >= 200 || head.status == 101 {
                        self.head = Some((head.status, head.reason_len, head.block.clone()));
                        self.complete = ended;
                    }
                }
                Event::Body { start, end } => append(&mut self.body, &input[start..end])?,
                Event::End => self.complete = true,
                Event::Error(error) => return Err(error),
            }
            input = &input[step.consumed..];
        }
        Ok(())
    }

    /// The server closed. `Ok` when that completes the response.
    pub fn handle_end(&mut self) -> Result<(), Error> {
        if self.complete {
            return Ok(());
        }
        match self.parser.handle_end() {
            Ok(true) if self.head.is_some() => {
                self.complete = true;
                Ok(())
            }
            Ok(_) => Err(Error::new(Code::ConnectionClosed)),
            Err(error) => Err(error),
        }
    }

    /// The whole answer, once.
    pub fn take(&mut self) -> Option<Collected> {
        if !self.complete {
            return None;
        }
        let (status, reason_len, head) = self.head.take()?;
        debug_assert!(fields(&head[reason_len as usize..]).count() <= head.len());
        Some(Collected {
            status,
            reason_len,
            head,
            body: std::mem::take(&mut self.body),
        })
    }
}
