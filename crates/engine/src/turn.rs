//! One turn: what is due, what goes on, what is ready; until about so many events wait.

use crate::connection::flag as conn;
use crate::engine::{Engine, LISTENER_TOKEN};
use crate::event::{Event, Host};
use crate::id::Id;
use millrace_metrics::{Counter, Gauge, Histogram};
use millrace_net::Ready;

impl<V: Copy> Engine<V> {
    /// Works until about `budget` events wait or nothing is left to do. Never blocks.
    pub fn turn<H: Host<Value = V>>(&mut self, host: &mut H, budget: usize) {
        self.found = usize::MAX;
        self.turn_on(host, budget);
    }

    /// As [`turn`](Self::turn), once more in the same wake. Where the last look at the poller found one socket alone, it is
    /// not looked at again: a thread that has so little to do is better told of the next by its loop.
    pub fn turn_on<H: Host<Value = V>>(&mut self, host: &mut H, budget: usize) {
        self.budget = budget;
        self.has_new_deadline = false;
        self.look_at_memory();
        self.expire(host);
        self.part(host);
        self.tell_answers(host);
        self.go_on_with_handshakes(host);
        let mut polled = false;
        while self.events.len() < budget {
            if self.cursor < self.ready.len() {
                let ready = self.ready[self.cursor];
                self.cursor += 1;
                self.handle_ready(host, ready);
            } else if !polled {
                polled = true;
                self.ready.clear();
                self.cursor = 0;
                // Left-over work of before goes first, in its order, and once a turn.
                for _ in 0..self.pending.len() {
                    if self.events.len() >= budget {
                        break;
                    }
                    if let Some(id) = self.pending.pop_front() {
                        self.resume(host, id);
                    }
                }
                if self.found <= 1 {
                    continue;
                }
                if let Err(error) = self.poller.poll(&mut self.ready) {
                    debug_assert!(false, "poll failed: {error}");
                }
                self.found = self.ready.len();
                self.told = self.found;
                self.polls = self.polls.wrapping_add(1);
            } else {
                break;
            }
        }
    }

    /// Whether something waits that no readiness will announce.
    pub fn has_work(&self) -> bool {
        self.cursor < self.ready.len()
            || !self.pending.is_empty()
            || !self.dirty.is_empty()
            || !self.events.is_empty()
            || !self.completed.is_empty()
            || !self.parting.is_empty()
            || !self.answers.is_empty()
            || !self.handshakes.is_empty()
            || !self.joining.is_empty()
            || self.has_new_deadline
    }

    /// When [`turn`](Self::turn) must be called at the latest, in ms of the monotonic clock.
    pub fn next_deadline(&self) -> Option<u64> {
        let mut first = self.wheel.next_expiry().unwrap_or(u64::MAX);
        let others = [
            self.servers_paused_until(),
            self.servers_leave_at(),
            self.memory.next_look(self.now_ms),
        ];
        for time in others {
            first = first.min(time.unwrap_or(u64::MAX));
        }
        (first != u64::MAX).then_some(first)
    }

    /// Takes the next events, at most `most`, in order.
    pub fn drain_events(&mut self, most: usize, into: &mut Vec<Event<V>>) {
        let count = self.events.len().min(most);
        if into.is_empty() && count == self.events.len() {
            std::mem::swap(&mut self.events, into);
        } else {
            into.extend(self.events.drain(..count));
        }
        self.metrics.add(Counter::ReactorEvents, count as u64);
    }

    /// Whether events wait to be taken.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Counts a wake that took so long.
    pub fn record_wake(&mut self, nanos: u64) {
        self.metrics.add(Counter::ReactorWakes, 1);
        self.metrics.record(Histogram::ReactorWakeDuration, nanos);
        let buffers = self.pool.in_use() as i64;
        if buffers != self.buffers_told {
            self.metrics.gauge_add(Gauge::Buffers, buffers - self.buffers_told);
            self.buffers_told = buffers;
        }
        if let Some(change) = self.memory.change_to_tell() {
            self.metrics.gauge_add(Gauge::MemoryHeldBytes, change);
        }
    }

    fn handle_ready<H: Host<Value = V>>(&mut self, host: &mut H, ready: Ready) {
        if ready.token & LISTENER_TOKEN != 0 {
            if self.cursor < self.told {
                // Who leaves makes room for who comes: connections first.
                self.ready.push(ready);
                return;
            }
            self.accept_ready(host, Id::from_u64(ready.token));
            return;
        }
        let id = Id::from_u64(ready.token);
        self.guarded(id, |engine| engine.handle_socket(host, id, ready.flags));
    }

    fn resume<H: Host<Value = V>>(&mut self, host: &mut H, id: Id) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.flags &= !conn::QUEUED;
        self.guarded(id, |engine| engine.go_on(host, id));
    }

    fn expire<H: Host<Value = V>>(&mut self, host: &mut H) {
        self.resume_accepting();
        self.end_leaving();
        if self.wheel.has_passed(self.now_ms) {
            return;
        }
        if self.wheel.next_expiry().is_none_or(|at| at > self.now_ms) {
            self.wheel.pass(self.now_ms);
            return;
        }
        let mut due = std::mem::take(&mut self.due);
        self.wheel.expire(self.now_ms, &mut due);
        for slot in due.drain(..) {
            let Some((id, _)) = self.connections.at(slot) else {
                continue;
            };
            self.guarded(id, |engine| engine.handle_deadline(host, id));
        }
        self.due = due;
    }

    /// Marks a connection for the next flush.
    pub(crate) fn touch(&mut self, id: Id) {
        if let Some(connection) = self.connections.get_mut(id) {
            if !connection.has(conn::DIRTY) {
                connection.flags |= conn::DIRTY;
                self.dirty.push(id);
            }
        }
    }

    /// Has a connection go on in the next turn without waiting for readiness.
    pub(crate) fn queue(&mut self, id: Id) {
        if let Some(connection) = self.connections.get_mut(id) {
            if !connection.has(conn::QUEUED) {
                connection.flags |= conn::QUEUED;
                self.pending.push_back(id);
            }
        }
    }
}
