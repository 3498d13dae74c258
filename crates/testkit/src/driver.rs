//! Drives an engine without Node: what `crates/node` does in a wake, with a scripted host and a clock of one's own.
//!
//! [`Driver::turn`] is one wake. [`Driver::run_until`] makes as many as a condition needs and waits on the engine's
//! descriptor, its next deadline and the clients' sockets in between, never by sleeping. With
//! [`Driver::stop_clock`] time passes only by [`Driver::advance`].

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use millrace_engine::buffer::PinId;
use millrace_engine::net::NestedEpoll;
use millrace_engine::{
    Chunk, Dial, DialTo, Engine, Event, EventKind, Host, Id, ListenOn, Respond, ServerKind, ServerOptions,
};
use millrace_error::{Code, Error};

use crate::client::Client;

/// How long a condition may take before a test has failed, in seconds.
const PATIENCE_S: u64 = 20;
/// Events a scope takes, as in `crates/node`.
const SCOPE: usize = 32;

/// The engine as tests use it: values are indices.
pub type TestEngine = Engine<usize>;

/// A host whose values are copies, by index, of what the engine handed over.
#[derive(Debug, Default)]
pub struct Values {
    values: Vec<Vec<u8>>,
    lent: Vec<u8>,
    /// It has no memory to lend.
    pub lends_nothing: bool,
    /// What pinned chunks hold; a test that removes one has detached it.
    pub pins: HashMap<u32, Vec<u8>>,
}

impl Host for Values {
    type Value = usize;

    fn text(&mut self, latin1: &[u8]) -> usize {
        self.bytes(latin1)
    }

    fn bytes(&mut self, bytes: &[u8]) -> usize {
        self.values.push(bytes.to_vec());
        self.values.len() - 1
    }

    fn lend(&mut self, size: usize) -> Option<&mut [u8]> {
        self.lent.resize(size.max(self.lent.len()), 0);
        (!self.lends_nothing).then_some(&mut self.lent[..size])
    }

    fn take_lent(&mut self, length: usize) -> usize {
        let mut bytes = std::mem::take(&mut self.lent);
        bytes.truncate(length);
        self.values.push(bytes);
        self.values.len() - 1
    }

    fn pinned(&self, pin: PinId) -> Option<&[u8]> {
        self.pins.get(&pin.0).map(Vec::as_slice)
    }
}

/// An event with its values resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// What happened.
    pub kind: EventKind,
    /// See [`Event`].
    pub flags: u32,
    /// The stream or server.
    pub id: Id,
    /// See [`Event`].
    pub a: u64,
    /// See [`Event`].
    pub b: u64,
    /// The value; empty when there is none.
    pub value: Vec<u8>,
    /// The second value; empty when there is none.
    pub extra: Vec<u8>,
}

impl Happened {
    /// The id as the engine's commands take it.
    pub fn stream(&self) -> f64 {
        self.id.as_f64()
    }

    /// The target of a request, the reason of an injected answer.
    pub fn target(&self) -> &str {
        let length = if self.kind == EventKind::Injected {
            self.b
        } else {
            self.a
        };
        let bytes = self.value.get(..length as usize).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// The code of `Aborted`, `BodyFailed` and `RelayEnded`.
    pub fn code(&self) -> Option<Code> {
        // What may stand above it is shifted by twelve.
        Code::from_id((self.flags & 0xfff) as u16)
    }
}

/// What a test does at each event, with no borrow held.
pub type Handler = Box<dyn FnMut(&mut TestEngine, &mut Values, &Happened)>;

/// An engine with its host, its events so far, and its clock.
pub struct Driver {
    /// The engine; commands may be given between turns.
    pub engine: TestEngine,
    /// Its host.
    pub host: Values,
    /// What happened and was not yet taken by [`expect`](Self::expect), in order.
    pub events: VecDeque<Happened>,
    /// Pins that the engine has let go.
    pub released: Vec<PinId>,
    handler: Option<Handler>,
    poll: Poll,
    ready: Events,
    drained: Vec<Event<usize>>,
    stopped_at: Option<u64>,
}

impl Default for Driver {
    fn default() -> Self {
        Self::new()
    }
}

impl Driver {
    /// An engine on an epoll of its own.
    ///
    /// # Panics
    /// When descriptors have run out.
    pub fn new() -> Self {
        let poller = NestedEpoll::new().expect("a descriptor for the poller");
        Self::of(Engine::new(Box::new(poller)))
    }

    /// Of an engine that somebody else made, over a poller with a descriptor.
    ///
    /// # Panics
    /// When descriptors have run out.
    pub fn of(engine: TestEngine) -> Self {
        let poll = Poll::new().expect("a descriptor for the driver");
        let fd = engine.descriptor().expect("an epoll has a descriptor");
        poll.registry()
            .register(&mut SourceFd(&fd), Token(0), Interest::READABLE)
            .expect("epoll can be nested");
        Self {
            engine,
            host: Values::default(),
            events: VecDeque::new(),
            released: Vec::new(),
            handler: None,
            poll,
            ready: Events::with_capacity(16),
            drained: Vec::new(),
            stopped_at: None,
        }
    }

    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// When the system gives none.
    pub fn listen(&mut self, options: ServerOptions) -> (f64, SocketAddr) {
        let on = ListenOn::Tcp {
            addr: ([127, 0, 0, 1], 0).into(),
            reuse_port: false,
            ipv6_only: false,
        };
        let id = self.engine.listen(&on, 511, options).expect("a free port").as_f64();
        let addr = self.engine.server_address(id).expect("a TCP listener has an address");
        (id, addr)
    }

    /// A driver with a raw listener and one connection to it: its client, and its stream.
    pub fn with_tunnel() -> (Self, Client, f64) {
        let mut driver = Self::new();
        let (_, addr) = driver.listen(ServerOptions {
            kind: ServerKind::Raw,
            ..Default::default()
        });
        let client = Client::connect(addr);
        let stream = driver.expect(EventKind::Accepted).stream();
        (driver, client, stream)
    }

    /// Listens on an abstract Unix name that nobody else of this process or another has; the path says it.
    ///
    /// A TCP connection leaves its port in TIME_WAIT for a minute: some hundred tries a second use all ports up.
    ///
    /// # Panics
    /// When the system refuses.
    pub fn listen_unix(&mut self, options: ServerOptions) -> (f64, PathBuf) {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = PathBuf::from(format!("\0millrace-testkit-{}-{number}", std::process::id()));
        let on = ListenOn::Unix(path.clone());
        let id = self.engine.listen(&on, 511, options).expect("a free name").as_f64();
        (id, path)
    }

    /// Has `handler` run at each event, besides its being kept in [`events`](Self::events).
    pub fn on_event(&mut self, handler: impl FnMut(&mut TestEngine, &mut Values, &Happened) + 'static) {
        self.handler = Some(Box::new(handler));
    }

    /// Has no handler run any more.
    pub fn no_handler(&mut self) {
        self.handler = None;
    }

    /// From now on time passes only by [`advance`](Self::advance). It stops at a whole millisecond, so that deadlines
    /// are due to the millisecond.
    pub fn stop_clock(&mut self) {
        self.engine.tick();
        self.stopped_at = Some(self.engine.now_ns().next_multiple_of(1_000_000));
        self.tick();
    }

    /// Lets time pass on a stopped clock, and makes a turn.
    pub fn advance(&mut self, ms: u64) {
        self.advance_ns(ms * 1_000_000);
    }

    /// As [`advance`](Self::advance), by fractions of a millisecond.
    pub fn advance_ns(&mut self, ns: u64) {
        let now = self.stopped_at.as_mut().expect("only a stopped clock is advanced");
        *now += ns;
        self.settle();
    }

    fn tick(&mut self) {
        match self.stopped_at {
            Some(now) => self.engine.tick_at(now),
            None => self.engine.tick(),
        }
    }

    /// One wake: work, events, handler, flush, until no event is left or eight scopes are over.
    pub fn turn(&mut self) {
        self.tick();
        for _ in 0..8 {
            self.engine.turn(&mut self.host, SCOPE);
            self.engine.drain_events(SCOPE, &mut self.drained);
            for event in std::mem::take(&mut self.drained) {
                let value = |at: Option<usize>| at.map_or_else(Vec::new, |at| self.host.values[at].clone());
                let happened = Happened {
                    kind: event.kind,
                    flags: event.flags,
                    id: event.id,
                    a: event.a,
                    b: event.b,
                    value: value(event.value),
                    extra: value(event.extra),
                };
                if let Some(handler) = &mut self.handler {
                    handler(&mut self.engine, &mut self.host, &happened);
                }
                self.events.push_back(happened);
            }
            self.tick();
            self.engine.flush(&mut self.host);
            self.released.append(&mut self.engine.released);
            if !self.engine.has_events() {
                self.host.values.clear();
                break;
            }
        }
    }

    /// Makes turns until `done`, reading for the clients all the while.
    ///
    /// # Panics
    /// When it takes longer than a test may.
    pub fn run_until(&mut self, clients: &mut [&mut Client], mut done: impl FnMut(&mut Self, &[&mut Client]) -> bool) {
        let give_up = Instant::now() + Duration::from_secs(PATIENCE_S);
        loop {
            self.turn();
            for client in clients.iter_mut() {
                client.exchange();
            }
            if done(self, clients) {
                return;
            }
            assert!(
                Instant::now() < give_up,
                "waited too long; events {:?}, clients {clients:?}, {:?}",
                self.events,
                self.engine.census()
            );
            if !self.engine.has_work() {
                self.wait(clients, Duration::from_secs(1));
            }
        }
    }

    /// Makes turns until nothing is ready any more and nothing is left to do.
    pub fn settle(&mut self) {
        self.quiet(&mut []);
    }

    /// As [`settle`](Self::settle), with clients that read.
    ///
    /// # Panics
    /// When it never becomes quiet: the engine spins.
    pub fn quiet(&mut self, clients: &mut [&mut Client]) {
        for _ in 0..100_000 {
            self.turn();
            let moved = clients
                .iter_mut()
                .fold(false, |moved, client| client.exchange() | moved);
            // A deadline that was put off by what waits in a queue is due again at once.
            let due = self.engine.next_deadline();
            let due = due.is_some_and(|at| at * 1_000_000 <= self.engine.now_ns());
            if !moved && !due && !self.engine.has_work() && !self.wait(clients, Duration::ZERO) {
                return;
            }
        }
        panic!("the engine spins: {:?}", self.engine.census());
    }

    /// Waits until the engine or a client is ready, a deadline has come, or for `most`. Says whether something was.
    fn wait(&mut self, clients: &[&mut Client], most: Duration) -> bool {
        let most = match (self.engine.next_deadline(), self.stopped_at) {
            (Some(at), None) => most.min(Duration::from_millis(
                at.saturating_sub(self.engine.now_ns() / 1_000_000),
            )),
            _ => most,
        };
        let engine = self.engine.descriptor().expect("an epoll has a descriptor");
        // mio watches for edges: to register again has the level looked at.
        let registry = self.poll.registry();
        registry
            .reregister(&mut SourceFd(&engine), Token(0), Interest::READABLE)
            .expect("it is registered");
        let mut open: Vec<RawFd> = Vec::new();
        for client in clients {
            let Some((fd, interest)) = client.descriptor() else {
                continue;
            };
            open.push(fd);
            registry
                .register(&mut SourceFd(&fd), Token(1), interest)
                .expect("a client's socket can be watched");
        }
        // A signal is as good as a time-out: the caller looks at everything again.
        let polled = self.poll.poll(&mut self.ready, Some(most));
        for fd in &open {
            let _ = self.poll.registry().deregister(&mut SourceFd(fd));
        }
        polled.is_ok() && !self.ready.is_empty()
    }

    /// Waits for the next event of a kind and takes it, with all before it.
    pub fn expect(&mut self, kind: EventKind) -> Happened {
        self.expect_with(kind, &mut [])
    }

    /// As [`expect`](Self::expect), with clients that read meanwhile.
    pub fn expect_with(&mut self, kind: EventKind, clients: &mut [&mut Client]) -> Happened {
        self.run_until(clients, |driver, _| {
            driver.events.iter().any(|event| event.kind == kind)
        });
        let at = self
            .events
            .iter()
            .position(|event| event.kind == kind)
            .expect("it was just seen");
        self.events.drain(..=at).next_back().expect("a range that ends with it")
    }

    /// Asserts that the engine holds nothing any more.
    ///
    /// # Panics
    /// When something is left.
    pub fn assert_nothing_left(&self) {
        let census = self.engine.census();
        let left = (
            census.servers,
            census.connections,
            census.streams,
            census.buffers,
            census.timers,
        );
        assert_eq!(left, (0, 0, 0, 0, 0), "something is left");
    }

    /// Panics unless, once all is settled, nothing is left but servers.
    pub fn assert_no_connection_left(&mut self) {
        self.settle();
        let census = self.engine.census();
        assert_eq!((census.connections, census.streams, census.buffers), (0, 0, 0));
    }

    /// How many events of a kind wait to be taken.
    pub fn count(&self, kind: EventKind) -> usize {
        self.events.iter().filter(|event| event.kind == kind).count()
    }
}

/// A dial straight to one of some addresses, with five seconds for each phase.
pub fn dial_to(addresses: &[SocketAddr]) -> Dial {
    Dial {
        to: DialTo::Tcp(addresses.to_vec()),
        sorted: false,
        more: false,
        socket: Default::default(),
        hops: Vec::new(),
        tls: None,
        connect_timeout_ms: 5_000,
        tls_timeout_ms: 5_000,
        proxy_timeout_ms: 5_000,
    }
}

/// Answers a stream with 200 and a body.
///
/// # Errors
/// What the engine says.
pub fn answer(engine: &mut TestEngine, stream: f64, body: &[u8]) -> Result<(), Error> {
    let head = Respond {
        status: 200,
        reason: b"",
        block: b"",
    };
    engine.respond(stream, &head, Chunk::Bytes(body), false)
}

/// A handler that answers every request with its target.
pub fn echo_target(engine: &mut TestEngine, _: &mut Values, event: &Happened) {
    if event.kind == EventKind::Request {
        // A client that has gone meanwhile is no fault of the handler.
        let _ = answer(engine, event.stream(), event.target().as_bytes());
    }
}
