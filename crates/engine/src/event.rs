//! What the engine tells its host, and the two things it asks of it.

use crate::id::Id;
use millrace_buffer::PinId;
use millrace_error::Error;

/// What happened. The numbers cross to JavaScript; `ts/native/events.ts` has the same list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum EventKind {
    /// A request head: `flags` are [`request`], `a` the length of the target in the text, `b` the method and the server's slot.
    Request = 1,
    /// As `Request`, for an upgrade: the connection is raw from here on.
    Upgrade = 2,
    /// As `Request`, for CONNECT: the connection is raw from here on.
    Connect = 3,
    /// Body bytes.
    Body = 4,
    /// The body is complete; the text is the trailer section.
    BodyEnd = 5,
    /// A body that was collected, whole.
    Collected = 6,
    /// The exchange is over before its time: `flags` is the code, `a` the limit, `b` what was seen.
    Aborted = 7,
    /// What waited to be written has shrunk below the low mark.
    Drain = 8,
    /// The last byte of the response is with the kernel.
    Finished = 9,
    /// The peer shut its side after a complete request; the response can still be written.
    Left = 10,
    /// The answer to an injected request: `a` the status, `b` the length of the reason in the text.
    Injected = 11,
    /// A server has closed: `a` exchanges finished since `close`, `b` forced.
    ServerClosed = 12,
    /// The body alone failed, the exchange goes on: `flags` is the code, `a` the limit, `b` what was seen.
    BodyFailed = 13,
    /// A TLS client of a server (the id is the connection's) asks for a certificate that no table has: `b` is the server's
    /// slot, the text its name and the protocols that it offers; `Engine::choose_certificate` answers.
    ClientHello = 14,
    /// A TLS session of a server failed: `flags` is the code, `b` the server's slot, the text what was seen.
    TlsFailed = 15,
    /// A connection that we began is open: `flags` are [`dialled`], `a` is how long the proxies took and `b` how long TLS
    /// with the target took, in ns.
    Dialled = 16,
    /// A connection that we began did not open: `flags` is the code, `a` the errno or the limit, `b` what was seen, the text
    /// what TLS saw. Nothing follows.
    DialFailed = 17,
    /// Lines for the log wait: [`Engine::take_log`](crate::Engine::take_log).
    Log = 18,
    /// A raw listener has a new tunnel: `b` is the server's slot, `flags` are [`accepted`].
    Accepted = 19,
    /// A relay is over, and both of its connections are closed: the id is its first stream's, `a` and `b` are the bytes
    /// that went from it and to it, `flags` is 0 when both sides had ended, else the code.
    RelayEnded = 20,
    /// A client of a proxy of ours shows who it is: the text is user name and password, `a` the length of the first, `b` the
    /// server's slot; `Engine::judge_credentials` answers.
    ProxyCredentials = 21,
    /// A client of a proxy of ours speaks SOCKS and asks for a tunnel: the text is version, host, port and user, parted by
    /// NUL, `b` the server's slot; `Engine::reply_socks` answers.
    ProxyRequest = 22,
    /// The head of a response to a client's exchange: `flags` are [`response`](crate::response), `a` is the status times
    /// 2²⁰ plus the length of the reason in the text, `b` the length of the body plus one, 0 where it is not known.
    Response = 24,
    /// A 1xx response to a client's exchange that asked for them: `a` as in `Response`.
    Informational = 25,
    /// A client connection is gone, and its handle with it: `flags` is the code of why.
    Gone = 26,
    /// Requests were refused before the host saw them: [`Engine::take_refusals`](crate::Engine::take_refusals). Only after
    /// [`Engine::hear_refusals`](crate::Engine::hear_refusals).
    Refused = 27,
}

/// Flags of a request event.
pub mod request {
    /// A body follows.
    pub const HAS_BODY: u32 = 1;
    /// HTTP/1.1 (else 1.0).
    pub const HTTP_1_1: u32 = 2;
    /// The client waits for `100 Continue`.
    pub const EXPECTS_CONTINUE: u32 = 4;
    /// It came through TLS.
    pub const TLS: u32 = 8;
}

/// Flags of [`EventKind::Dialled`].
pub mod dialled {
    /// It went through a proxy.
    pub const PROXY: u32 = 1;
    /// There was a TLS handshake with the target.
    pub const TLS: u32 = 2;
}

/// Flags of [`EventKind::Accepted`].
pub mod accepted {
    /// It came through TLS.
    pub const TLS: u32 = 1;
}

/// One event; its values were made by the host when it was queued.
#[derive(Debug)]
pub struct Event<V> {
    /// What happened.
    pub kind: EventKind,
    /// Depends on the kind.
    pub flags: u32,
    /// The stream, or the server for `ServerClosed`.
    pub id: Id,
    /// Depends on the kind.
    pub a: u64,
    /// Depends on the kind.
    pub b: u64,
    /// A head, a trailer section or body bytes.
    pub value: Option<V>,
    /// A second value: the left-over bytes of an upgrade, the body of an injected response.
    pub extra: Option<V>,
}

/// What an event says of an error beside its code: its numbers, and in their place what the system said, where it did.
pub(crate) fn cause_of(error: &Error) -> (u64, u64) {
    match error.errno {
        Some(errno) => (errno.unsigned_abs().into(), 0),
        None => error.numbers(),
    }
}

/// The other side of the border: makes values of bytes, and knows where pinned bytes are at this moment.
pub trait Host {
    /// A value of the host's world; `Copy`, valid until the events of this turn have been delivered.
    type Value: Copy;
    /// Latin-1 text.
    fn text(&mut self, latin1: &[u8]) -> Self::Value;
    /// Bytes that the receiver may keep for ever.
    fn bytes(&mut self, bytes: &[u8]) -> Self::Value;
    /// Memory for `size` bytes to be received into, of whatever content; `None`: there is none, receive elsewhere. What is
    /// lent and not taken is lent again.
    fn lend(&mut self, size: usize) -> Option<&mut [u8]>;
    /// As [`bytes`](Self::bytes), of the first `length` bytes of what was lent last, which are copied only where they would
    /// hold much more memory than they are.
    fn take_lent(&mut self, length: usize) -> Self::Value;
    /// Where a pinned chunk is now; `None` when it has been detached.
    fn pinned(&self, pin: PinId) -> Option<&[u8]>;
}
