//! What is told after a write: room for those who wait for it, answers that have gone out.

use crate::connection::flag as conn;
use crate::engine::Engine;
use crate::event::{Event, EventKind};
use crate::id::Id;
use crate::options::{DIALLED_HIGH_MARK, low_mark};
use crate::protocol::Protocol;
use crate::stream::flag;

impl<V: Copy> Engine<V> {
    /// Tells who waits for room, and whose answer has gone out.
    pub(super) fn tell_written(&mut self, id: Id) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let sealed = connection.layers.as_ref().is_some_and(|layers| layers.has_output());
        let Some(stack) = connection.stack.as_mut() else { return };
        let waiting = stack.output.len();
        let relayed = connection.flags & conn::RELAY != 0;
        let first = match &stack.protocol {
            Protocol::Http1(http) => http.order.front().copied(),
            Protocol::Client(client) => client.order.back().map(|exchange| exchange.stream),
            Protocol::Raw(stream) => Some(*stream),
        };
        if waiting == 0 && !sealed && !stack.finishing.is_empty() {
            for stream in std::mem::take(&mut stack.finishing) {
                self.event(EventKind::Finished, stream, 0, 0, 0, None);
                if let Some(found) = self.streams.get_mut(stream) {
                    found.flags &= !flag::WANTS_FINISH;
                    self.maybe_let_go(stream);
                }
            }
        }
        if relayed {
            return self.relay_has_room(id, waiting);
        }
        let Some(stream) = first.and_then(|id| self.streams.get_mut(id)) else {
            return;
        };
        let mark = || {
            self.servers
                .at(stream.server)
                .map_or(DIALLED_HIGH_MARK, |(_, server)| server.options.write_high_water_mark)
        };
        if stream.has(flag::WANTS_DRAIN) && waiting <= low_mark(mark()) {
            stream.flags &= !flag::WANTS_DRAIN;
            if let Some(first) = first {
                self.event(EventKind::Drain, first, 0, 0, 0, None);
            }
        }
        self.tell_room(id);
    }

    /// Tells those who wait for room although their turn has not come.
    fn tell_room(&mut self, id: Id) {
        let connection = self.connections.get_mut(id);
        let Some(connection) = connection else { return };
        let Some(stack) = connection.stack.as_mut() else { return };
        let Protocol::Http1(http) = &mut stack.protocol else {
            return;
        };
        let server = self.servers.at(connection.server);
        let mark = server.map_or(0, |(_, server)| server.options.write_high_water_mark);
        if !http.wants_room || stack.output.len() + http.waiting > low_mark(mark) {
            return;
        }
        http.wants_room = false;
        for place in 1..http.order.len() {
            let stream = http.order[place];
            if let Some(found) = self
                .streams
                .get_mut(stream)
                .filter(|found| found.has(flag::WANTS_DRAIN))
            {
                found.flags &= !flag::WANTS_DRAIN;
                self.events.push(Event {
                    kind: EventKind::Drain,
                    flags: 0,
                    id: stream,
                    a: 0,
                    b: 0,
                    value: None,
                    extra: None,
                });
            }
        }
    }

    pub(crate) fn waiting_is_right(&self, id: Id) -> bool {
        let connection = self.connections.get(id);
        match connection
            .and_then(|connection| connection.stack.as_ref())
            .map(|stack| &stack.protocol)
        {
            Some(Protocol::Http1(http)) => http.waiting == self.waiting_of(&http.order),
            _ => true,
        }
    }
}
