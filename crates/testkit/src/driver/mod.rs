//! Drives an engine without Node: what `crates/node` does in a wake, with a scripted host and a clock of one's own.
//!
//! [`Driver::turn`] is one wake. [`Driver::run_until`] makes as many as a condition needs and waits on the engine's
//! descriptor, its next deadline and the clients' sockets in between, never by sleeping. With
//! [`Driver::stop_clock`] time passes only by [`Driver::advance`].

mod happened;
mod turns;
mod values;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use millrace_engine::buffer::PinId;
use millrace_engine::net::NestedEpoll;
use millrace_engine::{Chunk, Dial, DialTo, Engine, Event, EventKind, ListenOn, Respond, ServerKind, ServerOptions};
use millrace_error::Error;

use crate::client::Client;

pub use happened::Happened;
pub use values::Values;

/// The engine as tests use it: values are indices.
pub type TestEngine = Engine<usize>;

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
        let left = (census.connections, census.streams, census.buffers, census.timers);
        assert_eq!(left, (0, 0, 0, 0));
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

/// The head of a plain answer.
pub const OK: Respond<'static> = Respond {
    status: 200,
    reason: b"",
    block: b"",
};

/// Answers a stream with 200 and a body.
///
/// # Errors
/// What the engine says.
pub fn answer(engine: &mut TestEngine, stream: f64, body: &[u8]) -> Result<(), Error> {
    engine.respond(stream, &OK, Chunk::Bytes(body), false)
}

/// A handler that answers every request with its target.
pub fn echo_target(engine: &mut TestEngine, _: &mut Values, event: &Happened) {
    if event.kind == EventKind::Request {
        // A client that has gone meanwhile is no fault of the handler.
        let _ = answer(engine, event.stream(), event.target().as_bytes());
    }
}
