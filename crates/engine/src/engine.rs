//! Everything of one thread, and its clock. `turn` has the reactor's turn: readiness in, events out, one flush.
//!
//! A driver runs it like this, see `crates/node` or the tests:
//!
//! ```text
//! wake:  loop { turn(host, budget) → take events → deliver them, with no borrow held
//!               → commands come back while they are delivered → flush(host) }
//!        until no event is left; then look at has_work() and next_deadline()
//! ```
//!
//! A connection's stack is taken out of it while it runs, so that the engine is free meanwhile and a panic loses this
//! one connection alone. Nothing here calls into the host's program.

use crate::connection::{Connection, Stack};
use crate::event::{Event, EventKind};
use crate::flush::THROUGH_BUDGET;
use crate::http1::client::Clients;
use crate::id::{Id, Slab};
use crate::link::memory::Collected;
use crate::log::Log;
use crate::memory::Memory;
use crate::relay::Relay;
use crate::server::Server;
use crate::server::refusals::Refusals;
use crate::server::stats::ServerStats;
use crate::stream::Stream;
use millrace_buffer::{PinId, Pool};
use millrace_error::{Code, Error};
use millrace_http1::ReadyHead;
use millrace_metrics::{Gauge, Shard};
use millrace_net::relay::Pipes;
use millrace_net::{Clock, Poller, Ready, ReceiveBuffer, Spare, TimerWheel, http_date};
use std::collections::VecDeque;

/// Tokens of listeners have this bit; ids use 53.
pub(crate) const LISTENER_TOKEN: u64 = 1 << 63;
/// Everything of one thread: its poller, servers, connections and streams.
pub struct Engine<V: Copy> {
    pub(crate) poller: Box<dyn Poller>,
    pub(crate) servers: Slab<Server>,
    /// The last counts of servers that have closed, until they are asked for.
    pub(crate) last_counts: Vec<(Id, ServerStats)>,
    /// How many of them have paused accepting: looked at in every turn, so it is not searched for.
    pub(crate) paused_servers: usize,
    /// How many are closing and still take what is on its way to their listeners.
    pub(crate) leaving_servers: usize,
    /// A command has set a deadline of a server since the last turn: the driver has to look at it.
    pub(crate) has_new_deadline: bool,
    pub(crate) connections: Slab<Connection>,
    pub(crate) streams: Slab<Stream>,
    pub(crate) events: Vec<Event<V>>,
    pub(crate) ready: Vec<Ready>,
    pub(crate) cursor: usize,
    /// How many sockets the last look at the poller found.
    pub(crate) found: usize,
    /// How many of `ready` the poller told of; behind them are listeners that wait for those.
    pub(crate) told: usize,
    /// How many looks at the poller there were.
    pub(crate) polls: u32,
    /// Accepted just now, and not looked at.
    pub(crate) fresh: Vec<Id>,
    /// Connections whose output or interest may have changed.
    pub(crate) dirty: Vec<Id>,
    /// Connections that can go on without new readiness.
    pub(crate) pending: VecDeque<Id>,
    /// Answers to injected requests that are complete.
    pub(crate) answers: Vec<(Id, Collected)>,
    /// How many bytes may still go to the kernel before the next flush.
    pub(crate) through_left: usize,
    /// Streams whose exchange is over but for body bytes that JavaScript has not been given.
    pub(crate) parting: Vec<Id>,
    /// Answers completed since the last flush: server slot, start.
    pub(crate) completed: Vec<(u32, u64)>,
    /// Pairs of tunnels that are joined.
    pub(crate) relays: Slab<Relay>,
    /// Those of them that wait until the host has been given what came before.
    pub(crate) joining: Vec<u32>,
    pub(crate) pipes: Pipes,
    pub(crate) wheel: TimerWheel,
    pub(crate) due: Vec<u32>,
    pub(crate) pool: Pool,
    pub(crate) receive: ReceiveBuffer,
    /// Plaintext on its way from a session to what is above it, kept for its allocation.
    pub(crate) plaintext: Vec<u8>,
    /// Connections whose handshake goes on in its turn.
    pub(crate) handshakes: VecDeque<Id>,
    /// How many steps of handshakes this turn still has.
    pub(crate) handshakes_left: usize,
    // Boxed, for a stack moves between here and its connection with every request.
    #[expect(clippy::vec_box, reason = "the boxes are what is reused")]
    pub(crate) stacks: Vec<Box<Stack>>,
    /// Pins whose last byte is with the kernel, for the host to let go.
    pub released: Vec<PinId>,
    pub(crate) spare: Spare,
    pub(crate) now_ms: u64,
    /// `now_ms` rounded up: what deadlines are counted from, so that none is early.
    pub(crate) from_ms: u64,
    pub(crate) now_ns: u64,
    pub(crate) budget: usize,
    pub(crate) date: [u8; 29],
    date_ms: u64,
    pub(crate) buffers_told: i64,
    pub(crate) metrics: Shard,
    pub(crate) memory: Memory,
    /// Heads that the host names by number; the first has no field.
    pub(crate) ready_heads: Vec<ReadyHead>,
    pub(crate) log: Log,
    pub(crate) clients: Clients,
    pub(crate) refusals: Refusals,
}

impl<V: Copy> Engine<V> {
    /// An engine over a poller, on this thread.
    pub fn new(poller: Box<dyn Poller>) -> Self {
        let now_ms = Clock::now_ms();
        let metrics = Shard::register();
        metrics.gauge_add(Gauge::ReactorThreads, 1);
        Self {
            poller,
            servers: Slab::default(),
            last_counts: Vec::new(),
            paused_servers: 0,
            leaving_servers: 0,
            has_new_deadline: false,
            connections: Slab::default(),
            streams: Slab::default(),
            events: Vec::new(),
            ready: Vec::new(),
            cursor: 0,
            found: 0,
            told: 0,
            polls: 0,
            fresh: Vec::new(),
            dirty: Vec::new(),
            pending: VecDeque::new(),
            parting: Vec::new(),
            answers: Vec::new(),
            through_left: THROUGH_BUDGET,
            completed: Vec::new(),
            relays: Slab::default(),
            joining: Vec::new(),
            pipes: Pipes::new(),
            wheel: TimerWheel::new(now_ms),
            due: Vec::new(),
            pool: Pool::default(),
            receive: ReceiveBuffer::new(),
            plaintext: Vec::new(),
            handshakes: VecDeque::new(),
            handshakes_left: 0,
            stacks: Vec::new(),
            released: Vec::new(),
            spare: Spare::new(),
            now_ms,
            from_ms: now_ms + 1,
            now_ns: Clock::now_ns(),
            budget: usize::MAX,
            date: [0; 29],
            date_ms: 0,
            buffers_told: 0,
            metrics,
            memory: Memory::new(),
            ready_heads: ReadyHead::new(b"").into_iter().collect(),
            log: Log::default(),
            clients: Clients::default(),
            refusals: Refusals::default(),
        }
    }

    /// The counters of this thread, for what only the driver can see.
    pub fn metrics(&self) -> &Shard {
        &self.metrics
    }

    /// The descriptor that the host's loop watches; `None` when the host feeds readiness itself.
    pub fn descriptor(&self) -> Option<std::os::fd::RawFd> {
        self.poller.descriptor()
    }

    /// Reads the clock; to be called at the start of a wake and after handlers have run.
    pub fn tick(&mut self) {
        self.tick_at(Clock::now_ns());
    }

    /// As [`tick`](Self::tick), with the driver's own monotonic time in nanoseconds, which never goes back.
    pub fn tick_at(&mut self, now_ns: u64) {
        self.now_ns = now_ns;
        self.now_ms = now_ns / 1_000_000;
        self.from_ms = self.now_ms + u64::from(self.now_ms * 1_000_000 != now_ns);
    }

    /// The time of the last [`tick`](Self::tick), in nanoseconds.
    pub fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// Makes `Date` anew, at most once a second.
    #[inline]
    pub(crate) fn refresh_date(&mut self) {
        if self.now_ms >= self.date_ms {
            self.make_date();
        }
    }

    #[cold]
    fn make_date(&mut self) {
        http_date(&mut self.date, Clock::unix_seconds());
        // To the next full second of the wall clock, so that the field is never late by more than a turn.
        self.date_ms = self.now_ms + 1_000 - Clock::unix_millis() % 1_000;
    }

    pub(crate) fn event(&mut self, kind: EventKind, id: Id, flags: u32, a: u64, b: u64, value: Option<V>) {
        self.events.push(Event {
            kind,
            flags,
            id,
            a,
            b,
            value,
            extra: None,
        });
    }

    /// Queues an event that tells of an error: its code, and its numbers (a limit and what came, an alert).
    #[cold]
    pub(crate) fn error_event(&mut self, kind: EventKind, id: Id, error: &Error) {
        let (a, b) = error.numbers();
        self.event(kind, id, error.code.id().into(), a, b, None);
    }

    /// Sets the rank of the least level of which lines are made: 0 is trace, 5 fatal, 6 silence.
    pub fn set_log_level(&mut self, rank: u8) {
        self.log.set_level(rank);
    }

    /// The lines that wait for the log, each ended by a line feed, its fields parted by tabs.
    pub fn take_log(&mut self) -> String {
        self.log.take()
    }

    /// Tells the host that lines wait, where that is news.
    pub(crate) fn tell_log(&mut self, is_news: bool) {
        if is_news {
            self.event(EventKind::Log, Id::from_u64(0), 0, 0, 0, None);
        }
    }

    /// How many connections, streams and buffers live: what tests compare before and after.
    pub fn census(&self) -> Census {
        Census {
            servers: self.servers.len(),
            connections: self.connections.len(),
            streams: self.streams.len(),
            buffers: self.pool.in_use(),
            timers: self.wheel.len(),
        }
    }
}

impl<V: Copy> Drop for Engine<V> {
    fn drop(&mut self) {
        self.metrics.gauge_add(Gauge::ReactorThreads, -1);
        for id in self.servers.ids() {
            self.destroy_server(id);
        }
        // Those that we began have no server. The poller has to let go of each descriptor before it is closed.
        for id in self.connections.ids() {
            self.close(id, Code::Destroyed.into());
        }
    }
}

/// What is alive in an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Census {
    /// Servers that have not closed.
    pub servers: usize,
    /// Connections, lingering ones included.
    pub connections: usize,
    /// Exchanges.
    pub streams: usize,
    /// Pooled buffers in use.
    pub buffers: usize,
    /// Entries in the timer wheel.
    pub timers: usize,
}
