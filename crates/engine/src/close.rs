//! The ends of connections: every way out passes here, so nothing is left behind. `abort` ends what they carried,
//! `faults` counts why.

use crate::connection::flag as conn;
use crate::dial::NO_SERVER;
use crate::engine::Engine;
use crate::id::Id;
use crate::link::Link;
use crate::protocol::Protocol;
use crate::stream::flag;
use millrace_error::{Code, Error, Kind};
use millrace_http1::BodyFraming;
use millrace_metrics::{Counter, Gauge};

/// What counts the open connections of a server.
pub(crate) fn connections_gauge(raw: bool) -> Gauge {
    match raw {
        true => Gauge::SocketsAcceptedOpen,
        false => Gauge::HttpServerConnections,
    }
}

impl<V: Copy> Engine<V> {
    /// Destroys an exchange, and with it an HTTP/1 connection.
    pub fn destroy(&mut self, id: f64) -> bool {
        let Some(connection) = Id::from_f64(id)
            .and_then(|id| self.streams.get(id))
            .map(|stream| stream.connection)
        else {
            return false;
        };
        let over = flag::REQUEST_ENDED | flag::RESPONSE_ENDED;
        match Id::from_f64(id).and_then(|id| self.streams.get(id).map(|stream| (id, stream.flags))) {
            // Complete, and read late: its connection may be another exchange's by now.
            Some((id, flags)) if flags & (over | flag::RAW) == over => self.drop_unless_owed(id),
            Some((id, flags)) if flags & flag::EXCHANGE != 0 => self.cancel_exchange(id, &Code::Destroyed.into()),
            _ => self.close(connection, Code::Destroyed.into()),
        }
        true
    }

    /// For tests: makes the connection of a stream panic when it is next processed.
    pub fn plant_panic(&mut self, id: f64) -> bool {
        let stream = Id::from_f64(id)
            .and_then(|id| self.streams.get(id))
            .map(|stream| stream.connection);
        let Some(connection) = stream.and_then(|id| self.connections.get_mut(id)) else {
            return false;
        };
        connection.flags |= conn::PANIC;
        true
    }

    /// Ends a connection now: its exchanges are aborted with the error, its descriptor is closed.
    pub(crate) fn close(&mut self, id: Id, error: Error) {
        if let Some(connection) = self
            .connections
            .get(id)
            .filter(|connection| connection.has(conn::RELAY))
        {
            return self.end_relay(connection.relay, Some(error));
        }
        let cut = self.is_cut_by_close(id);
        self.count_left(id, &error);
        let orderly = !cut && !matches!(error.code.kind(), Kind::Protocol | Kind::Bug);
        self.last_words(id, orderly);
        let mut finishing = Vec::new();
        if let Some(stack) = self
            .connections
            .get_mut(id)
            .and_then(|connection| connection.stack.as_mut())
        {
            finishing = std::mem::take(&mut stack.finishing);
            let receiving = match &stack.protocol {
                Protocol::Http1(http) => http.receiving,
                Protocol::Client(_) => None,
                Protocol::Raw(stream) => Some(*stream),
            };
            // One that still receives and is read is told by `abort_all`.
            let read = receiving.filter(|id| self.streams.get(*id).is_some_and(|stream| stream.is_read()));
            finishing.retain(|stream| Some(*stream) != read);
        }
        self.abort_all(id, &error);
        let Some(mut connection) = self.connections.remove(id) else {
            return;
        };
        if let Some(fd) = connection.link.descriptor() {
            self.poller.remove(fd, id.as_u64());
        }
        self.wheel.cancel(id.slot());
        self.memory.account.release(connection.memory as usize);
        if let Some(mut layers) = connection.layers.take() {
            layers.clear(&mut self.pool);
        }
        if connection.has(conn::RAW) && !connection.has(conn::OPENED) {
            self.metrics.add(Counter::SocketsAcceptFailures, 1);
            if let Some(server) = self.servers.at_mut(connection.server) {
                server.stats.errors += 1;
            }
        }
        if let Some(mut stack) = connection.stack.take() {
            for fd in stack.dial.iter().flat_map(|dial| dial.attempts()) {
                self.poller.remove(fd, id.as_u64());
            }
            stack.dial = None;
            let released = &mut self.released;
            stack.output.clear(&mut self.pool, |pin| released.push(pin));
            if let Protocol::Client(client) = &mut stack.protocol {
                client.order.clear();
                client.unproven = false;
                client.paused_ms = 0;
                stack.backlog = Vec::new();
                self.recycle(stack);
            } else if let Protocol::Http1(http) = &mut stack.protocol {
                // Taken over by a later connection as if new.
                let limits = http.limits;
                http.parser.reset(limits);
                http.order.clear();
                (http.receiving, http.unsafe_owed, http.held, http.began_ms) = (None, 0, None, 0);
                (http.dangling, http.late) = (false, false);
                (http.heads, http.waiting, http.wants_room) = (0, 0, false);
                http.paused_ms = 0;
                stack.backlog = Vec::new();
                self.recycle(stack);
            }
        }
        for stream in finishing {
            self.told_aborted(stream, &error);
            self.drop_stream(stream);
        }
        let client = connection.has(conn::CLIENT);
        let handle = client.then(|| connection.take_handle()).flatten();
        let counted = !connection.has(conn::REFUSED);
        let server = connection.server;
        let client = connection.peer.addr().map(|addr| addr.ip());
        let client = client.filter(|_| connection.has(conn::CLIENT_COUNTED));
        let raw = connection.has(conn::RAW);
        let link = connection.link;
        let entered = link.descriptor().is_some();
        if let Link::Memory(memory) = link {
            self.injection_ended(*memory, &error);
        } else {
            if cut || error.code.kind() == Kind::Protocol || error.code == Code::Bug {
                // Bytes that we do not want any more must not look like a clean end.
                if let Some(fd) = link.descriptor() {
                    let _ = millrace_net::socket::set_linger_zero(fd);
                }
            }
            drop(link);
        }
        if server == NO_SERVER {
            self.metrics.gauge_add(Gauge::SocketsConnected, -1);
        }
        if let Some((handle, _)) = handle.and_then(|slot| self.streams.at(slot)) {
            self.client_gone(handle, &error);
        }
        let Some((server_id, _)) = self.servers.at(server) else {
            return;
        };
        if counted {
            self.metrics.gauge_add(connections_gauge(raw), -1);
            if let Some(server) = self.servers.get_mut(server_id) {
                server.stats.active -= 1;
                if entered {
                    server.gate.leave(client);
                }
            }
        }
        self.server_maybe_closed(server_id);
    }

    /// The peer left while an answer that was queued whole was still being sent: its exchange is over for everybody else.
    fn count_left(&mut self, id: Id, error: &Error) {
        if !matches!(error.code, Code::ConnectionClosed | Code::ConnectionReset) {
            return;
        }
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        let sealed = connection.layers.as_ref().is_some_and(|layers| layers.has_output());
        let Some(stack) = connection.stack.as_ref() else { return };
        let Protocol::Http1(http) = &stack.protocol else { return };
        // What waits may be the part of an answer that has not ended: `abort_stream` counts that one.
        let front = http.order.front().and_then(|front| self.streams.get(*front));
        let begun = front.is_some_and(|stream| stream.has(flag::HEAD_SENT));
        let opened = connection.requests > 0;
        if begun || !opened || (stack.output.is_empty() && !sealed) {
            return;
        }
        self.metrics.add(Counter::HttpServerAborted, 1);
        if let Some(server) = self.servers.at_mut(connection.server) {
            server.stats.aborted += 1;
        }
    }

    /// Whether closing now leaves an answer that is not with the kernel, or one that only the close would delimit.
    fn is_cut_by_close(&self, id: Id) -> bool {
        if self
            .connections
            .get(id)
            .is_some_and(|connection| connection.has(conn::CUT))
        {
            return true;
        }
        let stack = self
            .connections
            .get(id)
            .and_then(|connection| connection.stack.as_ref());
        stack.is_some_and(|stack| {
            let Protocol::Http1(http) = &stack.protocol else {
                return !stack.output.is_empty();
            };
            let front = http.order.front().and_then(|front| self.streams.get(*front));
            !stack.output.is_empty() || front.is_some_and(|stream| stream.framing == BodyFraming::UntilClose)
        })
    }
}
