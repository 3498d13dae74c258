//! Request heads (RFC 9112 §3).

use millrace_error::{Code, Error};
use millrace_head::{Method, check_target, target_run, token_run};

use super::scan::{Given, Keep, write_fields};
use super::{BodySize, put_number};
use crate::event::BodyFraming;

/// Writes a request head.
///
/// The block must have a Host ([`Code::HttpMissingHost`]), once; `Connection` stands as given. A Content-Length must match
/// a known body ([`Code::HttpResponseBodyMismatch`]) and frames a stream; a Transfer-Encoding other than `chunked` is
/// [`Code::InvalidArgument`], as is every malformed part. Methods outside our own list may be sent.
pub fn write_request_head(
    out: &mut Vec<u8>,
    method: &[u8],
    target: &[u8],
    block: &[u8],
    body: BodySize,
) -> Result<BodyFraming, Error> {
    write_request(out, method, target, None, block, body).map(|written| written.framing)
}

/// What a request head came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestWritten {
    /// How the body is framed.
    pub framing: BodyFraming,
    /// Whether the connection ends with this exchange by our own wish.
    pub close: bool,
}

/// Fields that go out with request after request: checked once, then copied as lines.
#[derive(Debug)]
pub struct RequestFields {
    block: Vec<u8>,
    lines: Vec<u8>,
    given: Given,
}

impl RequestFields {
    /// Takes a block; [`Code::InvalidArgument`] unless it is one that [`write_request_head`] accepts, Host aside.
    pub fn new(block: &[u8]) -> Result<Self, Error> {
        let mut lines = Vec::new();
        let given = write_fields(&mut lines, block, Keep::Request)?;
        let block = block.to_vec();
        Ok(Self { block, lines, given })
    }

    /// The block.
    pub fn block(&self) -> &[u8] {
        &self.block
    }
}

/// As [`write_request_head`], with fields that are ready before those of the block.
pub fn write_request(
    out: &mut Vec<u8>,
    method: &[u8],
    target: &[u8],
    ready: Option<&RequestFields>,
    block: &[u8],
    body: BodySize,
) -> Result<RequestWritten, Error> {
    let start = out.len();
    let written = write(out, method, target, ready, block, body);
    if written.is_err() {
        out.truncate(start);
    }
    written
}

fn write(
    out: &mut Vec<u8>,
    method: &[u8],
    target: &[u8],
    ready: Option<&RequestFields>,
    block: &[u8],
    body: BodySize,
) -> Result<RequestWritten, Error> {
    const REFUSED: Error = Error::new(Code::InvalidArgument);
    if method.is_empty() || token_run(method) != method.len() {
        return Err(REFUSED);
    }
    let known = Method::from_bytes(method);
    match known {
        Some(method) => check_target(method, target).map(drop)?,
        None if target.is_empty() || target_run(target) != target.len() => return Err(REFUSED),
        None => {}
    }
    let lines = ready.map_or(&[][..], |ready| &ready.lines);
    out.reserve(method.len() + target.len() + lines.len() + block.len() + 64);
    out.extend_from_slice(method);
    out.push(b' ');
    out.extend_from_slice(target);
    out.extend_from_slice(b" HTTP/1.1\r\n");
    out.extend_from_slice(lines);
    let mut given = ready.map_or_else(Given::default, |ready| ready.given);
    if !block.is_empty() {
        let more = write_fields(out, block, Keep::Request)?;
        given = given.and(&more).ok_or(REFUSED)?;
    }
    if !given.host {
        return Err(Error::new(Code::HttpMissingHost));
    }
    let framing = match (body, given.content_length) {
        (BodySize::None, None) if expects_content(known) => BodyFraming::Length(0),
        (BodySize::None, None) => BodyFraming::None,
        (BodySize::None, Some(0)) => BodyFraming::Length(0),
        (BodySize::Known(size), told) if told.is_none_or(|told| told == size) => BodyFraming::Length(size),
        (BodySize::None | BodySize::Known(_), _) => return Err(Error::new(Code::HttpResponseBodyMismatch)),
        (BodySize::Stream, Some(length)) => BodyFraming::Length(length),
        (BodySize::Stream, None) => BodyFraming::Chunked,
    };
    if known == Some(Method::Connect) && !framing.is_empty() {
        return Err(REFUSED);
    }
    match framing {
        BodyFraming::Length(length) => {
            out.extend_from_slice(b"Content-Length: ");
            put_number(out, length);
            out.extend_from_slice(b"\r\n\r\n");
        }
        BodyFraming::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n"),
        BodyFraming::None | BodyFraming::UntilClose => out.extend_from_slice(b"\r\n"),
    }
    let close = given.close;
    Ok(RequestWritten { framing, close })
}

/// RFC 9110 §8.6: a method that anticipates content says so even when there is none.
fn expects_content(method: Option<Method>) -> bool {
    matches!(method, Some(Method::Post | Method::Put | Method::Patch))
}
