//! What a server is configured with, and how that is replaced while it runs.

mod options;
mod state;

use crate::crl::{self, CrlFacts};
use crate::{Identity, StapleFacts, TicketSecret, TlsError, TlsSession};
use arc_swap::ArcSwap;
use std::sync::{Arc, Mutex, PoisonError};

pub use options::{ClientAuth, SESSION_CACHE_SIZE, SESSION_TIMEOUT_S, ServerOptions};
pub(crate) use state::{Kind, ServerState};

/// A server's configuration. Sessions are made of it, and all of it can be replaced while they run.
///
/// A handshake keeps what was in force when its ClientHello was complete; established sessions need none of it.
#[derive(Debug)]
pub struct ServerContext {
    current: ArcSwap<ServerState>,
    /// Held while a replacement is built, so that two do not lose one another's changes.
    replacing: Mutex<()>,
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
