//! What a client is configured with.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use pki_types::ServerName;
use rustls::ClientConfig;
use rustls::client::{ClientConnection, Resumption};
use rustls::crypto::{CryptoProvider, aws_lc_rs};

use crate::crl::{self, CrlFacts};
use crate::evidence::Evidence;
use crate::verify::ServerJudge;
use crate::{
    Clock, CtLogs, CtPolicy, Identity, KeyLogger, OcspPolicy, Pins, TlsError, TlsSession, TlsVersion, Trust, alpn,
    suites, words,
};

/// How many servers' sessions a client remembers.
pub const CLIENT_SESSIONS: usize = 256;

/// What [`ClientContext::new`] is made of.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Whom to trust.
    pub trust: Arc<Trust>,
    /// Lets any server pass and only reports what is wrong with it (`rejectUnauthorized: false`):
    /// [`crate::TlsFacts::authorization_error`]. The connection is then open to whoever sits in between.
    pub dangerously_accept_any_certificate: bool,
    /// Keys of which the server's chain must have one.
    pub pins: Pins,
    /// What is made of the OCSP response that a server staples; every server is asked for one.
    pub ocsp: OcspPolicy,
    /// What is made of the timestamps of a server's certificate.
    pub ct: CtPolicy,
    /// The logs whose timestamps count.
    pub ct_logs: CtLogs,
    /// What to show a server that asks for a certificate.
    pub identity: Option<Identity>,
    /// Application protocols, most preferred first; without any, ALPN is not spoken.
    pub alpn: Vec<Vec<u8>>,
    /// The lowest version spoken.
    pub min_version: TlsVersion,
    /// The highest version spoken.
    pub max_version: TlsVersion,
    /// Cipher suites by OpenSSL's or IANA's names, most preferred first; without any, all.
    pub ciphers: Vec<String>,
    /// How many servers' sessions are remembered for resumption; 0 for none.
    pub sessions: usize,
    /// Whether early data may be sent when a session is resumed. What is sent so can be replayed by an attacker.
    pub early_data: bool,
    /// Where key material goes, for debugging.
    pub key_log: Option<KeyLogger>,
    /// The time.
    pub clock: Clock,
}

impl ClientOptions {
    /// The defaults, with whom to trust.
    pub fn new(trust: Arc<Trust>) -> Self {
        Self {
            trust,
            dangerously_accept_any_certificate: false,
            pins: Pins::default(),
            ocsp: OcspPolicy::default(),
            ct: CtPolicy::default(),
            ct_logs: CtLogs::default(),
            identity: None,
            alpn: Vec::new(),
            min_version: TlsVersion::Tls12,
            max_version: TlsVersion::Tls13,
            ciphers: Vec::new(),
            sessions: CLIENT_SESSIONS,
            early_data: false,
            key_log: None,
            clock: Clock::system(),
        }
    }
}

/// A client's configuration. Sessions are made of it, and all of it can be replaced while they run.
#[derive(Debug)]
pub struct ClientContext {
    current: ArcSwap<ClientState>,
    /// Held while a replacement is built, so that two do not lose one another's changes.
    replacing: Mutex<()>,
}

#[derive(Debug)]
struct ClientState {
    options: ClientOptions,
    config: Arc<ClientConfig>,
    judge: Arc<ServerJudge>,
}

/// A name that a certificate can have; the dot of an absolute name is not part of it.
fn server_name(text: &str) -> Result<ServerName<'static>, TlsError> {
    let name = text.strip_suffix('.').unwrap_or(text);
    ServerName::try_from(name.to_owned()).map_err(|_| {
        TlsError::with_detail(
            millrace_error::Code::InvalidArgument,
            format!("expected a DNS name or an IP address as servername, got {text}"),
        )
    })
}

impl ClientContext {
    /// Whether [`connect`](Self::connect) takes a name.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for what no certificate can have.
    pub fn check_name(servername: &str) -> Result<(), TlsError> {
        server_name(servername).map(|_| ())
    }

    /// Checks and builds a configuration.
    ///
    /// # Errors
    /// [`millrace_error::Code::TlsInvalidConfiguration`] with what was expected.
    pub fn new(options: ClientOptions) -> Result<Arc<Self>, TlsError> {
        Ok(Arc::new(Self {
            current: ArcSwap::from_pointee(ClientState::build(options)?),
            replacing: Mutex::new(()),
        }))
    }

    /// Replaces what `change` changes, for connections that begin from now on; remembered sessions are forgotten.
    ///
    /// # Errors
    /// As [`new`](Self::new); everything stays as it was then.
    pub fn update(&self, change: impl FnOnce(&mut ClientOptions)) -> Result<(), TlsError> {
        self.try_update(|options| {
            change(options);
            Ok(())
        })
    }

    fn try_update(&self, change: impl FnOnce(&mut ClientOptions) -> Result<(), TlsError>) -> Result<(), TlsError> {
        let _one_at_a_time = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut options = self.current.load().options.clone();
        change(&mut options)?;
        self.current.store(Arc::new(ClientState::build(options)?));
        Ok(())
    }

    /// Replaces the CRLs that servers are judged by.
    ///
    /// # Errors
    /// A CRL that is malformed; the last good ones stay in force, and the error says so.
    pub fn reload_crls(&self, crls: &[Vec<u8>]) -> Result<(), TlsError> {
        self.try_update(|options| {
            options.trust = Arc::new(options.trust.with_crls(crls)?);
            Ok(())
        })
        .map_err(crl::keeping)
    }

    /// What the CRLs in force say of themselves, the newest first.
    pub fn crl_facts(&self) -> Vec<CrlFacts> {
        self.current.load().options.trust.crl_facts().to_vec()
    }

    /// A session with the server of this name, which may be an IP address; its ClientHello waits in the output.
    ///
    /// # Errors
    /// [`millrace_error::Code::InvalidArgument`]: the name is neither a DNS name nor an IP address.
    pub fn connect(self: &Arc<Self>, servername: &str) -> Result<TlsSession, TlsError> {
        let name = server_name(servername)?;
        let state = self.current.load();
        let connection = ClientConnection::new(Arc::clone(&state.config), name.clone())?;
        Ok(TlsSession::client(
            connection,
            name,
            Arc::clone(&state.judge),
            state.options.clock.clone(),
        ))
    }
}

impl ClientState {
    fn build(options: ClientOptions) -> Result<Self, TlsError> {
        let provider = Arc::new(CryptoProvider {
            cipher_suites: suites::select(&options.ciphers)?,
            ..aws_lc_rs::default_provider()
        });
        let evidence = Evidence {
            ocsp: options.ocsp,
            ct: options.ct,
            logs: options.ct_logs.clone(),
        };
        evidence.check()?;
        let judge = Arc::new(ServerJudge {
            rules: options.trust.server_verifier(Arc::clone(&provider))?,
            trust: Arc::clone(&options.trust),
            pins: options.pins.clone(),
            evidence,
            dangerously_accept_any: options.dangerously_accept_any_certificate,
        });
        let versions = suites::versions(options.min_version, options.max_version)?;
        let builder = ClientConfig::builder_with_details(provider, Arc::new(options.clock.clone()))
            .with_protocol_versions(&versions)
            .map_err(|error| {
                TlsError::configuration(format!("no suite fits the versions: {}", words::of_error(&error)))
            })?
            .dangerous()
            .with_custom_certificate_verifier(Arc::<ServerJudge>::clone(&judge));
        let mut config = match &options.identity {
            Some(identity) => builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(
                Arc::clone(identity.key()),
            ))),
            None => builder.with_no_client_auth(),
        };
        alpn::check(&options.alpn)?;
        config.alpn_protocols.clone_from(&options.alpn);
        config.enable_early_data = options.early_data;
        config.resumption = match options.sessions {
            0 => Resumption::disabled(),
            size => Resumption::in_memory_sessions(size),
        };
        if let Some(key_log) = &options.key_log {
            config.key_log = Arc::new(key_log.clone());
        }
        Ok(Self {
            options,
            config: Arc::new(config),
            judge,
        })
    }
}
