//! What the poller says of a connection's socket, and what follows: a read, a write that goes on, an end.

use crate::connection::flag as conn;
use crate::engine::Engine;
use crate::event::Host;
use crate::id::Id;
use crate::protocol::Protocol;
use crate::receive::read::read_error;
use crate::stream::flag;
use millrace_error::Code;
use millrace_net::socket;
use millrace_net::{Interest, ReadyFlags};

impl<V: Copy> Engine<V> {
    pub(crate) fn handle_socket<H: Host<Value = V>>(&mut self, host: &mut H, id: Id, ready: ReadyFlags) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        assert!(!connection.has(conn::PANIC), "a test asked for this panic");
        if connection.has(conn::CONNECTING) {
            return self.connected(host, id);
        }
        if connection.has(conn::LEAN) {
            return self.relay_ready(id, ready);
        }
        let Some(fd) = connection.link.descriptor() else { return };
        if connection.has(conn::LINGERING) {
            return self.drain(id);
        }
        let connection_shakes_hands = connection.has(conn::HANDSHAKING);
        let told_once = connection.interest.contains(Interest::EDGE);
        if told_once && ready != ReadyFlags::READABLE {
            self.watch_by_level(id);
        }
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        if ready.is_writable() && connection.has(conn::BLOCKED) {
            connection.flags &= !conn::BLOCKED;
            if let Some(Protocol::Http1(http)) = connection.stack.as_mut().map(|stack| &mut stack.protocol) {
                http.reader.pace.stop(self.now_ms);
            }
            self.touch(id);
        }
        if ready.is_readable() {
            if connection_shakes_hands && !self.may_shake_hands(id) {
                return self.watch_by_level(id);
            }
            if self.wants_read(id) {
                self.read(host, id, fd);
                return;
            }
            // Not any more, for want of memory: the poller is to say no more of it.
            self.watch_by_level(id);
            self.touch(id);
        }
        if ready.is_closed() {
            let error = match socket::take_error(fd) {
                Ok(Some(error)) => read_error(&error),
                _ if self.tunnel_has_more(id) => return self.read_rest(host, id, fd),
                _ => Code::ConnectionClosed.into(),
            };
            return self.close(id, error);
        }
        if ready.is_hangup() {
            self.hung_up(host, id);
        }
    }

    /// Whether a tunnel's reader has not been given all that the peer said.
    fn tunnel_has_more(&self, id: Id) -> bool {
        let stack = self
            .connections
            .get(id)
            .and_then(|connection| connection.stack.as_ref());
        match stack.map(|stack| &stack.protocol) {
            Some(Protocol::Raw(stream)) => self
                .streams
                .get(*stream)
                .is_some_and(|stream| !stream.has(flag::END_TOLD)),
            Some(Protocol::Client(client)) => !client.order.is_empty(),
            _ => false,
        }
    }

    /// Both directions are shut and the reader is slow. The poller says so whatever is asked of it: so what the kernel
    /// still holds, which is bounded, is read without regard to credit; after that the descriptor is not watched.
    fn read_rest<H: Host<Value = V>>(&mut self, host: &mut H, id: Id, fd: std::os::fd::RawFd) {
        match self.connections.get_mut(id) {
            Some(connection) if connection.has(conn::READ_CLOSED) => {
                connection.flags |= conn::UNWATCHED;
                self.poller.remove(fd, id.as_u64());
            }
            _ => {
                self.read(host, id, fd);
            }
        }
    }

    /// The peer shut its side while we are not reading.
    fn hung_up<H: Host<Value = V>>(&mut self, host: &mut H, id: Id) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.flags |= conn::HANGUP_SEEN;
        let Some(stack) = connection.stack.take() else {
            return self.touch(id);
        };
        // One that asks a proxy for a tunnel and ends its side at once has said what it has to say: it waits.
        if let Protocol::Http1(http) = &stack.protocol {
            self.tell_left(http.order.iter().copied().collect());
        }
        let tunnel = matches!(stack.protocol, Protocol::Raw(_));
        self.give_stack(id, stack);
        if tunnel {
            self.look_for_end(host, id);
        }
        self.touch(id);
    }
}
