//! HTTP/1.1 connections of which our side is the client.
//!
//! Theory of operation. A connection that was dialled speaks [`Protocol::Raw`] under its dial's stream. `become_client`
//! makes that stream the connection's *handle*: it stays for as long as the connection does, takes no bytes, and
//! `Gone` under its id is the connection's last event. Between exchanges the connection has no stack, as a server's:
//! what then arrives (a FIN, a byte nobody asked for) ends it. `request` looks at the socket before it trusts it,
//! makes a stream for the exchange, queues its head and body, and the flush sends them in one write. What arrives goes
//! through the response parser to the events `Response`, `Body`, `BodyEnd`, `Collected`, as requests do on a server;
//! flags of a stream are by direction: `HEAD_SENT` and `RESPONSE_ENDED` are of what we say, `REQUEST_ENDED` and
//! `END_TOLD` of what the peer says.
//!
//! Several may be under way on one connection, see `pipe`; the first of them is the one that is being answered.
//!
//! The connection is free again when both are complete; the host reads that off `Response` with `ENDED`, or `BodyEnd`.

mod deadline;
mod pipe;
mod probe;
mod receive;
mod request;

pub use request::{Request, request_flag};

use crate::connection::{Stack, flag as conn};
use crate::dial::NO_SERVER;
use crate::engine::Engine;
use crate::event::EventKind;
use crate::id::Id;
use crate::protocol::Protocol;
use crate::stream::flag;
use millrace_error::{Code, Error};
use millrace_http1::{Limits, RequestFields, ResponseContext, ResponseParser};
use millrace_metrics::Gauge;
use std::collections::VecDeque;

/// Flags of a `Response` event; above them, from bit 6 on, the seconds of `Keep-Alive: timeout` plus one.
pub mod response {
    /// The response is over with this event: `extra` is its body.
    pub const ENDED: u32 = 1;
    /// HTTP/1.1 (else 1.0).
    pub const HTTP_1_1: u32 = 2;
    /// The connection can carry another exchange.
    pub const KEEP_ALIVE: u32 = 4;
    /// The connection is raw from here on, and the stream its tunnel; `extra` is what came behind the head.
    pub const RAW: u32 = 8;
    /// The body has a content coding.
    pub const CODED: u32 = 16;
    /// `extra` is text: every byte of the body is ASCII.
    pub const ASCII: u32 = 32;
}

/// Flags of an `Aborted` event of a client's exchange, beside the code.
pub mod aborted {
    /// At least one byte of the request was given to the kernel.
    pub const SENT: u32 = 1 << 12;
    /// At least one byte of a response came.
    pub const SEEN: u32 = 1 << 13;
    /// It stood behind an answer that ends the connection: the peer does not act on it (RFC 9112 §9.6).
    pub const UNREAD: u32 = 1 << 14;
}

/// What holds for requests, by number: most requests of a program have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientProfile {
    /// Without write progress, in ms; 0: none.
    pub send_ms: u64,
    /// Until the first byte of the response, in ms; 0: none.
    pub headers_ms: u64,
    /// Between body bytes, in ms; 0: none.
    pub body_ms: u64,
    /// Limits of a response's head, trailers and chunk extensions.
    pub limits: Limits,
}

/// How many profiles and ready heads there may be; both bound what is kept for them.
const MOST_PROFILES: usize = 1024;
const MOST_FIELDS: usize = 1024;
const LONGEST_FIELDS: usize = 4096;

/// One exchange that is under way.
pub(crate) struct Exchange {
    pub stream: Id,
    pub context: ResponseContext,
    pub flags: u32,
    pub profile: u32,
    /// Where its bytes begin in all that the connection sends: `Stack::sent` beyond it means that some went out.
    pub starts_at: u64,
    /// When it was begun, in ms.
    pub began_ms: u64,
    /// When all of it must be over, in ms; 0: never.
    pub total_ms: u64,
    /// How long that is.
    pub total_limit_ms: u64,
    /// A byte of a response has come.
    pub seen: bool,
    /// Its head has been told to the host.
    pub head_told: bool,
    /// Nothing follows it on this connection: our own head said `Connection: close`, or what followed was cut off.
    pub last: bool,
}

/// One client connection's HTTP/1 state.
pub(crate) struct ClientHttp1 {
    pub parser: ResponseParser,
    /// What was asked and is not answered, in order.
    pub order: VecDeque<Exchange>,
    /// When a body byte last came, in ms.
    pub body_ms: u64,
    /// Since when we withhold reading from a body, in ms; 0: we do not.
    pub paused_ms: u64,
    /// It was idle, and has to be looked at before anything is sent.
    pub unproven: bool,
}

impl ClientHttp1 {
    pub fn new() -> Self {
        Self {
            parser: ResponseParser::new(Limits::default(), ResponseContext::default()),
            order: VecDeque::new(),
            body_ms: 0,
            paused_ms: 0,
            unproven: false,
        }
    }

    /// The exchange that is being answered.
    pub fn front(&self) -> Option<Id> {
        self.order.front().map(|exchange| exchange.stream)
    }
}

/// What an engine keeps for all its client connections.
#[derive(Default)]
pub(crate) struct Clients {
    pub profiles: Vec<ClientProfile>,
    pub fields: Vec<RequestFields>,
    /// For the look at an idle connection: never the shared receive buffer.
    pub probe: Vec<u8>,
    // Boxed, for a stack moves between here and its connection with every request.
    #[expect(clippy::vec_box, reason = "the boxes are what is reused")]
    pub stacks: Vec<Box<Stack>>,
}

impl<V: Copy> Engine<V> {
    /// Takes what holds for requests, for [`Request::profile`]. `None`: there are too many.
    pub fn remember_profile(&mut self, profile: &ClientProfile) -> Option<u32> {
        let profiles = &mut self.clients.profiles;
        let known = profiles.iter().position(|known| known == profile);
        let place = known.or_else(|| {
            (profiles.len() < MOST_PROFILES).then(|| {
                profiles.push(*profile);
                profiles.len() - 1
            })
        });
        place.map(|place| place as u32) // below MOST_PROFILES
    }

    /// Takes fields that will be sent again and again, for [`Request::ready`]. `None`: they are malformed, long, or one
    /// too many.
    pub fn remember_fields(&mut self, block: &[u8]) -> Option<u32> {
        let all = &mut self.clients.fields;
        let known = all.iter().position(|known| known.block() == block);
        let place = known.or_else(|| {
            let room = all.len() < MOST_FIELDS && block.len() <= LONGEST_FIELDS;
            let fields = room.then(|| RequestFields::new(block).ok()).flatten()?;
            all.push(fields);
            Some(all.len() - 1)
        });
        // One more: 0 stands for none.
        place.map(|place| place as u32 + 1)
    }

    /// Makes an HTTP/1.1 client connection of one that was dialled and is open; its stream becomes the handle.
    ///
    /// # Errors
    /// `STALE_ID` when it is gone, `CONNECTION_STALE` when the peer has said something already or has ended,
    /// `INVALID_STATE` when it is not ours, or was written to.
    pub fn become_client(&mut self, stream: f64) -> Result<(), Error> {
        let stream = Id::from_f64(stream).ok_or(Code::StaleId)?;
        let found = self.streams.get(stream).ok_or(Code::StaleId)?;
        let id = found.connection;
        let (flags, quiet) = (found.flags, found.stash.is_empty() && found.received == 0);
        let connection = self.connections.get_mut(id).ok_or(Code::StaleId)?;
        let stack = connection.stack.as_ref().ok_or(Code::InvalidState)?;
        let ours = connection.server == NO_SERVER && matches!(stack.protocol, Protocol::Raw(_));
        if !ours || flags & flag::DIALLING != 0 || !stack.output.is_empty() {
            return Err(Code::InvalidState.into());
        }
        let over = connection.has(conn::READ_CLOSED | conn::CLOSING | conn::LINGERING);
        if !quiet || over || flags & (flag::REQUEST_ENDED | flag::RESPONSE_ENDED) != 0 {
            return Err(Code::ConnectionStale.into());
        }
        connection.flags |= conn::CLIENT;
        connection.requests = 0;
        connection.set_handle(stream);
        let stack = connection.stack.take();
        if let Some(found) = self.streams.get_mut(stream) {
            found.flags |= flag::HANDLE;
        }
        if let Some(mut stack) = stack {
            // A stack for servers again.
            stack.protocol = Protocol::Http1(Box::new(crate::protocol::Http1::new(Limits::default())));
            self.recycle(stack);
        }
        self.metrics.gauge_add(Gauge::HttpClientConnections, 1);
        self.touch(id);
        Ok(())
    }

    /// The connection of a handle.
    pub(crate) fn client_connection(&self, handle: f64) -> Option<(Id, Id)> {
        let handle = Id::from_f64(handle)?;
        let stream = self.streams.get(handle).filter(|stream| stream.has(flag::HANDLE))?;
        Some((handle, stream.connection))
    }

    /// Closes a client connection by its handle; whatever is under way on it is aborted. `Gone` follows.
    pub fn close_client(&mut self, handle: f64) -> bool {
        let Some((_, id)) = self.client_connection(handle) else {
            return false;
        };
        self.close(id, Code::Destroyed.into());
        true
    }

    /// A stack for a client connection that stops being idle.
    pub(crate) fn fresh_client_stack(&mut self) -> Box<Stack> {
        if let Some(stack) = self.clients.stacks.pop() {
            return stack;
        }
        Box::new(Stack::new(Protocol::Client(Box::new(ClientHttp1::new()))))
    }

    /// Tells what became of every exchange of a client connection that closes, and that it is gone.
    pub(crate) fn client_gone(&mut self, handle: Id, error: &Error) {
        self.metrics.gauge_add(Gauge::HttpClientConnections, -1);
        if self.streams.get(handle).is_some() {
            self.drop_stream(handle);
            self.event(EventKind::Gone, handle, error.code.id().into(), 0, 0, None);
        }
    }
}
