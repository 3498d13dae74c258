//! A server's session until its handshake begins: the ClientHello, and the choice of a certificate.

use std::sync::Arc;

use millrace_error::Code;
use rustls::server::{Accepted, Acceptor};
use rustls::{Connection, PeerIncompatible};

use super::live::{Handshake, Judge};
use super::{Stage, TlsSession};
use crate::engine::ClientHello;
use crate::offer::first_session;
use crate::server::{Kind, ServerContext, ServerState};
use crate::sniff::{LOOKED_AT, Opening, is_too_old, opening};
use crate::{TlsError, alert};

/// A server's session before the ClientHello is whole.
pub(super) struct Hello {
    context: Arc<ServerContext>,
    opening: Opened,
    /// The first bytes, at most [`LOOKED_AT`], for [`is_too_old`].
    start: Vec<u8>,
}

/// A connection that says nothing costs no acceptor.
enum Opened {
    /// The first bytes, while they could still be plain HTTP.
    Undecided(Vec<u8>),
    Tls(Box<Acceptor>),
}

/// A server's session that waits for its certificate.
pub(super) struct Choosing {
    pub(super) state: Arc<ServerState>,
    pub(super) accepted: Accepted,
    pub(super) kind: Kind,
    pub(super) pending: Vec<u8>,
}

impl Hello {
    pub(super) const fn new(context: Arc<ServerContext>) -> Self {
        Self {
            context,
            opening: Opened::Undecided(Vec::new()),
            start: Vec::new(),
        }
    }
}

impl TlsSession {
    /// `Hello`: the first bytes are looked at, then all goes to the acceptor.
    pub(super) fn handle_hello(&mut self, bytes: &[u8]) -> Result<usize, TlsError> {
        let Stage::Hello(hello) = &mut self.stage else {
            return Ok(0);
        };
        let mut held = Vec::new();
        if let Opened::Undecided(first) = &mut hello.opening {
            first.extend_from_slice(bytes);
            match opening(first) {
                Opening::Undecided => return Ok(bytes.len()),
                Opening::Http => return Err(self.refuse(TlsError::new(Code::TlsPlainHttp), Vec::new())),
                Opening::Other => held = std::mem::take(first),
            }
            hello.opening = Opened::Tls(Box::default());
        }
        let mut input = if held.is_empty() { bytes } else { &held };
        // A hello that comes in pieces is taken for one that offers nothing: that costs a ticket, not memory.
        let whole = if hello.start.is_empty() { input } else { &[] };
        let looked_at = (LOOKED_AT - hello.start.len()).min(input.len());
        hello.start.extend_from_slice(&input[..looked_at]);
        while !input.is_empty() {
            let Stage::Hello(hello) = &mut self.stage else { break };
            let Opened::Tls(acceptor) = &mut hello.opening else {
                break;
            };
            // Reading from a slice cannot fail; an error here is rustls's "message buffer full".
            if acceptor.read_tls(&mut input).is_err() {
                return Err(self.refuse(TlsError::new(Code::TlsRecordOverflow), alert::fatal(22).to_vec()));
            }
            match acceptor.accept() {
                Ok(None) => {}
                Ok(Some(accepted)) => self.handle_accepted(accepted, first_session(whole), input)?,
                Err((rustls::Error::PeerIncompatible(PeerIncompatible::SignatureAlgorithmsExtensionRequired), _))
                    if is_too_old(&hello.start) =>
                {
                    let words = "the client speaks no version from TLS 1.2 on";
                    let error = TlsError::with_detail(Code::TlsNoSharedVersion, words);
                    return Err(self.refuse(error, alert::fatal(alert::PROTOCOL_VERSION).to_vec()));
                }
                Err((error, alert)) => return Err(self.refuse_with(error, alert)),
            }
        }
        Ok(bytes.len())
    }

    /// The ClientHello is whole: this is when the configuration is taken.
    fn handle_accepted(&mut self, accepted: Accepted, offered: Option<&[u8]>, rest: &[u8]) -> Result<(), TlsError> {
        let Stage::Hello(hello) = &self.stage else {
            return Ok(());
        };
        let state = hello.context.current();
        let kind = state.kind_of(offered);
        let config = state.config_for(accepted.client_hello().server_name(), kind);
        self.stage = Stage::Choosing(Box::new(Choosing {
            state,
            accepted,
            kind,
            pending: rest.to_vec(),
        }));
        match config {
            Some(config) => self.go_on_with(config),
            None => {
                self.events.hello = true;
                Ok(())
            }
        }
    }

    /// `Choosing` ends: the handshake begins, with what arrived meanwhile.
    pub(super) fn go_on_with(&mut self, config: Arc<rustls::ServerConfig>) -> Result<(), TlsError> {
        let stage = std::mem::replace(&mut self.stage, Stage::Refused(Vec::new()));
        let Stage::Choosing(choosing) = stage else {
            self.stage = stage;
            return Err(TlsError::new(Code::InvalidState));
        };
        let Choosing {
            state,
            accepted,
            pending,
            ..
        } = *choosing;
        self.events.hello = false;
        let connection = match accepted.into_connection(config) {
            Ok(connection) => connection,
            Err((error, alert)) => return Err(self.refuse_with(error, alert)),
        };
        let judge = state
            .judge()
            .map_or(Judge::Nobody, |judge| Judge::OfClients(Arc::clone(judge)));
        let clock = state.clock().clone();
        self.go_live(
            Connection::Server(connection),
            Handshake {
                judge,
                clock,
                early: false,
            },
        );
        // No plaintext can be behind a ClientHello, only early data, so all is taken. An empty input has rustls go
        // through what the acceptor had read already.
        self.handle_live(&pending).map(|_| ())
    }
}

pub(super) fn describe(accepted: &Accepted) -> ClientHello {
    let hello = accepted.client_hello();
    let ecdsa = |scheme: &rustls::SignatureScheme| {
        matches!(
            scheme,
            rustls::SignatureScheme::ECDSA_NISTP256_SHA256 | rustls::SignatureScheme::ECDSA_NISTP384_SHA384
        )
    };
    ClientHello {
        servername: hello.server_name().map(str::to_owned),
        alpn: hello
            .alpn()
            .map(|names| names.map(<[u8]>::to_vec).collect())
            .unwrap_or_default(),
        ecdsa: hello.signature_schemes().iter().any(ecdsa),
    }
}

impl std::fmt::Debug for Hello {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hello")
    }
}

impl std::fmt::Debug for Choosing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Choosing")
    }
}
