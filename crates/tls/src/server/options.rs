//! What a server's context is made of.

use crate::{Clock, Identity, KeyLogger, TicketSecret, TlsVersion, Trust};
use std::sync::Arc;

/// How long a session can be resumed, in seconds; Node's `sessionTimeout` has the same default.
pub const SESSION_TIMEOUT_S: u32 = 300;

/// How many sessions the server's cache holds.
pub const SESSION_CACHE_SIZE: usize = 20_480;

/// What clients are asked for.
#[derive(Clone, Debug, Default)]
pub enum ClientAuth {
    /// Nothing (`requestCert: false`).
    #[default]
    Off,
    /// A certificate that is trusted; without one the handshake fails (`requestCert`, `rejectUnauthorized`).
    Required(Arc<Trust>),
    /// A certificate; any or none is let pass, and [`crate::TlsFacts::authorization_error`] says what is wrong with
    /// it (`requestCert: true, rejectUnauthorized: false`). Whoever uses this must look there.
    DangerouslyOptional(Arc<Trust>),
}

/// What [`ServerContext::new`](crate::ServerContext::new) is made of.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Certificates, each with its names; the first is the default for names that no other has and for clients that
    /// send none. It may be empty when [`ask_for_certificate`](Self::ask_for_certificate) is set.
    pub identities: Vec<Identity>,
    /// Whether a name that no certificate has is asked for ([`crate::TlsEvent::ClientHello`]) before the default
    /// is taken.
    pub ask_for_certificate: bool,
    /// Application protocols, most preferred first; without any, ALPN is not spoken.
    pub alpn: Vec<Vec<u8>>,
    /// The lowest version spoken.
    pub min_version: TlsVersion,
    /// The highest version spoken.
    pub max_version: TlsVersion,
    /// Cipher suites by OpenSSL's or IANA's names, most preferred first; without any, all.
    pub ciphers: Vec<String>,
    /// Whether the server's order of suites counts instead of the client's (`honorCipherOrder`).
    pub honor_cipher_order: bool,
    /// Whether clients are asked for a certificate.
    pub client_auth: ClientAuth,
    /// Whether sessions are resumed by tickets; without, only by the cache.
    pub tickets: bool,
    /// Shared keys for tickets; without, random ones that rotate by themselves.
    pub ticket_keys: Option<TicketSecret>,
    /// How long a session can be resumed, in seconds.
    pub session_timeout_s: u32,
    /// How many sessions the cache holds, for TLS 1.2 session ids and where tickets are off; 0 for none.
    pub session_cache_size: usize,
    /// How many bytes of early data a resumed client may send; 0 for none. Above 0, sessions are resumed by the
    /// cache alone, because a ticket could be replayed.
    pub max_early_data: u32,
    /// Where key material goes, for debugging.
    pub key_log: Option<KeyLogger>,
    /// The time.
    pub clock: Clock,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            identities: Vec::new(),
            ask_for_certificate: false,
            alpn: Vec::new(),
            min_version: TlsVersion::Tls12,
            max_version: TlsVersion::Tls13,
            ciphers: Vec::new(),
            honor_cipher_order: true,
            client_auth: ClientAuth::Off,
            tickets: true,
            ticket_keys: None,
            session_timeout_s: SESSION_TIMEOUT_S,
            session_cache_size: SESSION_CACHE_SIZE,
            max_early_data: 0,
            key_log: None,
            clock: Clock::system(),
        }
    }
}
