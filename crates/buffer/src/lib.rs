//! Pooled byte buffers, and what waits to be written on a connection.
//!
//! A [`Pool`] lends empty buffers and takes them back; an [`Output`] keeps, in order, bytes that were copied into such
//! buffers, chunks that stay where their owner has them ("pinned"), and parts of files. Neither knows a socket: the driver
//! asks for slices or a file's span, hands them to the kernel and says how many bytes it took. [`Pieces`] are larger, for
//! bulk that is received.
#![forbid(unsafe_code)]

mod output;
mod pieces;
mod pool;
mod queue;

pub use output::Output;
pub use pieces::{Piece, Pieces};
pub use pool::{KEPT_BUFFERS, KEPT_CAPACITY, MIN_CAPACITY, Pool};
pub use queue::{FileSpan, PinId};
