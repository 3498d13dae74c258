//! Errors that peers cause: what each counts, in metrics, in a server's numbers and against the client.

use crate::connection::flag as conn;
use crate::engine::Engine;
use crate::id::Id;
use millrace_error::{Code, Error, Kind};
use millrace_metrics::Counter;

impl<V: Copy> Engine<V> {
    /// Counts an error that a peer caused.
    pub(crate) fn count_error(&mut self, id: Id, error: &Error) {
        let (counter, timeout) = match error.code {
            Code::HttpTargetTooLarge => (Some(Counter::LimitExceededMaxUrlSize), None),
            Code::HttpHeadersTooLarge => (Some(Counter::LimitExceededMaxHeaderSize), None),
            Code::HttpTooManyFields => (Some(Counter::LimitExceededMaxHeaderFields), None),
            Code::HttpBodyTooLarge => (Some(Counter::LimitExceededMaxBodySize), None),
            Code::CollectedTooLarge => (Some(Counter::LimitExceededMaxCollectedSize), None),
            Code::HttpChunkExtensionsTooLarge => (Some(Counter::LimitExceededChunkExtensions), None),
            Code::ClientConnectionsLimit => (Some(Counter::LimitExceededMaxConnectionsPerIp), None),
            Code::MemoryLimit => (Some(Counter::LimitExceededMaxMemory), None),
            Code::ClientDenied => (Some(Counter::LimitExceededDeny), None),
            Code::ClientReputation => (Some(Counter::LimitExceededReputation), None),
            Code::RateLimited => (Some(Counter::LimitExceededRateLimits), None),
            Code::HttpTrailersTooLarge => (Some(Counter::LimitExceededTrailers), None),
            Code::HeadersTimeout => (Some(Counter::HttpServerTimeoutsHeaders), Some(0)),
            Code::BodyTimeout => (Some(Counter::HttpServerTimeoutsBody), Some(1)),
            Code::RequestTimeout => (Some(Counter::HttpServerTimeoutsRequest), Some(2)),
            Code::WriteTimeout => (Some(Counter::HttpServerTimeoutsSend), Some(3)),
            Code::KeepAliveTimeout => (Some(Counter::HttpServerTimeoutsIdle), Some(4)),
            Code::ReceiveRate => (Some(Counter::HttpServerTimeoutsReceiveRate), Some(5)),
            Code::SendRate => (Some(Counter::HttpServerTimeoutsSendRate), Some(6)),
            Code::TlsHandshakeTimeout => (Some(Counter::HttpServerTimeoutsTlsHandshake), Some(7)),
            _ => (None, None),
        };
        let fault = matches!(error.code.kind(), Kind::Protocol | Kind::Limit);
        let connection = self.connections.get(id);
        let raw = connection.is_some_and(|connection| connection.has(conn::RAW));
        let place = connection.map(|connection| (connection.server, connection.peer));
        match counter {
            // The timeouts of requests are not its own.
            Some(_) if raw && timeout.is_some() => {}
            Some(counter) => self.metrics.add(counter, 1),
            None => {}
        }
        if fault && !raw {
            self.metrics.add(Counter::HttpServerRequestErrors, 1);
        }
        let Some((slot, peer)) = place else { return };
        let tell = self.log.failed(peer, error);
        self.tell_log(tell);
        if let Some(server) = self.servers.at_mut(slot) {
            server
                .gate
                .blame(peer.addr().map(|addr| addr.ip()), error.code, self.now_ms);
            server.stats.errors += u64::from(fault && !raw);
            if let Some(which) = timeout {
                server.stats.timeouts[which] += 1;
            }
        }
    }
}
