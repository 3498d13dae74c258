//! The reader of what a server writes: how fast it takes it, for the write timeout and the least rate of sending.

use crate::options::{ServerOptions, or_forever};
use crate::pace::Pace;
use millrace_net::socket;
use std::os::fd::RawFd;

/// Into how many looks at the kernel's buffer a write timeout is parted. A reader that took something and then stopped is
/// cut later by one of them at most; one that takes nothing is cut on time.
const LOOKS: u64 = 8;

/// The longest time between two looks, in ms: of a long write timeout an eighth would be many seconds.
const LONGEST_LOOK_MS: u64 = 500;

/// The peer of a server's connection, as a reader.
pub(crate) struct Reader {
    /// How fast it takes what we write; its clock runs while the socket is full.
    pub pace: Pace,
    /// What the kernel held for it when that was last looked at; `None`: it was not, or cannot be.
    untaken: Option<u64>,
    /// When that was, in ms.
    looked_ms: u64,
}

impl Reader {
    pub const fn new() -> Self {
        Self {
            pace: Pace::new(),
            untaken: None,
            looked_ms: 0,
        }
    }

    /// The socket is full: its clock runs.
    pub fn waits(&mut self, options: &ServerOptions, from_ms: u64) {
        self.pace.start(from_ms);
        let most = or_forever(options.write_timeout_ms);
        self.pace.cap(from_ms, options.min_send_rate, most);
    }

    /// Whether what the kernel holds for it is known.
    pub const fn is_watched(&self) -> bool {
        self.untaken.is_some()
    }

    /// Looks at what the kernel holds for it.
    pub fn look(&mut self, options: &ServerOptions, fd: Option<RawFd>, from_ms: u64) {
        let watched = options.write_timeout_ms != 0 || options.min_send_rate != 0;
        self.untaken = fd.filter(|_| watched).and_then(|fd| socket::untaken(fd).ok());
        self.looked_ms = from_ms;
    }

    /// As [`look`](Self::look), while nothing is sent: says whether something has gone since then. That is progress, although
    /// the kernel took nothing of us: it tells of room only when a third of its buffer is free, and of megabytes a slow reader
    /// takes long to free that.
    pub fn look_again(&mut self, options: &ServerOptions, fd: Option<RawFd>, from_ms: u64) -> bool {
        let Some(before) = self.untaken else { return false };
        self.look(options, fd, from_ms);
        let taken = self.untaken.map_or(0, |now| before.saturating_sub(now));
        if taken > 0 {
            self.pace.add(taken);
            self.waits(options, from_ms);
        }
        taken > 0
    }

    /// When the kernel's buffer is to be looked at again, within a write timeout.
    pub fn next_look(&self, timeout_ms: u64) -> u64 {
        match self.untaken {
            Some(_) => self.looked_ms + (timeout_ms / LOOKS).clamp(1, LONGEST_LOOK_MS),
            None => u64::MAX,
        }
    }
}
