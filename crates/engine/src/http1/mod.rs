//! Driving HTTP/1 on a server's connection.
//!
//! Requests in: `receive` has the parser read them, `dispatch` makes streams and events of their heads, `failure`
//! answers those that break a rule. Answers out: `respond` begins them and `write` goes on, with what the host gives
//! (`answer`), in `order`. `client` is the other side.

pub(crate) mod answer;
pub(crate) mod client;
mod dispatch;
mod failure;
mod order;
mod receive;
mod respond;
mod write;

pub use answer::{Chunk, Head, Respond};
