//! What a server was asked to be. Values are validated in TypeScript; the engine trusts them.

pub use millrace_http1::Limits as HeadLimits;
use millrace_net::socket::Tuning;

/// How much of a request body that nobody reads is drained to keep the connection, and how much at a lingering close.
pub const DRAIN_LIMIT: u64 = 64 * 1024;
/// How long a lingering close waits for the peer's FIN (RFC 9112 §9.6), in milliseconds.
pub const LINGER_MS: u64 = 2_000;
/// The same where the peer was cut by a deadline: it had its time, and who drips is to be gone soon. Enough for the
/// answer to be read before a reset can overtake it.
pub const LATE_LINGER_MS: u64 = 500;
/// How many bytes the heads of the requests under way on one connection may have together, as they cross to the host
/// (target, names and values); a head that would pass it waits until an answer before it is complete. One alone goes on.
pub const HEADS_AHEAD: usize = 128 * 1024;
/// How much longer than advertised an idle connection is kept, in milliseconds: the client's clock decides first.
pub const KEEP_ALIVE_MARGIN_MS: u64 = 1_000;
/// How long a connection of a closing server may still bring a request while it is idle unless told otherwise, in
/// milliseconds: the way of a request that was sent before its client could know.
pub const FAREWELL_MS: u64 = 100;
/// How long a closing server waits for handshakes that have begun on a port that others listen on too, in milliseconds:
/// a round trip round the world.
pub const LEAVE_MS: u64 = 250;
/// How long accepting pauses when descriptors have run out, in milliseconds.
pub const ACCEPT_PAUSE_MS: u64 = 100;
/// How many steps of TLS handshakes one turn takes: each costs up to half a millisecond of signatures and key exchange.
pub const HANDSHAKES_A_TURN: usize = 8;
/// That accepting pauses is said at most once in so many milliseconds.
pub const ACCEPT_QUIET_MS: u64 = 10_000;
/// How many connections one listener may accept in one turn.
pub const ACCEPT_BUDGET: usize = 64;

/// Whether connections begin with a PROXY protocol head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ProxyProtocol {
    /// They do not; such a head is a bad request.
    #[default]
    Off,
    /// They may.
    Optional,
    /// They must.
    Required,
}

/// What a server speaks on its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ServerKind {
    /// HTTP/1.1 and 1.0.
    #[default]
    Http1,
    /// Nothing: each connection is a tunnel once its layers are open.
    Raw,
    /// What a proxy's clients speak: SOCKS or HTTP/1, told apart by the first byte.
    Proxy {
        /// Clients that speak SOCKS must show user name and password.
        auth: bool,
    },
}

/// Options of one server. `u64::MAX` and `0` stand for "none" only where said.
#[derive(Clone, Copy, Debug)]
pub struct ServerOptions {
    /// What it speaks.
    pub kind: ServerKind,
    /// Options of the sockets that it accepts.
    pub socket: Tuning,
    /// From accept, and from the first byte of a head, in ms; 0: none.
    pub headers_timeout_ms: u64,
    /// From the first byte to the last of a request, in ms; 0: none.
    pub request_timeout_ms: u64,
    /// Between body bytes, in ms; 0: none.
    pub body_timeout_ms: u64,
    /// Without write progress, in ms; 0: none.
    pub write_timeout_ms: u64,
    /// Between requests, in ms; 0: none.
    pub keep_alive_timeout_ms: u64,
    /// For a TLS handshake, from the accept, in ms; 0: none.
    pub tls_handshake_timeout_ms: u64,
    /// Bytes a second of a request body, see `pace.rs`; 0: none.
    pub min_receive_rate: u64,
    /// Bytes a second of responses, see `pace.rs`; 0: none.
    pub min_send_rate: u64,
    /// Simultaneous connections; `u64::MAX`: no limit.
    pub max_connections: u64,
    /// Requests on one connection; `u64::MAX`: no limit.
    pub max_requests_per_connection: u64,
    /// Answers owed on one connection before reading stops.
    pub max_pipelined: usize,
    /// Body bytes of one request; `u64::MAX`: no limit.
    pub max_body_size: u64,
    /// Buffered output at which `write` says wait; drained at a quarter of it.
    pub write_high_water_mark: usize,
    /// Limits of the head.
    pub head: HeadLimits,
    /// PROXY protocol.
    pub proxy_protocol: ProxyProtocol,
    /// Whether upgrades are given to the host.
    pub upgrades: bool,
    /// Whether CONNECT is given to the host.
    pub connects: bool,
}

impl Default for ServerOptions {
    /// For tests and benches of the engine: the product's defaults are in `ts/options/server.json`.
    fn default() -> Self {
        Self {
            kind: ServerKind::Http1,
            socket: Tuning::default(),
            headers_timeout_ms: 30_000,
            request_timeout_ms: 300_000,
            body_timeout_ms: 30_000,
            write_timeout_ms: 60_000,
            keep_alive_timeout_ms: 65_000,
            tls_handshake_timeout_ms: 10_000,
            min_receive_rate: 240,
            min_send_rate: 240,
            max_connections: u64::MAX,
            max_requests_per_connection: u64::MAX,
            max_pipelined: 32,
            max_body_size: u64::MAX,
            write_high_water_mark: 64 * 1024,
            head: HeadLimits::default(),
            proxy_protocol: ProxyProtocol::Off,
            upgrades: false,
            connects: false,
        }
    }
}

/// How many bytes may wait on a connection that we began before `write` says wait.
pub const DIALLED_HIGH_MARK: usize = 64 * 1024;

/// A time-out as a bound: 0 stands for none.
pub(crate) const fn or_forever(timeout_ms: u64) -> u64 {
    if timeout_ms == 0 { u64::MAX } else { timeout_ms }
}

/// Where a connection has drained: a quarter of the high mark (SPEC §9: 16 KiB of 64).
pub(crate) const fn low_mark(high: usize) -> usize {
    high / 4
}
