//! The reactor's turn: readiness in, events out, one flush.
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

use crate::connection::{Connection, Stack, flag as conn};
use crate::event::{Event, EventKind, Host};
use crate::http1::client::Clients;
use crate::id::{Id, Slab};
use crate::link::memory::Collected;
use crate::log::Log;
use crate::memory::Memory;
use crate::panic::take_panic;
use crate::protocol::{Http1, Protocol};
use crate::refusals::Refusals;
use crate::relay::Relay;
use crate::server::Server;
use crate::stream::Stream;
use millrace_buffer::{PinId, Pool};
use millrace_error::Code;
use millrace_http1::ReadyHead;
use millrace_metrics::{Counter, Gauge, Histogram, Shard};
use millrace_net::relay::Pipes;
use millrace_net::{Clock, Peer, Poller, Ready, ReceiveBuffer, Spare, TimerWheel, http_date};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Tokens of listeners have this bit; ids use 53.
pub(crate) const LISTENER_TOKEN: u64 = 1 << 63;
/// How many stacks are kept for reuse.
const KEPT_STACKS: usize = 1024;

/// Everything of one thread: its poller, servers, connections and streams.
pub struct Engine<V: Copy> {
    pub(crate) poller: Box<dyn Poller>,
    pub(crate) servers: Slab<Server>,
    /// How many of them have paused accepting: looked at in every turn, so it is not searched for.
    pub(crate) paused_servers: usize,
    /// How many are closing and still take what is on its way to their listeners.
    pub(crate) leaving_servers: usize,
    /// A command has set a deadline of a server since the last turn: the driver has to look at it.
    pub(crate) has_new_deadline: bool,
    pub(crate) connections: Slab<Connection>,
    pub(crate) streams: Slab<Stream>,
    pub(crate) events: Vec<Event<V>>,
    ready: Vec<Ready>,
    cursor: usize,
    /// How many sockets the last look at the poller found.
    found: usize,
    /// Connections whose output or interest may have changed.
    pub(crate) dirty: Vec<Id>,
    /// Connections that can go on without new readiness.
    pub(crate) pending: VecDeque<Id>,
    /// Answers to injected requests that are complete.
    pub(crate) answers: Vec<(Id, Collected)>,
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
    due: Vec<u32>,
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
    buffers_told: i64,
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
            paused_servers: 0,
            leaving_servers: 0,
            has_new_deadline: false,
            connections: Slab::default(),
            streams: Slab::default(),
            events: Vec::new(),
            ready: Vec::new(),
            cursor: 0,
            found: 0,
            dirty: Vec::new(),
            pending: VecDeque::new(),
            parting: Vec::new(),
            answers: Vec::new(),
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

    /// Works until about `budget` events wait or nothing is left to do. Never blocks.
    pub fn turn<H: Host<Value = V>>(&mut self, host: &mut H, budget: usize) {
        self.found = usize::MAX;
        self.turn_on(host, budget);
    }

    /// As [`turn`](Self::turn), once more in the same wake. Where the last look at the poller found one socket alone, it is
    /// not looked at again: a thread that has so little to do is better told of the next by its loop.
    pub fn turn_on<H: Host<Value = V>>(&mut self, host: &mut H, budget: usize) {
        self.budget = budget;
        self.has_new_deadline = false;
        self.look_at_memory();
        self.expire(host);
        self.part(host);
        self.tell_answers(host);
        self.go_on_with_handshakes(host);
        let mut polled = false;
        while self.events.len() < budget {
            if self.cursor < self.ready.len() {
                let ready = self.ready[self.cursor];
                self.cursor += 1;
                self.handle_ready(host, ready);
            } else if !polled {
                polled = true;
                self.ready.clear();
                self.cursor = 0;
                // Left-over work of before goes first, in its order, and once a turn.
                for _ in 0..self.pending.len() {
                    if self.events.len() >= budget {
                        break;
                    }
                    if let Some(id) = self.pending.pop_front() {
                        self.resume(host, id);
                    }
                }
                if self.found <= 1 {
                    continue;
                }
                if let Err(error) = self.poller.poll(&mut self.ready) {
                    debug_assert!(false, "poll failed: {error}");
                }
                self.found = self.ready.len();
            } else {
                break;
            }
        }
    }

    /// Whether something waits that no readiness will announce.
    pub fn has_work(&self) -> bool {
        self.cursor < self.ready.len()
            || !self.pending.is_empty()
            || !self.dirty.is_empty()
            || !self.events.is_empty()
            || !self.completed.is_empty()
            || !self.parting.is_empty()
            || !self.answers.is_empty()
            || !self.handshakes.is_empty()
            || !self.joining.is_empty()
            || self.has_new_deadline
    }

    /// When [`turn`](Self::turn) must be called at the latest, in ms of the monotonic clock.
    pub fn next_deadline(&self) -> Option<u64> {
        let times = [
            self.wheel.next_expiry(),
            self.servers_paused_until(),
            self.servers_leave_at(),
            self.memory.next_look(self.now_ms),
        ];
        times.into_iter().flatten().min()
    }

    /// Takes the next events, at most `most`, in order.
    pub fn drain_events(&mut self, most: usize, into: &mut Vec<Event<V>>) {
        let count = self.events.len().min(most);
        if into.is_empty() && count == self.events.len() {
            std::mem::swap(&mut self.events, into);
        } else {
            into.extend(self.events.drain(..count));
        }
        self.metrics.add(Counter::ReactorEvents, count as u64);
    }

    /// Whether events wait to be taken.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Counts a wake that took so long.
    pub fn record_wake(&mut self, nanos: u64) {
        self.metrics.add(Counter::ReactorWakes, 1);
        self.metrics.record(Histogram::ReactorWakeDuration, nanos);
        let buffers = self.pool.in_use() as i64;
        if buffers != self.buffers_told {
            self.metrics.gauge_add(Gauge::Buffers, buffers - self.buffers_told);
            self.buffers_told = buffers;
        }
        if let Some(change) = self.memory.change_to_tell() {
            self.metrics.gauge_add(Gauge::MemoryHeldBytes, change);
        }
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

    fn handle_ready<H: Host<Value = V>>(&mut self, host: &mut H, ready: Ready) {
        if ready.token & LISTENER_TOKEN != 0 {
            self.accept(Id::from_u64(ready.token));
            return;
        }
        let id = Id::from_u64(ready.token);
        self.guarded(id, |engine| engine.handle_socket(host, id, ready.flags));
    }

    fn resume<H: Host<Value = V>>(&mut self, host: &mut H, id: Id) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.flags &= !conn::QUEUED;
        self.guarded(id, |engine| engine.go_on(host, id));
    }

    /// Runs one connection; a panic costs this connection and nothing else.
    pub(crate) fn guarded(&mut self, id: Id, run: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| run(self))).is_err() {
            self.poison(id);
        }
    }

    /// Ends a connection on which we broke a rule of our own.
    pub fn poison(&mut self, id: Id) {
        let peer = self.connections.get(id).map(|connection| connection.peer);
        self.panicked(Some(peer.unwrap_or_default()));
        self.close(id, Code::Bug.into());
    }

    /// As [`poison`](Self::poison), for the connection of a stream.
    pub fn poison_stream(&mut self, stream: f64) {
        let id = Id::from_f64(stream)
            .and_then(|id| self.streams.get(id))
            .map(|stream| stream.connection);
        match id {
            Some(id) => self.poison(id),
            None => self.panicked(None),
        }
    }

    fn panicked(&mut self, peer: Option<Peer>) {
        self.metrics.add(Counter::ReactorPanics, 1);
        let text = take_panic().unwrap_or_default();
        let tell = self.log.panicked(peer, &text);
        self.tell_log(tell);
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

    fn expire<H: Host<Value = V>>(&mut self, host: &mut H) {
        self.resume_accepting();
        self.end_leaving();
        if self.wheel.next_expiry().is_none_or(|at| at > self.now_ms) {
            self.wheel.pass(self.now_ms);
            return;
        }
        let mut due = std::mem::take(&mut self.due);
        self.wheel.expire(self.now_ms, &mut due);
        for slot in due.drain(..) {
            let Some((id, _)) = self.connections.at(slot) else {
                continue;
            };
            self.guarded(id, |engine| engine.handle_deadline(host, id));
        }
        self.due = due;
    }

    /// Gives a connection its stack back, and marks it for the next flush.
    #[inline]
    pub(crate) fn give_stack_and_touch(&mut self, id: Id, stack: Box<Stack>) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.stack = Some(stack);
            if !connection.has(conn::DIRTY) {
                connection.flags |= conn::DIRTY;
                self.dirty.push(id);
            }
        }
    }

    /// Marks a connection for the next flush.
    pub(crate) fn touch(&mut self, id: Id) {
        if let Some(connection) = self.connections.get_mut(id) {
            if !connection.has(conn::DIRTY) {
                connection.flags |= conn::DIRTY;
                self.dirty.push(id);
            }
        }
    }

    /// Has a connection go on in the next turn without waiting for readiness.
    pub(crate) fn queue(&mut self, id: Id) {
        if let Some(connection) = self.connections.get_mut(id) {
            if !connection.has(conn::QUEUED) {
                connection.flags |= conn::QUEUED;
                self.pending.push_back(id);
            }
        }
    }

    /// The shared receive buffer, for the time of one read.
    pub(crate) fn take_receive_buffer(&mut self) -> ReceiveBuffer {
        std::mem::take(&mut self.receive)
    }

    pub(crate) fn give_receive_buffer(&mut self, buffer: ReceiveBuffer) {
        self.receive = buffer;
    }

    /// A stack for a connection that stops being idle.
    pub(crate) fn fresh_stack(&mut self, server: u32) -> Box<Stack> {
        let options = match self.servers.at(server) {
            Some((_, server)) => server.options,
            None => Default::default(),
        };
        let limits = options.head;
        if let Some(mut stack) = self.stacks.pop() {
            if let Protocol::Http1(http) = &mut stack.protocol {
                if http.limits != limits {
                    http.parser.reset(limits);
                    http.limits = limits;
                }
            }
            return stack;
        }
        Box::new(Stack::new(crate::protocol::Protocol::Http1(Box::new(Http1::new(
            limits,
        )))))
    }

    /// A stack for a tunnel.
    pub(crate) fn raw_stack(&self, stream: Id) -> Box<Stack> {
        Box::new(Stack::new(crate::protocol::Protocol::Raw(stream)))
    }

    /// Keeps the stack of a connection that has become idle.
    pub(crate) fn recycle(&mut self, mut stack: Box<Stack>) {
        let stacks = match stack.protocol {
            Protocol::Client(_) => &mut self.clients.stacks,
            _ => &mut self.stacks,
        };
        stack.sent = 0;
        if stacks.len() < KEPT_STACKS {
            stacks.push(stack);
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
        for id in self.connections.ids() {
            if self
                .connections
                .get(id)
                .is_some_and(|connection| connection.has(conn::CLIENT))
            {
                self.close(id, Code::Destroyed.into());
            }
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
