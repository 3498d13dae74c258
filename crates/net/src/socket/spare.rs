//! A descriptor held in reserve for the day on which none is left.

use std::fs::File;
use std::os::fd::{AsRawFd, RawFd};

use super::accept::{AcceptError, accept};
use super::{recv, send, shutdown_write};

/// How many lost connections one refusal steps over. Most errors of that sort take the connection from the queue, but
/// a refusal by a security module comes again and again.
const ATTEMPTS: u32 = 16;
/// How often bytes of a client that is refused are read: a head's worth.
const READS: u32 = 16;

/// A reserve descriptor, which lets a listener refuse connections when the process has run out of descriptors.
///
/// Without it such connections stay in the accept queue, the listener stays readable, and clients wait for nothing.
#[derive(Debug)]
pub struct Spare {
    reserve: Option<File>,
}

impl Spare {
    /// Takes a descriptor in reserve (`/dev/null`); if none can be had now, the next refusal tries again.
    pub fn new() -> Self {
        Self { reserve: open() }
    }

    /// Whether a descriptor is in reserve.
    pub const fn is_held(&self) -> bool {
        self.reserve.is_some()
    }

    /// Accepts one connection in the reserve's place, sends it `answer` as far as the kernel takes it at once, closes it,
    /// and takes the reserve again.
    ///
    /// Says whether one was refused; when not, the queue is empty or another thread took the descriptor first.
    pub fn refuse_one(&mut self, listener: RawFd, answer: &[u8]) -> bool {
        drop(self.reserve.take());
        let accepted = (0..ATTEMPTS)
            .map(|_| accept(listener))
            .find(|accepted| !matches!(accepted, Err(AcceptError::Retry(_))));
        let refused = match accepted {
            Some(Ok(accepted)) => {
                tell(accepted.fd.as_raw_fd(), answer);
                true
            }
            _ => false,
        };
        self.reserve = open();
        refused
    }
}

/// Best effort: there is no descriptor with which to wait for the peer. What it has sent by now is read, for closing a
/// socket with unread bytes resets the connection, and the answer would be lost; a peer that sends later may lose it.
fn tell(fd: RawFd, answer: &[u8]) {
    if answer.is_empty() || !send(fd, answer).is_ok_and(|sent| sent == answer.len()) {
        return;
    }
    let _ = shutdown_write(fd);
    let mut bytes = [0; 4096];
    for _ in 0..READS {
        if !recv(fd, &mut bytes).is_ok_and(|count| count == bytes.len()) {
            return;
        }
    }
}

impl Default for Spare {
    fn default() -> Self {
        Self::new()
    }
}

fn open() -> Option<File> {
    File::open("/dev/null").ok()
}
