//! Requests: commands by the handle of a connection, or by the stream of an exchange.

use super::Exchange;
use crate::connection::{Stack, flag as conn};
use crate::engine::Engine;
use crate::http1::Chunk;
use crate::http1::answer::push;
use crate::id::Id;
use crate::protocol::Protocol;
use crate::stream::{Stream, flag};
use millrace_error::{Code, Error};
use millrace_head::Method;
use millrace_http1::{BodySize, ResponseContext, write_request};
use millrace_metrics::{Counter, Gauge};

/// Flags of a [`Request`].
pub mod request_flag {
    /// Its body comes by `write` and `end`.
    pub const STREAM: u32 = 1;
    /// 1xx responses are told.
    pub const INFORMATIONAL: u32 = 2;
    /// The server may switch protocols.
    pub const UPGRADE: u32 = 4;
    /// There is a whole body, if only an empty one.
    pub const BODY: u32 = 8;
    /// It may go out before the answers to others are there (pipelining).
    pub const PIPELINE: u32 = 16;
}

/// A request on a client connection.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a [u8],
    /// The target.
    pub target: &'a [u8],
    /// Fields that [`Engine::remember_fields`] took; 0: none.
    pub ready: u32,
    /// More fields: `name\0value\0…`.
    pub block: &'a [u8],
    /// The number of a profile that [`Engine::remember_profile`] took.
    pub profile: u32,
    /// Until the whole exchange must be over, in ms from now; 0: never.
    pub total_ms: u64,
    /// [`request_flag`].
    pub flags: u32,
}

impl<V: Copy> Engine<V> {
    /// Puts a request on a connection that is free, or with [`request_flag::PIPELINE`] behind others; the answer is the
    /// exchange's stream. The flush looks at a connection that was idle before it sends: one that is dead ends the exchange
    /// with `CONNECTION_STALE`, and nothing was sent. All that is asked between two flushes leaves in one write.
    ///
    /// # Errors
    /// `CONNECTION_STALE`: take another connection, nothing was sent, and this one is closed or takes no more behind those
    /// that are under way. `INVALID_STATE`: it is busy. Whatever is wrong with the head; the connection is then as it was.
    pub fn request(&mut self, handle: f64, request: &Request<'_>, body: Chunk<'_>) -> Result<Id, Error> {
        let (_, id) = self.client_connection(handle).ok_or(Code::ConnectionStale)?;
        let mut busy = false;
        if let Some(Protocol::Client(client)) = self
            .connections
            .get(id)
            .and_then(|connection| connection.stack.as_ref())
            .map(|stack| &stack.protocol)
        {
            busy = !client.order.is_empty();
        }
        if busy && request.flags & request_flag::PIPELINE == 0 {
            return Err(Code::InvalidState.into());
        }
        let over = conn::CLOSING | conn::READ_CLOSED | conn::HANGUP_SEEN | conn::LINGERING;
        let ended = self.connections.get(id).is_none_or(|connection| connection.has(over));
        if busy && (ended || !self.may_pipeline(id)) {
            // Those before it are still being answered.
            return Err(Code::ConnectionStale.into());
        }
        // Of a body that comes in pieces the first would be gone with a dead connection: looked at now as well.
        let streams = request.flags & request_flag::STREAM != 0;
        if ended || streams && !busy && !self.is_usable(id) {
            self.close(id, Code::ConnectionStale.into());
            return Err(Code::ConnectionStale.into());
        }
        let mut stack = self.take_stack(id).ok_or(Code::ConnectionStale)?;
        let result = self.queue_request(id, &mut stack, request, body);
        self.give_stack_and_touch(id, stack);
        result
    }

    fn queue_request(
        &mut self,
        id: Id,
        stack: &mut Stack,
        request: &Request<'_>,
        body: Chunk<'_>,
    ) -> Result<Id, Error> {
        let Protocol::Client(client) = &mut stack.protocol else {
            return Err(Code::Bug.into());
        };
        let profile = self
            .clients
            .profiles
            .get(request.profile as usize)
            .ok_or(Code::InvalidArgument)?;
        let limits = profile.limits;
        let ready = match request.ready {
            0 => None,
            number => Some(
                self.clients
                    .fields
                    .get(number as usize - 1)
                    .ok_or(Code::InvalidArgument)?,
            ),
        };
        let whole = request.flags & request_flag::BODY != 0;
        let size = match (whole, request.flags & request_flag::STREAM != 0) {
            (true, _) => BodySize::Known(body.len() as u64),
            (false, true) => BodySize::Stream,
            (false, false) => BodySize::None,
        };
        let starts_at = stack.sent + stack.output.len() as u64;
        let out = stack.output.tail(&mut self.pool);
        let written = write_request(out, request.method, request.target, ready, request.block, size)?;
        let known = Method::from_bytes(request.method);
        let method = known.unwrap_or(Method::Get);
        let context = ResponseContext {
            head_request: known == Some(Method::Head),
            connect: known == Some(Method::Connect),
        };
        let mut stream = Stream::new(id, crate::dial::NO_SERVER, method, self.now_ns);
        stream.flags = flag::HEAD_SENT | flag::EXCHANGE;
        stream.framing = written.framing;
        if size != BodySize::Stream {
            stream.flags |= flag::RESPONSE_ENDED;
        }
        let Some(stream) = self.streams.insert(stream) else {
            // The head is in the output already: nothing may follow it.
            if let Some(connection) = self.connections.get_mut(id) {
                connection.flags |= conn::CLOSING;
            }
            return Err(Code::ConnectionsLimit.into());
        };
        if whole && body.len() > 0 {
            push(&mut stack.output, &mut self.pool, body);
        } else {
            self.release(body);
        }
        let follows = !client.order.is_empty();
        if !follows {
            client.unproven = self
                .connections
                .get(id)
                .is_some_and(|connection| connection.requests > 0);
            client.parser.reset(limits, context);
            client.body_ms = self.from_ms;
        }
        client.order.push_back(Exchange {
            stream,
            context,
            flags: request.flags,
            profile: request.profile,
            starts_at,
            began_ms: self.from_ms,
            total_ms: match request.total_ms {
                0 => 0,
                ms => self.from_ms + ms,
            },
            total_limit_ms: request.total_ms,
            seen: false,
            head_told: false,
            last: written.close,
        });
        if let Some(connection) = self.connections.get_mut(id) {
            let counter = match connection.requests {
                0 => Counter::PoolAcquiresCreated,
                _ => Counter::PoolAcquiresReused,
            };
            self.metrics.add(counter, 1);
            connection.requests = connection.requests.saturating_add(1);
        }
        self.metrics.add(Counter::HttpClientRequests, 1);
        if follows {
            self.metrics.add(Counter::HttpClientPipelined, 1);
        }
        self.metrics.gauge_add(Gauge::HttpClientActiveRequests, 1);
        Ok(stream)
    }

    /// Our message is queued whole.
    pub(crate) fn exchange_sent(&mut self, id: Id) {
        if let Some(stream) = self.streams.get_mut(id) {
            stream.flags |= flag::RESPONSE_ENDED;
        }
    }
}
