//! Relays: two tunnels joined, whose bytes do not enter the host's program.
//!
//! A relay passes three stages, and the later ones have less to ask:
//!
//! 1. *Joining*: what the host was promised is given to it first. It writes what it has read and not used to the other
//!    side, as it would have before; nothing is read meanwhile.
//! 2. *Stacked*: bytes climb through the layers of one connection into the output of the other, which seals and sends
//!    them in its flush. Relays with TLS on either side stay here.
//! 3. *Lean* ([`lean`]): both ends are plain and all outputs are empty. Their stacks are gone; readiness moves bytes at
//!    once from socket to socket.
//!
//! Each way ends on its own: a FIN, or a close_notify, is passed on behind the last byte. When both have ended, or
//! anything goes wrong on either side, both connections are closed and one event tells it, [`EventKind::RelayEnded`].
//! What ends over an error is reset on both sides: neither peer is to take it for the end of what was sent.

mod lean;

use crate::connection::{Deadline, flag as conn};
use crate::engine::Engine;
use crate::event::{EventKind, Host};
use crate::id::Id;
use crate::protocol::Protocol;
use crate::stream::{Consumer, flag};
use millrace_error::{Code, Error};
use millrace_metrics::{Counter, Gauge};
use millrace_net::relay::Direction;
use std::os::fd::RawFd;

/// How many bytes may wait for one side before the other is not read any more, while relays are stacked.
const HIGH_MARK: usize = 64 * 1024;

/// How long a relay may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelayOptions {
    /// Without a byte either way, in ms; 0: none.
    pub idle_ms: u64,
    /// In all, in ms; 0: none.
    pub total_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Joining,
    Stacked,
    Lean,
}

/// One way of a relay; its number is that of the end from which it comes.
struct Way {
    direction: Direction,
    /// What the sink was given.
    bytes: u64,
    /// Lean: the sink is full.
    blocked: bool,
    /// The source has ended, and the sink knows, or will behind what waits for it.
    ended: bool,
}

/// Two connections that are joined. A test asserts what one costs.
pub(crate) struct Relay {
    ends: [Id; 2],
    streams: [Id; 2],
    fds: [RawFd; 2],
    ways: [Way; 2],
    stage: Stage,
    options: RelayOptions,
    /// When it has to be over, in ms; 0: never.
    until_ms: u64,
    /// When a byte last moved, in ms.
    active_ms: u64,
}

impl Relay {
    fn side(&self, end: Id) -> usize {
        usize::from(self.ends[1] == end)
    }
}

impl<V: Copy> Engine<V> {
    /// Joins two tunnels, of which our side has not ended: from now on what the peer of one says goes to the peer of the
    /// other, and [`EventKind::RelayEnded`] is all that the host hears. Until it has been given what came before, it may
    /// still write.
    ///
    /// # Errors
    /// `STALE_ID` when one is gone, `INVALID_STATE` when one is no open tunnel, has ended our side or is joined already,
    /// `INVALID_ARGUMENT` when both are one.
    pub fn relay(&mut self, a: f64, b: f64, options: RelayOptions) -> Result<(), Error> {
        let (one, one_end, one_fd) = self.relayable(a)?;
        let (other, other_end, other_fd) = self.relayable(b)?;
        if one == other {
            return Err(Code::InvalidArgument.into());
        }
        let way = || Way {
            direction: Direction::new(),
            bytes: 0,
            blocked: false,
            ended: false,
        };
        let relay = Relay {
            ends: [one_end, other_end],
            streams: [one, other],
            fds: [one_fd, other_fd],
            ways: [way(), way()],
            stage: Stage::Joining,
            options,
            until_ms: match options.total_ms {
                0 => 0,
                ms => self.from_ms + ms,
            },
            active_ms: self.from_ms,
        };
        let slot = self.relays.insert(relay).ok_or(Code::ConnectionsLimit)?.slot();
        for (stream, end) in [(one, one_end), (other, other_end)] {
            if let Some(stream) = self.streams.get_mut(stream) {
                stream.flags = (stream.flags | flag::RELAYED) & !flag::WANTS_DRAIN;
                (stream.consumer, stream.credit) = (Consumer::Undecided, 0);
            }
            if let Some(connection) = self.connections.get_mut(end) {
                connection.flags |= conn::RELAY;
                connection.relay = slot;
            }
            self.set_deadline(end, Deadline::None, 0);
            self.touch(end);
        }
        self.joining.push(slot);
        self.set_relay_deadline(slot);
        self.has_new_deadline = true;
        self.metrics.add(Counter::RelayStarted, 1);
        self.metrics.gauge_add(Gauge::RelayActive, 1);
        Ok(())
    }

    fn relayable(&self, id: f64) -> Result<(Id, Id, RawFd), Error> {
        let id = Id::from_f64(id).ok_or(Code::StaleId)?;
        let stream = self.streams.get(id).ok_or(Code::StaleId)?;
        let connection = self.connections.get(stream.connection).ok_or(Code::StaleId)?;
        let unfit = flag::RESPONSE_ENDED | flag::DIALLING | flag::RELAYED | flag::CLIENT;
        let tunnel = connection
            .stack
            .as_ref()
            .is_some_and(|stack| matches!(stack.protocol, Protocol::Raw(_)));
        let fd = connection.link.descriptor().filter(|_| tunnel);
        match fd {
            Some(fd) if stream.has(flag::RAW) && !stream.has(unfit) => Ok((id, stream.connection, fd)),
            _ => Err(Code::InvalidState.into()),
        }
    }

    /// Begins the relays of which the host has been given all that came before.
    pub(crate) fn begin_joined(&mut self) {
        for slot in std::mem::take(&mut self.joining) {
            let Some((_, relay)) = self.relays.at(slot).filter(|(_, relay)| relay.stage == Stage::Joining) else {
                continue;
            };
            let streams = relay.streams;
            if self.events.iter().any(|event| streams.contains(&event.id)) {
                self.joining.push(slot);
            } else {
                self.begin_relay(slot);
            }
        }
    }

    fn begin_relay(&mut self, slot: u32) {
        let Some(relay) = self.relays.at_mut(slot) else { return };
        relay.stage = Stage::Stacked;
        let (ends, streams) = (relay.ends, relay.streams);
        let mut kept = [Vec::new(), Vec::new()];
        let mut ended = [false; 2];
        for way in 0..2 {
            if let Some(stream) = self.streams.get_mut(streams[way]) {
                // Its end is told by the relay now, whoever was told before.
                stream.flags &= !(flag::END_TOLD | flag::WANTS_DRAIN);
                kept[way] = std::mem::take(&mut stream.stash);
            }
            if let Some(connection) = self.connections.get_mut(ends[way]) {
                ended[way] = connection.has(conn::READ_CLOSED);
                connection.flags &= !conn::END_WAITS;
                if let Some(stack) = &mut connection.stack {
                    kept[way].append(&mut std::mem::take(&mut stack.backlog));
                }
            }
        }
        for way in 0..2 {
            let bytes = std::mem::take(&mut kept[way]);
            self.pass_on(slot, way, &bytes);
            // A stash came out of the pool; one that was only a backlog did not.
            if bytes.capacity() > 0 {
                self.pool.give(bytes);
            }
            if ended[way] {
                self.pass_end(slot, way);
            }
        }
        ends.into_iter().for_each(|end| self.touch(end));
    }

    /// Whether a stream is one end of a relay.
    pub(crate) fn is_relayed(&self, stream: Id) -> bool {
        self.streams.get(stream).is_some_and(|stream| stream.has(flag::RELAYED))
    }

    /// Whether the relay of a stream waits for the host.
    pub(crate) fn is_joining(&self, stream: Id) -> bool {
        let relay = self.relay_of(stream).and_then(|(slot, _)| self.relays.at(slot));
        relay.is_some_and(|(_, relay)| relay.stage == Stage::Joining)
    }

    /// The relay of a stream, and which of its ends that is.
    fn relay_of(&self, stream: Id) -> Option<(u32, usize)> {
        let end = self.streams.get(stream)?.connection;
        let connection = self
            .connections
            .get(end)
            .filter(|connection| connection.has(conn::RELAY))?;
        let (_, relay) = self.relays.at(connection.relay)?;
        Some((connection.relay, relay.side(end)))
    }

    /// Bytes of a peer came up through its layers.
    pub(crate) fn relay_bytes<H: Host<Value = V>>(&mut self, host: &mut H, stream: Id, bytes: &[u8]) {
        let Some((slot, way)) = self.relay_of(stream) else {
            return;
        };
        if self.is_joining(stream) {
            // A tunnel has no body limit and collects nothing: this cannot fail.
            let _ = self.take_body(host, stream, bytes, false);
        } else {
            self.pass_on(slot, way, bytes);
        }
    }

    /// Puts bytes into the output of the other side.
    fn pass_on(&mut self, slot: u32, way: usize, bytes: &[u8]) {
        let Some(relay) = self.relays.at_mut(slot).filter(|_| !bytes.is_empty()) else {
            return;
        };
        let sink = relay.ends[1 - way];
        relay.ways[way].bytes += bytes.len() as u64;
        relay.active_ms = self.from_ms;
        let stack = self
            .connections
            .get_mut(sink)
            .and_then(|connection| connection.stack.as_mut());
        if let Some(stack) = stack {
            stack.output.tail(&mut self.pool).extend_from_slice(bytes);
        }
        self.touch(sink);
    }

    /// The peer of a stream has ended.
    pub(crate) fn relay_end(&mut self, stream: Id) {
        if let Some((slot, way)) = self.relay_of(stream).filter(|_| !self.is_joining(stream)) {
            self.pass_end(slot, way);
        }
    }

    fn pass_end(&mut self, slot: u32, way: usize) {
        let Some(relay) = self.relays.at_mut(slot).filter(|relay| !relay.ways[way].ended) else {
            return;
        };
        relay.ways[way].ended = true;
        let sink = relay.streams[1 - way];
        self.end_raw(sink, false);
    }

    /// Whether a connection of a relay is to be read.
    pub(crate) fn relay_wants(&self, id: Id) -> bool {
        let Some(connection) = self.connections.get(id) else {
            return false;
        };
        let Some((_, relay)) = self.relays.at(connection.relay) else {
            return false;
        };
        let way = relay.side(id);
        if relay.stage != Stage::Stacked || connection.has(conn::READ_CLOSED) || self.memory.is_pressed() {
            return false;
        }
        let sink = self.connections.get(relay.ends[1 - way]);
        let waiting = sink
            .and_then(|sink| sink.stack.as_ref())
            .map_or(0, |stack| stack.output.len());
        waiting < HIGH_MARK
    }

    /// After a flush of one side: `waiting` bytes are left of its output.
    pub(crate) fn relay_has_room(&mut self, id: Id, waiting: usize) {
        let Some((_, relay)) = self
            .connections
            .get(id)
            .and_then(|connection| self.relays.at(connection.relay))
        else {
            return;
        };
        let source = relay.ends[1 - relay.side(id)];
        let paused = self
            .connections
            .get(source)
            .is_some_and(|source| !source.interest.contains(millrace_net::Interest::READ));
        if paused && waiting < HIGH_MARK && self.relay_wants(source) {
            self.touch(source);
        }
    }

    /// At the end of a flush of one side: ends the relay, or makes it lean, where that is due.
    pub(crate) fn relay_settled(&mut self, id: Id) {
        let Some(slot) = self.connections.get(id).map(|connection| connection.relay) else {
            return;
        };
        let Some((_, relay)) = self.relays.at(slot) else { return };
        if relay.stage == Stage::Stacked {
            let (ends, over) = (relay.ends, relay.ways.iter().all(|way| way.ended));
            let written = |id: &Id| {
                self.connections.get(*id).is_some_and(|connection| {
                    let sealed = connection.layers.as_ref().is_some_and(|layers| layers.has_output());
                    let empty = |stack: &crate::connection::Stack| stack.output.is_empty();
                    !sealed && connection.stack.as_deref().is_some_and(empty)
                })
            };
            let all_written = ends.iter().all(written);
            let shut = |id: &Id| {
                self.connections
                    .get(*id)
                    .is_some_and(|connection| connection.has(conn::WRITE_CLOSED))
            };
            if over && all_written && ends.iter().all(shut) {
                return self.end_relay(slot, None);
            }
            // An end that came before the relay may still be owed to a side whose flush follows: a lean one has none.
            let told = (0..2).all(|way| !relay.ways[way].ended || shut(&ends[1 - way]));
            if all_written && told && self.may_be_lean(ends) {
                return self.make_lean(slot);
            }
        }
        self.update_interest(id);
    }

    /// Ends a relay and closes both of its connections: in order, or over an error.
    pub(crate) fn end_relay(&mut self, slot: u32, error: Option<Error>) {
        let Some(id) = self.relays.at(slot).map(|(id, _)| id) else {
            return;
        };
        let Some(mut relay) = self.relays.remove(id) else {
            return;
        };
        let mut bytes = [0; 2];
        for (way, moved) in bytes.iter_mut().enumerate() {
            let sink = self.connections.get(relay.ends[1 - way]);
            // What did not reach the kernel did not arrive.
            let left = sink
                .and_then(|sink| sink.stack.as_ref())
                .map_or(0, |stack| stack.output.len() as u64);
            *moved = relay.ways[way].bytes.saturating_sub(left);
            relay.ways[way].direction.clear(&mut self.pool, &mut self.pipes);
        }
        self.metrics.gauge_add(Gauge::RelayActive, -1);
        if relay.stage != Stage::Lean {
            self.metrics.add(Counter::RelayBytes, bytes[0] + bytes[1]);
        }
        let code = error.map(|error| error.code);
        match code {
            Some(Code::RelayIdleTimeout) => self.metrics.add(Counter::RelayTimeoutsIdle, 1),
            Some(Code::RelayTotalTimeout) => self.metrics.add(Counter::RelayTimeoutsTotal, 1),
            _ => {}
        }
        if code.is_some() {
            self.metrics.add(Counter::RelayFailed, 1);
        }
        let flags = code.map_or(0, |code| code.id().into());
        self.event(EventKind::RelayEnded, relay.streams[0], flags, bytes[0], bytes[1], None);
        let how = error.unwrap_or(Code::ConnectionClosed.into());
        for (stream, end) in relay.streams.into_iter().zip(relay.ends) {
            match error {
                // Told with the relay: the stream's own end is not.
                Some(error) => self.abort_stream(stream, &error),
                None => self.drop_stream(stream),
            }
            if let Some(connection) = self.connections.get_mut(end) {
                let cut = if error.is_some() { conn::CUT } else { 0 };
                connection.flags = (connection.flags & !(conn::RELAY | conn::LEAN)) | cut;
                self.close(end, how);
            }
        }
    }

    fn set_relay_deadline(&mut self, slot: u32) {
        let Some((_, relay)) = self.relays.at(slot) else { return };
        if let Some(at) = self.relay_due_at(relay) {
            self.set_deadline(relay.ends[0], Deadline::Relay, at);
        }
    }

    fn relay_due_at(&self, relay: &Relay) -> Option<u64> {
        let mut active = relay.active_ms;
        for end in relay.ends {
            let stack = self
                .connections
                .get(end)
                .and_then(|connection| connection.stack.as_ref());
            active = active.max(stack.map_or(0, |stack| stack.progress_ms));
        }
        let idle = (relay.options.idle_ms > 0).then(|| active + relay.options.idle_ms);
        let total = (relay.until_ms > 0).then_some(relay.until_ms);
        idle.into_iter().chain(total).min()
    }

    /// The wheel came round to a relay: a deadline that has moved meanwhile is set anew.
    pub(crate) fn relay_due(&mut self, id: Id) {
        let Some(slot) = self.connections.get(id).map(|connection| connection.relay) else {
            return;
        };
        let is_due = |engine: &Self| {
            let due = engine.relays.at(slot).and_then(|(_, relay)| engine.relay_due_at(relay));
            due.is_some_and(|at| at <= engine.now_ms)
        };
        // Perhaps we are late and not the peers: what is in the sockets already counts.
        if is_due(self) && !self.look_again(slot) {
            return;
        }
        let Some((_, relay)) = self.relays.at(slot) else { return };
        if !is_due(self) {
            return self.set_relay_deadline(slot);
        }
        let over = relay.until_ms > 0 && relay.until_ms <= self.now_ms;
        let (code, value, at) = match over {
            true => (Code::RelayTotalTimeout, relay.options.total_ms, relay.until_ms),
            false => {
                let at = self.relay_due_at(relay).unwrap_or(self.now_ms);
                (Code::RelayIdleTimeout, relay.options.idle_ms, at)
            }
        };
        let late = self.now_ms.saturating_sub(at);
        self.end_relay(slot, Some(Error::limit(code, value, value + late)));
    }
}
