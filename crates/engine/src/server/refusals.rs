//! Requests that were refused before the host saw them, for a host that asks to be told.
//!
//! As with the log, a line waits here and an event says that some do. While nobody asks nothing is made.

use crate::engine::Engine;
use crate::event::EventKind;
use crate::id::Id;
use millrace_error::Error;
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

/// Lines that wait at most: they are taken once in each scope. What comes beyond is not told, only counted and logged.
const MOST_LINES: usize = 1024;

/// The refusals that wait to be taken.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    heard: bool,
    lines: String,
    count: usize,
}

impl Refusals {
    /// One line: the server's slot, code, status, address, port, limit and what was seen, parted by tabs; empty where there
    /// is none. Says whether it is the first.
    fn add(&mut self, slot: u32, status: u16, client: Option<SocketAddr>, error: &Error) -> bool {
        if self.count >= MOST_LINES {
            return false;
        }
        let line = &mut self.lines;
        // Writing to a String cannot fail.
        let _ = write!(line, "{slot}\t{}\t{status}\t", error.code.id());
        let _ = match client {
            Some(client) => write!(line, "{}\t{}\t", client.ip(), client.port()),
            None => write!(line, "\t\t"),
        };
        let _ = match error.limit {
            Some(limit) => writeln!(line, "{}\t{}", limit.value, limit.seen),
            None => writeln!(line, "\t"),
        };
        self.count += 1;
        self.count == 1
    }
}

impl<V: Copy> Engine<V> {
    /// Whether the host is told of requests that are refused before it sees them, by `Refused`.
    pub fn hear_refusals(&mut self, heard: bool) {
        self.refusals = Refusals {
            heard,
            ..Default::default()
        };
    }

    /// The refusals that wait, each line ended by a line feed.
    pub fn take_refusals(&mut self) -> String {
        self.refusals.count = 0;
        std::mem::take(&mut self.refusals.lines)
    }

    /// A request was refused with this status; `forwarded` is its client where that is not the connection's peer.
    pub(crate) fn tell_refused(&mut self, connection: Id, status: u16, forwarded: Option<IpAddr>, error: &Error) {
        if !self.refusals.heard {
            return;
        }
        let Some(connection) = self.connections.get(connection) else {
            return;
        };
        let client = match forwarded {
            // The port behind a balancer is not known.
            Some(client) => Some(SocketAddr::new(client, 0)),
            None => connection.peer.addr(),
        };
        if self.refusals.add(connection.server, status, client, error) {
            self.event(EventKind::Refused, Id::from_u64(0), 0, 0, 0, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use millrace_error::Code;

    #[test]
    fn a_host_that_takes_nothing_costs_a_bounded_amount() {
        let mut refusals = Refusals::default();
        let client = Some(([192, 0, 2, 7], 443).into());
        let error = Error::limit(Code::HttpTargetTooLarge, 100, 120);
        assert!(refusals.add(3, 414, client, &error), "the first is news");
        assert!((1..2 * MOST_LINES).all(|_| !refusals.add(3, 400, None, &Code::HttpInvalidHeader.into())));
        assert_eq!(refusals.lines.lines().count(), MOST_LINES);
        let first = format!("3\t{}\t414\t192.0.2.7\t443\t100\t120", error.code.id());
        assert_eq!(refusals.lines.lines().next(), Some(first.as_str()));
        assert!(refusals.lines.lines().all(|line| line.split('\t').count() == 7));
    }
}
