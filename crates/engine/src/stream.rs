//! One exchange: an HTTP/1 request with its response, or a tunnel.

use crate::connection::append;
use crate::id::Id;
use crate::options::ServerOptions;
use millrace_buffer::Output;
use millrace_error::Error;
use millrace_head::Method;
use millrace_http1::BodyFraming;
use std::net::IpAddr;

/// State bits of a stream.
pub(crate) mod flag {
    /// The request has arrived whole.
    pub const REQUEST_ENDED: u32 = 1;
    /// The response head is queued.
    pub const HEAD_SENT: u32 = 2;
    /// The response is queued whole.
    pub const RESPONSE_ENDED: u32 = 4;
    /// The response must not have a body on the wire (HEAD, 204, 304).
    pub const NO_BODY: u32 = 8;
    /// The client waits for 100 Continue.
    pub const EXPECTS_CONTINUE: u32 = 16;
    /// `write` said wait; tell when the output has drained.
    pub const WANTS_DRAIN: u32 = 32;
    /// Tell when the response is with the kernel.
    pub const WANTS_FINISH: u32 = 64;
    /// The connection ends with this exchange.
    pub const LAST: u32 = 128;
    /// The request's method is not safe.
    pub const UNSAFE: u32 = 256;
    /// A tunnel after an upgrade or CONNECT.
    pub const RAW: u32 = 512;
    /// Nobody in the host knows it: an answer that the engine made itself.
    pub const INTERNAL: u32 = 1024;
    /// The end of the body has been told.
    pub const END_TOLD: u32 = 2048;
    /// That the peer left has been told.
    pub const LEFT_TOLD: u32 = 4096;
    /// The client's side of an injected exchange.
    pub const CLIENT: u32 = 8192;
    /// The request came with HTTP/1.1.
    pub const HTTP_1_1: u32 = 16384;
    /// A tunnel that we began and that is not open yet.
    pub const DIALLING: u32 = 32768;
    /// The collected body has been given; its end follows.
    pub const COLLECTED: u32 = 65536;
    /// The tunnel of a raw listener: no request brought it.
    pub const ACCEPTED: u32 = 1_048_576;
    /// The handle of a client connection: it stays for as long as the connection does and takes no bytes.
    pub const HANDLE: u32 = 131_072;
    /// An exchange of a client.
    pub const EXCHANGE: u32 = 262_144;
    /// An exchange of a client that is over, but for body bytes that nobody has taken: the connection is another's.
    pub const DETACHED: u32 = 524_288;
    /// Joined to another by a relay: its bytes are nobody's business.
    pub const RELAYED: u32 = 2_097_152;
}

/// Who takes the bytes of a stream's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consumer {
    /// Nobody has asked yet: what came with the head is kept, reading stops.
    Undecided,
    /// JavaScript, chunk by chunk, as far as its credit goes.
    JavaScript,
    /// Collected whole, up to so many bytes, and given at once.
    Collect(u64),
    /// Dropped, up to so many bytes more; then the connection is closed.
    Discard(u64),
}

/// One exchange.
pub(crate) struct Stream {
    pub connection: Id,
    pub server: u32,
    pub flags: u32,
    pub status: u16,
    pub method: Method,
    /// Bytes of the request's head.
    pub head_size: u32,
    /// Framing of the response body; the length counts down.
    pub framing: BodyFraming,
    pub consumer: Consumer,
    /// How many body bytes JavaScript will take.
    pub credit: u64,
    /// Body bytes so far.
    pub received: u64,
    /// When the head was complete, in ns.
    pub started_ns: u64,
    /// Body bytes nobody has taken yet.
    pub stash: Vec<u8>,
    /// The response while other answers go first.
    pub output: Option<Box<Output>>,
    /// What few have.
    extras: Option<Box<Extras>>,
}

/// What few streams have.
#[derive(Default)]
struct Extras {
    /// The trailer section, once it has arrived.
    trailers: Vec<u8>,
    /// The client that a trusted balancer's fields name, where that is not the connection's peer.
    forwarded: Option<IpAddr>,
    /// Limits of its own, in place of the server's.
    own_limits: Option<RequestLimits>,
}

/// Limits of one request in place of its server's; `None`: the server's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestLimits {
    /// Body bytes; `u64::MAX`: no limit.
    pub body_size: Option<u64>,
    /// Between body bytes, in ms; 0: none.
    pub body_timeout_ms: Option<u64>,
    /// From the first byte to the last, in ms; 0: none.
    pub request_timeout_ms: Option<u64>,
    /// Bytes a second; 0: none.
    pub min_receive_rate: Option<u64>,
}

/// What holds for one body.
#[derive(Clone, Copy)]
pub(crate) struct BodyLimits {
    pub body_size: u64,
    pub body_timeout_ms: u64,
    pub request_timeout_ms: u64,
    pub min_receive_rate: u64,
}

impl BodyLimits {
    pub fn of(options: &ServerOptions) -> Self {
        Self {
            body_size: options.max_body_size,
            body_timeout_ms: options.body_timeout_ms,
            request_timeout_ms: options.request_timeout_ms,
            min_receive_rate: options.min_receive_rate,
        }
    }
}

impl Stream {
    pub fn new(connection: Id, server: u32, method: Method, started_ns: u64) -> Self {
        Self {
            connection,
            server,
            flags: 0,
            status: 0,
            method,
            head_size: 0,
            framing: BodyFraming::None,
            consumer: Consumer::Undecided,
            credit: 0,
            received: 0,
            started_ns,
            stash: Vec::new(),
            output: None,
            extras: None,
        }
    }

    /// Its own limits over those of its server.
    pub fn limits(&self, options: &ServerOptions) -> BodyLimits {
        let server = BodyLimits::of(options);
        let Some(own) = self.extras.as_ref().and_then(|extras| extras.own_limits) else {
            return server;
        };
        BodyLimits {
            body_size: own.body_size.unwrap_or(server.body_size),
            body_timeout_ms: own.body_timeout_ms.unwrap_or(server.body_timeout_ms),
            request_timeout_ms: own.request_timeout_ms.unwrap_or(server.request_timeout_ms),
            min_receive_rate: own.min_receive_rate.unwrap_or(server.min_receive_rate),
        }
    }

    /// Limits of its own, to be changed.
    pub fn own_limits_mut(&mut self) -> &mut RequestLimits {
        self.extras_mut().own_limits.get_or_insert_default()
    }

    /// The client that a trusted balancer's fields name, where that is not the connection's peer.
    pub fn forwarded(&self) -> Option<IpAddr> {
        self.extras.as_ref()?.forwarded
    }

    pub fn set_forwarded(&mut self, client: Option<IpAddr>) {
        if client.is_some() {
            self.extras_mut().forwarded = client;
        }
    }

    /// Keeps the trailer section, or more of it.
    ///
    /// # Errors
    /// `OUT_OF_MEMORY`.
    #[cold]
    pub fn keep_trailers(&mut self, trailers: &[u8]) -> Result<(), Error> {
        append(&mut self.extras_mut().trailers, trailers)
    }

    pub fn has_trailers(&self) -> bool {
        self.extras.as_ref().is_some_and(|extras| !extras.trailers.is_empty())
    }

    /// The trailer section, empty where there is none; it is not kept.
    pub fn take_trailers(&mut self) -> Vec<u8> {
        self.extras
            .as_mut()
            .map_or_else(Vec::new, |extras| std::mem::take(&mut extras.trailers))
    }

    #[cold]
    fn extras_mut(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    pub fn has(&self, flags: u32) -> bool {
        self.flags & flags != 0
    }

    /// Whether somebody in the host waits for the rest of its body, or of what a tunnel's peer says.
    pub fn is_read(&self) -> bool {
        let reads = self.has(flag::RAW) || matches!(self.consumer, Consumer::JavaScript | Consumer::Collect(_));
        reads && !self.has(flag::END_TOLD)
    }

    /// Whether more of its body may be read from the socket now.
    pub fn wants_bytes(&self) -> bool {
        match self.consumer {
            Consumer::Undecided => self.stash.is_empty() && !self.has(flag::EXPECTS_CONTINUE | flag::RAW),
            Consumer::JavaScript => self.credit > 0 && self.stash.is_empty(),
            Consumer::Collect(_) | Consumer::Discard(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_fits_in_120_bytes() {
        // A tunnel has one for as long as it is open; 8 more are its generation, see `Slab`.
        assert!(size_of::<Option<Stream>>() <= 120, "{}", size_of::<Option<Stream>>());
    }
}
