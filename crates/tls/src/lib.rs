//! TLS 1.2 and 1.3 without sockets: ciphertext in and out, plaintext in and out.
//!
//! # Theory of operation
//!
//! rustls (0.23, with aws-lc-rs) speaks TLS; this crate decides. It has three sorts of things:
//!
//! - **What is shown and whom to trust**, read and checked once, immutable and shared: [`Identity`], [`Trust`],
//!   [`Pins`], [`TicketSecret`].
//! - **Contexts** ([`ServerContext`], [`ClientContext`]): a configuration behind an atomic pointer. `update` builds the
//!   next one whole and swaps it in; when that fails the last good one stays. A server's handshake takes the
//!   configuration at the moment its ClientHello is complete and keeps it; an established session needs none.
//! - **Sessions** ([`TlsSession`]), which are driven through [`TlsEngine`] and know neither sockets nor other sessions,
//!   so that one runs inside another.
//!
//! The time comes from the contexts' [`Clock`], because rustls asks for it and cannot be told.
//!
//! ## Driving a session
//!
//! Whatever the driver does, it then takes what the session has to say, in this order: events
//! ([`poll_event`](TlsEngine::poll_event)), early data, plaintext, ciphertext. An error ends the session: the code says
//! why, what was decrypted before it is still good, and the alert for the peer waits in the output to be sent before the
//! connection is closed. The one error without an alert is [`TlsPlainHttp`](millrace_error::Code::TlsPlainHttp), which an
//! HTTP server answers in the clear with a 400.
//!
//! | what happens | what the driver does |
//! | --- | --- |
//! | bytes arrive | [`receive`](TlsEngine::receive), then send what [`poll_ciphertext`](TlsEngine::poll_ciphertext) gives |
//! | [`TlsEvent::ClientHello`] | stops reading ([`wants_ciphertext`](TlsEngine::wants_ciphertext) is false), finds a certificate in its own time, [`choose`](TlsEngine::choose) |
//! | [`TlsEvent::Established`] | [`facts`](TlsEngine::facts), then the protocol above |
//! | an answer is to go out | [`seal`](TlsEngine::seal) with head and body together, poll, and again from where it stopped |
//! | our side is done | [`close_notify`](TlsEngine::close_notify), poll, then half-close |
//! | the network ends | [`handle_eof`](TlsEngine::handle_eof): orderly, or an error that says that data may be missing |
//!
//! A handshake's cost is in the call that completes its input: 0.1 to 0.5 ms of signatures and key exchange. A driver
//! with a budget per turn counts calls on sessions that are handshaking.
//!
//! ```
//! use std::sync::Arc;
//! # use millrace_testkit::pki::{Authority, NOW, Wish};
//! use millrace_buffer::{Output, Pool};
//! use millrace_tls::{
//!     ClientContext, ClientOptions, Clock, Identity, ServerContext, ServerOptions, TlsEngine, TlsEvent, Trust,
//!     TrustOptions,
//! };
//!
//! # let authority = Authority::new("example CA");
//! # let leaf = authority.issue(&Wish::new(&["server.test"]));
//! # let (chain, key, ca) = (leaf.certificate, leaf.key, authority.certificate().to_vec());
//! let clock = Clock::manual(1_781_481_600);
//! let server = ServerContext::new(ServerOptions {
//!     identities: vec![Identity::new(&chain, &key)?],
//!     alpn: vec![b"http/1.1".to_vec()],
//!     clock: clock.clone(),
//!     ..ServerOptions::default()
//! })?;
//! let trust = Trust::new(&TrustOptions { ca: vec![ca], ..TrustOptions::default() })?;
//! let client = ClientContext::new(ClientOptions {
//!     alpn: vec![b"http/1.1".to_vec()],
//!     clock,
//!     ..ClientOptions::new(Arc::new(trust))
//! })?;
//!
//! let mut near = client.connect("server.test")?;
//! let mut far = server.accept();
//! let mut pool = Pool::new();
//! // A link without a network: what one side has to send, the other receives.
//! let mut carry = |from: &mut dyn TlsEngine, to: &mut dyn TlsEngine| {
//!     let (mut output, mut plaintext) = (Output::new(), Vec::new());
//!     from.poll_ciphertext(&mut output, &mut pool);
//!     let result = to.receive(output.single().unwrap_or_default(), &mut plaintext);
//!     output.clear(&mut pool, |_| {});
//!     result.map(|()| plaintext)
//! };
//! while near.is_handshaking() || far.is_handshaking() {
//!     carry(&mut near, &mut far)?;
//!     carry(&mut far, &mut near)?;
//! }
//! assert_eq!(near.poll_event(), Some(TlsEvent::Established));
//! assert_eq!(far.facts().expect("established").alpn.as_deref(), Some(&b"http/1.1"[..]));
//!
//! near.seal(&[b"GET / HTTP/1.1\r\n", b"Host: server.test\r\n\r\n"])?;
//! assert!(carry(&mut near, &mut far)?.ends_with(b"server.test\r\n\r\n"));
//! # Ok::<(), millrace_tls::TlsError>(())
//! ```
//!
//! ## Revocation and transparency
//!
//! | what | who judges | by |
//! | --- | --- | --- |
//! | CRLs ([`TrustOptions::crls`]) | servers and clients, the whole chain or its first | webpki; [`CrlFacts`] tell what is loaded |
//! | a stapled OCSP response ([`OcspPolicy`]) | clients | the theory of operation in `ocsp` |
//! | timestamps of logs ([`CtPolicy`]) | clients | the theory of operation in `ct` |
//!
//! Nothing is fetched here. Whoever fetches has [`ocsp_urls`], [`ocsp_request`] and [`verify_ocsp`]; a server that
//! staples has [`ServerContext::staple_checked`], which says when to fetch the next one. What came of it is in
//! [`TlsFacts`]. A resumed session shows no certificate and is not judged again.
//!
//! ## Resumption
//!
//! Tickets (stateless, TLS 1.2 and 1.3) are sealed by keys that rotate, with a grace key; the cache serves TLS 1.2
//! session ids, and everything where tickets are off. Both end after `session_timeout_s`. Sessions are bound to what clients
//! are judged by: another CA or CRL, and they cannot be resumed, on any member of a fleet. A resumed session is not
//! judged again by strict rules. Early data is only taken from the cache, where each session is used once; that guards
//! one context (one process or thread) against replay, so a fleet that shares addresses must leave it off.
//!
//! ## What is not there
//!
//! TLS below 1.2, CBC and finite-field suites and RSA keys below 2048 bits do not exist in rustls, and neither does
//! renegotiation: a request for it is answered with `no_renegotiation` (RFC 5746 §5) and a few of them end the session.
//! SCTs in the TLS extension do not reach us, because rustls does not ask for them.
#![forbid(unsafe_code)]

mod alert;
mod alpn;
mod certificate;
mod client;
mod clock;
mod crl;
mod ct;
mod der;
mod engine;
mod error;
mod evidence;
mod finding;
mod identity;
mod key_log;
mod key_schedule;
mod names;
mod ocsp;
mod offer;
mod pem;
mod pins;
mod server;
mod session;
mod sessions;
mod signature;
mod sniff;
mod suites;
mod tickets;
mod trust;
mod verdict;
mod verify;
mod words;
mod x509;

pub use client::{CLIENT_SESSIONS, ClientContext, ClientOptions};
pub use clock::Clock;
pub use crl::CrlFacts;
pub use ct::{
    CT_TIMESTAMPS_LIMIT, CtLog, CtLogState, CtLogs, CtPolicy, CtShortfall, CtSource, CtStatus, CtTimestamp, CtVerdict,
    verify_timestamps,
};
pub use engine::{ClientHello, TlsEngine, TlsEvent, TlsFacts};
pub use error::{DETAIL_LIMIT, TlsError};
pub use identity::Identity;
pub use key_log::KeyLogger;
pub use ocsp::{
    CLOCK_SKEW_S, OCSP_NONCE_MAX, OCSP_NONCE_MIN, OCSP_RESPONSE_LIMIT, OcspFault, OcspHash, OcspPolicy, OcspTimes,
    OcspVerdict, Revocation, StapleFacts, check_staple, ocsp_issuer, ocsp_request, ocsp_urls, verify_ocsp,
};
pub use pins::Pins;
pub use server::{ClientAuth, SESSION_CACHE_SIZE, SESSION_TIMEOUT_S, ServerContext, ServerOptions};
pub use session::{BUFFER_LIMIT, PENDING_LIMIT, TlsSession};
pub use suites::{TlsVersion, cipher_names};
pub use tickets::{ROTATION_INTERVAL_S, TICKET_KEY_LEN, TicketSecret};
pub use trust::{Trust, TrustOptions};

/// Fills a buffer with random bytes of the system.
///
/// # Errors
/// When the system has none.
pub fn random(bytes: &mut [u8]) -> Result<(), TlsError> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| TlsError::configuration("the system gave no random bytes"))
}
