//! Servers: what one is, and what its host asks of it.
//!
//! `listen` opens one; `accept` makes connections of who comes, if its `gate` lets them in; `turned_away` answers those
//! who may not; `pause` rests when the process has no descriptors left; `closing` ends it.

mod accept;
mod closing;
mod forwarded;
pub(crate) mod gate;
mod listen;
mod pause;
pub(crate) mod refusals;
pub(crate) mod stats;
mod turned_away;

pub use listen::ListenOn;

use crate::connection::Deadline;
use crate::engine::Engine;
use crate::id::Id;
use crate::options::{ProxyProtocol, ServerKind, ServerOptions};
use crate::server::gate::Gate;
use crate::server::stats::ServerStats;
use millrace_metrics::Gauge;
use millrace_net::socket::{self};
use millrace_tls::ServerContext;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::Arc;

/// One server.
pub(crate) struct Server {
    pub options: ServerOptions,
    pub stats: ServerStats,
    pub gate: Gate,
    /// What TLS connections are made of; `None`: plain ones.
    pub tls: Option<Arc<ServerContext>>,
    pub listener: Option<OwnedFd>,
    /// Others may listen on its port beside it.
    pub reuse_port: bool,
    unix: bool,
    /// The socket file to remove.
    pub file: Option<PathBuf>,
    /// Accepting pauses until then; 0: it does not.
    pub paused_until: u64,
    /// Closing, what is on its way to the listener is still taken until then; 0: it is not.
    pub leaves_at: u64,
    /// That it pauses is not said again before.
    quiet_until: u64,
    /// How many connections one look at its queue takes.
    crowd: usize,
    /// Which look at the poller told of connections last.
    accepted_in: u32,
    /// `close` was called.
    pub closing: bool,
    /// For how long an idle connection of a closing server may bring a request.
    pub farewell_ms: u64,
    pub finished: u64,
    pub forced: u64,
}

impl Server {
    /// What a connection that begins may take time for first, and how long. Of a raw listener nothing where its
    /// connections are tunnels at once.
    fn first_deadline(&self) -> (Deadline, u64) {
        let first = match self.tls.is_some() {
            true => (Deadline::Handshake, self.options.tls_handshake_timeout_ms),
            false if self.options.kind == ServerKind::Raw && self.opens_at_once() => (Deadline::None, 0),
            false => (Deadline::Headers, self.options.headers_timeout_ms),
        };
        if first.1 == 0 { (Deadline::None, 0) } else { first }
    }

    /// Whether a client that is refused at the door can be told in HTTP: an answer in the clear is of no use before a
    /// handshake, and one that is sealed costs the handshake; a raw listener has none.
    fn answers_in_the_clear(&self) -> bool {
        self.tls.is_none() && self.options.kind == ServerKind::Http1
    }

    /// Whether its connections have no layer that has to open them.
    fn has_no_layers(&self) -> bool {
        self.opens_at_once() && !matches!(self.options.kind, ServerKind::Proxy { .. })
    }

    /// Whether nothing that its connections send is for a layer that has to open them.
    fn opens_at_once(&self) -> bool {
        self.tls.is_none() && self.options.proxy_protocol == ProxyProtocol::Off
    }
}

/// What counts the listening servers of a kind.
pub(crate) fn listeners_gauge(kind: ServerKind) -> Gauge {
    match kind {
        ServerKind::Raw => Gauge::SocketsListeners,
        ServerKind::Http1 | ServerKind::Proxy { .. } => Gauge::HttpServerListeners,
    }
}

impl<V: Copy> Engine<V> {
    /// Has a server speak TLS on the connections that it accepts from now on, or not any more.
    pub fn set_tls(&mut self, id: f64, tls: Option<Arc<ServerContext>>) -> bool {
        let server = Id::from_f64(id).and_then(|id| self.servers.get_mut(id));
        server.map(|server| server.tls = tls).is_some()
    }

    /// The address a server is bound to; `None` for a Unix socket, a stale id or no listener.
    pub fn server_address(&self, id: f64) -> Option<SocketAddr> {
        let server = self.servers.get(Id::from_f64(id)?)?;
        socket::local_addr(server.listener.as_ref()?.as_raw_fd()).ok()?.addr()
    }

    /// The listener of a server, for another process to inherit; `None` when it has none. From now on the file of a Unix
    /// socket stays when the server closes: it is the next one's.
    pub fn hand_over(&mut self, id: f64) -> Option<RawFd> {
        let server = self
            .servers
            .get_mut(Id::from_f64(id)?)
            .filter(|server| !server.closing)?;
        let listener = server.listener.as_ref()?.as_raw_fd();
        server.file = None;
        Some(listener)
    }

    /// The counts of a server.
    pub fn server_stats(&mut self, id: f64) -> Option<&ServerStats> {
        let second = self.now_ms / 1_000;
        let server = self.servers.get_mut(Id::from_f64(id)?)?;
        server.stats.rate.roll(second);
        Some(&server.stats)
    }
}
