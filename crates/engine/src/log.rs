//! What the engine has to say to the log of its host.
//!
//! The engine writes to no stream of its own. A line waits here, an event says that some do, and the host takes them and
//! logs them like its own. What the host's level does not let pass is not made.

use millrace_error::{Code, Error, Kind};
use millrace_net::Peer;
use std::fmt::Write;

/// Lines that wait at most; what comes meanwhile is counted and said with the next.
const MOST_LINES: usize = 256;
/// The rank above all levels: nothing passes.
const SILENT: u8 = 6;

const TRACE: u8 = 0;
const DEBUG: u8 = 1;
const WARN: u8 = 3;
const ERROR: u8 = 4;
const FATAL: u8 = 5;

/// What is said. The numbers cross to JavaScript; `ts/native/log-lines.ts` has the same list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Said {
    /// Native code panicked: a bug of ours.
    Panicked = 0,
    /// No connection can be accepted for the moment.
    AcceptingPaused = 1,
    /// A connection was refused at the door.
    Refused = 2,
    /// A peer broke the protocol or a limit.
    Broke = 3,
    /// A deadline of a peer expired.
    Expired = 4,
    /// Lines were dropped because nobody took them.
    Dropped = 5,
    /// Native code panicked where no connection could pay for it: the engine itself may be at fault.
    PanickedOutside = 6,
}

/// The lines that wait to be taken.
#[derive(Debug)]
pub(crate) struct Log {
    level: u8,
    lines: String,
    count: usize,
    dropped: u64,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: SILENT,
            lines: String::new(),
            count: 0,
            dropped: 0,
        }
    }
}

impl Log {
    /// Sets the rank of the least level that passes: 0 is trace, 5 fatal, more is silence.
    pub fn set_level(&mut self, rank: u8) {
        self.level = rank;
    }

    /// A panic was caught that cost the connection of `peer`, or, with `None`, none; answers whether the host must be
    /// told that lines wait.
    pub fn panicked(&mut self, peer: Option<Peer>, text: &str) -> bool {
        let error = Error::from(Code::Bug);
        match peer {
            Some(peer) => self.add(ERROR, Said::Panicked, &error, peer, text),
            None => self.add(FATAL, Said::PanickedOutside, &error, Peer::Unknown, text),
        }
    }

    /// As [`panicked`](Self::panicked), for a listener that has to rest.
    pub fn accepting_paused(&mut self, reason: &str) -> bool {
        self.add(
            WARN,
            Said::AcceptingPaused,
            &Error::from(Code::System),
            Peer::Unknown,
            reason,
        )
    }

    /// As [`panicked`](Self::panicked), for a connection that may not enter.
    pub fn refused(&mut self, peer: Peer, error: &Error) -> bool {
        self.add(DEBUG, Said::Refused, error, peer, "")
    }

    /// As [`panicked`](Self::panicked), for an error that a peer caused. An idle connection that ends is hardly worth
    /// a word.
    pub fn failed(&mut self, peer: Peer, error: &Error) -> bool {
        match error.code.kind() {
            Kind::Timeout if error.code == Code::KeepAliveTimeout => self.add(TRACE, Said::Expired, error, peer, ""),
            Kind::Timeout => self.add(DEBUG, Said::Expired, error, peer, ""),
            Kind::Protocol | Kind::Limit => self.add(DEBUG, Said::Broke, error, peer, ""),
            _ => false,
        }
    }

    /// One line: what is said, code, peer, limit and what was seen, text, parted by tabs; empty where there is none.
    fn add(&mut self, level: u8, said: Said, error: &Error, peer: Peer, text: &str) -> bool {
        if level < self.level {
            return false;
        }
        if self.count >= MOST_LINES {
            self.dropped += 1;
            return false;
        }
        let line = &mut self.lines;
        // Writing to a String cannot fail.
        let _ = write!(line, "{}\t{}\t", said as u8, error.code.id());
        if let Some(addr) = peer.addr() {
            let _ = write!(line, "{addr}");
        }
        match error.limit {
            Some(limit) => _ = write!(line, "\t{}\t{}\t", limit.value, limit.seen),
            None => line.push_str("\t\t\t"),
        }
        line.extend(
            text.chars()
                .map(|each| if (' '..='~').contains(&each) { each } else { ' ' }),
        );
        line.push('\n');
        self.count += 1;
        self.count == 1
    }

    /// The lines, ASCII, each ended by a line feed.
    pub fn take(&mut self) -> String {
        let dropped = std::mem::take(&mut self.dropped);
        self.count = 0;
        if dropped > 0 {
            let _ = writeln!(self.lines, "{}\t0\t\t\t{dropped}\t", Said::Dropped as u8);
        }
        std::mem::take(&mut self.lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    fn peer() -> Peer {
        "[2001:db8::7]:443".parse::<SocketAddr>().expect("an address").into()
    }

    #[test]
    fn makes_nothing_below_the_level() {
        let mut log = Log::default();
        assert!(!log.panicked(None, "unheard"));
        log.set_level(WARN);
        assert!(!log.refused(peer(), &Code::ClientDenied.into()));
        assert!(log.accepting_paused("no descriptor"));
        log.set_level(DEBUG);
        log.failed(peer(), &Code::KeepAliveTimeout.into());
        log.failed(peer(), &Code::ConnectionReset.into());
        let only = format!("1\t{}\t\t\t\tno descriptor\n", Code::System.id());
        assert_eq!(log.take(), only);
        assert_eq!(log.take(), "");
    }

    #[test]
    fn says_once_that_lines_wait_and_has_one_line_each() {
        let mut log = Log::default();
        log.set_level(TRACE);
        assert!(log.failed(peer(), &Error::limit(Code::HttpTargetTooLarge, 100, 120)));
        assert!(!log.panicked(Some(Peer::Unix), "two\nlines\tand \u{1F600}"));
        assert!(!log.failed(Peer::Unix, &Code::KeepAliveTimeout.into()));
        let lines = log.take();
        let rows: Vec<Vec<&str>> = lines.lines().map(|line| line.split('\t').collect()).collect();
        let target = Code::HttpTargetTooLarge.id().to_string();
        assert_eq!(rows[0], ["3", target.as_str(), "[2001:db8::7]:443", "100", "120", ""]);
        assert_eq!((rows[1][0], rows[1][5]), ("0", "two lines and  "));
        assert_eq!(rows[2][0], "4");
        assert!(rows.iter().all(|row| row.len() == 6));
        assert!(
            log.refused(peer(), &Code::ClientDenied.into()),
            "asked again after it was taken"
        );
    }

    #[test]
    fn a_host_that_takes_nothing_costs_a_bounded_amount_and_is_told_what_it_missed() {
        let mut log = Log::default();
        log.set_level(DEBUG);
        for _ in 0..MOST_LINES + 3 {
            log.refused(peer(), &Code::ClientDenied.into());
        }
        let lines = log.take();
        assert_eq!(lines.lines().count(), MOST_LINES + 1);
        assert!(lines.ends_with("5\t0\t\t\t3\t\n"), "{lines}");
    }
}
