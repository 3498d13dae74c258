//! Servers: their listeners, the accept loop, their counts.

use crate::close::connections_gauge;
use crate::connection::{Connection, Deadline, flag as conn};
use crate::engine::{Engine, LISTENER_TOKEN};
use crate::gate::{Entered, Gate};
use crate::id::Id;
use crate::link::Link;
use crate::options::{
    ACCEPT_BUDGET, ACCEPT_PAUSE_MS, ACCEPT_QUIET_MS, LINGER_MS, ProxyProtocol, ServerKind, ServerOptions,
};
use crate::settle::ORDINARY;
use crate::stats::ServerStats;
use millrace_error::{Code, Error};
use millrace_metrics::{Counter, Gauge};
use millrace_net::socket::{self, AcceptError};
use millrace_net::{Interest, ListenTcp, Peer};
use millrace_tls::ServerContext;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::Arc;

const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\nRetry-After: 1\r\n\r\n";
const DENIED: &[u8] = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Where a server listens.
#[derive(Clone, Debug)]
pub enum ListenOn {
    /// A TCP port.
    Tcp {
        /// Address and port; port 0 lets the system choose.
        addr: SocketAddr,
        /// SO_REUSEPORT.
        reuse_port: bool,
        /// IPV6_V6ONLY.
        ipv6_only: bool,
    },
    /// A Unix socket.
    Unix(PathBuf),
    /// A listening socket that somebody else made; we listen on a copy of the descriptor.
    Inherited(Arc<OwnedFd>),
    /// Nowhere: injected requests only.
    Nowhere,
}

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
    /// Starts a server.
    pub fn listen(&mut self, on: &ListenOn, backlog: i32, options: ServerOptions) -> Result<Id, Error> {
        let mut file = None;
        let mut unix = matches!(on, ListenOn::Unix(_));
        let listener = match on {
            ListenOn::Nowhere => None,
            ListenOn::Inherited(fd) => {
                let seen = socket::inherit(fd.as_fd()).map_err(|error| Error::system("listen", &error))?;
                if !seen.listens {
                    return Err(Code::InvalidArgument.into());
                }
                unix = seen.unix;
                Some(fd.try_clone().map_err(|error| Error::system("fcntl", &error))?)
            }
            ListenOn::Tcp {
                addr,
                reuse_port,
                ipv6_only,
            } => {
                let options = ListenTcp {
                    addr: *addr,
                    backlog,
                    reuse_port: *reuse_port,
                    ipv6_only: *ipv6_only,
                };
                Some(socket::listen_tcp(&options).map_err(|error| Error::system("listen", &error))?)
            }
            ListenOn::Unix(path) => {
                let fd = socket::listen_unix(path, backlog).map_err(|error| Error::system("listen", &error))?;
                file = (!path.as_os_str().as_encoded_bytes().starts_with(b"\0")).then(|| path.clone());
                Some(fd)
            }
        };
        if let (Some(fd), false) = (&listener, unix) {
            socket::tune_listener(fd.as_fd(), &options.socket).map_err(|error| Error::system("setsockopt", &error))?;
        }
        let raw = listener.as_ref().map(AsRawFd::as_raw_fd);
        let server = Server {
            options,
            stats: ServerStats::default(),
            gate: Gate::with_total(options.max_connections),
            tls: None,
            listener,
            reuse_port: matches!(on, ListenOn::Tcp { reuse_port: true, .. }),
            unix,
            file,
            paused_until: 0,
            leaves_at: 0,
            quiet_until: 0,
            closing: false,
            farewell_ms: 0,
            finished: 0,
            forced: 0,
        };
        let id = self.servers.insert(server).ok_or(Error::new(Code::ConnectionsLimit))?;
        if let Some(fd) = raw {
            if let Err(error) = self.poller.add(fd, id.as_u64() | LISTENER_TOKEN, Interest::READ) {
                self.servers.remove(id);
                return Err(Error::system("epoll_ctl", &error));
            }
        }
        self.metrics.gauge_add(listeners_gauge(options.kind), 1);
        Ok(id)
    }

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

    /// What a server had counted when it closed: once, to whoever heard of it by `ServerClosed`.
    pub fn last_counts(&mut self, id: f64) -> Option<ServerStats> {
        let id = Id::from_f64(id)?;
        let at = self.last_counts.iter().position(|(closed, _)| *closed == id)?;
        Some(self.last_counts.swap_remove(at).1)
    }

    /// Takes connections from the queue, within the budget; says whether the budget ended it.
    pub(crate) fn accept(&mut self, id: Id) -> bool {
        for _ in 0..ACCEPT_BUDGET {
            let Some(server) = self.servers.get(id) else {
                return false;
            };
            let unix = server.unix;
            let Some(listener) = server.listener.as_ref().map(AsRawFd::as_raw_fd) else {
                return false;
            };
            match socket::accept(listener) {
                Ok(accepted) => self.accepted(id, accepted.fd, accepted.peer, unix),
                Err(AcceptError::Retry(_)) => {}
                Err(AcceptError::WouldBlock) => return false,
                Err(AcceptError::Exhausted(error)) => {
                    let answer = if server.answers_in_the_clear() { BUSY } else { b"" };
                    if self.spare.refuse_one(listener, answer) {
                        self.refused(id);
                    }
                    self.pause_accepting(id, listener, &error);
                    return false;
                }
                Err(AcceptError::Fatal(error)) => {
                    self.pause_accepting(id, listener, &error);
                    return false;
                }
            }
        }
        true
    }

    /// Makes a connection of a socket that is connected already, as if it had been accepted.
    ///
    /// # Errors
    /// What is wrong with the socket or the server; the descriptor is given back, as it was.
    pub fn adopt(&mut self, server: f64, fd: OwnedFd) -> Result<(), (Error, OwnedFd)> {
        let id = Id::from_f64(server).filter(|id| self.servers.get(*id).is_some_and(|server| !server.closing));
        let Some(id) = id else {
            return Err((Code::ServerClosed.into(), fd));
        };
        match socket::inherit(fd.as_fd()) {
            Ok(seen) if seen.listens => Err((Code::InvalidArgument.into(), fd)),
            Ok(seen) => {
                let no_delay = self
                    .servers
                    .get(id)
                    .is_some_and(|server| server.options.socket.no_delay);
                if !seen.unix && no_delay {
                    // A peer that has gone already is noticed at the first read.
                    let _ = socket::set_nodelay(fd.as_raw_fd(), true);
                }
                self.accepted(id, fd, seen.peer, seen.unix);
                Ok(())
            }
            Err(error) => Err((Error::system("getsockopt", &error), fd)),
        }
    }

    fn accepted(&mut self, id: Id, fd: OwnedFd, peer: Peer, unix: bool) {
        let link = if unix { Link::Unix(fd) } else { Link::Tcp(fd) };
        let entered = self.enter(id, peer.addr().map(|addr| addr.ip()));
        let Some(server) = self.servers.get_mut(id) else { return };
        let Entered { flags, delay_ms } = match entered {
            Ok(entered) => entered,
            Err(error) => return self.refuse(id, link, peer, &error),
        };
        server.stats.accepted += 1;
        server.stats.active += 1;
        let closing = server.closing;
        let secure = server.tls.is_some();
        let raw = server.options.kind == ServerKind::Raw;
        let opens = server.opens_at_once();
        let flags = if secure { flags | conn::HANDSHAKING } else { flags };
        let flags = if raw { flags | conn::RAW } else { flags };
        let ((deadline, after), flags) = match delay_ms {
            // Raw listeners have no reputation to go by.
            1.. if !raw => ((Deadline::Delay, delay_ms), flags | conn::DELAYED),
            _ => (server.first_deadline(), flags),
        };
        let counter = match raw {
            true => Counter::SocketsAccepted,
            false => Counter::HttpServerConnectionsAccepted,
        };
        let delayed = u64::from(flags & conn::DELAYED != 0);
        self.metrics.add(Counter::HttpServerConnectionsDelayed, delayed);
        self.metrics.add(counter, 1);
        self.metrics.gauge_add(connections_gauge(raw), 1);
        let connection = self.adopt_link(id, link, peer, flags, deadline, after);
        if let (Some(connection), true, true) = (connection, raw, opens) {
            return self.open_at_once(connection);
        }
        if let Some(connection) = connection.filter(|_| closing) {
            // Came in the last moment: looked at like the others.
            self.queue(connection);
        }
    }

    /// A raw listener's connection without layers is a tunnel from the start.
    fn open_at_once(&mut self, id: Id) {
        match self.open_accepted(id) {
            Ok(stream) => {
                let mut stack = self.raw_stack(stream);
                stack.progress_ms = self.from_ms;
                if let Some(connection) = self.connections.get_mut(id) {
                    connection.flags |= conn::SEEN_BYTES;
                }
                self.give_stack_and_touch(id, stack);
            }
            Err(error) => self.close(id, error),
        }
    }

    /// The time of a delayed connection has come: it is read, and its clocks begin.
    pub(crate) fn serve_delayed(&mut self, id: Id) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.flags &= !conn::DELAYED;
        let server = self.servers.at(connection.server);
        let (deadline, after) = server.map_or((Deadline::None, 0), |(_, server)| server.first_deadline());
        self.set_deadline(id, deadline, self.from_ms + after);
        self.update_interest(id);
    }

    /// Makes a connection of a link; `None` when no slot is free (the link is closed) or it cannot be watched.
    pub(crate) fn adopt_link(
        &mut self,
        server: Id,
        link: Link,
        peer: Peer,
        flags: u32,
        deadline: Deadline,
        after_ms: u64,
    ) -> Option<Id> {
        let fd = link.descriptor();
        let interest = match flags & conn::DELAYED {
            0 => ORDINARY,
            _ => Interest::HANGUP,
        };
        let bare = self.servers.get(server).is_some_and(Server::has_no_layers);
        let mut connection = Connection {
            link,
            stack: None,
            layers: None,
            deadline_ms: 0,
            armed_ms: 0,
            server: server.slot(),
            requests: 0,
            memory: 0,
            drained: 0,
            relay: 0,
            flags,
            deadline: Deadline::None,
            interest,
            peer,
        };
        if bare && connection.may_be_told_once() {
            connection.interest = interest.union(Interest::EDGE);
        }
        let interest = connection.interest;
        let added = self.connections.insert(connection).filter(|id| {
            let watched = fd.is_none_or(|fd| self.poller.add(fd, id.as_u64(), interest).is_ok());
            if !watched {
                self.connections.remove(*id);
            }
            watched
        });
        match added {
            Some(id) => self.set_deadline(id, deadline, self.from_ms + after_ms),
            None if flags & conn::REFUSED == 0 => {
                self.metrics.gauge_add(connections_gauge(flags & conn::RAW != 0), -1);
                if let Some(server) = self.servers.get_mut(server) {
                    server.stats.active -= 1;
                    if fd.is_some() {
                        let counted = flags & conn::CLIENT_COUNTED != 0;
                        server.gate.leave(peer.addr().map(|addr| addr.ip()).filter(|_| counted));
                    }
                }
            }
            None => {}
        }
        added
    }

    fn refused(&mut self, id: Id) {
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
    fn refuse(&mut self, server: Id, link: Link, peer: Peer, error: &Error) {
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

    fn pause_accepting(&mut self, id: Id, listener: RawFd, error: &std::io::Error) {
        self.poller.remove(listener, id.as_u64() | LISTENER_TOKEN);
        let until = self.from_ms + ACCEPT_PAUSE_MS;
        self.metrics.add(Counter::HttpServerAcceptPauses, 1);
        if let Some(server) = self.servers.get_mut(id) {
            self.paused_servers += usize::from(server.paused_until == 0);
            server.paused_until = until;
            if server.quiet_until <= self.now_ms {
                server.quiet_until = self.now_ms + ACCEPT_QUIET_MS;
                let tell = self.log.accepting_paused(&error.to_string());
                self.tell_log(tell);
            }
        }
    }

    pub(crate) fn servers_paused_until(&self) -> Option<u64> {
        if self.paused_servers == 0 {
            return None;
        }
        let paused = |id| {
            self.servers
                .get(id)
                .map(|server| server.paused_until)
                .filter(|until| *until > 0)
        };
        self.servers.ids().into_iter().filter_map(paused).min()
    }

    pub(crate) fn resume_accepting(&mut self) {
        if self.servers_paused_until().is_none_or(|until| until > self.now_ms) {
            return;
        }
        for id in self.servers.ids() {
            let now = self.now_ms;
            let Some(server) = self.servers.get_mut(id) else {
                continue;
            };
            if server.paused_until == 0 || server.paused_until > now {
                continue;
            }
            server.paused_until = 0;
            self.paused_servers -= 1;
            if let Some(fd) = server.listener.as_ref().map(AsRawFd::as_raw_fd) {
                let watched = self.poller.add(fd, id.as_u64() | LISTENER_TOKEN, Interest::READ);
                if watched.is_err() {
                    self.paused_servers += 1;
                    server.paused_until = now + ACCEPT_PAUSE_MS;
                }
            }
        }
    }
}
