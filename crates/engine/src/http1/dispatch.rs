//! From a request's head to a stream and an event: whether it may go ahead, whether it may come in, what it is.

use crate::connection::{Stack, flag as conn};
use crate::engine::Engine;
use crate::event::{Event as Told, EventKind, Host, request};
use crate::id::Id;
use crate::memory;
use crate::options::HEADS_AHEAD;
use crate::pace::Pace;
use crate::protocol::{Http1, Protocol};
use crate::stream::{Stream, flag};
use millrace_error::{Code, Error};
use millrace_head::Method;
use millrace_http1::BodyFraming;
use millrace_metrics::{Counter, Gauge};

/// May the held head be dispatched now?
pub(super) enum Leave {
    Granted,
    Wait,
}

impl<V: Copy> Engine<V> {
    /// RFC 9112 §9.3.2: a request goes ahead of an answer still owed only when it and all outstanding ones are safe;
    /// and only while the heads ahead are within their bound.
    pub(super) fn leave(&self, id: Id, http: &Http1) -> Leave {
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
    pub(super) fn dispatch<'i, H: Host<Value = V>>(
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
}
