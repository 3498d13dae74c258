//! One configuration of a server, whole: what handshakes run with, built once for all of them.

use super::{ClientAuth, ServerOptions};
use crate::identity::Shown;
use crate::names::NameTable;
use crate::sessions::SessionCache;
use crate::tickets::{TicketKeys, Ticketer};
use crate::verify::ClientJudge;
use crate::{Clock, Identity, TlsError, alpn, suites, words};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{NoServerSessionStorage, StoresServerSessions, WebPkiClientVerifier};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What a client does, as far as its ClientHello tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It makes a session.
    Full,
    /// It resumes one that is known here.
    Resumed,
}

impl Kind {
    /// How many tickets follow a handshake of TLS 1.3, as OpenSSL has it: a client that keeps each for one connection
    /// can open two at once, and a resumed one gives back what it has used.
    const fn tickets(self) -> usize {
        match self {
            Self::Full => 2,
            Self::Resumed => 1,
        }
    }
}

/// A configuration for each kind: rustls has the number of tickets there.
#[derive(Debug)]
struct Configs {
    full: Arc<ServerConfig>,
    resumed: Arc<ServerConfig>,
}

impl Configs {
    fn of(&self, kind: Kind) -> Arc<ServerConfig> {
        Arc::clone(match kind {
            Kind::Full => &self.full,
            Kind::Resumed => &self.resumed,
        })
    }
}

/// One configuration, whole.
#[derive(Debug)]
pub(crate) struct ServerState {
    pub(super) options: ServerOptions,
    pub(super) ticket_keys: Arc<TicketKeys>,
    sessions: Arc<dyn StoresServerSessions>,
    /// What clients are judged by; it decides whether sessions from before can still be resumed.
    binding: [u8; 32],
    names: NameTable,
    ticketer: Option<Arc<Ticketer>>,
    /// One per identity, in their order.
    configs: Vec<Configs>,
    /// The same without a certificate, to which a chosen one is added.
    base: ServerConfig,
    judge: Option<Arc<ClientJudge>>,
}

impl ServerState {
    pub(super) fn build(options: ServerOptions, before: Option<&Self>) -> Result<Self, TlsError> {
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
        // rustls takes early data only where sessions are single-use.
        let ticketer = (options.tickets && options.max_early_data == 0).then(|| {
            Arc::new(Ticketer {
                keys: Arc::clone(&ticket_keys),
                binding,
            })
        });
        let base = config(&options, provider, judge.as_ref(), ticketer.as_ref(), &sessions)?;
        let configs = (0..options.identities.len())
            .map(|index| {
                let identities = in_place_of(&options.identities[index..]);
                let of = |kind| Arc::new(with_identities(&base, identities.clone(), &options.clock, kind));
                Configs {
                    full: of(Kind::Full),
                    resumed: of(Kind::Resumed),
                }
            })
            .collect();
        Ok(Self {
            options,
            ticket_keys,
            sessions,
            binding,
            names,
            ticketer,
            configs,
            base,
            judge,
        })
    }

    /// What comes of the first session that a client offers. rustls decides whether it is resumed: where it refuses
    /// what is known here (for another name or hash function), a new session begins all the same.
    pub(crate) fn kind_of(&self, offered: Option<&[u8]>) -> Kind {
        let known = offered.is_some_and(|session| match &self.ticketer {
            Some(ticketer) => ticketer.opens(session),
            None => self.sessions.get(session).map(Zeroizing::new).is_some(),
        });
        if known { Kind::Resumed } else { Kind::Full }
    }

    /// The configuration for a server name, or nothing when the driver has to be asked.
    pub(crate) fn config_for(&self, name: Option<&str>, kind: Kind) -> Option<Arc<ServerConfig>> {
        match name.and_then(|name| self.names.find(name)) {
            Some(index) => self.configs.get(index).map(|configs| configs.of(kind)),
            None if self.options.ask_for_certificate => None,
            None => self.default_config(kind),
        }
    }

    pub(crate) fn default_config(&self, kind: Kind) -> Option<Arc<ServerConfig>> {
        self.configs.first().map(|configs| configs.of(kind))
    }

    /// The configuration with a certificate that is not in the table.
    pub(crate) fn config_with(&self, identity: &Identity, kind: Kind) -> Arc<ServerConfig> {
        let identities = vec![identity.clone()];
        Arc::new(with_identities(&self.base, identities, self.clock(), kind))
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
    ticketer: Option<&Arc<Ticketer>>,
    sessions: &Arc<dyn StoresServerSessions>,
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
    if let Some(ticketer) = ticketer {
        config.ticketer = Arc::<Ticketer>::clone(ticketer);
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

fn with_identities(base: &ServerConfig, identities: Vec<Identity>, clock: &Clock, kind: Kind) -> ServerConfig {
    let mut config = base.clone();
    config.send_tls13_tickets = kind.tickets();
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
