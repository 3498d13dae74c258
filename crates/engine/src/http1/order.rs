//! Answers leave in the order of their requests; what is complete is let go.

use crate::connection::{Stack, flag as conn};
use crate::engine::Engine;
use crate::id::Id;
use crate::options::DRAIN_LIMIT;
use crate::protocol::Protocol;
use crate::stream::{Consumer, Stream, flag};
use millrace_error::Code;
use millrace_metrics::{Counter, Gauge};
use std::collections::VecDeque;

/// The counters of responses, by class.
pub(super) const RESPONSES: [Counter; 5] = [
    Counter::HttpServerResponses1xx,
    Counter::HttpServerResponses2xx,
    Counter::HttpServerResponses3xx,
    Counter::HttpServerResponses4xx,
    Counter::HttpServerResponses5xx,
];

/// The place of a status in `RESPONSES`.
#[inline]
pub(super) fn response_class(status: u16) -> usize {
    usize::from(status / 100).clamp(1, 5) - 1
}

impl<V: Copy> Engine<V> {
    /// The response of a stream is queued whole: counts it, and lets go of every answer that is complete in order.
    /// With `finish` the host is told when the kernel has it all.
    pub(crate) fn response_ended(&mut self, id: Id, stack: &mut Stack, finish: bool) {
        if let Some(stream) = self.streams.get_mut(id) {
            stream.flags |= flag::RESPONSE_ENDED | flag::HEAD_SENT;
            if finish {
                stream.flags |= flag::WANTS_FINISH;
            }
            let (slot, started, internal) = (stream.server, stream.started_ns, stream.has(flag::INTERNAL));
            if !internal {
                self.completed.push((slot, started));
                self.metrics.gauge_add(Gauge::HttpServerActiveRequests, -1);
                if let Some(server) = self.servers.at_mut(slot) {
                    server.stats.requests_active -= 1;
                    server.finished += u64::from(server.closing);
                }
            }
        }
        self.advance_order(stack);
    }

    fn advance_order(&mut self, stack: &mut Stack) {
        let Protocol::Http1(http) = &mut stack.protocol else {
            return;
        };
        let mut owner = None;
        while let Some(front) = http.order.front().copied() {
            let Some(stream) = self.streams.get_mut(front) else {
                http.order.pop_front();
                continue;
            };
            owner = Some(stream.connection);
            if let Some(mut output) = stream.output.take() {
                stack.output.append(&mut output, &mut self.pool);
            }
            if !stream.has(flag::RESPONSE_ENDED) {
                break;
            }
            http.order.pop_front();
            http.heads = match http.order.is_empty() {
                true => 0,
                false => http.heads.saturating_sub(stream.head_size as usize),
            };
            if stream.has(flag::UNSAFE) {
                http.unsafe_owed -= 1;
            }
            if stream.has(flag::WANTS_FINISH) {
                stack.finishing.push(front);
            }
            let last = stream.has(flag::LAST);
            // The usual end: nobody waits for more of it. `maybe_let_go` judges the others.
            let over = stream.has(flag::REQUEST_ENDED) && !stream.has(flag::WANTS_FINISH) && !stream.is_read();
            if !stream.has(flag::REQUEST_ENDED) && stream.consumer == Consumer::Undecided {
                stream.consumer = Consumer::Discard(if last { 0 } else { DRAIN_LIMIT });
                stream.stash.clear();
            }
            if last {
                let unread = !stream.has(flag::REQUEST_ENDED) || !stack.backlog.is_empty() || http.held.is_some();
                let connection = stream.connection;
                if let Some(connection) = self.connections.get_mut(connection) {
                    connection.flags |= conn::CLOSING;
                    if unread {
                        connection.flags |= conn::MUST_LINGER;
                    }
                }
                http.held = None;
                stack.backlog.clear();
                let behind = std::mem::take(&mut http.order);
                if !behind.is_empty() {
                    // Our answer said close: no other may follow it (RFC 9112 §9.6).
                    (http.receiving, http.unsafe_owed) = (None, 0);
                    self.must_linger(connection);
                    behind
                        .into_iter()
                        .for_each(|id| self.abort_stream(id, &Code::StreamClosed.into()));
                }
            }
            if over {
                self.drop_stream(front);
            } else {
                self.maybe_let_go(front);
            }
        }
        let waiting = http.held.is_some() || !stack.backlog.is_empty();
        if http.waiting != 0 {
            http.waiting = self.waiting_of(&http.order);
        }
        if let (true, Some(connection)) = (waiting, owner) {
            self.queue(connection);
        }
    }

    /// Counts the bytes of answers that wait behind others: to be called when the answer of `id` may have grown. One
    /// that is first in line has no output of its own, and costs nothing here.
    pub(crate) fn count_waiting(&self, id: Id, stack: &mut Stack) {
        if let Protocol::Http1(http) = &mut stack.protocol {
            let waits = |stream: &Stream| stream.output.is_some();
            if !http.order.is_empty() && self.streams.get(id).is_some_and(waits) {
                http.waiting = self.waiting_of(&http.order);
            }
        }
    }

    pub(crate) fn waiting_of(&self, order: &VecDeque<Id>) -> usize {
        let of = |id: &Id| self.streams.get(*id)?.output.as_ref().map(|output| output.len());
        order.iter().filter_map(of).sum()
    }

    /// Ends a stream whose two sides are complete; one whose body has not been given whole is given first.
    pub(crate) fn maybe_let_go(&mut self, id: Id) {
        let Some(stream) = self.streams.get(id) else { return };
        // One with an output of its own is still owed: its answer waits for its turn.
        if !stream.has(flag::REQUEST_ENDED) || !stream.has(flag::RESPONSE_ENDED) || stream.output.is_some() {
            return;
        }
        // Its slot stays its own until `Finished` is told: who took it over would be given the event, and lose it.
        if stream.has(flag::WANTS_FINISH) && !stream.is_read() {
            return;
        }
        if stream.is_read() {
            self.parting.push(id);
            return;
        }
        self.drop_stream(id);
    }

    /// Ends a stream that expects nothing more, unless its answer still waits for its turn.
    pub(crate) fn drop_unless_owed(&mut self, id: Id) {
        // A stream whose turn has come has no output of its own; one that waits has its answer there.
        // And one that is to be told `Finished` keeps its slot until then.
        let owed = |stream: &Stream| stream.output.is_some() || stream.has(flag::WANTS_FINISH);
        if self.streams.get(id).is_some_and(|stream| !owed(stream)) {
            self.drop_stream(id);
        }
    }

    /// Takes a stream out of the table and gives its buffers back.
    pub(crate) fn drop_stream(&mut self, id: Id) {
        let (pool, released) = (&mut self.pool, &mut self.released);
        self.streams.discard(id, |stream| {
            if stream.stash.capacity() > 0 {
                pool.give(std::mem::take(&mut stream.stash));
            }
            if let Some(mut output) = stream.output.take() {
                output.clear(pool, |pin| released.push(pin));
            }
        });
    }

    /// Counts a response by its class, process-wide and for its server.
    pub(crate) fn count_response(&mut self, server: u32, status: u16) {
        let class = response_class(status);
        self.metrics.add(RESPONSES[class], 1);
        if let Some(server) = self.servers.at_mut(server) {
            server.stats.responses[class] += 1;
        }
    }
}
