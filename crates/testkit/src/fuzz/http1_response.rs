//! Responses: the same events for every cut, within the limits, and never a panic.

use millrace_http1::ResponseContext;

use super::{check_head, choices, limits_by};
use crate::feed::feed;
use crate::http1::{Found, read_response};

/// Runs the response parser over fuzz data; bits of the first byte say what the request was.
///
/// # Panics
/// When an invariant is broken.
pub fn http1_response(data: &[u8]) {
    let Some((cuts, choice, input)) = choices(data) else {
        return;
    };
    let limits = limits_by(choice);
    let context = ResponseContext {
        head_request: cuts & 0x40 != 0,
        connect: cuts & 0x80 != 0,
    };
    let found = feed(input, u64::from(cuts), |pieces| {
        read_response(limits, context, pieces, true)
    });
    for item in &found {
        match item {
            Found::Head(head, ended) => {
                check_head(head.reason_len, head.fields(), &limits);
                assert_eq!(*ended, head.framing.is_empty());
                assert!((100..=999).contains(&head.status));
            }
            Found::Body(bytes) => assert!(!bytes.is_empty() && !context.head_request),
            Found::End(trailers) => assert!(millrace_head::check_block(trailers).is_ok()),
            Found::Error(_) | Found::Eof(_) => {}
        }
    }
}
