//! What a source of readiness looks like to the reactor.

use std::io;
use std::ops::BitOr;
use std::os::fd::RawFd;

/// What a descriptor is watched for.
///
/// Errors and a fully closed connection are reported whatever is asked for, also under [`Interest::NONE`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Interest(u8);

impl Interest {
    /// Nothing but errors.
    pub const NONE: Self = Self(0);
    /// Bytes to read, a connection to accept, or the end of the stream.
    pub const READ: Self = Self(1);
    /// Room to write, or a connection that was established.
    pub const WRITE: Self = Self(2);
    /// The peer has shut down its sending side; seen without reading, so also on a paused connection.
    pub const HANGUP: Self = Self(4);
    /// Beside others: what comes is told once, and again when more comes or the interest is set anew, not for as long as
    /// it lies there. Urgent data is told too, as [`ReadyFlags::URGENT`]: a read stops before it. A poller that cannot
    /// do that goes on telling.
    pub const EDGE: Self = Self(8);

    /// Both together.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Without what is in `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of `other` is asked for.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Interest {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

/// What a descriptor is ready for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ReadyFlags(u8);

impl ReadyFlags {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// A read returns at once: bytes, the end of the stream or an error.
    pub const READABLE: Self = Self(1);
    /// A write returns at once.
    pub const WRITABLE: Self = Self(2);
    /// The peer has shut down its sending side; bytes may still be there to read.
    pub const HANGUP: Self = Self(4);
    /// The descriptor has an error, or both directions are shut down.
    pub const CLOSED: Self = Self(8);
    /// Urgent data is among the bytes (RFC 9293 §3.8.5): one read does not take all that is there. Only under
    /// [`Interest::EDGE`].
    pub const URGENT: Self = Self(16);

    /// Both together.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is reported.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether a read returns at once.
    pub const fn is_readable(self) -> bool {
        self.contains(Self::READABLE)
    }

    /// Whether a write returns at once.
    pub const fn is_writable(self) -> bool {
        self.contains(Self::WRITABLE)
    }

    /// Whether the peer has shut down its sending side.
    pub const fn is_hangup(self) -> bool {
        self.contains(Self::HANGUP)
    }

    /// Whether there is an error or nothing can pass in either direction any more.
    pub const fn is_closed(self) -> bool {
        self.contains(Self::CLOSED)
    }
}

impl BitOr for ReadyFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

/// One descriptor that became ready, by the token it was added with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The token given to [`Poller::add`] or, later, [`Poller::modify`].
    pub token: u64,
    /// What it is ready for; never empty.
    pub flags: ReadyFlags,
}

/// A source of readiness that only yields ready tokens.
///
/// It is level-triggered, but for what is watched with [`Interest::EDGE`]: what is still ready is reported by the next
/// [`poll`](Self::poll) again. A token that was
/// yielded may belong to a descriptor that was removed since, by the handling of one before it in the same batch:
/// tokens carry a generation and the driver looks twice.
pub trait Poller {
    /// Starts to watch a descriptor that is not watched yet.
    ///
    /// # Errors
    /// What the system says, `EEXIST`, `ENOSPC` or `ENOMEM` among it.
    fn add(&mut self, fd: RawFd, token: u64, interest: Interest) -> io::Result<()>;

    /// Replaces token and interest of a watched descriptor.
    ///
    /// # Errors
    /// What the system says, `ENOENT` for a descriptor that is not watched.
    fn modify(&mut self, fd: RawFd, token: u64, interest: Interest) -> io::Result<()>;

    /// Stops to watch a descriptor; to be called before it is closed. One that is not watched is no error.
    fn remove(&mut self, fd: RawFd, token: u64);

    /// Appends what is ready now to `ready` and never blocks.
    ///
    /// The batch is bounded; what does not fit is reported by the next call.
    ///
    /// # Errors
    /// What the system says; an interrupted call is repeated and no error.
    fn poll(&mut self, ready: &mut Vec<Ready>) -> io::Result<()>;

    /// The descriptor that is readable while something is ready, for the host's loop to watch; `None` when the host
    /// itself feeds readiness in.
    fn descriptor(&self) -> Option<RawFd>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_union_contains_its_parts_and_nothing_else() {
        let both = Interest::READ | Interest::HANGUP;
        assert!(both.contains(Interest::READ) && both.contains(Interest::HANGUP) && both.contains(both));
        assert!(!both.contains(Interest::WRITE) && !Interest::READ.contains(both));
        assert!(both.contains(Interest::NONE) && !Interest::NONE.contains(Interest::READ));
    }
}
