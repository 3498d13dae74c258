//! HTTP/1.1 on the wire (RFC 9112): parsers for requests and responses, and the serializer. Sans I/O, no clock.
//!
//! llhttp reads the messages: start line and field lines, in one call when the head arrives whole, and the sizes, data
//! and trailers of chunked bodies. Around it are our own rules, each with one duty: a scan of the start line and of
//! chunk lines for what llhttp cannot decide or bound (`request_line`, `status_line`, `chunked`), before llhttp sees
//! the same bytes, and both must accept; and what the fields say about Host, framing and expectations (`facts`). Bodies of
//! known length are counted without llhttp. Every part keeps its state between calls and decides at a byte, never at
//! the end of an input: so the events are the same however the input was cut.
//!
//! Limits hold while a message arrives: a part is never shown a byte past its limit.
#![deny(unsafe_code)]

mod body;
mod chunked;
mod event;
mod facts;
mod fields;
mod leading;
mod limits;
mod llhttp;
mod reader;
mod request;
mod request_line;
mod response;
mod serialize;
mod start_line;
mod status_line;

pub use event::{BodyFraming, Event, Step};
pub use limits::Limits;
pub use request::{RequestHead, RequestParser};
pub use response::{ResponseContext, ResponseHead, ResponseParser};
pub use serialize::{
    Answer, BodySize, CHUNK_END, ReadyHead, RequestFields, RequestWritten, Written, write_chunk, write_chunk_prefix,
    write_informational, write_last_chunk, write_request, write_request_head, write_response_head,
};
