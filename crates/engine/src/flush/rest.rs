//! The usual end of a flush, seen in one look: nothing is left to do on the connection.

use crate::connection::{Deadline, flag as conn};
use crate::deadline::idle_deadline;
use crate::engine::Engine;
use crate::id::Id;
use crate::protocol::Protocol;
use crate::stream::{Stream, flag};

impl<V: Copy> Engine<V> {
    /// The usual end of a flush, in one look: all that was owed is with the kernel, nothing else happens on the
    /// connection, and what it is to be watched for and accounted with is so already. Then it becomes idle, as `settle`
    /// would have it. False: nothing was done, and all that follows has to look.
    pub(super) fn rests(&mut self, id: Id) -> bool {
        const USUAL: u32 = conn::SEEN_BYTES | conn::CLIENT_COUNTED | conn::OVERDUE | conn::SECURE | conn::LEVEL;
        let Some(connection) = self.connections.get_mut(id) else {
            return false;
        };
        let usual = connection.flags & !USUAL == 0
            && connection.is_watched_as_usual()
            && connection.memory == 0
            && connection.requests != 0
            && connection.link.descriptor().is_some();
        let Some((stack, server)) = connection.stack.as_ref().zip(self.servers.at_mut(connection.server)) else {
            return false;
        };
        let idle = match &stack.protocol {
            Protocol::Http1(http) => http.is_idle() && !http.wants_room,
            // A client's: its pool keeps the time.
            Protocol::Raw(_) | Protocol::Client(_) => false,
        };
        let empty = stack.output.is_empty()
            && stack.output.memory() == 0
            && stack.backlog.capacity() == 0
            && stack.finishing.is_empty();
        let layers = connection.layers.as_ref();
        let silent = layers.is_none_or(|layers| !layers.is_opening() && !layers.has_output());
        if !(usual && idle && empty && silent) || server.closing {
            return false;
        }
        let (what, at_ms) = idle_deadline(self.from_ms, &server.options);
        if at_ms > self.now_ms {
            connection.flags &= !conn::OVERDUE;
        }
        if connection.set_deadline(what, at_ms) {
            self.wheel.schedule(id.slot(), at_ms);
        }
        if let Some(stack) = connection.stack.take() {
            self.recycle(stack);
        }
        true
    }

    /// As [`rests`](Self::rests), of a tunnel that is read: it keeps its stack, and nothing about it changes.
    pub(super) fn tunnel_rests(&self, id: Id) -> bool {
        const USUAL: u32 = conn::SEEN_BYTES
            | conn::CLIENT_COUNTED
            | conn::SECURE
            | conn::RAW
            | conn::OPENED
            | conn::BULK
            | conn::LEVEL;
        let Some(connection) = self.connections.get(id) else {
            return false;
        };
        let Some(stack) = connection.stack.as_ref() else {
            return false;
        };
        let Protocol::Raw(stream) = stack.protocol else {
            return false;
        };
        let usual = connection.flags & !USUAL == 0
            && connection.is_watched_as_usual()
            && connection.deadline == Deadline::None
            && connection.memory == 0
            && connection.layers.is_none();
        let empty = stack.output.is_empty()
            && stack.output.memory() == 0
            && stack.backlog.capacity() == 0
            && stack.finishing.is_empty();
        let read = |stream: &Stream| {
            stream.wants_bytes() && stream.stash.capacity() == 0 && !stream.has(flag::WANTS_DRAIN | flag::DIALLING)
        };
        usual && empty && !self.memory.is_pressed() && self.streams.get(stream).is_some_and(read)
    }
}
