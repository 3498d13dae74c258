//! Pipes for `splice`, pooled: made when they are wanted, kept for the next who wants one.

use crate::sys::splice;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

/// How many bytes a pipe of the default size takes.
pub const PIPE_SIZE: usize = 64 * 1024;

/// How many empty pipes a pool keeps.
const KEPT: usize = 32;
/// How many pipes of a pool exist at once: two descriptors and, while they are full, 16 pages each. An unprivileged
/// user has 16 384 pages for all pipes (`pipe-user-pages-soft`), after which the system makes them of one page.
pub const MOST: usize = 512;
/// How many calls go by after the system refused a pipe before it is asked again.
const QUIET: u32 = 1_024;

/// A pipe, both ends non-blocking and close-on-exec.
#[derive(Debug)]
pub struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
}

impl Pipe {
    pub(crate) fn reader(&self) -> RawFd {
        self.reader.as_raw_fd()
    }

    pub(crate) fn writer(&self) -> RawFd {
        self.writer.as_raw_fd()
    }
}

/// The pipes of one reactor.
#[derive(Debug, Default)]
pub struct Pipes {
    free: Vec<Pipe>,
    lent: usize,
    /// So many calls more get none.
    quiet: u32,
}

impl Pipes {
    /// A pool that has no pipe yet.
    pub const fn new() -> Self {
        Self {
            free: Vec::new(),
            lent: 0,
            quiet: 0,
        }
    }

    /// Lends an empty pipe; `None` where the system has no pipes, refuses one, or makes it too small.
    pub fn take(&mut self) -> Option<Pipe> {
        let pipe = self.free.pop().or_else(|| self.make())?;
        self.lent += 1;
        Some(pipe)
    }

    fn make(&mut self) -> Option<Pipe> {
        if self.lent + self.free.len() >= MOST {
            return None;
        }
        if let Some(left) = self.quiet.checked_sub(1) {
            self.quiet = left;
            return None;
        }
        match splice::pipe(PIPE_SIZE) {
            Some((reader, writer)) => Some(Pipe { reader, writer }),
            None => {
                self.quiet = QUIET;
                None
            }
        }
    }

    /// Takes an empty pipe back.
    pub fn give(&mut self, pipe: Pipe) {
        self.lent = self.lent.saturating_sub(1);
        if self.free.len() < KEPT {
            self.free.push(pipe);
        }
    }

    /// Closes a pipe that was lent and holds bytes.
    pub fn discard(&mut self, pipe: Pipe) {
        self.lent = self.lent.saturating_sub(1);
        drop(pipe);
    }

    /// How many hold bytes at the moment.
    pub const fn lent(&self) -> usize {
        self.lent
    }
}
