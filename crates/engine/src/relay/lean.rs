//! The fast path of a relay: readiness of either socket moves bytes, in the same turn, from one to the other.
//!
//! Nothing is queued, so there is nothing to flush: neither end is in the dirty list, and the poller is told of a change
//! only when a sink becomes full, has room again, or a source ends. While little comes, the poller tells once of it, see
//! docs/decisions/0012-told-once.md; a way that has had more than a turn moves, or is spliced, is watched by level.

use super::{Relay, Stage};
use crate::connection::flag as conn;
use crate::engine::Engine;
use crate::flush::settle::ORDINARY;
use crate::flush::write::write_error;
use crate::id::Id;
use crate::link::Link;
use crate::receive::read::read_error;
use millrace_error::{Code, Error};
use millrace_metrics::Counter;
use millrace_net::relay::{Failure, Lent, Moved, Pause};
use millrace_net::{Interest, ReadyFlags, socket};

/// How many bytes one way moves in one turn; the rest follows in the next.
const BUDGET: usize = 512 * 1024;

impl<V: Copy> Engine<V> {
    /// Whether both ends are plain, and no bytes wait anywhere above their sockets.
    pub(super) fn may_be_lean(&self, ends: [Id; 2]) -> bool {
        ends.iter().all(|id| {
            self.connections.get(*id).is_some_and(|connection| {
                let stack = connection.stack.as_ref();
                connection.layers.is_none() && stack.is_some_and(|stack| stack.backlog.is_empty())
            })
        })
    }

    pub(super) fn make_lean(&mut self, slot: u32) {
        let Some(relay) = self.relays.at_mut(slot) else { return };
        relay.stage = Stage::Lean;
        let (ends, bytes) = (relay.ends, relay.ways[0].bytes + relay.ways[1].bytes);
        // Those of before: from now on they are counted as they move.
        self.metrics.add(Counter::RelayBytes, bytes);
        for end in ends {
            if let Some(connection) = self.connections.get_mut(end) {
                connection.flags = (connection.flags | conn::LEAN) & !conn::BLOCKED;
                connection.stack = None;
            }
            self.account(end);
        }
        ends.into_iter().for_each(|end| self.watch_lean(end));
    }

    /// A socket of a lean relay is ready.
    pub(crate) fn relay_ready(&mut self, id: Id, ready: ReadyFlags) {
        let Some(slot) = self.connections.get(id).map(|connection| connection.relay) else {
            return;
        };
        let Some((_, relay)) = self.relays.at(slot) else { return };
        let way = relay.side(id);
        if ready != ReadyFlags::READABLE {
            // More than bytes, urgent data too: one read may not be all.
            self.watch_lean_by_level(id);
        }
        let Some((_, relay)) = self.relays.at(slot) else { return };
        let resumes = relay.ways[1 - way].blocked;
        if resumes && (ready.is_writable() || ready.is_closed()) && !self.run_way(slot, 1 - way) {
            return;
        }
        let Some((_, relay)) = self.relays.at(slot) else { return };
        let reads = !relay.ways[way].ended && !relay.ways[way].blocked;
        if reads && (ready.is_readable() || ready.is_closed()) {
            self.run_way(slot, way);
        } else if ready.is_closed() {
            self.lean_closed(slot, way);
        } else if ready.is_hangup() && !reads {
            if let Some(connection) = self.connections.get_mut(id) {
                connection.flags |= conn::HANGUP_SEEN;
            }
            self.watch_lean(id);
        }
    }

    /// An error, or both directions shut, on a socket that is not read at the moment. The poller says so whatever is
    /// asked of it: unless it is an error, the socket is not watched until it is read again.
    fn lean_closed(&mut self, slot: u32, way: usize) {
        let Some((_, relay)) = self.relays.at(slot) else { return };
        let (end, fd) = (relay.ends[way], relay.fds[way]);
        if let Ok(Some(error)) = socket::take_error(fd) {
            return self.end_relay(slot, Some(read_error(&error)));
        }
        if let Some(connection) = self.connections.get_mut(end) {
            connection.flags |= conn::UNWATCHED;
            self.poller.remove(fd, end.as_u64());
        }
    }

    /// Moves what there is one way; says whether the relay goes on.
    fn run_way(&mut self, slot: u32, way: usize) -> bool {
        let Some(relay) = self.relays.at_mut(slot) else {
            return false;
        };
        let Relay { fds, ways, ends, .. } = relay;
        let (from, to, sink) = (fds[way], fds[1 - way], ends[1 - way]);
        let this = &mut ways[way];
        let memory = this.direction.memory();
        let mut moved = Moved::default();
        let lent = Lent {
            buffer: self.receive.as_mut_slice(),
            pool: &mut self.pool,
            pipes: &mut self.pipes,
        };
        let outcome = this.direction.pump(from, to, BUDGET, lent, &mut moved);
        this.bytes += moved.sent;
        let changed_memory = this.direction.memory() != memory;
        let was_blocked = this.blocked;
        this.blocked = matches!(outcome, Ok(Pause::Sink));
        let changed = this.blocked != was_blocked;
        let left_some = matches!(outcome, Ok(Pause::Budget)) || !this.direction.reads_to_the_last();
        if moved.received | moved.sent != 0 {
            relay.active_ms = self.from_ms;
        }
        let ends = *ends;
        self.count_moved(ends[way], sink, &moved);
        if changed_memory {
            self.account_lean(slot, way);
        }
        match outcome {
            Ok(Pause::Ended) => return self.lean_ended(slot, way),
            Ok(Pause::Source | Pause::Budget | Pause::Sink) => {}
            Err(failure) => {
                let error = match failure {
                    Failure::Source(error) => read_error(&error),
                    Failure::Sink(error) => write_error(&error),
                };
                self.end_relay(slot, Some(error));
                return false;
            }
        }
        if left_some {
            self.watch_lean_by_level(ends[way]);
        }
        if changed {
            ends.into_iter().for_each(|end| self.watch_lean(end));
        }
        true
    }

    /// Has the poller tell of an end for as long as something lies there.
    fn watch_lean_by_level(&mut self, id: Id) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.flags |= conn::LEVEL;
        if connection.interest.contains(Interest::EDGE) {
            self.watch_lean(id);
        }
    }

    /// A source has ended, and its sink has everything: the sink is told.
    fn lean_ended(&mut self, slot: u32, way: usize) -> bool {
        let Some(relay) = self.relays.at(slot).map(|(_, relay)| relay) else {
            return false;
        };
        let (ends, fd) = (relay.ends, relay.fds[1 - way]);
        self.pass_end(slot, way);
        if let Some(connection) = self.connections.get_mut(ends[way]) {
            connection.flags |= conn::READ_CLOSED | conn::HANGUP_SEEN;
        }
        if let Some(connection) = self.connections.get_mut(ends[1 - way]) {
            connection.flags |= conn::WRITE_CLOSED;
        }
        if socket::shutdown_write(fd).is_err() {
            // Its peer has cut it.
            self.end_relay(slot, Some(Code::ConnectionReset.into()));
            return false;
        }
        let over = self.relays.at(slot).is_some_and(|(_, relay)| relay.ways[1 - way].ended);
        if over {
            self.end_relay(slot, None);
            return false;
        }
        ends.into_iter().for_each(|end| self.watch_lean(end));
        true
    }

    /// Looks at both sockets whatever the poller said; says whether the relay goes on.
    pub(super) fn look_again(&mut self, slot: u32) -> bool {
        for way in 0..2 {
            let Some((_, relay)) = self.relays.at(slot) else {
                return false;
            };
            let runs = relay.stage == Stage::Lean && !relay.ways[way].ended;
            if runs && !self.run_way(slot, way) {
                return false;
            }
        }
        true
    }

    /// Tells the poller what one end is watched for.
    fn watch_lean(&mut self, id: Id) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let Some((_, relay)) = self.relays.at(connection.relay) else {
            return;
        };
        let way = relay.side(id);
        let (own, other) = (&relay.ways[way], &relay.ways[1 - way]);
        let mut interest = Interest::NONE;
        if !own.ended && !own.blocked {
            interest = interest | Interest::READ;
        }
        if !own.ended && !connection.has(conn::HANGUP_SEEN) {
            interest = interest | Interest::HANGUP;
        }
        if other.blocked {
            interest = interest | Interest::WRITE;
        }
        if interest == ORDINARY && !connection.has(conn::LEVEL) && matches!(connection.link, Link::Tcp(_)) {
            interest = interest | Interest::EDGE;
        }
        let fd = relay.fds[way];
        let watched = !connection.has(conn::UNWATCHED);
        // Both directions are shut: the poller would say so for ever.
        let wanted = !(own.ended && other.ended);
        let changed = interest != connection.interest;
        connection.interest = interest;
        let result = match (watched, wanted) {
            (true, true) if changed => self.poller.modify(fd, id.as_u64(), interest),
            (true, false) => {
                connection.flags |= conn::UNWATCHED;
                self.poller.remove(fd, id.as_u64());
                Ok(())
            }
            (false, true) if interest.contains(Interest::READ) || interest.contains(Interest::WRITE) => {
                connection.flags &= !conn::UNWATCHED;
                self.poller.add(fd, id.as_u64(), interest)
            }
            _ => Ok(()),
        };
        if let Err(error) = result {
            self.close(id, Error::system("epoll_ctl", &error));
        }
    }

    fn count_moved(&mut self, source: Id, sink: Id, moved: &Moved) {
        let metrics = &self.metrics;
        let counts = [
            (Counter::SocketsReceivedBytes, moved.received),
            (Counter::SocketsSentBytes, moved.sent),
            (Counter::RelayBytes, moved.sent),
            (Counter::RelaySplicedBytes, moved.spliced),
            (Counter::SocketsReceiveCalls, moved.calls.0.into()),
            (Counter::SocketsSendCalls, moved.calls.1.into()),
        ];
        for (counter, count) in counts {
            if count > 0 {
                metrics.add(counter, count);
            }
        }
        let slot_of = |id| self.connections.get(id).map(|connection| connection.server);
        let (source, sink) = (slot_of(source), slot_of(sink));
        if let Some(server) = source.and_then(|slot| self.servers.at_mut(slot)) {
            server.stats.received += moved.received;
        }
        if let Some(server) = sink.and_then(|slot| self.servers.at_mut(slot)) {
            server.stats.sent += moved.sent;
        }
    }

    /// What a way keeps is held for the peer that does not take it.
    fn account_lean(&mut self, slot: u32, way: usize) {
        let Some((_, relay)) = self.relays.at(slot) else { return };
        let held = relay.ways[way].direction.memory() as u32;
        let Some(connection) = self.connections.get_mut(relay.ends[1 - way]) else {
            return;
        };
        let before = std::mem::replace(&mut connection.memory, held);
        if held > before {
            self.memory.account.charge((held - before) as usize);
        } else {
            self.memory.account.release((before - held) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Connection;
    use crate::stream::Stream;

    #[test]
    fn a_tunnel_costs_less_than_a_kilobyte() {
        // Both connections and streams with their places in the slabs, the relay, and two entries in the timer wheel.
        let entry = 8;
        let ends = 2 * (size_of::<Option<Connection>>() + size_of::<Option<Stream>>() + 2 * entry);
        let relay = size_of::<Option<Relay>>() + entry;
        assert!(ends + relay + 64 <= 1_024, "{ends} + {relay}");
    }
}
