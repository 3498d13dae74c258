//! Linux.

pub(crate) mod clock;
mod epoll;
mod retry;
pub(crate) mod socket;

pub use epoll::NestedEpoll;
