//! The protocols of a connection: what turns its bytes into exchanges.
//!
//! HTTP/2 will be a further variant. Driving them is `server/`'s and `stream/`'s work; here is their state alone.

use crate::http1::client::ClientHttp1;
use crate::id::Id;
use crate::options::ServerOptions;
use crate::pace::Pace;
use crate::reader::Reader;
use millrace_http1::{Limits, RequestParser};
use std::collections::VecDeque;

/// The protocol on top of a connection's layers.
pub(crate) enum Protocol {
    /// HTTP/1.1 or 1.0, our side the server. Boxed, for a tunnel has a stack too, for as long as it is open; a pooled stack
    /// keeps its box.
    Http1(Box<Http1>),
    /// HTTP/1.1 or 1.0, our side the client.
    Client(Box<ClientHttp1>),
    /// Bytes as they are, after an upgrade or CONNECT: the tunnel's stream.
    Raw(Id),
}

/// One server connection's HTTP/1 state.
pub(crate) struct Http1 {
    pub parser: RequestParser,
    /// The limits that the parser was made with.
    pub limits: Limits,
    /// Answers owed, in the order of their requests.
    pub order: VecDeque<Id>,
    /// The exchange whose body is arriving.
    pub receiving: Option<Id>,
    /// How many of the owed answers are to methods that are not safe.
    pub unsafe_owed: u32,
    /// A head is parsed and waits until it may be dispatched (RFC 9112 §9.3.2); whether its message ended with it.
    pub held: Option<bool>,
    /// When the first byte of the message being received came, in ms; 0: none yet.
    pub began_ms: u64,
    /// When a body byte last came, in ms.
    pub body_ms: u64,
    /// Since when we withhold reading from a body, in ms; 0: we do not.
    pub paused_ms: u64,
    /// How fast the body comes that is being received.
    pub receive_pace: Pace,
    /// Who takes the answers.
    pub reader: Reader,
    /// Empty lines, or half of one, came after the last message: the parser remembers them, so it is this connection's.
    pub dangling: bool,
    /// The peer was cut by a deadline: the close lingers for less.
    pub late: bool,
    /// Bytes of the heads of the requests whose answers are owed.
    pub heads: usize,
    /// Bytes of answers that wait for those before them, in the outputs of their streams.
    pub waiting: usize,
    /// A stream whose answer waits for its turn was told to wait for room.
    pub wants_room: bool,
}

impl Http1 {
    pub fn new(limits: Limits) -> Self {
        Self {
            parser: RequestParser::new(limits),
            limits,
            order: VecDeque::new(),
            receiving: None,
            unsafe_owed: 0,
            held: None,
            began_ms: 0,
            body_ms: 0,
            paused_ms: 0,
            receive_pace: Pace::new(),
            reader: Reader::new(),
            dangling: false,
            late: false,
            heads: 0,
            waiting: 0,
            wants_room: false,
        }
    }

    /// Whether another message may be read: answers owed, and answers that the client does not take, are bounded.
    /// `queued` bytes are in the connection's output.
    pub fn may_begin(&self, options: &ServerOptions, queued: usize) -> bool {
        self.order.len() < options.max_pipelined && queued + self.waiting <= options.write_high_water_mark
    }

    /// Nothing owed, nothing half received.
    pub fn is_idle(&self) -> bool {
        let at_rest = self.parser.is_idle() && !self.dangling;
        at_rest && self.order.is_empty() && self.receiving.is_none() && self.held.is_none()
    }
}
