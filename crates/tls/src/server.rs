//! What a server is configured with, and how that is replaced while it runs.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{NoServerSessionStorage, StoresServerSessions, WebPkiClientVerifier};

use crate::crl::{self, CrlFacts};
use crate::identity::Shown;
use crate::names::NameTable;
use crate::sessions::SessionCache;
use crate::tickets::{TicketKeys, Ticketer};
use crate::verify::ClientJudge;
use crate::{
    Clock, Identity, KeyLogger, StapleFacts, TicketSecret, TlsError, TlsSession, TlsVersion, Trust, alpn, suites, words,
};

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

/// What [`ServerContext::new`] is made of.
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

/// A server's configuration. Sessions are made of it, and all of it can be replaced while they run.
///
/// A handshake keeps what was in force when its ClientHello was complete; established sessions need none of it.
#[derive(Debug)]
pub struct ServerContext {
    current: ArcSwap<ServerState>,
    /// Held while a replacement is built, so that two do not lose one another's changes.
    replacing: Mutex<()>,
}

/// One configuration, whole.
#[derive(Debug)]
pub(crate) struct ServerState {
    options: ServerOptions,
    ticket_keys: Arc<TicketKeys>,
    sessions: Arc<dyn StoresServerSessions>,
    /// What clients are judged by; it decides whether sessions from before can still be resumed.
    binding: [u8; 32],
    names: NameTable,
    /// One per identity, in their order.
    configs: Vec<Arc<ServerConfig>>,
    /// The same without a certificate, to which a chosen one is added.
    base: ServerConfig,
    judge: Option<Arc<ClientJudge>>,
}

impl ServerContext {
    /// Checks and builds a configuration.
    ///
    /// # Errors
    /// [`millrace_error::Code::TlsInvalidConfiguration`] with what was expected.
    pub fn new(options: ServerOptions) -> Result<Arc<Self>, TlsError> {
        let state = ServerState::build(options, None)?;
        Ok(Arc::new(Self {
            current: ArcSwap::from_pointee(state),
            replacing: Mutex::new(()),
        }))
    }

    /// Replaces what `change` changes, for handshakes that begin from now on.
    ///
    /// Tickets and sessions go on being resumed unless the keys or what clients are judged by has changed.
    ///
    /// # Errors
    /// As [`new`](Self::new); everything stays as it was then.
    pub fn update(&self, change: impl FnOnce(&mut ServerOptions)) -> Result<(), TlsError> {
        self.try_update(|options| {
            change(options);
            Ok(())
        })
    }

    fn try_update<T>(&self, change: impl FnOnce(&mut ServerOptions) -> Result<T, TlsError>) -> Result<T, TlsError> {
        let _one_at_a_time = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.current.load_full();
        let mut options = before.options.clone();
        let changed = change(&mut options)?;
        self.current
            .store(Arc::new(ServerState::build(options, Some(&before))?));
        Ok(changed)
    }

    /// Replaces the CRLs that clients are judged by, which ends the resumption of earlier sessions.
    ///
    /// # Errors
    /// A CRL that is malformed, or clients that are not asked for a certificate; the last good CRLs stay in force, and
    /// the error says so.
    pub fn reload_crls(&self, crls: &[Vec<u8>]) -> Result<(), TlsError> {
        self.try_update(|options| match &mut options.client_auth {
            ClientAuth::Off => Err(TlsError::configuration("CRLs need requestCert on a server")),
            ClientAuth::Required(trust) | ClientAuth::DangerouslyOptional(trust) => {
                *trust = Arc::new(trust.with_crls(crls).map_err(crl::keeping)?);
                Ok(())
            }
        })
    }

    /// What the CRLs in force say of themselves, the newest first.
    pub fn crl_facts(&self) -> Vec<CrlFacts> {
        match &self.current.load().options.client_auth {
            ClientAuth::Off => Vec::new(),
            ClientAuth::Required(trust) | ClientAuth::DangerouslyOptional(trust) => trust.crl_facts().to_vec(),
        }
    }

    /// Seals tickets with a new key from now on: random, or from a secret that a fleet shares. The key before opens
    /// tickets for `session_timeout_s` more.
    ///
    /// # Errors
    /// The system gave no random bytes; the keys stay as they were then.
    pub fn rotate_tickets(&self, secret: Option<&TicketSecret>) -> Result<(), TlsError> {
        self.current.load().ticket_keys.rotate(secret)
    }

    /// Replaces the OCSP response that is stapled for the identity at `index`, whatever it is;
    /// [`staple_checked`](Self::staple_checked) looks at it first.
    ///
    /// # Errors
    /// There is no such identity.
    pub fn staple(&self, index: usize, response: Option<Vec<u8>>) -> Result<(), TlsError> {
        self.try_update(|options| {
            let identity = identity_at(options, index)?;
            *identity = identity.with_ocsp(response);
            Ok(())
        })
    }

    /// Checks an OCSP response ([`crate::check_staple`]) and staples it for the identity at `index` until its
    /// nextUpdate. A response that is not good changes nothing: the one before stays until its own.
    ///
    /// # Errors
    /// As `check_staple`, and there is no such identity.
    pub fn staple_checked(
        &self,
        index: usize,
        issuer: Option<&[u8]>,
        response: Vec<u8>,
    ) -> Result<StapleFacts, TlsError> {
        self.try_update(|options| {
            let now = options.clock.now();
            let identity = identity_at(options, index)?;
            let (stapled, facts) = identity.with_checked_ocsp(issuer, response, now)?;
            *identity = stapled;
            Ok(facts)
        })
    }

    /// A session for a connection that has just been accepted.
    pub fn accept(self: &Arc<Self>) -> TlsSession {
        TlsSession::server(Arc::clone(self))
    }

    pub(crate) fn current(&self) -> Arc<ServerState> {
        self.current.load_full()
    }
}

fn identity_at(options: &mut ServerOptions, index: usize) -> Result<&mut Identity, TlsError> {
    options
        .identities
        .get_mut(index)
        .ok_or_else(|| TlsError::configuration(format!("there is no certificate {index}")))
}

impl ServerState {
    fn build(options: ServerOptions, before: Option<&Self>) -> Result<Self, TlsError> {
        if options.identities.is_empty() && !options.ask_for_certificate {
            return Err(TlsError::configuration("a server needs a certificate and its key"));
        }
        let mut names = NameTable::default();
        for (index, identity) in options.identities.iter().enumerate() {
            for name in identity.names() {
                names.insert(name, index)?;
            }
        }
        let provider = Arc::new(CryptoProvider {
            cipher_suites: suites::select(&options.ciphers)?,
            ..aws_lc_rs::default_provider()
        });
        let judge = client_judge(&options, &provider)?;
        let binding = binding(&options);
        let ticket_keys = match before {
            Some(before)
                if before.options.ticket_keys == options.ticket_keys
                    && before.options.session_timeout_s == options.session_timeout_s =>
            {
                Arc::clone(&before.ticket_keys)
            }
            _ => TicketKeys::new(
                options.ticket_keys.as_ref(),
                options.session_timeout_s,
                options.clock.clone(),
            )?,
        };
        let sessions = match before {
            Some(before)
                if before.binding == binding
                    && before.options.session_cache_size == options.session_cache_size
                    && before.options.session_timeout_s == options.session_timeout_s =>
            {
                Arc::clone(&before.sessions)
            }
            _ => session_cache(&options),
        };
        let base = config(&options, provider, judge.as_ref(), &ticket_keys, &sessions, binding)?;
        let configs = (0..options.identities.len())
            .map(|index| {
                Arc::new(with_identities(
                    &base,
                    in_place_of(&options.identities[index..]),
                    &options.clock,
                ))
            })
            .collect();
        Ok(Self {
            options,
            ticket_keys,
            sessions,
            binding,
            names,
            configs,
            base,
            judge,
        })
    }

    /// The configuration for a server name, or nothing when the driver has to be asked.
    pub(crate) fn config_for(&self, name: Option<&str>) -> Option<Arc<ServerConfig>> {
        match name.and_then(|name| self.names.find(name)) {
            Some(index) => self.configs.get(index).cloned(),
            None if self.options.ask_for_certificate => None,
            None => self.default_config(),
        }
    }

    pub(crate) fn default_config(&self) -> Option<Arc<ServerConfig>> {
        self.configs.first().cloned()
    }

    /// The configuration with a certificate that is not in the table.
    pub(crate) fn config_with(&self, identity: &Identity) -> Arc<ServerConfig> {
        Arc::new(with_identities(&self.base, vec![identity.clone()], self.clock()))
    }

    pub(crate) fn judge(&self) -> Option<&Arc<ClientJudge>> {
        self.judge.as_ref()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.options.clock
    }
}

fn session_cache(options: &ServerOptions) -> Arc<dyn StoresServerSessions> {
    match options.session_cache_size {
        0 => Arc::new(NoServerSessionStorage {}),
        size => Arc::new(SessionCache::new(
            size,
            options.session_timeout_s,
            options.clock.clone(),
        )),
    }
}

/// A digest of what clients are judged by.
fn binding(options: &ServerOptions) -> [u8; 32] {
    let (mode, trust) = match &options.client_auth {
        ClientAuth::Off => return [0; 32],
        ClientAuth::Required(trust) => (1, trust),
        ClientAuth::DangerouslyOptional(trust) => (2, trust),
    };
    let mut binding = trust.fingerprint();
    binding[0] ^= mode;
    binding
}

fn client_judge(options: &ServerOptions, provider: &Arc<CryptoProvider>) -> Result<Option<Arc<ClientJudge>>, TlsError> {
    let (trust, required) = match &options.client_auth {
        ClientAuth::Off => return Ok(None),
        ClientAuth::Required(trust) => (trust, true),
        ClientAuth::DangerouslyOptional(trust) => (trust, false),
    };
    Ok(Some(Arc::new(ClientJudge {
        rules: trust.client_verifier(Arc::clone(provider), required)?,
        trust: Arc::clone(trust),
        dangerously_accept_any: !required,
    })))
}

fn config(
    options: &ServerOptions,
    provider: Arc<CryptoProvider>,
    judge: Option<&Arc<ClientJudge>>,
    ticket_keys: &Arc<TicketKeys>,
    sessions: &Arc<dyn StoresServerSessions>,
    binding: [u8; 32],
) -> Result<ServerConfig, TlsError> {
    let versions = suites::versions(options.min_version, options.max_version)?;
    let builder = ServerConfig::builder_with_details(provider, Arc::new(options.clock.clone()))
        .with_protocol_versions(&versions)
        .map_err(|error| TlsError::configuration(format!("no suite fits the versions: {}", words::of_error(&error))))?;
    let builder = match judge {
        Some(judge) => builder.with_client_cert_verifier(Arc::<ClientJudge>::clone(judge)),
        None => builder.with_client_cert_verifier(WebPkiClientVerifier::no_client_auth()),
    };
    let mut config = builder.with_cert_resolver(Arc::new(NoCertificate));
    alpn::check(&options.alpn)?;
    config.alpn_protocols.clone_from(&options.alpn);
    config.ignore_client_order = options.honor_cipher_order;
    config.session_storage = Arc::clone(sessions);
    config.max_early_data_size = options.max_early_data;
    // rustls takes early data only where sessions are single-use.
    if options.tickets && options.max_early_data == 0 {
        config.ticketer = Arc::new(Ticketer {
            keys: Arc::clone(ticket_keys),
            binding,
        });
    }
    if let Some(key_log) = &options.key_log {
        config.key_log = Arc::new(key_log.clone());
    }
    Ok(config)
}

/// The first of them, and those behind it that may be shown in its place.
fn in_place_of(identities: &[Identity]) -> Vec<Identity> {
    let Some((first, others)) = identities.split_first() else {
        return Vec::new();
    };
    let covering = others.iter().filter(|other| other.covers(first));
    std::iter::once(first).chain(covering).cloned().collect()
}

fn with_identities(base: &ServerConfig, identities: Vec<Identity>, clock: &Clock) -> ServerConfig {
    let mut config = base.clone();
    config.cert_resolver = Arc::new(Shown {
        identities,
        clock: clock.clone(),
    });
    config
}

/// Stands in the configuration to which a certificate is always added before it is used.
#[derive(Debug)]
struct NoCertificate;

impl rustls::server::ResolvesServerCert for NoCertificate {
    fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<rustls::sign::CertifiedKey>> {
        None
    }
}
