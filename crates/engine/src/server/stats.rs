//! What one server has counted.

use millrace_metrics::LocalHistogram;

/// Completed requests per second: the last full second's count.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rate {
    second: u64,
    current: u64,
    last: u64,
}

impl Rate {
    /// Moves to the second that it is now.
    pub fn roll(&mut self, second: u64) {
        if second != self.second {
            self.last = if second == self.second + 1 { self.current } else { 0 };
            self.current = 0;
            self.second = second;
        }
    }

    /// Counts in the present second.
    pub fn count(&mut self, second: u64, amount: u64) {
        self.roll(second);
        self.current += amount;
    }

    /// How many in the last full second.
    pub fn per_second(&self) -> u64 {
        self.last
    }
}

/// Which deadline expired, as an index into [`ServerStats::timeouts`].
pub const TIMEOUT_NAMES: [&str; 8] = [
    "headers",
    "body",
    "request",
    "send",
    "idle",
    "receiveRate",
    "sendRate",
    "tlsHandshake",
];

/// The counts of one server since it began to listen.
#[derive(Debug, Default)]
pub struct ServerStats {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections refused for a limit or for want of descriptors.
    pub refused: u64,
    /// Requests that a rate limit refused.
    pub rate_limited: u64,
    /// Connections now.
    pub active: u64,
    /// Requests begun.
    pub requests: u64,
    /// Requests not answered yet.
    pub requests_active: u64,
    /// Requests that broke a rule or a limit.
    pub errors: u64,
    /// Exchanges whose client left.
    pub aborted: u64,
    /// Bytes received.
    pub received: u64,
    /// Bytes sent.
    pub sent: u64,
    /// Final and interim responses by class, 1xx first.
    pub responses: [u64; 5],
    /// Deadlines expired, see [`TIMEOUT_NAMES`].
    pub timeouts: [u64; 8],
    /// Completed requests per second.
    pub rate: Rate,
    /// From the head's arrival to the flush that has the end of the response, in ns.
    pub latency: LocalHistogram,
}
