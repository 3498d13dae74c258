//! One flush ends every scope: one vectored write per connection that has something to say, then its interest and
//! its deadline, once, for all that happened since the last.
//!
//! For each connection that was touched: `write` hands to the kernel what it takes (`seal` through TLS, `file` from a
//! descriptor); `rest` sees in one look the usual end, that nothing is left to do; else `tell` says who has room again,
//! and `settle` looks at all that may follow a write.

mod file;
mod rest;
mod seal;
pub(crate) mod settle;
mod tell;
pub(crate) mod write;

use crate::connection::flag as conn;
use crate::engine::Engine;
use crate::event::Host;
use crate::id::Id;
use crate::link::Link;
use millrace_error::Code;
use millrace_metrics::Histogram;

/// How many bytes one flush hands to the kernel, in all and for one connection at most and at least; the rest follows in
/// the next turn. What the kernel takes at once it copies at once: megabytes for each of a hundred slow readers would be
/// a tenth of a second in which nobody else is served.
const FLUSH_BUDGET: usize = 16 * 1024 * 1024;

const MOST_SHARE: usize = 1024 * 1024;

const LEAST_SHARE: usize = 32 * 1024;

/// How many bytes go to the kernel between two flushes, when they are written; see `write_through`.
pub(crate) const THROUGH_BUDGET: usize = 1024 * 1024;

impl<V: Copy> Engine<V> {
    /// Whether a flush would do anything.
    pub fn has_to_flush(&self) -> bool {
        !self.dirty.is_empty()
            || !self.completed.is_empty()
            || !self.joining.is_empty()
            || self.through_left != THROUGH_BUDGET
    }

    /// Writes what waits, on every connection that was touched.
    pub fn flush<H: Host<Value = V>>(&mut self, host: &mut H) {
        self.through_left = THROUGH_BUDGET;
        if !self.joining.is_empty() {
            self.begin_joined();
        }
        while !self.dirty.is_empty() {
            let mut dirty = std::mem::take(&mut self.dirty);
            let share = (FLUSH_BUDGET / dirty.len()).clamp(LEAST_SHARE, MOST_SHARE);
            for id in dirty.drain(..) {
                let Some(connection) = self.connections.get_mut(id) else {
                    continue;
                };
                connection.flags &= !conn::DIRTY;
                if connection.has(conn::LEAN) {
                    continue;
                }
                let is_client = connection.has(conn::CLIENT);
                self.guarded(id, |engine| match is_client && engine.is_stale(id) {
                    true => engine.close(id, Code::ConnectionStale.into()),
                    false => engine.flush_connection(host, id, share),
                });
            }
            if self.dirty.is_empty() {
                self.dirty = dirty;
            }
        }
        if !self.completed.is_empty() {
            self.record_completed();
        }
    }

    /// A client's connection, kept for long enough that its peer may have left, which it has.
    fn is_stale(&mut self, id: Id) -> bool {
        self.is_unproven(id) && !self.is_usable(id)
    }

    fn record_completed(&mut self) {
        let second = self.now_ms / 1_000;
        let mut completed = std::mem::take(&mut self.completed);
        for (slot, started) in completed.drain(..) {
            let nanos = self.now_ns.saturating_sub(started);
            self.metrics.record(Histogram::HttpServerRequestDuration, nanos);
            if let Some(server) = self.servers.at_mut(slot) {
                server.stats.latency.record(nanos);
                server.stats.rate.count(second, 1);
            }
        }
        self.completed = completed;
    }

    fn flush_connection<H: Host<Value = V>>(&mut self, host: &mut H, id: Id, share: usize) {
        if let Err(error) = self.write_out(host, id, share) {
            return self.close(id, error);
        }
        if self.rests(id) || self.tunnel_rests(id) {
            return;
        }
        self.tell_written(id);
        self.account(id);
        let answered = match self.connections.get(id).map(|connection| &connection.link) {
            Some(Link::Memory(memory)) => memory.is_complete(),
            _ => false,
        };
        if answered {
            return self.close(id, Code::ConnectionClosed.into());
        }
        self.settle(id);
    }
}
