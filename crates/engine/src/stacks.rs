//! What a connection needs only while it is not idle: its stack, and the receive buffer that all share.

use crate::connection::{Stack, flag as conn};
use crate::engine::Engine;
use crate::id::Id;
use crate::pace::Pace;
use crate::protocol::{Http1, Protocol};
use millrace_net::ReceiveBuffer;

/// How many stacks are kept for reuse.
const KEPT_STACKS: usize = 1024;

impl<V: Copy> Engine<V> {
    /// The stack of a connection, for the time of one piece of work; an idle connection gets a fresh one.
    pub(crate) fn take_stack(&mut self, id: Id) -> Option<Box<Stack>> {
        let connection = self.connections.get_mut(id)?;
        if let Some(stack) = connection.stack.take() {
            return Some(stack);
        }
        let (server, first) = (connection.server, !connection.has(conn::SEEN_BYTES));
        connection.flags |= conn::SEEN_BYTES;
        let socket = connection.link.descriptor().is_some();
        let mut stack = match connection.has(conn::CLIENT) {
            true => self.fresh_client_stack(),
            false => self.fresh_stack(server),
        };
        stack.progress_ms = self.from_ms;
        if first && socket {
            self.lay_layers(id, server);
        }
        Some(stack)
    }

    pub(crate) fn give_stack(&mut self, id: Id, stack: Box<Stack>) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.stack = Some(stack);
        }
    }

    /// Gives a connection its stack back, and marks it for the next flush.
    #[inline]
    pub(crate) fn give_stack_and_touch(&mut self, id: Id, stack: Box<Stack>) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.stack = Some(stack);
            if !connection.has(conn::DIRTY) {
                connection.flags |= conn::DIRTY;
                self.dirty.push(id);
            }
        }
    }

    /// The shared receive buffer, for the time of one read.
    pub(crate) fn take_receive_buffer(&mut self) -> ReceiveBuffer {
        std::mem::take(&mut self.receive)
    }

    pub(crate) fn give_receive_buffer(&mut self, buffer: ReceiveBuffer) {
        self.receive = buffer;
    }

    /// A stack for a connection that stops being idle.
    pub(crate) fn fresh_stack(&mut self, server: u32) -> Box<Stack> {
        let options = match self.servers.at(server) {
            Some((_, server)) => server.options,
            None => Default::default(),
        };
        let limits = options.head;
        if let Some(mut stack) = self.stacks.pop() {
            if let Protocol::Http1(http) = &mut stack.protocol {
                if http.limits != limits {
                    http.parser.reset(limits);
                    http.limits = limits;
                }
                http.reader.pace = Pace::new();
            }
            return stack;
        }
        Box::new(Stack::new(crate::protocol::Protocol::Http1(Box::new(Http1::new(
            limits,
        )))))
    }

    /// A stack for a tunnel.
    pub(crate) fn raw_stack(&self, stream: Id) -> Box<Stack> {
        Box::new(Stack::new(crate::protocol::Protocol::Raw(stream)))
    }

    /// Keeps the stack of a connection that has become idle.
    pub(crate) fn recycle(&mut self, mut stack: Box<Stack>) {
        let stacks = match stack.protocol {
            Protocol::Client(_) => &mut self.clients.stacks,
            _ => &mut self.stacks,
        };
        stack.sent = 0;
        if stacks.len() < KEPT_STACKS {
            stacks.push(stack);
        }
    }
}
