//! Response heads (RFC 9112 §4, RFC 9110 §6.4 and §8.6).

use millrace_error::{Code, Error};
use millrace_head::{check_value, reason as standard_reason};

use super::scan::{Given, Keep, put_other_members, write_fields};
use super::{BodySize, put_number};
use crate::event::BodyFraming;

/// What a response answers, and with how much.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The request was a HEAD: no body is sent, the head is as if.
    pub to_head: bool,
    /// The request was a CONNECT: a 2xx has no framing and HTTP ends after it.
    pub to_connect: bool,
    /// The minor version of the request, 0 or 1.
    pub minor: u8,
    /// Whether the connection may go on, as far as the request and the server are concerned.
    pub keep_alive: bool,
    /// What body follows.
    pub body: BodySize,
    /// An IMF-fixdate (29 bytes) for the Date field; empty: write none.
    pub date: &'a [u8],
    /// Advertised as `Keep-Alive: timeout=…` on a connection that goes on; 0: not advertised.
    pub keep_alive_timeout_s: u32,
}

/// What a response head that was written commits its sender to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// How the body must be framed; `None` when none may be sent.
    pub framing: BodyFraming,
    /// Whether the connection goes on after this response. For 101 and a 2xx to CONNECT, which end HTTP, it is what
    /// [`Answer::keep_alive`] was.
    pub keep_alive: bool,
    /// Body bytes that the caller has are not to be sent: HEAD, 204, 304 and the like.
    pub suppress_body: bool,
}

/// Writes a response head.
///
/// Added are `Date` unless given, `Connection` and `Keep-Alive`, and the framing. A Content-Length of the caller must
/// match a known body ([`Code::HttpResponseBodyMismatch`]), frames a stream, and stands as it is for HEAD and 304.
/// A Transfer-Encoding other than `chunked`, a malformed field or reason, or a status outside 101 and 200 to 999, is
/// [`Code::InvalidArgument`]. An empty `reason` means the standard phrase.
pub fn write_response_head(
    out: &mut Vec<u8>,
    status: u16,
    reason: &[u8],
    block: &[u8],
    answer: &Answer<'_>,
) -> Result<Written, Error> {
    let start = out.len();
    let written = write(out, status, reason, block, answer);
    if written.is_err() {
        out.truncate(start);
    }
    written
}

#[inline]
fn write(out: &mut Vec<u8>, status: u16, reason: &[u8], block: &[u8], answer: &Answer<'_>) -> Result<Written, Error> {
    if status != 101 && !(200..=999).contains(&status) {
        return Err(Error::new(Code::InvalidArgument));
    }
    // Room for the usual head at once: status line, block, Date, Connection, Keep-Alive, framing.
    out.reserve(block.len() + reason.len() + 224);
    put_status_line(out, status, reason)?;
    let given = write_fields(out, block, Keep::Answer)?;
    if !given.date && answer.date.len() == 29 {
        out.extend_from_slice(b"Date: ");
        out.extend_from_slice(answer.date);
        out.extend_from_slice(b"\r\n");
    }
    let framing = decide(status, &given, answer)?;
    let hand_over = status == 101 || (answer.to_connect && status < 300);
    let written = Written {
        framing: if framing.suppress {
            BodyFraming::None
        } else {
            framing.body
        },
        keep_alive: answer.keep_alive && (hand_over || (!given.close && framing.body != BodyFraming::UntilClose)),
        suppress_body: framing.suppress,
    };
    if hand_over {
        put_connection_of_hand_over(out, block, &given);
    } else {
        put_connection(out, block, &given, written.keep_alive, answer.keep_alive_timeout_s);
    }
    match framing.line {
        Line::None => out.extend_from_slice(b"\r\n"),
        Line::Length(length) => {
            out.extend_from_slice(b"Content-Length: ");
            put_number(out, length);
            out.extend_from_slice(b"\r\n\r\n");
        }
        Line::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n"),
    }
    Ok(written)
}

#[inline]
fn put_status_line(out: &mut Vec<u8>, status: u16, reason: &[u8]) -> Result<(), Error> {
    if status == 200 && reason.is_empty() {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return Ok(());
    }
    check_value(reason)?;
    out.extend_from_slice(b"HTTP/1.1 ");
    put_number(out, u64::from(status));
    out.push(b' ');
    out.extend_from_slice(if reason.is_empty() {
        standard_reason(status).as_bytes()
    } else {
        reason
    });
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// The framing field that is written.
enum Line {
    None,
    Length(u64),
    Chunked,
}

struct Framing {
    line: Line,
    /// What the body would be framed by.
    body: BodyFraming,
    suppress: bool,
}

/// Decides the framing (RFC 9112 §6.1 to §6.3, RFC 9110 §8.6).
#[inline]
fn decide(status: u16, given: &Given, answer: &Answer<'_>) -> Result<Framing, Error> {
    let bare = status < 200 || status == 204 || (answer.to_connect && status < 300);
    if bare || status == 304 {
        // 304 may say how long the 200 would have been; it is the caller's to know.
        let line = match given.content_length {
            Some(length) if status == 304 => Line::Length(length),
            _ => Line::None,
        };
        return Ok(Framing {
            line,
            body: BodyFraming::None,
            suppress: true,
        });
    }
    if answer.to_head {
        let line = match (given.content_length, answer.body) {
            (Some(length), _) | (None, BodySize::Known(length)) => Line::Length(length),
            (None, BodySize::Stream) if answer.minor != 0 => Line::Chunked,
            (None, _) => Line::None,
        };
        return Ok(Framing {
            line,
            body: BodyFraming::None,
            suppress: true,
        });
    }
    if status == 205 {
        // RFC 9110 §15.3.6: no content, and that must be told.
        return Ok(Framing {
            line: Line::Length(0),
            body: BodyFraming::None,
            suppress: true,
        });
    }
    let length = match (answer.body, given.content_length) {
        (BodySize::None, None) => Some(0),
        (BodySize::None, Some(0)) => Some(0),
        (BodySize::Known(known), None) => Some(known),
        (BodySize::Known(known), Some(told)) if known == told => Some(known),
        (BodySize::None | BodySize::Known(_), Some(_)) => return Err(Error::new(Code::HttpResponseBodyMismatch)),
        (BodySize::Stream, told) => told,
    };
    Ok(match length {
        Some(length) => Framing {
            line: Line::Length(length),
            body: BodyFraming::Length(length),
            suppress: false,
        },
        None if answer.minor == 0 => Framing {
            line: Line::None,
            body: BodyFraming::UntilClose,
            suppress: false,
        },
        None => Framing {
            line: Line::Chunked,
            body: BodyFraming::Chunked,
            suppress: false,
        },
    })
}

#[inline]
fn put_connection(out: &mut Vec<u8>, block: &[u8], given: &Given, keep_alive: bool, timeout_s: u32) {
    out.extend_from_slice(if keep_alive {
        b"Connection: keep-alive"
    } else {
        b"Connection: close"
    });
    if given.other_members {
        put_other_members(out, block, b", ");
    }
    out.extend_from_slice(b"\r\n");
    if keep_alive && timeout_s > 0 {
        out.extend_from_slice(b"Keep-Alive: timeout=");
        put_number(out, u64::from(timeout_s));
        out.extend_from_slice(b"\r\n");
    }
}

/// After 101, or a 2xx to CONNECT, the connection is no longer HTTP's: `close` and `keep-alive` say nothing.
fn put_connection_of_hand_over(out: &mut Vec<u8>, block: &[u8], given: &Given) {
    if given.other_members {
        put_other_members(out, block, b"Connection: ");
        out.extend_from_slice(b"\r\n");
    }
}

/// Writes an informational response: 100 to 199 without 101, which [`write_response_head`] writes.
///
/// Framing fields in `block` are refused, as is what [`write_response_head`] refuses.
pub fn write_informational(out: &mut Vec<u8>, status: u16, block: &[u8]) -> Result<(), Error> {
    if !(100..=199).contains(&status) || status == 101 {
        return Err(Error::new(Code::InvalidArgument));
    }
    let start = out.len();
    let written = put_status_line(out, status, b"").and_then(|()| write_fields(out, block, Keep::Answer));
    match written {
        Ok(given) if given.content_length.is_none() => {
            out.extend_from_slice(b"\r\n");
            Ok(())
        }
        other => {
            out.truncate(start);
            Err(other.err().unwrap_or(Error::new(Code::InvalidArgument)))
        }
    }
}
