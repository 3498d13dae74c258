//! Responses: from bytes to events.

use super::{aborted, request_flag, response};
use crate::connection::{Stack, flag as conn};
use crate::engine::Engine;
use crate::event::{Event as Told, EventKind, Host};
use crate::id::Id;
use crate::protocol::Protocol;
use crate::stream::{Consumer, flag};
use millrace_error::{Code, Error};
use millrace_http1::{BodyFraming, Event};
use millrace_metrics::{Counter, Gauge, Histogram};

/// The longest body that is given as text where it is ASCII.
const LONGEST_TEXT: usize = 16 * 1024;

/// The counters of responses, by class.
const RESPONSES: [Counter; 5] = [
    Counter::HttpClientResponses1xx,
    Counter::HttpClientResponses2xx,
    Counter::HttpClientResponses3xx,
    Counter::HttpClientResponses4xx,
    Counter::HttpClientResponses5xx,
];

/// What the parser found of one input that is not told yet: a head, and the only piece of its body.
#[derive(Default)]
struct Untold {
    head: bool,
    piece: Option<(usize, usize)>,
}

impl<V: Copy> Engine<V> {
    /// Bytes of the peer on a client connection. An error ends the connection.
    pub(crate) fn client_bytes<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        stack: &mut Stack,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let mut input = bytes;
        let mut untold = Untold::default();
        loop {
            let Protocol::Client(client) = &mut stack.protocol else {
                return Ok(());
            };
            let Some(exchange) = client.order.front_mut() else {
                let cut = self
                    .connections
                    .get(id)
                    .is_none_or(|connection| connection.has(conn::CLOSING));
                // A byte that nobody asked for must not be taken for an answer to the next request.
                return match input.is_empty() || cut {
                    true => Ok(()),
                    false => Err(Code::HttpUnexpectedData.into()),
                };
            };
            let (stream, context) = (exchange.stream, exchange.context);
            if !input.is_empty() && stack.sent <= exchange.starts_at {
                // What comes before the request has gone out is no answer to it.
                return Err(Code::ConnectionStale.into());
            }
            exchange.seen |= !input.is_empty();
            let step = client.parser.handle_bytes(input);
            let consumed = step.consumed;
            match step.event {
                Event::NeedMore => break,
                Event::Head { ended } => {
                    let status = client.parser.head().status;
                    client.body_ms = self.from_ms;
                    let raw = status == 101 || context.connect && (200..300).contains(&status);
                    if raw {
                        return self.switch(host, id, stack, &input[consumed..]);
                    }
                    if status >= 200 && !client.parser.head().keep_alive && client.order.len() > 1 {
                        self.cut_pipe(id, stack, 1, &Code::ConnectionClosed.into(), aborted::UNREAD);
                    }
                    if ended && status < 200 {
                        self.tell_informational(host, stack);
                    } else if ended {
                        untold.head = true;
                        self.complete(host, id, stack, &mut untold, bytes)?;
                    } else {
                        untold.head = true;
                    }
                }
                Event::Body { start, end } => {
                    client.body_ms = self.from_ms;
                    let first = untold.head && untold.piece.is_none();
                    let stashed = self.streams.get(stream).is_some_and(|stream| !stream.stash.is_empty());
                    if first && !stashed {
                        let at = bytes.len() - input.len();
                        untold.piece = Some((at + start, at + end));
                    } else {
                        self.keep_piece(host, stream, bytes, &mut untold)?;
                        self.take_body(host, stream, &input[start..end], false)?;
                    }
                }
                Event::End => self.complete(host, id, stack, &mut untold, bytes)?,
                Event::Error(error) => return Err(error),
            }
            input = &input[consumed..];
        }
        let Protocol::Client(client) = &mut stack.protocol else {
            return Ok(());
        };
        let Some(stream) = client.front() else { return Ok(()) };
        self.keep_piece(host, stream, bytes, &mut untold)?;
        if untold.head {
            self.tell_response(host, stack, 0, None);
        }
        self.deliver(host, stream);
        Ok(())
    }

    /// The piece that was held back goes to its consumer after all.
    fn keep_piece<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        stream: Id,
        bytes: &[u8],
        untold: &mut Untold,
    ) -> Result<(), Error> {
        let Some((start, end)) = untold.piece.take() else {
            return Ok(());
        };
        self.take_body(host, stream, &bytes[start..end], false)
    }

    /// The response at the front is complete.
    fn complete<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        stack: &mut Stack,
        untold: &mut Untold,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let Protocol::Client(client) = &mut stack.protocol else {
            return Ok(());
        };
        let Some(exchange) = client.order.front() else {
            return Ok(());
        };
        let (stream, last, pipelined) = (exchange.stream, exchange.last, client.order.len() > 1);
        let head = client.parser.head();
        let trailers = client.parser.trailers();
        let Some(found) = self.streams.get_mut(stream) else {
            return Err(Code::Destroyed.into());
        };
        found.flags |= flag::REQUEST_ENDED;
        if head.framing == BodyFraming::Chunked && !trailers.is_empty() {
            found.keep_trailers(trailers)?;
        }
        let sent = found.has(flag::RESPONSE_ENDED);
        let started_ns = found.started_ns;
        // An early answer while we still send: the rest of the request is not worth a connection.
        let keep = head.keep_alive && !last && sent && (stack.output.is_empty() || pipelined);
        let whole = untold.head && !found.has_trailers() && found.stash.is_empty();
        if whole {
            let body = untold.piece.take().map_or(&[][..], |(start, end)| &bytes[start..end]);
            found.flags |= flag::END_TOLD;
            found.received += body.len() as u64;
            self.tell_response(host, stack, response::ENDED, Some(body));
        } else {
            self.keep_piece(host, stream, bytes, untold)?;
            if untold.head {
                self.tell_response(host, stack, 0, None);
            }
            self.deliver(host, stream);
            self.tell_discarded(stream);
        }
        *untold = Untold::default();
        self.let_go(stream);
        self.metrics.gauge_add(Gauge::HttpClientActiveRequests, -1);
        let nanos = self.now_ns.saturating_sub(started_ns);
        self.metrics.record(Histogram::HttpClientRequestDuration, nanos);
        let Protocol::Client(client) = &mut stack.protocol else {
            return Ok(());
        };
        client.order.pop_front();
        if !keep {
            if let Some(connection) = self.connections.get_mut(id) {
                connection.flags |= conn::CLOSING;
            }
            self.abort_exchanges(stack, &Code::ConnectionClosed.into());
            if !sent {
                return Err(Code::ConnectionClosed.into());
            }
            return Ok(());
        }
        if let Some(next) = client.order.front() {
            let profile = self.clients.profiles.get(next.profile as usize);
            let limits = profile.map_or_else(Default::default, |profile| profile.limits);
            client.parser.reset(limits, next.context);
            // Its clock begins now that it is its turn.
            client.body_ms = self.from_ms;
        }
        Ok(())
    }

    /// A stream whose exchange is over stays until its reader has been given the rest.
    fn let_go(&mut self, id: Id) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        stream.flags |= flag::DETACHED;
        if stream.has(flag::END_TOLD) {
            self.drop_stream(id);
        }
    }

    /// Who drops a body is told that its end has come: the connection is free.
    pub(crate) fn tell_discarded(&mut self, id: Id) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        if matches!(stream.consumer, Consumer::Discard(_)) && !stream.has(flag::END_TOLD) {
            stream.flags |= flag::END_TOLD;
            self.event(EventKind::BodyEnd, id, 0, 0, 0, None);
        }
    }

    /// Queues the `Response` event of the exchange at the front.
    fn tell_response<H: Host<Value = V>>(&mut self, host: &mut H, stack: &mut Stack, flags: u32, body: Option<&[u8]>) {
        let Protocol::Client(client) = &mut stack.protocol else {
            return;
        };
        let head = client.parser.head();
        let Some(exchange) = client.order.front_mut() else {
            return;
        };
        exchange.head_told = true;
        let sent = self
            .streams
            .get(exchange.stream)
            .is_some_and(|stream| stream.has(flag::RESPONSE_ENDED));
        let mut flags = flags | u32::from(head.keep_alive_s) << 6;
        if head.minor == 1 {
            flags |= response::HTTP_1_1;
        }
        if head.keep_alive && !exchange.last && (sent || flags & response::ENDED == 0) {
            flags |= response::KEEP_ALIVE;
        }
        if head.coded {
            flags |= response::CODED;
        }
        let extra = body.filter(|body| !body.is_empty()).map(|body| {
            if body.len() <= LONGEST_TEXT && body.is_ascii() {
                flags |= response::ASCII;
                return host.text(body);
            }
            host.bytes(body)
        });
        let b = match head.framing {
            BodyFraming::Length(length) => length + 1,
            BodyFraming::None => 1,
            BodyFraming::Chunked | BodyFraming::UntilClose => 0,
        };
        let class = usize::from(head.status / 100).clamp(1, 5) - 1;
        self.metrics.add(RESPONSES[class], 1);
        let value = Some(host.text(&head.block));
        self.events.push(Told {
            kind: EventKind::Response,
            flags,
            id: exchange.stream,
            a: u64::from(head.status) << 20 | u64::from(head.reason_len),
            b,
            value,
            extra,
        });
    }

    fn tell_informational<H: Host<Value = V>>(&mut self, host: &mut H, stack: &mut Stack) {
        let Protocol::Client(client) = &mut stack.protocol else {
            return;
        };
        self.metrics.add(Counter::HttpClientResponses1xx, 1);
        let head = client.parser.head();
        let Some(exchange) = client.order.front() else { return };
        if exchange.flags & request_flag::INFORMATIONAL == 0 {
            return;
        }
        let a = u64::from(head.status) << 20 | u64::from(head.reason_len);
        let value = Some(host.text(&head.block));
        self.event(EventKind::Informational, exchange.stream, 0, a, 0, value);
    }

    /// 101, or a 2xx to CONNECT: the exchange's stream becomes a tunnel.
    fn switch<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        stack: &mut Stack,
        rest: &[u8],
    ) -> Result<(), Error> {
        let Protocol::Client(client) = &mut stack.protocol else {
            return Ok(());
        };
        let head = client.parser.head();
        let Some(exchange) = client.order.front() else {
            return Ok(());
        };
        let asked = exchange.context.connect || exchange.flags & request_flag::UPGRADE != 0;
        let stream = exchange.stream;
        let whole = self
            .streams
            .get(stream)
            .is_some_and(|stream| stream.has(flag::RESPONSE_ENDED));
        if !asked || !whole || client.order.len() > 1 {
            return Err(Code::HttpUnexpectedUpgrade.into());
        }
        let a = u64::from(head.status) << 20 | u64::from(head.reason_len);
        let value = Some(host.text(&head.block));
        let extra = (!rest.is_empty()).then(|| host.bytes(rest));
        self.events.push(Told {
            kind: EventKind::Response,
            flags: response::RAW | response::HTTP_1_1,
            id: stream,
            a,
            b: 0,
            value,
            extra,
        });
        client.order.clear();
        if let Some(found) = self.streams.get_mut(stream) {
            found.flags = flag::RAW | flag::HEAD_SENT;
            found.framing = BodyFraming::None;
            found.consumer = Consumer::Undecided;
        }
        self.metrics.gauge_add(Gauge::HttpClientActiveRequests, -1);
        self.metrics.gauge_add(Gauge::HttpClientConnections, -1);
        stack.protocol = Protocol::Raw(stream);
        let Some(connection) = self.connections.get_mut(id) else {
            return Ok(());
        };
        connection.flags &= !conn::CLIENT;
        let handle = connection.take_handle();
        self.set_deadline(id, crate::connection::Deadline::None, 0);
        if let Some(handle) = handle.and_then(|slot| self.streams.at(slot)).map(|(id, _)| id) {
            self.drop_stream(handle);
        }
        Ok(())
    }

    /// The peer's FIN on a client connection.
    pub(crate) fn client_ended<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        stack: &mut Stack,
    ) -> Result<(), Error> {
        let Protocol::Client(client) = &mut stack.protocol else {
            return Ok(());
        };
        if client.order.is_empty() {
            return Err(Code::ConnectionClosed.into());
        }
        if client.parser.handle_end()? {
            self.complete(host, id, stack, &mut Untold::default(), b"")?;
            return Ok(());
        }
        Err(Code::ConnectionClosed.into())
    }

    /// Whether only the end of the connection ends the body that is arriving.
    pub(crate) fn is_until_close(stack: &Stack) -> bool {
        match &stack.protocol {
            Protocol::Client(client) => {
                !client.parser.is_idle() && client.parser.head().framing == BodyFraming::UntilClose
            }
            _ => false,
        }
    }
}
