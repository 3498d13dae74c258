//! Chunks (RFC 9112 §7.1).

use millrace_error::{Code, Error};
use millrace_head::{fields, trailer_allowed};

use super::scan::put_field;

/// What must follow the data of a chunk whose prefix was written by [`write_chunk_prefix`].
pub const CHUNK_END: &[u8] = b"\r\n";

/// Writes a whole chunk; nothing for empty data, which would end the body.
#[inline]
pub fn write_chunk(out: &mut Vec<u8>, data: &[u8]) {
    if data.is_empty() {
        return;
    }
    out.reserve(data.len() + 20);
    write_chunk_prefix(out, data.len());
    out.extend_from_slice(data);
    out.extend_from_slice(CHUNK_END);
}

/// Writes what stands before the data of a chunk; the data and [`CHUNK_END`] must follow.
///
/// Nothing for a length of 0, which would end the body: then neither may follow.
#[inline]
pub fn write_chunk_prefix(out: &mut Vec<u8>, len: usize) {
    if len == 0 {
        return;
    }
    let mut digits = [0u8; 16];
    let mut at = digits.len();
    let mut rest = len as u64;
    while rest != 0 {
        at -= 1; // 16 digits hold 64 bits
        digits[at] = b"0123456789abcdef"[(rest & 15) as usize];
        rest >>= 4;
    }
    out.extend_from_slice(&digits[at..]);
    out.extend_from_slice(b"\r\n");
}

/// Ends a chunked body, with the trailers of a block (empty: none).
///
/// A malformed block, or a field that must not be a trailer (RFC 9110 §6.5.1), is [`Code::InvalidArgument`], and
/// nothing is written.
pub fn write_last_chunk(out: &mut Vec<u8>, trailers: &[u8]) -> Result<(), Error> {
    let start = out.len();
    out.extend_from_slice(b"0\r\n");
    let mut rest = fields(trailers);
    loop {
        match rest.next_checked() {
            Ok(Some((name, value))) if trailer_allowed(name) => put_field(out, name, value),
            Ok(None) => break,
            Ok(Some(_)) | Err(_) => {
                out.truncate(start);
                return Err(Error::new(Code::InvalidArgument));
            }
        }
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}
