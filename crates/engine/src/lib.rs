//! The engine: protocols joined to sockets, with no JavaScript and no clock of its own making.
//!
//! A connection is a stack: `link` (where bytes come from), `layer` (what they pass through), `protocol` (what turns
//! them into exchanges); `stream` is one exchange, with its consumer. [`Engine`] owns all of one thread and is driven
//! by whoever owns the loop; what happened comes out as [`Event`]s, and commands go in by id.
//!
//! A byte that arrives passes `receive/` → `layer/` → `http1/receive.rs` → `body.rs` → an event; an answer passes
//! `http1/respond.rs` → the connection's output → `flush/`.
#![forbid(unsafe_code)]

mod abort;
mod body;
mod close;
mod connection;
mod deadline;
mod dial;
mod engine;
mod event;
mod faults;
mod flush;
mod http1;
mod id;
mod inject;
mod layer;
mod limits;
mod link;
mod log;
mod memory;
mod options;
mod pace;
mod panic;
mod poison;
mod protocol;
mod raw;
mod reader;
mod receive;
mod relay;
mod server;
mod socks;
mod stacks;
mod stream;
mod tls;
mod tune;
mod turn;

pub use body::Address;
pub use dial::{Dial, DialTls, DialTo, Hop};
pub use engine::{Census, Engine};
pub use event::{Event, EventKind, Host, accepted, dialled, request};
pub use http1::client::{ClientProfile, Request, aborted, request_flag, response};
pub use http1::{Chunk, Head, Respond};
pub use id::{Id, SLOT_BITS, Slab};
pub use inject::Injection;
pub use layer::{ProxyHead, ProxyHeadParser, Verdict};
pub use memory::{memory_held, set_max_memory};
pub use options::{HeadLimits, ProxyProtocol, ServerKind, ServerOptions};
pub use panic::{keep_panics, take_panic};
pub use receive::bulk::PIECE as BULK_PIECE;
pub use relay::RelayOptions;
pub use server::ListenOn;
pub use server::gate::{GateOptions, GateRate, ReputationOptions};
pub use server::stats::{Rate, ServerStats, TIMEOUT_NAMES};
pub use stream::RequestLimits;
pub use tune::Tune;

/// The crates below, for drivers: they depend on the engine alone.
pub use {millrace_buffer as buffer, millrace_error as error, millrace_head as head};
/// The crates below, for drivers.
pub use {millrace_metrics as metrics, millrace_net as net, millrace_socks as socks_core, millrace_tls as tls_core};
