//! Connections that may not come in: counted, told in HTTP where that is possible, closed.

use crate::connection::{Deadline, flag as conn};
use crate::engine::Engine;
use crate::id::Id;
use crate::link::Link;
use crate::options::{LINGER_MS, ServerKind};
use crate::server::Server;
use millrace_error::{Code, Error};
use millrace_metrics::Counter;
use millrace_net::Peer;
use millrace_net::socket::{self};

pub(super) const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\nRetry-After: 1\r\n\r\n";
const DENIED: &[u8] = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

impl<V: Copy> Engine<V> {
    pub(super) fn refused(&mut self, id: Id) {
        let raw = self
            .servers
            .get(id)
            .is_some_and(|server| server.options.kind == ServerKind::Raw);
        let counter = match raw {
            true => Counter::SocketsRefused,
            false => Counter::HttpServerConnectionsRefused,
        };
        self.metrics.add(counter, 1);
        if let Some(server) = self.servers.get_mut(id) {
            server.stats.refused += 1;
        }
    }

    /// Answers a connection that may not enter and closes it, lingering so that the answer arrives.
    pub(super) fn refuse(&mut self, server: Id, link: Link, peer: Peer, error: &Error) {
        self.refused(server);
        let tell = self.log.refused(peer, error);
        self.tell_log(tell);
        let (counter, answer) = match error.code {
            Code::MemoryLimit => (Counter::LimitExceededMaxMemory, BUSY),
            Code::ClientDenied => (Counter::LimitExceededDeny, DENIED),
            Code::ClientReputation => (Counter::LimitExceededReputation, BUSY),
            Code::ClientConnectionsLimit => (Counter::LimitExceededMaxConnectionsPerIp, BUSY),
            _ => (Counter::LimitExceededMaxConnections, BUSY),
        };
        self.metrics.add(counter, 1);
        let answers = self.servers.get(server).is_some_and(Server::answers_in_the_clear);
        if let Some(fd) = link.descriptor().filter(|_| answers) {
            let sent = socket::send(fd, answer).is_ok();
            if sent && socket::shutdown_write(fd).is_ok() {
                let flags = conn::REFUSED | conn::LINGERING | conn::CLOSING | conn::WRITE_CLOSED;
                self.adopt_link(server, link, peer, flags, Deadline::Linger, LINGER_MS);
            }
        }
    }
}
