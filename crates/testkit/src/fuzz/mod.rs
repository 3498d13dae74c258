//! The bodies of the fuzz targets, as plain functions: `fuzz/` calls them, and so does the replay of the seeds.
//!
//! The first byte of the data chooses the cuts of the input, the second the limits; the rest is the input.

pub mod client_connection;
mod connection;
pub mod crl;
pub mod http1_request;
pub mod http1_response;
pub mod ocsp_response;
pub mod socks_client;
pub mod socks_server;
pub mod timestamps;
pub mod tls_connection;
pub mod tls_server;

pub use client_connection::client_connection;
pub use connection::connection;
pub use crl::crl;
pub use http1_request::http1_request;
pub use http1_response::http1_response;
pub use ocsp_response::ocsp_response;
pub use socks_client::socks_client;
pub use socks_server::socks_server;
pub use timestamps::timestamps;
pub use tls_connection::tls_connection;
pub use tls_server::tls_server;

use millrace_http1::Limits;

/// Splits fuzz data into its two choices and the input.
fn choices(data: &[u8]) -> Option<(u8, u8, &[u8])> {
    match data {
        [cuts, limits, input @ ..] => Some((*cuts, *limits, input)),
        _ => None,
    }
}

/// Three parts, the first two behind their lengths (2 bytes).
fn parts(input: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let take = |input: &'_ [u8]| -> Option<(usize, usize)> {
        let (length, rest) = input.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        (length <= rest.len()).then_some((2, 2 + length))
    };
    let (begin, end) = take(input)?;
    let (first, rest) = (&input[begin..end], &input[end..]);
    let (begin, end) = take(rest)?;
    Some((first, &rest[begin..end], &rest[end..]))
}

/// The product's limits, or small ones that short inputs pass.
fn limits_by(choice: u8) -> Limits {
    if choice & 1 == 0 {
        return Limits::default();
    }
    let size = u32::from(choice);
    Limits {
        target_size: size,
        header_size: size,
        header_fields: size / 16,
        chunk_extensions: size / 8,
        trailers: size / 2,
    }
}

/// Asserts that a head is well formed and within its limits.
fn check_head(start_line: u32, fields: &[u8], limits: &Limits) {
    assert!(start_line <= limits.target_size);
    let count = millrace_head::check_block(fields).expect("a parser that lets a field pass that no block may hold");
    assert!(count as u64 <= u64::from(limits.header_fields));
    // A block has two NULs where the wire has at least a colon and CRLF.
    assert!(fields.len() as u64 <= u64::from(limits.header_size));
}
