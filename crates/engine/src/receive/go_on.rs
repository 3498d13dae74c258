//! Going on with what was received before: a backlog, a held head, an end that waited behind bytes.

use crate::connection::{Connection, Stack, flag as conn};
use crate::engine::Engine;
use crate::event::Host;
use crate::id::Id;
use crate::protocol::Protocol;
use millrace_error::Error;

impl<V: Copy> Engine<V> {
    /// Goes on with what was received before: a backlog, a held head, a body that is wanted now.
    pub(crate) fn go_on<H: Host<Value = V>>(&mut self, host: &mut H, id: Id) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        assert!(!connection.has(conn::PANIC), "a test asked for this panic");
        if connection.has(conn::LEAN) {
            return;
        }
        if connection.has(conn::CONNECTING) {
            return self.go_on_connecting(host, id);
        }
        if connection.stack.is_none() {
            return self.look_at_idle(host, id);
        }
        if self.is_opening(id) {
            // A certificate was chosen.
            return self.feed(host, id, &[]);
        }
        let Some(mut stack) = self.take_stack(id) else { return };
        let backlog = std::mem::take(&mut stack.backlog);
        let outcome = match stack.protocol {
            Protocol::Http1(_) => {
                self.deliver_all(host, &stack);
                self.http1_bytes(host, id, &mut stack, &backlog)
            }
            Protocol::Client(_) => {
                self.deliver_all(host, &stack);
                self.client_bytes(host, id, &mut stack, &backlog)
            }
            Protocol::Raw(stream) => {
                self.raw_bytes(host, stream, &backlog);
                Ok(())
            }
        };
        let outcome = outcome.and_then(|()| self.end_if_due(host, id, &mut stack));
        self.give_stack(id, stack);
        match outcome {
            Ok(()) => self.touch(id),
            Err(error) => self.close(id, error),
        }
    }

    /// Tells the protocol of an end that waited behind bytes, once they are read.
    fn end_if_due<H: Host<Value = V>>(&mut self, host: &mut H, id: Id, stack: &mut Stack) -> Result<(), Error> {
        let due = !stack.has_unread();
        let waiting = |connection: &&mut Connection| due && connection.has(conn::END_WAITS);
        let Some(connection) = self.connections.get_mut(id).filter(waiting) else {
            return Ok(());
        };
        connection.flags &= !conn::END_WAITS;
        self.protocol_ended(host, id, stack)
    }

    /// An idle connection of a closing server: a request that is in its socket already is served.
    fn look_at_idle<H: Host<Value = V>>(&mut self, host: &mut H, id: Id) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        if connection.has(conn::LINGERING) {
            return;
        }
        if let Some(fd) = connection.link.descriptor().filter(|_| !connection.has(conn::DELAYED)) {
            self.read(host, id, fd);
        }
        self.touch(id);
    }
}
