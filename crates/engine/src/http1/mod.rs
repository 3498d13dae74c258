//! Driving HTTP/1 on a server's connection: requests in (`receive`), answers out (`respond`), in order (`order`).

pub(crate) mod client;
mod order;
mod receive;
pub(crate) mod respond;

pub use respond::{Chunk, Head, Respond};
