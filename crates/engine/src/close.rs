//! Deadlines, and the ends of connections: every way out passes here, so nothing is left behind.

use crate::connection::{Deadline, flag as conn};
use crate::dial::NO_SERVER;
use crate::engine::Engine;
use crate::event::{EventKind, Host};
use crate::id::Id;
use crate::link::Link;
use crate::options::{KEEP_ALIVE_MARGIN_MS, ServerOptions, or_forever};
use crate::pace::Pace;
use crate::protocol::Protocol;
use crate::stream::{BodyLimits, flag};
use millrace_error::{Code, Error, Kind, Limit};
use millrace_http1::BodyFraming;
use millrace_metrics::{Counter, Gauge};

/// The first of two deadlines.
/// Until when a connection on which nothing happens is kept.
pub(crate) fn idle_deadline(from_ms: u64, options: &ServerOptions) -> (Deadline, u64) {
    match options.keep_alive_timeout_ms {
        0 => (Deadline::None, 0),
        timeout => (Deadline::KeepAlive, from_ms + KEEP_ALIVE_MARGIN_MS + timeout),
    }
}

fn earlier(one: (Deadline, u64), other: (Deadline, u64)) -> (Deadline, u64) {
    match (one.0, other.0) {
        (Deadline::None, _) => other,
        (_, Deadline::None) => one,
        _ if one.1 <= other.1 => one,
        _ => other,
    }
}

impl<V: Copy> Engine<V> {
    /// Destroys an exchange, and with it an HTTP/1 connection.
    pub fn destroy(&mut self, id: f64) -> bool {
        let Some(connection) = Id::from_f64(id)
            .and_then(|id| self.streams.get(id))
            .map(|stream| stream.connection)
        else {
            return false;
        };
        let over = flag::REQUEST_ENDED | flag::RESPONSE_ENDED;
        match Id::from_f64(id).and_then(|id| self.streams.get(id).map(|stream| (id, stream.flags))) {
            // Complete, and read late: its connection may be another exchange's by now.
            Some((id, flags)) if flags & (over | flag::RAW) == over => self.drop_unless_owed(id),
            _ => self.close(connection, Code::Destroyed.into()),
        }
        true
    }

    /// For tests: makes the connection of a stream panic when it is next processed.
    pub fn plant_panic(&mut self, id: f64) -> bool {
        let stream = Id::from_f64(id)
            .and_then(|id| self.streams.get(id))
            .map(|stream| stream.connection);
        let Some(connection) = stream.and_then(|id| self.connections.get_mut(id)) else {
            return false;
        };
        connection.flags |= conn::PANIC;
        true
    }

    /// Ends a connection now: its exchanges are aborted with the error, its descriptor is closed.
    pub(crate) fn close(&mut self, id: Id, error: Error) {
        let cut = self.is_cut_by_close(id);
        let orderly = !cut && !matches!(error.code.kind(), Kind::Protocol | Kind::Bug);
        self.last_words(id, orderly);
        let mut finishing = Vec::new();
        if let Some(stack) = self
            .connections
            .get_mut(id)
            .and_then(|connection| connection.stack.as_mut())
        {
            finishing = std::mem::take(&mut stack.finishing);
            let receiving = match &stack.protocol {
                Protocol::Http1(http) => http.receiving,
                Protocol::Raw(stream) => Some(*stream),
            };
            // One that still receives and is read is told by `abort_all`.
            let read = receiving.filter(|id| self.streams.get(*id).is_some_and(|stream| stream.is_read()));
            finishing.retain(|stream| Some(*stream) != read);
        }
        self.abort_all(id, &error);
        let Some(mut connection) = self.connections.remove(id) else {
            return;
        };
        if let Some(fd) = connection.link.descriptor() {
            self.poller.remove(fd, id.as_u64());
        }
        self.wheel.cancel(id.slot());
        self.memory.account.release(connection.memory as usize);
        if let Some(mut layers) = connection.layers.take() {
            layers.clear(&mut self.pool);
        }
        if let Some(mut stack) = connection.stack.take() {
            let released = &mut self.released;
            stack.output.clear(&mut self.pool, |pin| released.push(pin));
            if let Protocol::Http1(http) = &mut stack.protocol {
                // Taken over by a later connection as if new.
                let limits = http.limits;
                http.parser.reset(limits);
                http.order.clear();
                (http.receiving, http.unsafe_owed, http.held, http.began_ms) = (None, 0, None, 0);
                (http.dangling, http.late) = (false, false);
                (http.heads, http.waiting, http.wants_room) = (0, 0, false);
                stack.backlog = Vec::new();
                stack.paused_ms = 0;
                self.recycle(stack);
            }
        }
        for stream in finishing {
            self.told_aborted(stream, &error);
            self.drop_stream(stream);
        }
        let counted = !connection.has(conn::REFUSED);
        let server = connection.server;
        let client = connection.peer.addr().map(|addr| addr.ip());
        let client = client.filter(|_| connection.has(conn::CLIENT_COUNTED));
        let link = connection.link;
        let entered = link.descriptor().is_some();
        if let Link::Memory(memory) = link {
            self.injection_ended(*memory, &error);
        } else {
            if cut || error.code.kind() == Kind::Protocol || error.code == Code::Bug {
                // Bytes that we do not want any more must not look like a clean end.
                if let Some(fd) = link.descriptor() {
                    let _ = millrace_net::socket::set_linger_zero(fd);
                }
            }
            drop(link);
        }
        if server == NO_SERVER {
            self.metrics.gauge_add(Gauge::SocketsConnected, -1);
        }
        let Some((server_id, _)) = self.servers.at(server) else {
            return;
        };
        if counted {
            self.metrics.gauge_add(Gauge::HttpServerConnections, -1);
            if let Some(server) = self.servers.get_mut(server_id) {
                server.stats.active -= 1;
                if entered {
                    server.gate.leave(client);
                }
            }
        }
        self.server_maybe_closed(server_id);
    }

    /// Whether closing now leaves an answer that is not with the kernel, or one that only the close would delimit.
    fn is_cut_by_close(&self, id: Id) -> bool {
        let stack = self
            .connections
            .get(id)
            .and_then(|connection| connection.stack.as_ref());
        stack.is_some_and(|stack| {
            let Protocol::Http1(http) = &stack.protocol else {
                return !stack.output.is_empty();
            };
            let front = http.order.front().and_then(|front| self.streams.get(*front));
            !stack.output.is_empty() || front.is_some_and(|stream| stream.framing == BodyFraming::UntilClose)
        })
    }

    /// Aborts every exchange of a connection.
    pub(crate) fn abort_all(&mut self, id: Id, error: &Error) {
        let streams: Vec<Id> = match self.connections.get_mut(id).map(|connection| connection.stack.as_mut()) {
            None => return,
            Some(Some(stack)) => match &mut stack.protocol {
                Protocol::Raw(stream) => vec![*stream],
                Protocol::Http1(http) => {
                    http.unsafe_owed = 0;
                    (http.heads, http.waiting) = (0, 0);
                    let receiving = http.receiving.take();
                    receiving.into_iter().chain(std::mem::take(&mut http.order)).collect()
                }
            },
            // Idle, or the stack was lost in a panic: then whoever is left names this connection.
            Some(None) if error.code == Code::Bug => {
                let of = |id_: &Id| self.streams.get(*id_).is_some_and(|stream| stream.connection == id);
                self.streams.ids().into_iter().filter(of).collect()
            }
            Some(None) => Vec::new(),
        };
        for stream in streams {
            self.abort_stream(stream, error);
        }
    }

    /// Ends one exchange before its time.
    pub(crate) fn abort_stream(&mut self, id: Id, error: &Error) {
        let Some(stream) = self.streams.get(id) else { return };
        let (flags, server) = (stream.flags, stream.server);
        // Its answer waited for its turn, or its body for its reader.
        let missed = stream.output.is_some() || stream.is_read();
        self.drop_stream(id);
        if flags & (flag::INTERNAL | flag::CLIENT) != 0 {
            return;
        }
        let answered = flags & flag::RESPONSE_ENDED != 0;
        if !answered && server != NO_SERVER {
            self.metrics.gauge_add(Gauge::HttpServerActiveRequests, -1);
        }
        let ours = server == NO_SERVER;
        let left = !ours && matches!(error.code, Code::ConnectionClosed | Code::ConnectionReset);
        if left && !answered {
            self.metrics.add(Counter::HttpServerAborted, 1);
        }
        if let Some(server) = self.servers.at_mut(server) {
            server.stats.requests_active -= u64::from(!answered);
            server.stats.aborted += u64::from(left && !answered);
            server.forced += u64::from(server.closing && !answered);
        }
        if flags & flag::DIALLING != 0 {
            return self.told_dial_failed(id, error, None);
        }
        if missed || !answered {
            self.told_aborted(id, error);
        }
    }

    fn told_aborted(&mut self, id: Id, error: &Error) {
        let limit = error.limit.unwrap_or(Limit { value: 0, seen: 0 });
        self.event(
            EventKind::Aborted,
            id,
            error.code.id().into(),
            limit.value,
            limit.seen,
            None,
        );
    }

    /// Counts an error that a peer caused.
    pub(crate) fn count_error(&mut self, id: Id, error: &Error) {
        let (counter, timeout) = match error.code {
            Code::HttpTargetTooLarge => (Some(Counter::LimitExceededMaxUrlSize), None),
            Code::HttpHeadersTooLarge => (Some(Counter::LimitExceededMaxHeaderSize), None),
            Code::HttpTooManyFields => (Some(Counter::LimitExceededMaxHeaderFields), None),
            Code::HttpBodyTooLarge => (Some(Counter::LimitExceededMaxBodySize), None),
            Code::HttpChunkExtensionsTooLarge => (Some(Counter::LimitExceededChunkExtensions), None),
            Code::ClientConnectionsLimit => (Some(Counter::LimitExceededMaxConnectionsPerIp), None),
            Code::MemoryLimit => (Some(Counter::LimitExceededMaxMemory), None),
            Code::ClientDenied => (Some(Counter::LimitExceededDeny), None),
            Code::RateLimited => (Some(Counter::LimitExceededRateLimits), None),
            Code::HttpTrailersTooLarge => (Some(Counter::LimitExceededTrailers), None),
            Code::HeadersTimeout => (Some(Counter::HttpServerTimeoutsHeaders), Some(0)),
            Code::BodyTimeout => (Some(Counter::HttpServerTimeoutsBody), Some(1)),
            Code::RequestTimeout => (Some(Counter::HttpServerTimeoutsRequest), Some(2)),
            Code::WriteTimeout => (Some(Counter::HttpServerTimeoutsSend), Some(3)),
            Code::KeepAliveTimeout => (Some(Counter::HttpServerTimeoutsIdle), Some(4)),
            Code::ReceiveRate => (Some(Counter::HttpServerTimeoutsReceiveRate), Some(5)),
            Code::SendRate => (Some(Counter::HttpServerTimeoutsSendRate), Some(6)),
            Code::TlsHandshakeTimeout => (Some(Counter::HttpServerTimeoutsTlsHandshake), Some(7)),
            _ => (None, None),
        };
        if let Some(counter) = counter {
            self.metrics.add(counter, 1);
        }
        let fault = matches!(error.code.kind(), Kind::Protocol | Kind::Limit);
        if fault {
            self.metrics.add(Counter::HttpServerRequestErrors, 1);
        }
        let Some((slot, peer)) = self
            .connections
            .get(id)
            .map(|connection| (connection.server, connection.peer))
        else {
            return;
        };
        let tell = self.log.failed(peer, error);
        self.tell_log(tell);
        if let Some(server) = self.servers.at_mut(slot) {
            server.stats.errors += u64::from(fault);
            if let Some(which) = timeout {
                server.stats.timeouts[which] += 1;
            }
        }
    }

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
                Protocol::Raw(_) => none,
                Protocol::Http1(http) => {
                    let stuck = full && (sealed || !stack.output.is_empty());
                    let reads = http.may_begin(options, stack.output.len());
                    let written = if stuck {
                        let still = after(Deadline::Write, stack.progress_ms, options.write_timeout_ms);
                        let slow = stack.send_pace.due_ms(options.min_send_rate);
                        earlier(still, paced(Deadline::SendRate, slow))
                    } else {
                        none
                    };
                    let read = match http.receiving.and_then(|stream| self.streams.get(stream)) {
                        Some(stream) if stream.wants_bytes() && !pressed => {
                            if stack.paused_ms != 0 {
                                // The peer's clocks stood still while we withheld reading (SPEC §3).
                                http.began_ms += from.saturating_sub(stack.paused_ms);
                                stack.body_ms = from;
                                stack.paused_ms = 0;
                            }
                            let limits = stream.limits(options);
                            stack.receive_pace.start(from);
                            let most = or_forever(limits.body_timeout_ms);
                            stack.receive_pace.cap(from, limits.min_receive_rate, most);
                            let slow = stack.receive_pace.due_ms(limits.min_receive_rate);
                            let gap = after(Deadline::Body, stack.body_ms, limits.body_timeout_ms);
                            let whole = after(Deadline::Request, http.began_ms, limits.request_timeout_ms);
                            earlier(earlier(gap, whole), paced(Deadline::ReceiveRate, slow))
                        }
                        // What a closing connection still sends is not read.
                        None if connection.flags & conn::CLOSING != 0 => none,
                        None if http.held.is_none() && !http.parser.is_idle() && reads => {
                            if stack.paused_ms != 0 {
                                http.began_ms += from.saturating_sub(stack.paused_ms);
                                stack.paused_ms = 0;
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
                            if stack.paused_ms == 0 {
                                stack.paused_ms = now;
                                stack.receive_pace.stop(now);
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
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let begun = connection.stack.is_some();
        connection.deadline = Deadline::None;
        let below = connection.layers.as_ref().is_some_and(|layers| layers.is_opening());
        if connection.server == NO_SERVER {
            return self.dial_expired(host, id, what, at);
        }
        let Some(error) = self.expired(id, what, at) else {
            match what {
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
        let receiving = stack.and_then(|stack| match &stack.protocol {
            Protocol::Http1(http) => self.streams.get(http.receiving?),
            Protocol::Raw(_) => None,
        });
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
            Deadline::None | Deadline::Linger | Deadline::Farewell | Deadline::Connect => None,
            Deadline::Handshake => time(Code::TlsHandshakeTimeout, options.tls_handshake_timeout_ms),
            Deadline::Headers => time(Code::HeadersTimeout, options.headers_timeout_ms),
            Deadline::Body => time(Code::BodyTimeout, limits.body_timeout_ms),
            Deadline::Request => time(Code::RequestTimeout, limits.request_timeout_ms),
            Deadline::Write => time(Code::WriteTimeout, options.write_timeout_ms),
            Deadline::KeepAlive => time(Code::KeepAliveTimeout, options.keep_alive_timeout_ms),
            Deadline::ReceiveRate => {
                let pace = stack.map(|stack| &stack.receive_pace);
                rate(Code::ReceiveRate, limits.min_receive_rate, pace)
            }
            Deadline::SendRate => {
                let pace = stack.map(|stack| &stack.send_pace);
                rate(Code::SendRate, options.min_send_rate, pace)
            }
        }
    }
}
