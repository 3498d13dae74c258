//! Relays: two tunnels joined, whose bytes do not enter the host's program.
//!
//! A relay passes three stages, and the later ones have less to ask:
//!
//! 1. *Joining* (`joining`): what the host was promised is given to it first. It writes what it has read and not used to the other
//!    side, as it would have before; nothing is read meanwhile.
//! 2. *Stacked* (`stacked`): bytes climb through the layers of one connection into the output of the other, which seals and sends
//!    them in its flush. Relays with TLS on either side stay here.
//! 3. *Lean* ([`lean`]): both ends are plain and all outputs are empty. Their stacks are gone; readiness moves bytes at
//!    once from socket to socket.
//!
//! Each way ends on its own: a FIN, or a close_notify, is passed on behind the last byte. When both have ended, or
//! anything goes wrong on either side, both connections are closed and one event tells it, [`EventKind::RelayEnded`].
//! What ends over an error is reset on both sides: neither peer is to take it for the end of what was sent.

mod deadline;
mod joining;
mod lean;
mod stacked;

use crate::connection::{Deadline, flag as conn};
use crate::engine::Engine;
use crate::event::EventKind;
use crate::id::Id;
use crate::protocol::Protocol;
use crate::stream::{Consumer, flag};
use millrace_error::{Code, Error};
use millrace_metrics::{Counter, Gauge};
use millrace_net::relay::Direction;
use std::os::fd::RawFd;

/// By how much the errno is shifted in the flags of `RelayEnded`; the code is below it.
const ERRNO_SHIFT: u32 = 12;

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
    /// `STALE_ID` when one is gone: the other is reset then, as by a relay that fails. `INVALID_STATE` when one is no open tunnel, has ended our side or is joined already,
    /// `INVALID_ARGUMENT` when both are one.
    pub fn relay(&mut self, a: f64, b: f64, options: RelayOptions) -> Result<(), Error> {
        let (first, second) = (self.relayable(a), self.relayable(b));
        if let (Ok((_, left, _)), Err(error)) | (Err(error), Ok((_, left, _))) = (&first, &second)
            && error.code == Code::StaleId
        {
            self.cut(*left);
        }
        let (one, one_end, one_fd) = first?;
        let (other, other_end, other_fd) = second?;
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
        let over = flag::RESPONSE_ENDED | flag::END_TOLD;
        if stream.flags & over == over {
            // Both sides have ended: it is on its way out.
            return Err(Code::StaleId.into());
        }
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

    /// Closes a connection so that its peer does not take it for an end.
    fn cut(&mut self, end: Id) {
        if let Some(connection) = self.connections.get_mut(end) {
            connection.flags |= conn::CUT;
        }
        self.close(end, Code::Destroyed.into());
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
        let errno = error.and_then(|error| error.errno).unwrap_or(0).unsigned_abs();
        let flags = code.map_or(0, |code| u32::from(code.id()) | errno << ERRNO_SHIFT);
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
}
