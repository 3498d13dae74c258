//! Drives the HTTP/1.1 parsers over an input in pieces and records what they find.

use millrace_error::Error;
use millrace_http1::{Event, Limits, RequestHead, RequestParser, ResponseContext, ResponseHead, ResponseParser, Step};

/// What a parser found. The pieces of a body are joined, since where they are cut depends on the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<H> {
    /// A head, and whether the message ended with it.
    Head(H, bool),
    /// A body or the part of one that arrived.
    Body(Vec<u8>),
    /// The end of a body, with its trailers as a block.
    End(Vec<u8>),
    /// An error; nothing comes after.
    Error(Error),
    /// The input ended here, in the middle of a message: `false`, or completing one: `true`.
    Eof(bool),
}

/// The side of a parser that both kinds have.
trait Parser {
    type Head: Clone;
    fn handle_bytes(&mut self, input: &[u8]) -> Step;
    fn head(&self) -> Self::Head;
    fn trailers(&self) -> Vec<u8>;
}

impl Parser for RequestParser {
    type Head = RequestHead;
    fn handle_bytes(&mut self, input: &[u8]) -> Step {
        self.handle_bytes(input)
    }
    fn head(&self) -> RequestHead {
        self.head().clone()
    }
    fn trailers(&self) -> Vec<u8> {
        self.trailers().to_vec()
    }
}

impl Parser for ResponseParser {
    type Head = ResponseHead;
    fn handle_bytes(&mut self, input: &[u8]) -> Step {
        self.handle_bytes(input)
    }
    fn head(&self) -> ResponseHead {
        self.head().clone()
    }
    fn trailers(&self) -> Vec<u8> {
        self.trailers().to_vec()
    }
}

/// Reads pieces to the end or the first error. The contract of `Step` is asserted on the way.
fn read<P: Parser>(parser: &mut P, pieces: &[&[u8]]) -> Vec<Found<P::Head>> {
    let mut found = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        loop {
            let Step { consumed, event } = parser.handle_bytes(rest);
            match event {
                Event::NeedMore => {
                    assert_eq!(consumed, rest.len(), "NeedMore with bytes left over");
                    break;
                }
                Event::Head { ended } => found.push(Found::Head(parser.head(), ended)),
                Event::Body { start, end } => {
                    assert!(
                        start < end && end <= consumed,
                        "a body range of {start}..{end} in {consumed}"
                    );
                    match found.last_mut() {
                        Some(Found::Body(body)) => body.extend_from_slice(&rest[start..end]),
                        _ => found.push(Found::Body(rest[start..end].to_vec())),
                    }
                }
                Event::End => found.push(Found::End(parser.trailers())),
                Event::Error(error) => {
                    found.push(Found::Error(error));
                    let again = parser.handle_bytes(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                    assert_eq!(again.event, Event::Error(error), "an error must stay");
                    return found;
                }
            }
            rest = &rest[consumed..];
        }
    }
    found
}

/// Reads requests from pieces; `end`: the peer then ends its side.
pub fn read_requests(limits: Limits, pieces: &[&[u8]], end: bool) -> Vec<Found<RequestHead>> {
    let mut parser = RequestParser::new(limits);
    let mut found = read(&mut parser, pieces);
    if end && !matches!(found.last(), Some(Found::Error(_))) {
        found.push(parser.handle_end().map_or_else(Found::Error, |()| Found::Eof(false)));
    }
    found
}

/// Reads the response to one request from pieces; `end`: the peer then ends its side.
pub fn read_response(
    limits: Limits,
    context: ResponseContext,
    pieces: &[&[u8]],
    end: bool,
) -> Vec<Found<ResponseHead>> {
    let mut parser = ResponseParser::new(limits, context);
    let mut found = read(&mut parser, pieces);
    if end && !matches!(found.last(), Some(Found::Error(_))) {
        found.push(parser.handle_end().map_or_else(Found::Error, Found::Eof));
    }
    found
}
