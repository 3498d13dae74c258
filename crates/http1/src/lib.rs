//! HTTP/1.1 on the wire (RFC 9112): parsers for requests and responses, and the serializer. Sans I/O, no clock.
//!
//! A head is read by three parts in a row, each with one duty: our scanner for the start line (`request_line`,
//! `status_line`), llhttp for the field lines, and our own rules over what the fields say (Host, framing,
//! expectations). Bodies are framed by our own decoder, which llhttp checks in the tests. Every part sees each byte
//! once, keeps its state between calls, and decides at a byte, never at the end of an input: so the events are the
//! same however the input was cut.
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
mod request;
mod request_line;
mod response;
mod serialize;
mod status_line;
mod trailers;

pub use event::{BodyFraming, Event, Step};
pub use limits::Limits;
pub use request::{RequestHead, RequestParser};
pub use response::{ResponseContext, ResponseHead, ResponseParser};
pub use serialize::{
    Answer, BodySize, CHUNK_END, Written, write_chunk, write_chunk_prefix, write_informational, write_last_chunk,
    write_request_head, write_response_head,
};
