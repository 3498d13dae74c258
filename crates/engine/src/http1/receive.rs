//! Requests: from bytes to streams and events, and what happens when a peer breaks the rules.
//!
//! Theory of operation. `http1_bytes` steps the parser over the input until it is used up or the connection has to
//! wait: for an answer before an unsafe request may be dispatched (RFC 9112 §9.3.2), for the pipelining limit, or for
//! the turn's budget. A head that may not be dispatched yet is *held* in the parser; input behind it is kept in the
//! stack's backlog, and reading stops while there is one. `go_on` resumes.

use crate::connection::{Stack, flag as conn};
use crate::engine::Engine;
use crate::event::{Event as Told, EventKind, Host, request};
use crate::id::Id;
use crate::memory;
use crate::options::HEADS_AHEAD;
use crate::pace::Pace;
use crate::protocol::{Http1, Protocol};
use crate::stream::{Consumer, Stream, flag};
use millrace_error::{Code, Error, Kind, Limit};
use millrace_head::Method;
use millrace_http1::{BodyFraming, Event};
use millrace_metrics::{Counter, Gauge};

/// May the held head be dispatched now?
enum Leave {
    Granted,
    Wait,
}

impl<V: Copy> Engine<V> {
    pub(crate) fn http1_bytes<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        stack: &mut Stack,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let mut input = bytes;
        loop {
            let Protocol::Http1(http) = &mut stack.protocol else {
                // An upgrade took the rest of the input.
                return Ok(());
            };
            if let Some(ended) = http.held {
                let over_budget = self.events.len() >= self.budget;
                if over_budget || matches!(self.leave(id, http), Leave::Wait) {
                    stack.keep(input)?;
                    if over_budget {
                        self.queue(id);
                    }
                    return Ok(());
                }
                http.held = None;
                input = self.dispatch(host, id, stack, ended, input)?;
                continue;
            }
            // Within a body the parser is asked once more without input: its last byte may have been the message's.
            if input.is_empty() && http.receiving.is_none() {
                break;
            }
            if http.receiving.is_none() {
                let Some(connection) = self.connections.get(id) else {
                    return Ok(());
                };
                if connection.has(conn::CLOSING) {
                    // Bytes after the last message are not ours to read; the close must not reset them away.
                    self.must_linger(id);
                    return Ok(());
                }
                let server = self.servers.at(connection.server);
                if server.is_some_and(|(_, server)| !http.may_begin(&server.options, stack.output.len())) {
                    return stack.keep(input);
                }
            }
            let step = http.parser.handle_bytes(input);
            if http.began_ms == 0 && !http.parser.is_idle() {
                http.began_ms = self.from_ms;
            }
            match step.event {
                Event::NeedMore => {
                    http.dangling = http.parser.is_idle();
                    break;
                }
                Event::Head { ended } => {
                    http.dangling = false;
                    http.held = Some(ended);
                }
                Event::Body { start, end } => {
                    http.body_ms = self.from_ms;
                    http.receive_pace.add((end - start) as u64);
                    let last = http.parser.is_body_over();
                    if let Some(stream) = http.receiving {
                        if let Err(error) = self.take_body(host, stream, &input[start..end], last) {
                            return self.fail(id, stack, error);
                        }
                    }
                }
                Event::End => {
                    http.began_ms = 0;
                    http.paused_ms = 0;
                    if let Some(stream) = http.receiving.take() {
                        let trailers = http.parser.trailers();
                        if !trailers.is_empty() {
                            if let Some(stream) = self.streams.get_mut(stream) {
                                stream.keep_trailers(trailers)?;
                            }
                        }
                        self.request_ended(host, stream);
                    }
                }
                Event::Error(error) => return self.fail(id, stack, error),
            }
            input = &input[step.consumed..];
        }
        let Protocol::Http1(http) = &stack.protocol else {
            return Ok(());
        };
        if let Some(stream) = http.receiving {
            self.deliver(host, stream);
        }
        Ok(())
    }

    /// RFC 9112 §9.3.2: a request goes ahead of an answer still owed only when it and all outstanding ones are safe;
    /// and only while the heads ahead are within their bound.
    fn leave(&self, id: Id, http: &Http1) -> Leave {
        let head = http.parser.head();
        let upgrades = || {
            let connection = self.connections.get(id);
            let server = connection.and_then(|connection| self.servers.at(connection.server));
            server.is_some_and(|(_, server)| server.options.upgrades)
        };
        let alone = || !head.method.is_safe() || head.method == Method::Connect || (head.upgrade && upgrades());
        let ahead = || http.unsafe_owed == 0 && http.heads + head.block.len() <= HEADS_AHEAD && !alone();
        if http.order.is_empty() || ahead() {
            Leave::Granted
        } else {
            Leave::Wait
        }
    }

    /// Makes a stream of the head that the parser holds and tells the host. Returns what is left of the input.
    fn dispatch<'i, H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        stack: &mut Stack,
        ended: bool,
        input: &'i [u8],
    ) -> Result<&'i [u8], Error> {
        let Protocol::Http1(http) = &mut stack.protocol else {
            return Ok(input);
        };
        let Some(connection) = self.connections.get_mut(id) else {
            return Ok(&[]);
        };
        let slot = connection.server;
        let Some(server) = self.servers.at_mut(slot) else {
            return Ok(&[]);
        };
        let options = &server.options;
        let head = http.parser.head();
        if let BodyFraming::Length(length) = head.framing {
            if length > options.max_body_size {
                let error = Error::limit(Code::HttpBodyTooLarge, options.max_body_size, length);
                self.fail(id, stack, error)?;
                return Ok(&[]);
            }
        }
        let connect = head.method == Method::Connect;
        let upgrade = head.upgrade && ended && options.upgrades;
        if connect && !options.connects {
            self.answer_itself(id, stack, 405, b"Allow\0GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\0")?;
            return Ok(&[]);
        }
        connection.requests = connection.requests.saturating_add(1);
        let mut forwarded = None;
        let refused = if self.memory.is_full() {
            Some((memory::refusal(), 503, Some(1)))
        } else if !server.gate.judges_requests() {
            None
        } else {
            let peer = connection.peer.addr().map(|addr| addr.ip());
            forwarded = server.gate.forwarded(peer, head.fields());
            let admitted = server.gate.admit(peer, forwarded);
            let checked = admitted.map_err(|error| (error, 403, None)).and_then(|()| {
                let checked = server.gate.check(head.target(), forwarded.or(peer), self.now_ns);
                checked.map_err(|seconds| {
                    server.stats.rate_limited += 1;
                    (Code::RateLimited.into(), 429, Some(seconds))
                })
            });
            checked.err()
        };
        if let Some((error, status, seconds)) = refused {
            let last = !ended || !head.keep_alive || server.closing;
            http.began_ms = 0;
            self.count_error(id, &error);
            self.tell_refused(id, status, forwarded, &error);
            let retry = seconds.map_or(String::new(), |seconds| format!("Retry-After\0{seconds}\0"));
            self.answer_unread(id, stack, status, retry.as_bytes(), last)?;
            return Ok(if last { &[] } else { input });
        }
        let mut stream = Stream::new(id, slot, head.method, self.now_ns);
        stream.set_forwarded(forwarded);
        if head.minor == 1 {
            stream.flags |= flag::HTTP_1_1;
        }
        let ours = server.closing || u64::from(connection.requests) >= options.max_requests_per_connection;
        if ours || !head.keep_alive {
            stream.flags |= flag::LAST;
            connection.flags |= conn::CLOSING;
        }
        if ours && head.keep_alive {
            // The client does not know yet: what it has sent meanwhile must not reset the answer away.
            connection.flags |= conn::MUST_LINGER;
        }
        if !head.method.is_safe() {
            stream.flags |= flag::UNSAFE;
        }
        let early = connection.has(conn::EARLY);
        // What came in early data came through TLS, although the handshake is not over.
        let secure = early || connection.has(conn::SECURE);
        let raw = connect || upgrade;
        if raw {
            stream.flags |= flag::RAW | flag::HEAD_SENT;
        } else if ended {
            stream.flags |= flag::REQUEST_ENDED;
        } else if head.expect_continue {
            stream.flags |= flag::EXPECTS_CONTINUE;
        }
        let mut flags = if head.minor == 1 { request::HTTP_1_1 } else { 0 };
        if !ended {
            flags |= request::HAS_BODY;
        }
        if head.expect_continue {
            flags |= request::EXPECTS_CONTINUE;
        }
        if secure {
            flags |= request::TLS;
        }
        let unsafe_owed = u32::from(stream.has(flag::UNSAFE));
        let head_size = head.block.len();
        // A header block and a target have 32-bit limits.
        stream.head_size = head_size as u32;
        server.stats.requests += 1;
        server.stats.requests_active += 1;
        let Some(stream) = self.streams.insert(stream) else {
            return Err(Error::new(Code::ConnectionsLimit));
        };
        self.metrics.add(Counter::HttpServerRequests, 1);
        self.metrics.gauge_add(Gauge::HttpServerActiveRequests, 1);
        let kind = match raw {
            true if connect => EventKind::Connect,
            true => EventKind::Upgrade,
            false => EventKind::Request,
        };
        let value = Some(match early {
            false => host.text(&head.block),
            // RFC 8470 §5.1: whoever handles it must know that it may have been sent again.
            true => host.text(&[&head.block[..], b"Early-Data\x001\0"].concat()),
        });
        let (a, b) = (
            u64::from(head.target_len),
            u64::from(slot) << 8 | u64::from(head.method as u8),
        );
        let extra = raw.then(|| host.bytes(input));
        self.events.push(Told {
            kind,
            flags,
            id: stream,
            a,
            b,
            value,
            extra,
        });
        if raw {
            self.metrics.add(Counter::HttpServerUpgrades, 1);
            stack.protocol = Protocol::Raw(stream);
            return Ok(&[]);
        }
        http.order.push_back(stream);
        http.heads += head_size;
        http.unsafe_owed += unsafe_owed;
        if http.paused_ms != 0 {
            // It was held: the peer's clocks stood still meanwhile (SPEC §3).
            http.began_ms += self.from_ms.saturating_sub(http.paused_ms);
            http.paused_ms = 0;
        }
        if ended {
            http.began_ms = 0;
        } else {
            http.receiving = Some(stream);
            http.body_ms = self.from_ms;
            http.receive_pace = Pace::new();
            http.receive_pace.start(self.from_ms);
        }
        Ok(input)
    }

    /// The peer's FIN on an HTTP/1 connection.
    pub(crate) fn http1_ended(&mut self, id: Id, stack: &mut Stack) -> Result<(), Error> {
        let Protocol::Http1(http) = &mut stack.protocol else {
            return Ok(());
        };
        if let Err(error) = http.parser.handle_end() {
            return self.fail(id, stack, error);
        }
        if http.order.is_empty() && stack.output.is_empty() {
            return Err(Code::ConnectionClosed.into());
        }
        let owed = http.order.iter().copied().collect();
        if let Some(connection) = self.connections.get_mut(id) {
            connection.flags |= conn::CLOSING;
        }
        self.tell_left(owed);
        Ok(())
    }

    /// Tells the exchanges whose request is complete that the client has gone.
    pub(crate) fn tell_left(&mut self, streams: Vec<Id>) {
        for id in streams {
            let Some(stream) = self.streams.get_mut(id) else {
                continue;
            };
            if stream.has(flag::REQUEST_ENDED) && !stream.has(flag::INTERNAL | flag::LEFT_TOLD) {
                stream.flags |= flag::LEFT_TOLD;
                self.event(EventKind::Left, id, 0, 0, 0, None);
            }
        }
    }

    /// The peer broke a rule, passed a limit or a deadline: answers with the code's status where an answer is
    /// possible, in its turn, and closes; `Err` where it is not.
    pub(crate) fn fail(&mut self, id: Id, stack: &mut Stack, error: Error) -> Result<(), Error> {
        self.count_error(id, &error);
        let Protocol::Http1(http) = &mut stack.protocol else {
            return Err(error);
        };
        http.late = error.code.kind() == Kind::Timeout;
        let mut place = None;
        let unseen = http.receiving.is_none();
        if let Some(receiving) = http.receiving.take() {
            let Some(stream) = self.streams.get(receiving) else {
                return Err(error);
            };
            if stream.has(flag::RESPONSE_ENDED) {
                http.held = None;
                stack.backlog.clear();
                self.fail_behind_answer(receiving, &error);
                return Ok(());
            }
            if stream.has(flag::HEAD_SENT) {
                // Answered already, so perhaps in no queue: the close must find it.
                http.receiving = Some(receiving);
                return Err(error);
            }
            place = http.order.iter().position(|owed| *owed == receiving);
            self.abort_stream(receiving, &error);
        }
        let Some(status) = error.code.status() else {
            return Err(error);
        };
        if let Some(place) = place {
            http.order.remove(place);
        }
        if unseen {
            self.tell_refused(id, status, None, &error);
        }
        self.answer_itself(id, stack, status, b"")
    }

    /// Fails a request that has arrived whole and has no answer: with the code's status, in its turn, and the connection
    /// goes on.
    pub(crate) fn answer_in_place(&mut self, id: Id, connection: Id, error: Error) {
        self.count_error(connection, &error);
        let Some(mut stack) = self.take_stack(connection) else {
            return;
        };
        let (Protocol::Http1(http), Some(failed)) = (&mut stack.protocol, self.streams.get(id)) else {
            return self.give_stack(connection, stack);
        };
        let mut ours = Stream::new(connection, failed.server, failed.method, failed.started_ns);
        // It takes the other's place in line, and in what is counted of that.
        ours.head_size = failed.head_size;
        ours.flags = failed.flags & (flag::UNSAFE | flag::LAST | flag::HTTP_1_1) | flag::INTERNAL | flag::REQUEST_ENDED;
        ours.consumer = Consumer::Discard(0);
        let place = http.order.iter().position(|owed| *owed == id);
        let outcome = match (place, self.streams.insert(ours)) {
            (Some(place), Some(ours)) => {
                http.order[place] = ours;
                self.abort_stream(id, &error);
                let head = super::Respond {
                    status: error.code.status().unwrap_or(500),
                    reason: b"",
                    block: b"",
                };
                self.respond_on(ours, &mut stack, (&head).into(), super::Chunk::Bytes(b""), false)
            }
            _ => Err(error),
        };
        if let Protocol::Http1(http) = &mut stack.protocol {
            http.waiting = self.waiting_of(&http.order);
        }
        self.give_stack(connection, stack);
        match outcome {
            Ok(()) => self.touch(connection),
            Err(error) => self.close(connection, error),
        }
    }

    /// A request that is answered already fails: the client shall have the answer, and no byte more is read.
    fn fail_behind_answer(&mut self, id: Id, error: &Error) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        let read = stream.is_read();
        stream.flags |= flag::REQUEST_ENDED | flag::END_TOLD | flag::LAST;
        if let Some(connection) = self.connections.get_mut(stream.connection) {
            connection.flags |= conn::CLOSING | conn::MUST_LINGER;
        }
        if read {
            let limit = error.limit.unwrap_or(Limit { value: 0, seen: 0 });
            self.event(
                EventKind::BodyFailed,
                id,
                error.code.id().into(),
                limit.value,
                limit.seen,
                None,
            );
        }
        self.drop_unless_owed(id);
    }

    /// Queues an answer that the engine makes itself, behind whatever is owed, as the connection's last.
    fn answer_itself(&mut self, id: Id, stack: &mut Stack, status: u16, block: &[u8]) -> Result<(), Error> {
        self.answer_unread(id, stack, status, block, true)
    }

    /// Queues an answer that the engine makes itself, behind whatever is owed; not the last only where the request has
    /// ended with its head.
    fn answer_unread(&mut self, id: Id, stack: &mut Stack, status: u16, block: &[u8], last: bool) -> Result<(), Error> {
        let Protocol::Http1(http) = &mut stack.protocol else {
            return Ok(());
        };
        let Some(connection) = self.connections.get_mut(id) else {
            return Ok(());
        };
        let mut stream = Stream::new(id, connection.server, Method::Get, self.now_ns);
        stream.flags = flag::INTERNAL | flag::REQUEST_ENDED | flag::HTTP_1_1;
        stream.consumer = Consumer::Discard(0);
        if last {
            connection.flags |= conn::CLOSING | conn::MUST_LINGER;
            stream.flags |= flag::LAST;
            http.held = None;
            stack.backlog.clear();
        }
        let Some(stream) = self.streams.insert(stream) else {
            return Err(Code::ConnectionsLimit.into());
        };
        http.order.push_back(stream);
        let head = super::Respond {
            status,
            reason: b"",
            block,
        };
        let result = self.respond_on(stream, stack, (&head).into(), super::Chunk::Bytes(b""), false);
        if let Protocol::Http1(http) = &mut stack.protocol {
            http.waiting = self.waiting_of(&http.order);
        }
        result
    }

    pub(crate) fn must_linger(&mut self, id: Id) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.flags |= conn::MUST_LINGER;
        }
    }
}
