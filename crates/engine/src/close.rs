//! Deadlines, and the ends of connections: every way out passes here, so nothing is left behind.

use crate::connection::{Deadline, flag as conn};
use crate::engine::Engine;
use crate::event::{EventKind, Host};
use crate::id::Id;
use crate::link::Link;
use crate::options::KEEP_ALIVE_MARGIN_MS;
use crate::protocol::Protocol;
use crate::stream::flag;
use millrace_error::{Code, Error, Kind, Limit};
use millrace_http1::BodyFraming;
use millrace_metrics::{Counter, Gauge};

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
        if let Some(mut stack) = connection.stack.take() {
            let released = &mut self.released;
            stack.output.clear(&mut self.pool, |pin| released.push(pin));
            if let Protocol::Http1(http) = &mut stack.protocol {
                // Taken over by a later connection as if new.
                let limits = http.limits;
                http.parser.reset(limits);
                http.order.clear();
                (http.receiving, http.unsafe_owed, http.held, http.began_ms) = (None, 0, None, 0);
                http.dangling = false;
                stack.backlog = Vec::new();
                stack.layers.clear();
                stack.paused_ms = 0;
                self.recycle(stack);
            }
        }
        for stream in finishing {
            self.told_aborted(stream, &error);
        }
        let counted = !connection.has(conn::REFUSED);
        let server = connection.server;
        let link = connection.link;
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
        let Some((server_id, _)) = self.servers.at(server) else {
            return;
        };
        if counted {
            self.metrics.gauge_add(Gauge::HttpServerConnections, -1);
            if let Some(server) = self.servers.get_mut(server_id) {
                server.stats.active -= 1;
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
        if !answered {
            self.metrics.gauge_add(Gauge::HttpServerRequests, -1);
        }
        let left = matches!(error.code, Code::ConnectionClosed | Code::ConnectionReset);
        if left && !answered {
            self.metrics.add(Counter::HttpServerAborted, 1);
        }
        if let Some(server) = self.servers.at_mut(server) {
            server.stats.requests_active -= u64::from(!answered);
            server.stats.aborted += u64::from(left && !answered);
            server.forced += u64::from(server.closing && !answered);
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
            Code::HttpTrailersTooLarge => (Some(Counter::LimitExceededTrailers), None),
            Code::HeadersTimeout => (Some(Counter::HttpServerTimeoutsHeaders), Some(0)),
            Code::BodyTimeout => (Some(Counter::HttpServerTimeoutsBody), Some(1)),
            Code::RequestTimeout => (Some(Counter::HttpServerTimeoutsRequest), Some(2)),
            Code::WriteTimeout => (Some(Counter::HttpServerTimeoutsSend), Some(3)),
            Code::KeepAliveTimeout => (Some(Counter::HttpServerTimeoutsIdle), Some(4)),
            _ => (None, None),
        };
        if let Some(counter) = counter {
            self.metrics.add(counter, 1);
        }
        let fault = matches!(error.code.kind(), Kind::Protocol | Kind::Limit);
        if fault {
            self.metrics.add(Counter::HttpServerRequestErrors, 1);
        }
        let Some(slot) = self.connections.get(id).map(|connection| connection.server) else {
            return;
        };
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
        connection.deadline = what;
        connection.deadline_ms = at_ms;
        if what != Deadline::None && (connection.armed_ms == 0 || at_ms < connection.armed_ms) {
            connection.armed_ms = at_ms;
            self.wheel.schedule(id.slot(), at_ms);
        }
    }

    /// What a connection may take time for now, and until when.
    pub(crate) fn update_deadline(&mut self, id: Id) {
        let now = self.now_ms;
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let Some((_, server)) = self.servers.at(connection.server) else {
            return;
        };
        let options = &server.options;
        let after = |what, since: u64, timeout| {
            if timeout == 0 {
                (Deadline::None, 0)
            } else {
                (what, since + timeout)
            }
        };
        let whole = |began| after(Deadline::Request, began, options.request_timeout_ms);
        let keep_alive = after(
            Deadline::KeepAlive,
            now + KEEP_ALIVE_MARGIN_MS,
            options.keep_alive_timeout_ms,
        );
        let blocked = connection.has(conn::BLOCKED);
        // Before the first request the time since accept counts, whatever came: a PROXY head, empty lines, half a head.
        let first = connection.requests == 0;
        let (what, at) = match connection.stack.as_mut() {
            None if first => return,
            None => keep_alive,
            Some(stack) if !stack.layers.is_empty() => return,
            Some(stack) if blocked && !stack.output.is_empty() => match stack.protocol {
                Protocol::Raw(_) => (Deadline::None, 0),
                Protocol::Http1(_) => after(Deadline::Write, stack.progress_ms, options.write_timeout_ms),
            },
            Some(stack) => match &mut stack.protocol {
                Protocol::Raw(_) => (Deadline::None, 0),
                Protocol::Http1(http) => match http.receiving.and_then(|stream| self.streams.get(stream)) {
                    Some(stream) if stream.wants_bytes() => {
                        if stack.paused_ms != 0 {
                            // The peer's clocks stood still while we withheld reading (SPEC §3).
                            http.began_ms += now.saturating_sub(stack.paused_ms);
                            stack.body_ms = now;
                            stack.paused_ms = 0;
                        }
                        let gap = after(Deadline::Body, stack.body_ms, options.body_timeout_ms);
                        earlier(gap, whole(http.began_ms))
                    }
                    // What a closing connection still sends is not read.
                    None if connection.flags & conn::CLOSING != 0 => (Deadline::None, 0),
                    None if http.held.is_none() && !http.parser.is_idle() => {
                        let head = after(Deadline::Headers, http.began_ms, options.headers_timeout_ms);
                        let due = earlier(head, whole(http.began_ms));
                        if first && connection.deadline == Deadline::Headers && connection.deadline_ms <= due.1 {
                            return;
                        }
                        due
                    }
                    // A body that nobody takes, or a head that waits for its turn: we withhold reading.
                    None if http.held.is_none() && !http.order.is_empty() => (Deadline::None, 0),
                    None if http.held.is_none() && first => return,
                    None if http.dangling && connection.deadline == Deadline::KeepAlive => return,
                    None if http.held.is_none() => keep_alive,
                    _ => {
                        if stack.paused_ms == 0 {
                            stack.paused_ms = now;
                        }
                        (Deadline::None, 0)
                    }
                },
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
            Deadline::Headers | Deadline::Body | Deadline::Request | Deadline::KeepAlive
        );
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
        let code = match what {
            Deadline::None => return,
            Deadline::Linger => return self.close(id, Code::ConnectionClosed.into()),
            Deadline::Headers => Code::HeadersTimeout,
            Deadline::Body => Code::BodyTimeout,
            Deadline::Request => Code::RequestTimeout,
            Deadline::Write => Code::WriteTimeout,
            Deadline::KeepAlive => Code::KeepAliveTimeout,
        };
        connection.deadline = Deadline::None;
        let below = connection.stack.as_ref().is_some_and(|stack| !stack.layers.is_empty());
        if !begun || below || matches!(what, Deadline::Write | Deadline::KeepAlive) {
            // Nobody waits for an answer, or nobody takes one: closed silently.
            self.count_error(id, &code.into());
            return self.close(id, code.into());
        }
        let Some(mut stack) = self.take_stack(id) else { return };
        let outcome = self.fail(id, &mut stack, code.into());
        self.give_stack(id, stack);
        match outcome {
            Ok(()) => self.touch(id),
            Err(error) => self.close(id, error),
        }
    }
}
