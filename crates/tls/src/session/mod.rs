//! A session over rustls's buffered connection.
//!
//! # Theory of operation
//!
//! ```text
//! server:  Hello ──ClientHello──► Choosing ──choose──► Live ──► (error, close) the same Live, which answers with it
//!             │                      ▲  a name in the table skips the wait
//!             └──error──► Refused    └──error──► Refused
//! client:  Live from the start
//! ```
//!
//! In `Hello` a rustls `Acceptor` collects the ClientHello, so that nothing of the configuration is looked at before it
//! is whole: that is the moment at which a handshake takes its configuration. `Choosing` keeps what arrives meanwhile,
//! at most [`PENDING_LIMIT`]. In `Live` rustls does the rest. What a stage needs is boxed with it and gone when it ends.

mod drive;
mod hello;
mod live;

use std::sync::Arc;

use pki_types::ServerName;
use rustls::Connection;
use rustls::client::ClientConnection;
use rustls::server::AcceptedAlert;

use crate::evidence::Verdicts;
use crate::server::ServerContext;
use crate::verify::ServerJudge;
use crate::{Clock, TlsError};
use hello::{Choosing, Hello};
use live::{Handshake, Judge};

/// How much ciphertext may wait to be sent before no more plaintext is taken, in bytes.
pub const BUFFER_LIMIT: usize = 64 * 1024;

/// How much ciphertext is kept while a certificate is chosen, in bytes: a driver's one read that was under way.
pub const PENDING_LIMIT: usize = 64 * 1024;

/// A TLS session of either side. See [`TlsEngine`] for how it is driven.
#[derive(Debug)]
pub struct TlsSession {
    stage: Stage,
    events: Events,
    buffer_limit: usize,
    /// What ended the session.
    ended: Option<Box<TlsError>>,
    /// What is wrong with a certificate that was let pass.
    authorization_error: Option<Box<TlsError>>,
    /// What came with the certificate comes to.
    evidence: Option<Box<Verdicts>>,
    /// The name that a client asked for.
    servername: Option<Box<str>>,
    peer_closed: bool,
    /// Whether our close_notify is out; rustls would seal on behind it.
    closing: bool,
    /// Whether early data was taken.
    early_data: bool,
}

#[derive(Debug)]
enum Stage {
    Hello(Box<Hello>),
    Choosing(Box<Choosing>),
    Live(Box<Connection>, Option<Box<Handshake>>),
    /// The alert, until it is sent.
    Refused(Vec<u8>),
}

/// Events that have not been taken.
#[derive(Debug, Default)]
struct Events {
    hello: bool,
    established: bool,
    early_data_refused: bool,
    closed: bool,
}

impl TlsSession {
    pub(crate) fn server(context: Arc<ServerContext>) -> Self {
        Self::new(Stage::Hello(Box::new(Hello::new(context))))
    }

    pub(crate) fn client(
        connection: ClientConnection,
        name: ServerName<'static>,
        judge: Arc<ServerJudge>,
        clock: Clock,
    ) -> Self {
        let mut session = Self::new(Stage::Refused(Vec::new()));
        if let ServerName::DnsName(name) = &name {
            session.servername = Some(name.as_ref().into());
        }
        let handshake = Handshake {
            judge: Judge::OfServers(judge, name),
            clock,
            early: false,
        };
        session.go_live(Connection::Client(connection), handshake);
        session
    }

    fn new(stage: Stage) -> Self {
        Self {
            stage,
            events: Events::default(),
            buffer_limit: BUFFER_LIMIT,
            ended: None,
            authorization_error: None,
            evidence: None,
            servername: None,
            peer_closed: false,
            closing: false,
            early_data: false,
        }
    }

    fn go_live(&mut self, mut connection: Connection, handshake: Handshake) {
        connection.set_buffer_limit(Some(self.buffer_limit));
        self.stage = Stage::Live(Box::new(connection), Some(Box::new(handshake)));
    }

    fn end(&mut self, error: TlsError) -> TlsError {
        self.ended = Some(Box::new(error.clone()));
        error
    }

    fn refuse(&mut self, error: TlsError, alert: Vec<u8>) -> TlsError {
        self.stage = Stage::Refused(alert);
        self.end(error)
    }

    fn refuse_with(&mut self, error: rustls::Error, mut alert: AcceptedAlert) -> TlsError {
        let mut bytes = Vec::new();
        // A vector takes everything.
        let _ = alert.write_all(&mut bytes);
        if bytes.is_empty() {
            // rustls makes none for a first message that it cannot read.
            bytes.extend_from_slice(&crate::alert::fatal(crate::alert::DECODE_ERROR));
        }
        self.refuse(error.into(), bytes)
    }
}
