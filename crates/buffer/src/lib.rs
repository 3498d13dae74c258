//! Pooled byte buffers, and what waits to be written on a connection.
//!
//! A [`Pool`] lends empty buffers and takes them back; an [`Output`] keeps, in order, bytes that were copied into such
//! buffers and chunks that stay where their owner has them ("pinned"). Neither knows a socket: the driver asks for
//! slices, hands them to the kernel and says how many bytes it took.
#![forbid(unsafe_code)]

mod output;
mod pool;
mod queue;

pub use output::Output;
pub use pool::{KEPT_BUFFERS, KEPT_CAPACITY, MIN_CAPACITY, Pool};
pub use queue::PinId;
