//! Where a connection's bytes come from and go to: the lowest floor of its stack.

pub(crate) mod memory;

use memory::MemoryLink;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

/// The transport under a connection.
pub(crate) enum Link {
    /// A TCP socket.
    Tcp(OwnedFd),
    /// A Unix socket.
    Unix(OwnedFd),
    /// No socket: an injected request.
    Memory(Box<MemoryLink>),
    /// None yet: one of several attempts will be it.
    None,
}

impl Link {
    /// The descriptor, where there is one.
    pub fn descriptor(&self) -> Option<RawFd> {
        match self {
            Self::Tcp(fd) | Self::Unix(fd) => Some(fd.as_raw_fd()),
            Self::Memory(_) | Self::None => None,
        }
    }
}
