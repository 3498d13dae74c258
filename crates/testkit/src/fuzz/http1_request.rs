//! Requests: the same events for every cut, within the limits, and never a panic.

use super::{check_head, choices, limits_by};
use crate::feed::feed;
use crate::http1::{Found, read_requests};

/// Runs the request parser over fuzz data.
///
/// # Panics
/// When an invariant is broken.
pub fn http1_request(data: &[u8]) {
    let Some((cuts, choice, input)) = choices(data) else {
        return;
    };
    let limits = limits_by(choice);
    let found = feed(input, u64::from(cuts), |pieces| read_requests(limits, pieces, true));
    let mut body = 0;
    for item in &found {
        match item {
            Found::Head(head, ended) => {
                check_head(head.target_len, head.fields(), &limits);
                assert_eq!(*ended, head.framing.is_empty());
                assert!(millrace_head::check_target(head.method, head.target()).is_ok());
            }
            Found::Body(bytes) => body += bytes.len(),
            Found::End(trailers) => assert!(millrace_head::check_block(trailers).is_ok()),
            Found::Error(_) | Found::Eof(_) => {}
        }
    }
    assert!(body <= input.len());
}
