//! Taking connections from a listener.

use std::error::Error;
use std::fmt;
use std::io;
use std::os::fd::{OwnedFd, RawFd};

use super::peer::Peer;
use crate::sys;

/// A connection fresh from the accept queue.
#[derive(Debug)]
pub struct Accepted {
    /// Its descriptor, close-on-exec and non-blocking; dropping it closes the connection.
    pub fd: OwnedFd,
    /// Who connected.
    pub peer: Peer,
}

/// Why there is no connection, sorted by what to do next.
#[derive(Debug)]
pub enum AcceptError {
    /// The queue is empty: wait for the listener to be readable.
    WouldBlock,
    /// This one connection was lost before we took it: accept the next, on the same budget.
    Retry(io::Error),
    /// Descriptors or memory have run out: use the [`Spare`](super::Spare) and pause. The listener stays readable, so
    /// going on would spin.
    Exhausted(io::Error),
    /// The listener is of no use.
    Fatal(io::Error),
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WouldBlock => f.write_str("no connection is waiting"),
            Self::Retry(error) => write!(f, "the connection was lost before it was accepted: {error}"),
            Self::Exhausted(error) => write!(f, "no descriptor or memory is left to accept: {error}"),
            Self::Fatal(error) => write!(f, "the listener failed: {error}"),
        }
    }
}

impl Error for AcceptError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::WouldBlock => None,
            Self::Retry(error) | Self::Exhausted(error) | Self::Fatal(error) => Some(error),
        }
    }
}

/// Takes the next connection from a listener's queue.
///
/// # Errors
/// See [`AcceptError`]; the listener must be non-blocking, as those made here are.
pub fn accept(listener: RawFd) -> Result<Accepted, AcceptError> {
    match sys::socket::accept(listener) {
        Ok((fd, peer)) => Ok(Accepted { fd, peer }),
        Err(error) => Err(sys::socket::accept_error(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_the_errors_of_accept_by_what_to_do_next() {
        use libc::*;
        let sorted = |errno| sys::socket::accept_error(io::Error::from_raw_os_error(errno));
        for errno in [EAGAIN, EWOULDBLOCK] {
            assert!(matches!(sorted(errno), AcceptError::WouldBlock), "{errno}");
        }
        for errno in [ECONNABORTED, EPROTO, EPERM, ENETDOWN, EHOSTUNREACH, ENETUNREACH] {
            assert!(matches!(sorted(errno), AcceptError::Retry(_)), "{errno}");
        }
        for errno in [EMFILE, ENFILE, ENOBUFS, ENOMEM] {
            assert!(matches!(sorted(errno), AcceptError::Exhausted(_)), "{errno}");
        }
        for errno in [EBADF, EINVAL, ENOTSOCK] {
            assert!(matches!(sorted(errno), AcceptError::Fatal(_)), "{errno}");
        }
    }
}
