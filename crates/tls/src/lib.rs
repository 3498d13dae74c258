//! TLS 1.2 and 1.3 without sockets.
#![forbid(unsafe_code)]

mod alert;
mod certificate;
mod client;
mod clock;
mod engine;
mod error;
mod identity;
mod key_log;
mod names;
mod pem;
mod pins;
mod server;
mod session;
mod sessions;
mod sniff;
mod suites;
mod tickets;
mod trust;
mod verdict;
mod verify;

pub use client::{CLIENT_SESSIONS, ClientContext, ClientOptions};
pub use clock::Clock;
pub use engine::{ClientHello, TlsEngine, TlsEvent, TlsFacts};
pub use error::{DETAIL_LIMIT, TlsError};
pub use identity::Identity;
pub use key_log::KeyLogger;
pub use pins::Pins;
pub use server::{ClientAuth, SESSION_CACHE_SIZE, SESSION_TIMEOUT_S, ServerContext, ServerOptions};
pub use session::{BUFFER_LIMIT, PENDING_LIMIT, TlsSession};
pub use suites::{TlsVersion, cipher_names};
pub use tickets::{ROTATION_INTERVAL_S, TICKET_KEY_LEN, TicketSecret};
pub use trust::{Trust, TrustOptions};
