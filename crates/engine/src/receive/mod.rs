//! Bytes in: from readiness to the protocol.
//!
//! `readiness` judges what the poller says of a socket; `read` reads it once a turn; `climb` passes the bytes up
//! through the connection's `layers` to its protocol; `go_on` takes up what was received before and had to wait. A
//! tunnel through which much comes is read by `bulk` instead.

pub(crate) mod bulk;
mod climb;
mod go_on;
mod layers;
pub(crate) mod read;
mod readiness;
