//! The second stage of a relay: bytes climb through the layers of one connection into the output of the other.

use super::Stage;
use crate::connection::flag as conn;
use crate::engine::Engine;
use crate::event::Host;
use crate::id::Id;

/// How many bytes may wait for one side before the other is not read any more, while relays are stacked.
const HIGH_MARK: usize = 64 * 1024;

impl<V: Copy> Engine<V> {
    /// Bytes of a peer came up through its layers.
    pub(crate) fn relay_bytes<H: Host<Value = V>>(&mut self, host: &mut H, stream: Id, bytes: &[u8]) {
        let Some((slot, way)) = self.relay_of(stream) else {
            return;
        };
        if self.is_joining(stream) {
            // A tunnel has no body limit and collects nothing: this cannot fail.
            let _ = self.take_body(host, stream, bytes, false);
        } else {
            self.pass_on(slot, way, bytes);
        }
    }

    /// Puts bytes into the output of the other side.
    pub(super) fn pass_on(&mut self, slot: u32, way: usize, bytes: &[u8]) {
        let Some(relay) = self.relays.at_mut(slot).filter(|_| !bytes.is_empty()) else {
            return;
        };
        let sink = relay.ends[1 - way];
        relay.ways[way].bytes += bytes.len() as u64;
        relay.active_ms = self.from_ms;
        let stack = self
            .connections
            .get_mut(sink)
            .and_then(|connection| connection.stack.as_mut());
        if let Some(stack) = stack {
            stack.output.tail(&mut self.pool).extend_from_slice(bytes);
        }
        self.touch(sink);
    }

    /// The peer of a stream has ended.
    pub(crate) fn relay_end(&mut self, stream: Id) {
        if let Some((slot, way)) = self.relay_of(stream).filter(|_| !self.is_joining(stream)) {
            self.pass_end(slot, way);
        }
    }

    pub(super) fn pass_end(&mut self, slot: u32, way: usize) {
        let Some(relay) = self.relays.at_mut(slot).filter(|relay| !relay.ways[way].ended) else {
            return;
        };
        relay.ways[way].ended = true;
        let sink = relay.streams[1 - way];
        self.end_raw(sink, false);
    }

    /// Whether a connection of a relay is to be read.
    pub(crate) fn relay_wants(&self, id: Id) -> bool {
        let Some(connection) = self.connections.get(id) else {
            return false;
        };
        let Some((_, relay)) = self.relays.at(connection.relay) else {
            return false;
        };
        let way = relay.side(id);
        if relay.stage != Stage::Stacked || connection.has(conn::READ_CLOSED) || self.memory.is_pressed() {
            return false;
        }
        let sink = self.connections.get(relay.ends[1 - way]);
        let waiting = sink
            .and_then(|sink| sink.stack.as_ref())
            .map_or(0, |stack| stack.output.len());
        waiting < HIGH_MARK
    }

    /// After a flush of one side: `waiting` bytes are left of its output.
    pub(crate) fn relay_has_room(&mut self, id: Id, waiting: usize) {
        let Some((_, relay)) = self
            .connections
            .get(id)
            .and_then(|connection| self.relays.at(connection.relay))
        else {
            return;
        };
        let source = relay.ends[1 - relay.side(id)];
        let paused = self
            .connections
            .get(source)
            .is_some_and(|source| !source.interest.contains(millrace_net::Interest::READ));
        if paused && waiting < HIGH_MARK && self.relay_wants(source) {
            self.touch(source);
        }
    }

    /// At the end of a flush of one side: ends the relay, or makes it lean, where that is due.
    pub(crate) fn relay_settled(&mut self, id: Id) {
        let Some(slot) = self.connections.get(id).map(|connection| connection.relay) else {
            return;
        };
        let Some((_, relay)) = self.relays.at(slot) else { return };
        if relay.stage == Stage::Stacked {
            let (ends, over) = (relay.ends, relay.ways.iter().all(|way| way.ended));
            let written = |id: &Id| {
                self.connections.get(*id).is_some_and(|connection| {
                    let sealed = connection.layers.as_ref().is_some_and(|layers| layers.has_output());
                    let empty = |stack: &crate::connection::Stack| stack.output.is_empty();
                    !sealed && connection.stack.as_deref().is_some_and(empty)
                })
            };
            let all_written = ends.iter().all(written);
            let shut = |id: &Id| {
                self.connections
                    .get(*id)
                    .is_some_and(|connection| connection.has(conn::WRITE_CLOSED))
            };
            if over && all_written && ends.iter().all(shut) {
                return self.end_relay(slot, None);
            }
            // An end that came before the relay may still be owed to a side whose flush follows: a lean one has none.
            let told = (0..2).all(|way| !relay.ways[way].ended || shut(&ends[1 - way]));
            if all_written && told && self.may_be_lean(ends) {
                return self.make_lean(slot);
            }
        }
        self.update_interest(id);
    }
}
