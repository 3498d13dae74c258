//! Linux.

pub(crate) mod clock;
mod epoll;
mod retry;
pub(crate) mod socket;
pub(crate) mod splice;

pub use epoll::NestedEpoll;
