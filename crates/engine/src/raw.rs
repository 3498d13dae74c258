//! Tunnels: bytes as they are, after an upgrade or CONNECT. Each side ends on its own.

use crate::connection::flag as conn;
use crate::dial::NO_SERVER;
use crate::engine::Engine;
use crate::event::Host;
use crate::id::Id;
use crate::stream::flag;
use millrace_metrics::Gauge;

impl<V: Copy> Engine<V> {
    /// Bytes of the peer.
    pub(crate) fn raw_bytes<H: Host<Value = V>>(&mut self, host: &mut H, stream: Id, bytes: &[u8]) {
        if !bytes.is_empty() {
            // A tunnel has no body limit and collects nothing: this cannot fail.
            let _ = self.take_body(host, stream, bytes, false);
        }
        self.deliver(host, stream);
    }

    /// The peer's FIN.
    pub(crate) fn raw_ended<H: Host<Value = V>>(&mut self, host: &mut H, id: Id) {
        if let Some(stream) = self.streams.get_mut(id) {
            stream.flags |= flag::REQUEST_ENDED;
        }
        self.deliver(host, id);
    }

    /// Our side of a tunnel has said all it wants to.
    pub(crate) fn end_raw(&mut self, id: Id, finish: bool) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        stream.flags |= flag::RESPONSE_ENDED;
        let (connection, server) = (stream.connection, stream.server);
        if server != NO_SERVER {
            self.metrics.gauge_add(Gauge::HttpServerActiveRequests, -1);
        }
        if let Some(server) = self.servers.at_mut(server) {
            server.stats.requests_active -= 1;
            server.finished += u64::from(server.closing);
        }
        if let Some(connection) = self.connections.get_mut(connection) {
            connection.flags |= conn::END_WRITES;
            if let (true, Some(stack)) = (finish, connection.stack.as_mut()) {
                stack.finishing.push(id);
            }
        }
        self.touch(connection);
    }

    /// Whether both sides of a tunnel are over and its reader has been told.
    pub(crate) fn raw_over(&self, id: Id) -> bool {
        self.streams.get(id).is_none_or(|stream| {
            stream.has(flag::RESPONSE_ENDED) && stream.has(flag::REQUEST_ENDED) && stream.has(flag::END_TOLD)
        })
    }
}
