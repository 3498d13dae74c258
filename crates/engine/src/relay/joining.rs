//! The first stage of a relay: the host is given what it was promised; then what was kept meanwhile is passed on.

use super::Stage;
use crate::connection::flag as conn;
use crate::engine::Engine;
use crate::stream::flag;

impl<V: Copy> Engine<V> {
    /// Begins the relays of which the host has been given all that came before.
    pub(crate) fn begin_joined(&mut self) {
        for slot in std::mem::take(&mut self.joining) {
            let Some((_, relay)) = self.relays.at(slot).filter(|(_, relay)| relay.stage == Stage::Joining) else {
                continue;
            };
            let streams = relay.streams;
            if self.events.iter().any(|event| streams.contains(&event.id)) {
                self.joining.push(slot);
            } else {
                self.begin_relay(slot);
            }
        }
    }

    fn begin_relay(&mut self, slot: u32) {
        let Some(relay) = self.relays.at_mut(slot) else { return };
        relay.stage = Stage::Stacked;
        let (ends, streams) = (relay.ends, relay.streams);
        let mut kept = [Vec::new(), Vec::new()];
        let mut ended = [false; 2];
        for way in 0..2 {
            if let Some(stream) = self.streams.get_mut(streams[way]) {
                // Its end is told by the relay now, whoever was told before.
                stream.flags &= !(flag::END_TOLD | flag::WANTS_DRAIN);
                kept[way] = std::mem::take(&mut stream.stash);
            }
            if let Some(connection) = self.connections.get_mut(ends[way]) {
                ended[way] = connection.has(conn::READ_CLOSED);
                connection.flags &= !conn::END_WAITS;
                if let Some(stack) = &mut connection.stack {
                    kept[way].append(&mut std::mem::take(&mut stack.backlog));
                }
            }
        }
        for way in 0..2 {
            let bytes = std::mem::take(&mut kept[way]);
            self.pass_on(slot, way, &bytes);
            // A stash came out of the pool; one that was only a backlog did not.
            if bytes.capacity() > 0 {
                self.pool.give(bytes);
            }
            if ended[way] {
                self.pass_end(slot, way);
            }
        }
        ends.into_iter().for_each(|end| self.touch(end));
    }
}
