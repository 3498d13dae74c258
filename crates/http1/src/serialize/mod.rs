//! The serializer: heads and chunks, appended to a byte vector.
//!
//! Heads come as blocks and are checked in the pass that writes them; on an error the vector is as it was.

mod chunk;
mod ready;
mod request;
mod response;
mod scan;

pub use chunk::{CHUNK_END, write_chunk, write_chunk_prefix, write_last_chunk};
pub use ready::ReadyHead;
pub use request::{RequestFields, RequestWritten, write_request, write_request_head};
pub use response::{Answer, Written, write_informational, write_response_head};

/// What body follows a head that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodySize {
    /// No body was given and none follows.
    None,
    /// So many bytes.
    Known(u64),
    /// A stream whose length is not known.
    Stream,
}

/// Appends a decimal number.
#[inline]
fn put_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}
