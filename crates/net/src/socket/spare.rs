//! A descriptor held in reserve for the day on which none is left.

use std::fs::File;
use std::os::fd::RawFd;

use super::accept::{AcceptError, accept};

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
        let refused = loop {
            match accept(listener) {
                Ok(_closed_by_drop) => break true,
                // Each of these took a broken connection from the queue, so the loop ends with the queue.
                Err(AcceptError::Retry(_)) => {}
                Err(_) => break false,
            }
        };
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
