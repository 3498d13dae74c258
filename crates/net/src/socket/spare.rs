//! A descriptor held in reserve for the day on which none is left.

use std::fs::File;
use std::os::fd::RawFd;

use super::accept::{AcceptError, accept};

/// How many lost connections one refusal steps over. Most errors of that sort take the connection from the queue, but
/// a refusal by a security module comes again and again.
const ATTEMPTS: u32 = 16;

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

    /// Accepts one connection in the reserve's place, closes it, and takes the reserve again.
    ///
    /// Says whether one was refused; when not, the queue is empty or another thread took the descriptor first.
    pub fn refuse_one(&mut self, listener: RawFd) -> bool {
        drop(self.reserve.take());
        // Dropping what was accepted closes it.
        let refused = (0..ATTEMPTS)
            .map(|_| accept(listener))
            .find(|accepted| !matches!(accepted, Err(AcceptError::Retry(_))))
            .is_some_and(|accepted| accepted.is_ok());
        self.reserve = open();
        refused
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
