//! Memory that is held for peers: counted for each connection, and bounded for the process (`setMaxMemory`).
//!
//! At each flush a connection's share is measured anew: what waits to be written, what was received and not given on.
//! From seven eighths of the cap no body is read any more; from the cap on new connections and requests get 503. Where
//! that does not help within a second, because all of it is held by exchanges that wait for more, the largest is cut
//! (with 503 where it has no answer yet), and again every 100 ms until there is room.

use crate::connection::Stack;
use crate::engine::Engine;
use crate::id::Id;
use crate::protocol::Protocol;
use crate::stream::flag;
use millrace_admission::{MemoryAccount, MemoryBudget, Pressure};
use millrace_error::{Code, Error};

/// How often a thread under pressure looks whether it is over: another one may have given back.
const LOOK_MS: u64 = 100;
/// How long reading pauses before the largest exchange is cut.
const PATIENCE_MS: u64 = 1_000;

/// Bounds what the threads of the process hold together for their peers; `None`: nothing does.
pub fn set_max_memory(bytes: Option<u64>) {
    MemoryBudget::process().set_cap(bytes);
}

/// How much they hold, to 64 KiB a thread.
pub fn memory_held() -> u64 {
    MemoryBudget::process().used()
}

/// One thread's account, and what it has to do about the state of the budget.
pub(crate) struct Memory {
    pub account: MemoryAccount,
    pressure: Pressure,
    /// Since when reading pauses, in ms.
    pressed_ms: u64,
    told: i64,
}

impl Memory {
    pub fn new() -> Self {
        Self {
            account: MemoryAccount::new(MemoryBudget::process()),
            pressure: Pressure::Normal,
            pressed_ms: 0,
            told: 0,
        }
    }

    /// Whether bodies are not to be read.
    pub fn is_pressed(&self) -> bool {
        self.pressure >= Pressure::Pressed
    }

    /// Whether new work is to be refused.
    pub fn is_full(&self) -> bool {
        self.pressure == Pressure::Full
    }

    /// When to look again.
    pub fn next_look(&self, now_ms: u64) -> Option<u64> {
        self.is_pressed().then_some(now_ms + LOOK_MS)
    }

    /// By how much what this thread holds has changed since the last call, where it has.
    pub fn change_to_tell(&mut self) -> Option<i64> {
        let held = self.account.held() as i64;
        let change = held - self.told;
        self.told = held;
        (change != 0).then_some(change)
    }
}

/// The error of work that is refused for want of memory.
pub(crate) fn refusal() -> Error {
    let budget = MemoryBudget::process();
    Error::limit(Code::MemoryLimit, budget.cap().unwrap_or(0), budget.used())
}

impl<V: Copy> Engine<V> {
    /// Asks for the state of the budget; goes on reading where it has become calm, cuts where it does not.
    pub(crate) fn look_at_memory(&mut self) {
        let before = self.memory.pressure;
        let pressure = self.memory.account.pressure();
        self.memory.pressure = pressure;
        match (before, pressure) {
            (Pressure::Normal, Pressure::Normal) => {}
            (Pressure::Normal, _) => self.memory.pressed_ms = self.now_ms,
            (_, Pressure::Normal) => self.read_on(),
            _ if self.now_ms >= self.memory.pressed_ms + PATIENCE_MS => {
                self.memory.pressed_ms = self.now_ms + LOOK_MS - PATIENCE_MS;
                self.cut_largest();
            }
            _ => {}
        }
    }

    fn read_on(&mut self) {
        for id in self.connections.ids() {
            if self
                .connections
                .get(id)
                .is_some_and(|connection| connection.stack.is_some())
            {
                self.touch(id);
            }
        }
    }

    fn cut_largest(&mut self) {
        let size = |id: &Id| self.connections.get(*id).map_or(0, |connection| connection.memory);
        let largest = self.connections.ids().into_iter().max_by_key(size);
        let Some(id) = largest.filter(|id| size(id) > 0) else {
            return;
        };
        if self.awaits_body(id) {
            return self.fail_now(id, refusal());
        }
        self.count_error(id, &refusal());
        self.close(id, refusal());
    }

    /// Whether a connection receives a request that can still be answered with a status.
    fn awaits_body(&self, id: Id) -> bool {
        let stack = self
            .connections
            .get(id)
            .and_then(|connection| connection.stack.as_ref());
        let receiving = match stack.map(|stack| &stack.protocol) {
            Some(Protocol::Http1(http)) => http.receiving.and_then(|id| self.streams.get(id)),
            _ => None,
        };
        receiving.is_some_and(|stream| !stream.has(flag::HEAD_SENT))
    }

    /// Measures what is held for a connection.
    pub(crate) fn account(&mut self, id: Id) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        let held = connection.stack.as_ref().map_or(0, |stack| self.memory_of(stack));
        let held = held + connection.layers.as_ref().map_or(0, |layers| layers.memory());
        let held = u32::try_from(held).unwrap_or(u32::MAX);
        let before = connection.memory;
        if held == before {
            return;
        }
        if let Some(connection) = self.connections.get_mut(id) {
            connection.memory = held;
        }
        if held > before {
            self.memory.account.charge((held - before) as usize);
        } else {
            self.memory.account.release((before - held) as usize);
        }
    }

    fn memory_of(&self, stack: &Stack) -> usize {
        let mut held = stack.output.memory() + stack.backlog.capacity();
        let of = |id: Id| {
            self.streams.get(id).map_or(0, |stream| {
                stream.stash.capacity() + stream.output.as_ref().map_or(0, |output| output.memory())
            })
        };
        match &stack.protocol {
            Protocol::Raw(stream) => held += of(*stream),
            Protocol::Client(client) => held += client.order.iter().map(|exchange| of(exchange.stream)).sum::<usize>(),
            Protocol::Http1(http) => {
                held += http.order.iter().map(|id| of(*id)).sum::<usize>();
                let receiving = http.receiving.filter(|id| !http.order.contains(id));
                held += receiving.map_or(0, of);
            }
        }
        held
    }

    /// How much memory is held for the connection of a stream, in bytes.
    pub fn memory_of_connection(&self, stream: f64) -> u64 {
        Id::from_f64(stream)
            .and_then(|id| self.streams.get(id))
            .and_then(|stream| self.connections.get(stream.connection))
            .map_or(0, |connection| connection.memory.into())
    }
}
