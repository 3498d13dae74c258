//! Driving HTTP/1 on a server's connection: requests in (`receive`), answers out (`respond`), in order (`order`).

mod order;
mod receive;
mod respond;

pub use respond::{Chunk, Head, Respond};
