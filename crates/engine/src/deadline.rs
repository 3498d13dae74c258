//! Deadlines: what a connection may take time for, until when, and what follows when it did.

use crate::connection::{Deadline, flag as conn};
use crate::dial::NO_SERVER;
use crate::engine::Engine;
use crate::event::Host;
use crate::id::Id;
use crate::options::{KEEP_ALIVE_MARGIN_MS, ServerOptions, or_forever};
use crate::pace::Pace;
use crate::protocol::Protocol;
use crate::stream::BodyLimits;
use millrace_error::{Code, Error};

/// Until when a connection on which nothing happens is kept.
pub(crate) fn idle_deadline(from_ms: u64, options: &ServerOptions) -> (Deadline, u64) {
    match options.keep_alive_timeout_ms {
        0 => (Deadline::None, 0),
        timeout => (Deadline::KeepAlive, from_ms + KEEP_ALIVE_MARGIN_MS + timeout),
    }
}

/// The first of two deadlines.
fn earlier(one: (Deadline, u64), other: (Deadline, u64)) -> (Deadline, u64) {
    match (one.0, other.0) {
        (Deadline::None, _) => other,
        (_, Deadline::None) => one,
        _ if one.1 <= other.1 => one,
        _ => other,
    }
}

impl<V: Copy> Engine<V> {
    /// One entry in the wheel per connection; a deadline that moves later is a store.
    pub(crate) fn set_deadline(&mut self, id: Id, what: Deadline, at_ms: u64) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        if connection.set_deadline(what, at_ms) {
            self.wheel.schedule(id.slot(), at_ms);
        }
    }

    /// What a connection may take time for now, and until when.
    pub(crate) fn update_deadline(&mut self, id: Id) {
        let pressed = self.memory.is_pressed();
        // Clocks start at `from` and stop at `now`: no peer is cut early for our rounding.
        let (now, from) = (self.now_ms, self.from_ms);
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let Some((_, server)) = self.servers.at(connection.server) else {
            if connection.has(conn::CLIENT) {
                let (what, at) = self.client_deadline(id);
                self.set_deadline(id, what, at);
            }
            return;
        };
        let options = &server.options;
        let none = (Deadline::None, 0);
        let after = |what, since: u64, timeout| if timeout == 0 { none } else { (what, since + timeout) };
        let paced = |what, due: Option<u64>| due.map_or(none, |due| (what, due));
        let keep_alive = idle_deadline(from, options);
        let full = connection.has(conn::BLOCKED);
        let layers = connection.layers.as_ref();
        if layers.is_some_and(|layers| layers.is_opening()) {
            return;
        }
        let sealed = layers.is_some_and(|layers| layers.has_output());
        // Before the first request the time since accept counts, whatever came: a PROXY head, empty lines, half a head.
        let first = connection.requests == 0;
        let (what, at) = match connection.stack.as_mut() {
            None if first => return,
            None => keep_alive,
            Some(stack) => match &mut stack.protocol {
                Protocol::Raw(_) | Protocol::Client(_) => none,
                Protocol::Http1(http) => {
                    let stuck = full && (sealed || !stack.output.is_empty());
                    let reads = http.may_begin(options, stack.output.len());
                    let written = if stuck {
                        let (what, at) = after(Deadline::Write, stack.progress_ms, options.write_timeout_ms);
                        let still = (what, at.min(http.reader.next_look(options.write_timeout_ms)));
                        let slow = http.reader.pace.due_ms(options.min_send_rate);
                        earlier(still, paced(Deadline::SendRate, slow))
                    } else {
                        none
                    };
                    let read = match http.receiving.and_then(|stream| self.streams.get(stream)) {
                        Some(stream) if stream.wants_bytes() && !pressed => {
                            if http.paused_ms != 0 {
                                // The peer's clocks stood still while we withheld reading (SPEC §3).
                                http.began_ms += from.saturating_sub(http.paused_ms);
                                http.body_ms = from;
                                http.paused_ms = 0;
                            }
                            let limits = stream.limits(options);
                            http.receive_pace.start(from);
                            let most = or_forever(limits.body_timeout_ms);
                            http.receive_pace.cap(from, limits.min_receive_rate, most);
                            let slow = http.receive_pace.due_ms(limits.min_receive_rate);
                            let gap = after(Deadline::Body, http.body_ms, limits.body_timeout_ms);
                            let whole = after(Deadline::Request, http.began_ms, limits.request_timeout_ms);
                            earlier(earlier(gap, whole), paced(Deadline::ReceiveRate, slow))
                        }
                        // What a closing connection still sends is not read.
                        None if connection.flags & conn::CLOSING != 0 => none,
                        None if http.held.is_none() && !http.parser.is_idle() && reads => {
                            if http.paused_ms != 0 {
                                http.began_ms += from.saturating_sub(http.paused_ms);
                                http.paused_ms = 0;
                            }
                            let head = after(Deadline::Headers, http.began_ms, options.headers_timeout_ms);
                            let due = earlier(
                                head,
                                after(Deadline::Request, http.began_ms, options.request_timeout_ms),
                            );
                            if first && connection.deadline == Deadline::Headers && connection.deadline_ms <= due.1 {
                                return;
                            }
                            due
                        }
                        None if stuck && (http.held.is_none() && http.parser.is_idle()) => none,
                        // A body that nobody takes, or a head that waits for its turn: we withhold reading.
                        None if http.held.is_none() && http.parser.is_idle() && !http.order.is_empty() => none,
                        None if http.held.is_none() && http.parser.is_idle() && first => return,
                        None if http.dangling && connection.deadline == Deadline::KeepAlive => return,
                        None if http.held.is_none() && http.parser.is_idle() => keep_alive,
                        _ => {
                            if http.paused_ms == 0 {
                                http.paused_ms = now;
                                http.receive_pace.stop(now);
                            }
                            none
                        }
                    };
                    earlier(written, read)
                }
            },
        };
        if at > now {
            connection.flags &= !conn::OVERDUE;
        }
        self.set_deadline(id, what, at);
    }

    /// The wheel came round to a connection.
    pub(crate) fn handle_deadline<H: Host<Value = V>>(&mut self, host: &mut H, id: Id) {
        let now = self.now_ms;
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.armed_ms = 0;
        let (what, at) = (connection.deadline, connection.deadline_ms);
        if what == Deadline::Relay {
            return self.relay_due(id);
        }
        if what != Deadline::None && at > now {
            return self.set_deadline(id, what, at);
        }
        let peers = matches!(
            what,
            Deadline::Headers
                | Deadline::Body
                | Deadline::Request
                | Deadline::KeepAlive
                | Deadline::Farewell
                | Deadline::ReceiveRate
                | Deadline::Handshake
        ) && connection.server != NO_SERVER;
        if peers && connection.has(conn::QUEUED | conn::HANDSHAKE_QUEUED) {
            // We are late and not the peer: what it has sent waits for this turn, and moves the deadline.
            return self.set_deadline(id, what, at);
        }
        if peers && !connection.has(conn::OVERDUE) {
            // Perhaps we are late and not the peer: what is in the socket already counts, once.
            connection.flags |= conn::OVERDUE;
            if let Some(fd) = connection.link.descriptor().filter(|_| self.wants_read(id)) {
                if self.read(host, id, fd) {
                    // Due again in the next turn, unless that has moved it.
                    return self.set_deadline(id, what, at);
                }
            }
        }
        let (what, at) = match self.look_at_reader_again(id, what) {
            Some((what, at)) if at <= now => (what, at),
            Some(_) => return,
            None => (what, at),
        };
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let begun = connection.stack.is_some();
        connection.deadline = Deadline::None;
        let below = connection.layers.as_ref().is_some_and(|layers| layers.is_opening());
        if connection.has(conn::CLIENT) {
            return self.client_expired(host, id, what, at);
        }
        if connection.server == NO_SERVER {
            return self.dial_expired(host, id, what, at);
        }
        let Some(error) = self.expired(id, what, at) else {
            match what {
                Deadline::Delay => self.serve_delayed(id),
                Deadline::Linger => self.close(id, Code::ConnectionClosed.into()),
                Deadline::Farewell => self.close(id, Code::ServerClosed.into()),
                _ => {}
            }
            return;
        };
        if !begun || below || matches!(what, Deadline::Write | Deadline::SendRate | Deadline::KeepAlive) {
            // Nobody waits for an answer, or nobody takes one: closed silently.
            self.count_error(id, &error);
            if what == Deadline::Handshake {
                self.handshake_expired(host, id);
            }
            return self.close(id, error);
        }
        self.fail_now(id, error);
    }

    /// A deadline of a reader has come, or the time to look at what it takes: the deadline then, where that was looked at.
    fn look_at_reader_again(&mut self, id: Id, what: Deadline) -> Option<(Deadline, u64)> {
        if !matches!(what, Deadline::Write | Deadline::SendRate) {
            return None;
        }
        let connection = self.connections.get_mut(id)?;
        let (_, server) = self.servers.at(connection.server)?;
        let stack = connection.stack.as_mut()?;
        let Protocol::Http1(http) = &mut stack.protocol else {
            return None;
        };
        if !http.reader.is_watched() {
            return None;
        }
        let fd = connection.link.descriptor();
        if http.reader.look_again(&server.options, fd, self.from_ms) {
            stack.progress_ms = self.from_ms;
        }
        self.update_deadline(id);
        let connection = self.connections.get(id)?;
        match connection.deadline {
            what @ (Deadline::Write | Deadline::SendRate) => Some((what, connection.deadline_ms)),
            // Another one's turn, which the wheel knows.
            other => Some((other, u64::MAX)),
        }
    }

    /// Fails what a connection is receiving, outside of its turn.
    pub(crate) fn fail_now(&mut self, id: Id, error: Error) {
        let Some(mut stack) = self.take_stack(id) else { return };
        let outcome = self.fail(id, &mut stack, error);
        self.give_stack(id, stack);
        match outcome {
            Ok(()) => self.touch(id),
            Err(error) => self.close(id, error),
        }
    }

    /// The error of a deadline that has passed: which limit, its value, and what was seen in its place.
    fn expired(&self, id: Id, what: Deadline, at_ms: u64) -> Option<Error> {
        let connection = self.connections.get(id)?;
        let (_, server) = self.servers.at(connection.server)?;
        let options = &server.options;
        let stack = connection.stack.as_ref();
        let http = stack.and_then(|stack| match &stack.protocol {
            Protocol::Http1(http) => Some(http),
            Protocol::Raw(_) | Protocol::Client(_) => None,
        });
        let receiving = http.and_then(|http| self.streams.get(http.receiving?));
        let limits = match receiving {
            Some(stream) => stream.limits(options),
            None => BodyLimits::of(options),
        };
        let late = self.now_ms.saturating_sub(at_ms);
        let time = |code, value| Some(Error::limit(code, value, value + late));
        let rate = |code, value, pace: Option<&Pace>| {
            let seen = pace.map_or(0, |pace| pace.seen(self.now_ms));
            Some(Error::limit(code, value, seen))
        };
        match what {
            Deadline::None
            | Deadline::Relay
            | Deadline::Delay
            | Deadline::Linger
            | Deadline::Farewell
            | Deadline::Connect
            | Deadline::Proxy => None,
            Deadline::Handshake => time(Code::TlsHandshakeTimeout, options.tls_handshake_timeout_ms),
            Deadline::Headers => time(Code::HeadersTimeout, options.headers_timeout_ms),
            Deadline::Body => time(Code::BodyTimeout, limits.body_timeout_ms),
            Deadline::Request => time(Code::RequestTimeout, limits.request_timeout_ms),
            Deadline::Write => time(Code::WriteTimeout, options.write_timeout_ms),
            Deadline::KeepAlive => time(Code::KeepAliveTimeout, options.keep_alive_timeout_ms),
            Deadline::ReceiveRate => {
                let pace = http.map(|http| &http.receive_pace);
                rate(Code::ReceiveRate, limits.min_receive_rate, pace)
            }
            Deadline::SendRate => {
                let pace = http.map(|http| &http.reader.pace);
                rate(Code::SendRate, options.min_send_rate, pace)
            }
        }
    }
}
