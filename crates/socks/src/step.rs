//! What both sides answer with.

use std::fmt;

use millrace_error::{Code, Error};

/// One step of a handshake: how much of the input is done with, and what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<E> {
    /// How many of the bytes given are done with. What is left is given again in the next call, or belongs to what
    /// follows the handshake. It means nothing beside an error.
    pub consumed: usize,
    /// What was found.
    pub event: E,
}

/// A command that does not fit the state. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IllegalMove {
    /// The rule that was broken.
    pub rule: &'static str,
}

impl fmt::Display for IllegalMove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule)
    }
}

impl std::error::Error for IllegalMove {}

impl From<IllegalMove> for Error {
    fn from(_: IllegalMove) -> Self {
        Self::new(Code::InvalidState)
    }
}

/// What is asked of a proxy. BIND is not: no client of today uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// A connection to the target.
    Connect,
    /// A relay for datagrams, for as long as the connection stands (RFC 1928 §7).
    UdpAssociate,
}
