//! Connections that we begin: a race of attempts, then what opens the connection step by step (TLS, handshakes with
//! proxies, TLS with the target), then a tunnel's stream that the host knows from the start. What goes wrong before it is
//! open is told as `DialFailed`, what goes wrong later as any stream's.

mod attempts;
mod outcome;
mod steps;

use crate::connection::{Connection, flag as conn};
use crate::engine::Engine;
use crate::id::Id;
use crate::link::Link;
use crate::protocol::Protocol;
use crate::stream::{Stream, flag};
use attempts::Attempt;
use millrace_error::{Code, Error};
use millrace_head::Method;
use millrace_metrics::{Counter, Gauge};
use millrace_net::socket::{self, ConnectTcp};
use millrace_net::{Interest, Peer, interleave, sort_destinations};
use millrace_socks::{Client, ClientConfig};
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
    /// A TCP port at one of these addresses, tried one after the other (RFC 8305): of the target, or of the first proxy.
    Tcp(Vec<SocketAddr>),
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

/// A proxy on the way.
#[derive(Clone, Debug)]
pub struct Hop {
    /// TLS with the proxy, before its handshake.
    pub tls: Option<DialTls>,
    /// What it is asked for: the next proxy, or the target.
    pub handshake: ClientConfig,
}

/// How to connect.
#[derive(Clone, Debug)]
pub struct Dial {
    /// Where to.
    pub to: DialTo,
    /// Whether the addresses are put in order first: what this host reaches best (RFC 6724 §6), with the families in turn
    /// (RFC 8305 §4). Otherwise they are tried as they stand.
    pub sorted: bool,
    /// Whether more of them may follow: [`Engine::add_addresses`] says so, once.
    pub more: bool,
    /// The socket's options.
    pub socket: ConnectTcp,
    /// Proxies, the first of which is where we connect to.
    pub hops: Vec<Hop>,
    /// TLS with the target; `None`: in the clear.
    pub tls: Option<DialTls>,
    /// Until one attempt has a connection, in ms; 0: none.
    pub connect_timeout_ms: u64,
    /// For each TLS handshake, in ms; 0: none.
    pub tls_timeout_ms: u64,
    /// For each handshake with a proxy, in ms; 0: none.
    pub proxy_timeout_ms: u64,
}

/// One step from a connection to an open tunnel.
enum Step {
    Tls(DialTls),
    /// The configuration is kept whole: a proxy may have to be dialled again.
    Proxy(Box<ClientConfig>),
}

/// What a connection that we began is at, until it is open.
pub(crate) struct Dialling {
    socket: ConnectTcp,
    addresses: Vec<SocketAddr>,
    /// The next of them to be tried.
    next: usize,
    sorted: bool,
    /// More addresses may come.
    more: bool,
    /// When the last attempt was begun, in ms.
    last_attempt_ms: u64,
    attempts: Vec<Attempt>,
    /// When the next is tried though others are under way, in ms.
    next_attempt_ms: u64,
    /// Until when there must be a connection, in ms; `u64::MAX`: any time.
    connect_by_ms: u64,
    /// What went wrong with each address so far.
    failures: Vec<(SocketAddr, Error)>,
    steps: Vec<Step>,
    /// The step that is under way.
    at: usize,
    /// Of proxies for which the connection was made again: the place of each one's step, and what was learnt of it. It is
    /// kept until the tunnel is open: one behind it may want the connection made again as well.
    learnt: Vec<(usize, Client)>,
    /// How often it was made again.
    redials: usize,
    connect_timeout_ms: u64,
    tls_timeout_ms: u64,
    proxy_timeout_ms: u64,
    began_ns: u64,
    /// When the first connection was there.
    connected_ns: Option<u64>,
    /// When the last proxy had opened its tunnel.
    proxied_ns: Option<u64>,
}

/// What this host reaches best first (RFC 6724 §6), the families in turn (RFC 8305 §4).
fn order(addresses: &mut Vec<SocketAddr>) {
    if addresses.len() > 1 {
        sort_destinations(addresses);
        interleave(addresses);
    }
}

impl Dialling {
    fn new(dial: &Dial, now_ns: u64) -> Self {
        let mut steps = Vec::new();
        for hop in &dial.hops {
            steps.extend(hop.tls.clone().map(Step::Tls));
            steps.push(Step::Proxy(Box::new(hop.handshake.clone())));
        }
        steps.extend(dial.tls.clone().map(Step::Tls));
        let mut addresses = match &dial.to {
            DialTo::Tcp(addresses) => addresses.clone(),
            DialTo::Unix(_) | DialTo::Adopted(_) => Vec::new(),
        };
        if dial.sorted {
            order(&mut addresses);
        }
        Self {
            socket: dial.socket,
            addresses,
            sorted: dial.sorted,
            more: dial.more,
            connect_timeout_ms: dial.connect_timeout_ms,
            tls_timeout_ms: dial.tls_timeout_ms,
            proxy_timeout_ms: dial.proxy_timeout_ms,
            ..Self::connected(steps, now_ns)
        }
    }

    /// Of a connection that is there already and is to speak TLS.
    fn securing(tls: DialTls, timeout_ms: u64, now_ns: u64) -> Self {
        Self {
            tls_timeout_ms: timeout_ms,
            connected_ns: Some(now_ns),
            ..Self::connected(vec![Step::Tls(tls)], now_ns)
        }
    }

    /// With nothing left to connect, and no limits.
    fn connected(steps: Vec<Step>, now_ns: u64) -> Self {
        Self {
            socket: ConnectTcp::default(),
            addresses: Vec::new(),
            next: 0,
            sorted: false,
            more: false,
            last_attempt_ms: 0,
            attempts: Vec::new(),
            next_attempt_ms: 0,
            connect_by_ms: u64::MAX,
            failures: Vec::new(),
            steps,
            at: 0,
            learnt: Vec::new(),
            redials: 0,
            connect_timeout_ms: 0,
            tls_timeout_ms: 0,
            proxy_timeout_ms: 0,
            began_ns: now_ns,
            connected_ns: None,
            proxied_ns: None,
        }
    }

    /// How many proxies the dial is past: the one it is at, or all of them at the target.
    fn hop(&self) -> u32 {
        let passed = self.steps[..self.at.min(self.steps.len())]
            .iter()
            .filter(|step| matches!(step, Step::Proxy(_)));
        passed.count() as u32
    }

    /// How long the proxies took, from the connection to the last tunnel: TLS with them and dials that had to be made
    /// again are within it. And how long TLS with the target took after that. In ns; `None`: there was no such phase.
    fn phases(&self, now_ns: u64) -> (Option<u64>, Option<u64>) {
        let connected = self.connected_ns.unwrap_or(now_ns);
        let proxy = self.proxied_ns.map(|at| at.saturating_sub(connected));
        let from = self.proxied_ns.unwrap_or(connected);
        let secure = matches!(self.steps.last(), Some(Step::Tls(_)));
        (proxy, secure.then(|| now_ns.saturating_sub(from)))
    }
}

impl<V: Copy> Engine<V> {
    /// Begins a connection; `Dialled` or `DialFailed` follows under the stream's id that is answered.
    ///
    /// # Errors
    /// What the system says at once where nothing else can be tried, or a name of TLS or a target of a proxy that is none.
    pub fn dial(&mut self, dial: &Dial) -> Result<Id, Error> {
        // Looked at first: what cannot be asked for must not cost a connection.
        for tls in dial.hops.iter().filter_map(|hop| hop.tls.as_ref()).chain(&dial.tls) {
            ClientContext::check_name(&tls.servername).map_err(|error| Error::from(&error))?;
        }
        for hop in &dial.hops {
            Client::new(hop.handshake.clone())?;
        }
        let (link, peer) = match &dial.to {
            DialTo::Tcp(addresses) if addresses.is_empty() => return Err(Code::InvalidArgument.into()),
            DialTo::Tcp(_) => (Link::None, Peer::Unknown),
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
        let interest = Interest::WRITE;
        let fd = link.descriptor();
        let flags = conn::CONNECTING | conn::SEEN_BYTES;
        let connection = Connection::new(link, peer, NO_SERVER, flags, interest);
        let id = self.connections.insert(connection).ok_or(Code::ConnectionsLimit)?;
        self.metrics.add(Counter::SocketsConnectsStarted, 1);
        self.metrics.gauge_add(Gauge::SocketsConnected, 1);
        if let Some(Err(error)) = fd.map(|fd| self.poller.add(fd, id.as_u64(), interest)) {
            let error = Error::system("epoll_ctl", &error);
            self.close(id, error);
            return Err(error);
        }
        let mut stream = Stream::new(id, NO_SERVER, Method::Connect, self.now_ns);
        stream.flags = flag::RAW | flag::HEAD_SENT | flag::DIALLING;
        let Some(stream) = self.streams.insert(stream) else {
            self.close(id, Code::ConnectionsLimit.into());
            return Err(Code::ConnectionsLimit.into());
        };
        if let Some(mut stack) = self.take_stack(id) {
            stack.protocol = Protocol::Raw(stream);
            stack.dial = Some(Box::new(Dialling::new(dial, self.now_ns)));
            self.give_stack(id, stack);
        }
        if let Err(error) = self.begin_connecting(id) {
            // Nobody knows the stream yet.
            self.drop_stream(stream);
            self.metrics.add(Counter::SocketsConnectsFailed, 1);
            self.close(id, error);
            return Err(error);
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
        let stack = connection.stack.as_ref();
        let waits = stack.is_none_or(|stack| !stack.output.is_empty() || stack.dial.is_some());
        let busy = connection.has(conn::CONNECTING | conn::HANDSHAKING | conn::READ_CLOSED | conn::RELAY);
        if connection.server != NO_SERVER || ended || waits || busy {
            return Err(Code::InvalidState.into());
        }
        ClientContext::check_name(&tls.servername).map_err(|error| Error::from(&error))?;
        if let Some(found) = self.streams.get_mut(stream) {
            found.flags |= flag::DIALLING;
        }
        let begun = self.with_layers(id, |engine, stack, layers| {
            stack.dial = Some(Box::new(Dialling::securing(tls.clone(), timeout_ms, engine.now_ns)));
            engine.begin_step(id, stack, layers)
        });
        begun.ok_or(Code::StaleId)??;
        self.touch(id);
        Ok(())
    }
}
