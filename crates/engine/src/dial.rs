//! Connections that we begin: connecting, then TLS where it is asked for, then a tunnel's stream that the host knows
//! from the start. What goes wrong before it is open is told as `DialFailed`, what goes wrong later as any stream's.

use crate::connection::{Connection, Deadline, Stack, flag as conn};
use crate::engine::Engine;
use crate::event::{Event, EventKind, Host};
use crate::id::Id;
use crate::layer::{Layer, Layers, TlsLayer};
use crate::link::Link;
use crate::protocol::Protocol;
use crate::stream::{Stream, flag};
use millrace_error::{Code, Error};
use millrace_head::Method;
use millrace_metrics::{Counter, Gauge};
use millrace_net::socket::{self, ConnectTcp};
use millrace_net::{Interest, Peer};
use millrace_tls::ClientContext;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;

/// The server's slot of connections that have none.
pub(crate) const NO_SERVER: u32 = u32::MAX;

/// Where to connect.
#[derive(Clone, Debug)]
pub enum DialTo {
    /// A TCP port.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
    /// A connected socket that somebody else made; we have a copy of the descriptor.
    Adopted(Arc<OwnedFd>),
}

/// TLS on a connection that we begin.
#[derive(Clone, Debug)]
pub struct DialTls {
    /// Trust and rules.
    pub context: Arc<ClientContext>,
    /// The name that the server's certificate must have.
    pub servername: String,
}

/// How to connect.
#[derive(Clone, Debug)]
pub struct Dial {
    /// Where to.
    pub to: DialTo,
    /// The socket's options.
    pub socket: ConnectTcp,
    /// TLS; `None`: in the clear.
    pub tls: Option<DialTls>,
    /// Until the connection is there, in ms; 0: none.
    pub connect_timeout_ms: u64,
    /// For the TLS handshake, in ms; 0: none.
    pub tls_timeout_ms: u64,
}

impl<V: Copy> Engine<V> {
    /// Begins a connection; `Dialled` or `DialFailed` follows under the stream's id that is answered.
    ///
    /// # Errors
    /// What the system says at once, or a server name that is none.
    pub fn dial(&mut self, dial: &Dial) -> Result<Id, Error> {
        // Made first: a name that is none must not cost a connection.
        let session = match &dial.tls {
            Some(tls) => Some(
                tls.context
                    .connect(&tls.servername)
                    .map_err(|error| Error::from(&error))?,
            ),
            None => None,
        };
        let (link, peer) = match &dial.to {
            DialTo::Tcp(to) => {
                let fd = socket::connect_tcp(*to, &dial.socket).map_err(|error| Error::system("connect", &error))?;
                (Link::Tcp(fd), Peer::from(*to))
            }
            DialTo::Unix(path) => {
                let fd = socket::connect_unix(path).map_err(|error| Error::system("connect", &error))?;
                (Link::Unix(fd), Peer::Unknown)
            }
            DialTo::Adopted(fd) => {
                let seen = socket::inherit(fd.as_fd()).map_err(|error| Error::system("getsockopt", &error))?;
                if seen.listens {
                    return Err(Code::InvalidArgument.into());
                }
                let fd = fd.try_clone().map_err(|error| Error::system("fcntl", &error))?;
                let link = if seen.unix { Link::Unix(fd) } else { Link::Tcp(fd) };
                (link, seen.peer)
            }
        };
        let layers = session.map(|session| {
            let tls = TlsLayer::new(session, self.now_ns);
            Box::new(Layers {
                list: vec![Layer::Tls(Box::new(tls))],
            })
        });
        let flags = conn::CONNECTING | if layers.is_some() { conn::HANDSHAKING } else { 0 };
        let interest = Interest::WRITE;
        let fd = link.descriptor();
        let connection = Connection {
            link,
            stack: None,
            layers,
            deadline_ms: 0,
            armed_ms: 0,
            server: NO_SERVER,
            requests: 0,
            memory: 0,
            drained: 0,
            flags: flags | conn::SEEN_BYTES,
            deadline: Deadline::None,
            interest,
            peer,
        };
        let id = self.connections.insert(connection).ok_or(Code::ConnectionsLimit)?;
        if let Some(Err(error)) = fd.map(|fd| self.poller.add(fd, id.as_u64(), interest)) {
            self.connections.remove(id);
            return Err(Error::system("epoll_ctl", &error));
        }
        let mut stream = Stream::new(id, NO_SERVER, Method::Connect, self.now_ns);
        stream.flags = flag::RAW | flag::HEAD_SENT | flag::DIALLING;
        let Some(stream) = self.streams.insert(stream) else {
            self.close(id, Code::ConnectionsLimit.into());
            return Err(Code::ConnectionsLimit.into());
        };
        if let Some(mut stack) = self.take_stack(id) {
            stack.protocol = Protocol::Raw(stream);
            self.give_stack(id, stack);
        }
        self.metrics.add(Counter::SocketsConnectsStarted, 1);
        self.metrics.gauge_add(Gauge::SocketsConnected, 1);
        let tls_timeout_ms = u32::try_from(dial.tls_timeout_ms).unwrap_or(u32::MAX);
        if let Some(connection) = self.connections.get_mut(id) {
            // A dialled connection counts no requests: the place holds what its handshake may take.
            connection.requests = tls_timeout_ms;
            connection.drained = u32::try_from(dial.connect_timeout_ms).unwrap_or(u32::MAX);
        }
        match dial.connect_timeout_ms {
            0 => {}
            ms => self.set_deadline(id, Deadline::Connect, self.from_ms + ms),
        }
        Ok(stream)
    }

    /// Has a connection that we began speak TLS from now on, over whatever it speaks already; `Dialled` or `DialFailed`
    /// follows.
    ///
    /// # Errors
    /// `STALE_ID` when it is gone, `INVALID_STATE` while bytes wait to be written in the clear, when it is not ours or
    /// not open; or a server name that is none.
    pub fn start_tls(&mut self, stream: f64, tls: &DialTls, timeout_ms: u64) -> Result<(), Error> {
        let stream = Id::from_f64(stream).ok_or(Code::StaleId)?;
        let found = self.streams.get(stream).ok_or(Code::StaleId)?;
        let (id, ended) = (found.connection, found.has(flag::RESPONSE_ENDED | flag::REQUEST_ENDED));
        let connection = self.connections.get(id).ok_or(Code::StaleId)?;
        let waits = connection.stack.as_ref().is_none_or(|stack| !stack.output.is_empty());
        let busy = connection.has(conn::CONNECTING | conn::HANDSHAKING | conn::READ_CLOSED);
        if connection.server != NO_SERVER || ended || waits || busy {
            return Err(Code::InvalidState.into());
        }
        let session = tls
            .context
            .connect(&tls.servername)
            .map_err(|error| Error::from(&error))?;
        let layer = Layer::Tls(Box::new(TlsLayer::new(session, self.now_ns)));
        if let Some(connection) = self.connections.get_mut(id) {
            connection.layers.get_or_insert_default().list.push(layer);
            connection.flags |= conn::HANDSHAKING;
            connection.requests = u32::try_from(timeout_ms).unwrap_or(u32::MAX);
        }
        if let Some(found) = self.streams.get_mut(stream) {
            found.flags |= flag::DIALLING;
        }
        if timeout_ms > 0 {
            self.set_deadline(id, Deadline::Handshake, self.from_ms + timeout_ms);
        }
        self.touch(id);
        Ok(())
    }

    /// The socket of a connection that we began is writable: it is there, or has failed.
    pub(crate) fn connected<H: Host<Value = V>>(&mut self, host: &mut H, id: Id) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let Some(fd) = connection.link.descriptor() else { return };
        match socket::take_error(fd) {
            Ok(None) => {}
            Ok(Some(error)) | Err(error) => {
                return self.dial_failed(host, id, Error::system("connect", &error), b"");
            }
        }
        connection.flags &= !conn::CONNECTING;
        connection.drained = 0;
        let (secure, timeout) = (connection.has(conn::HANDSHAKING), u64::from(connection.requests));
        let deadline = match timeout {
            ms if secure && ms > 0 => (Deadline::Handshake, self.from_ms + ms),
            _ => (Deadline::None, 0),
        };
        self.set_deadline(id, deadline.0, deadline.1);
        if !secure {
            if let Some(stack) = self.take_stack(id) {
                self.opened(id, &stack);
                self.give_stack(id, stack);
            }
        }
        self.touch(id);
    }

    /// A connection that we began is open.
    pub(crate) fn opened(&mut self, id: Id, stack: &Stack) {
        let Protocol::Raw(stream) = stack.protocol else { return };
        self.set_deadline(id, Deadline::None, 0);
        if let Some(found) = self.streams.get_mut(stream) {
            found.flags &= !flag::DIALLING;
        }
        self.event(EventKind::Dialled, stream, 0, 0, 0, None);
    }

    fn dialled_stream(&self, id: Id) -> Option<Id> {
        match &self.connections.get(id)?.stack.as_ref()?.protocol {
            Protocol::Raw(stream) => Some(*stream),
            Protocol::Http1(_) | Protocol::Client(_) => None,
        }
    }

    /// A connection that we began did not open: tells why, and ends it.
    pub(crate) fn dial_failed<H: Host<Value = V>>(&mut self, host: &mut H, id: Id, error: Error, detail: &[u8]) {
        if let Some(stream) = self.dialled_stream(id) {
            let text = host.text(detail);
            self.told_dial_failed(stream, &error, Some(text));
            // Told already: what ends with the connection is not told again.
            self.drop_stream(stream);
        }
        self.close(id, error);
    }

    pub(crate) fn told_dial_failed(&mut self, stream: Id, error: &Error, value: Option<V>) {
        self.metrics.add(Counter::SocketsConnectsFailed, 1);
        let limit = error.limit.map_or((0, 0), |limit| (limit.value, limit.seen));
        let (a, b) = match error.errno {
            Some(errno) => (errno.unsigned_abs().into(), 0),
            None => limit,
        };
        self.events.push(Event {
            kind: EventKind::DialFailed,
            flags: error.code.id().into(),
            id: stream,
            a,
            b,
            value,
            extra: None,
        });
    }

    /// A deadline of a connection that we began has passed.
    pub(crate) fn dial_expired<H: Host<Value = V>>(&mut self, host: &mut H, id: Id, what: Deadline, at_ms: u64) {
        let code = match what {
            Deadline::Connect => Code::ConnectTimeout,
            Deadline::Handshake => Code::TlsTimeout,
            _ => {
                if what == Deadline::Linger {
                    self.close(id, Code::ConnectionClosed.into());
                }
                return;
            }
        };
        let value = self.dial_limit(id, what);
        let late = self.now_ms.saturating_sub(at_ms);
        self.dial_failed(host, id, Error::limit(code, value, value + late), b"");
    }

    fn dial_limit(&self, id: Id, what: Deadline) -> u64 {
        let handshake = |connection: &Connection| u64::from(connection.requests);
        match what {
            Deadline::Handshake => self.connections.get(id).map_or(0, handshake),
            // It has done its work when it passes, so it is kept where bytes of a lingering close are counted later.
            _ => self
                .connections
                .get(id)
                .map_or(0, |connection| connection.drained.into()),
        }
    }
}
