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

use std::io::{self, Read, Write};
use std::sync::Arc;

use millrace_buffer::{Output, Pool};
use millrace_error::Code;
use pki_types::{ServerName, UnixTime};
use rustls::client::ClientConnection;
use rustls::server::{Accepted, AcceptedAlert, Acceptor};
use rustls::{Connection, HandshakeKind, ProtocolVersion};

use crate::engine::{ClientHello, TlsEngine, TlsEvent, TlsFacts};
use crate::server::{ServerContext, ServerState};
use crate::sniff::{Opening, opening};
use crate::verify::{ClientJudge, ServerJudge};
use crate::{Clock, Identity, TlsError, TlsVersion, alert, suites, verdict};

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

/// A server's session before the ClientHello is whole.
struct Hello {
    context: Arc<ServerContext>,
    opening: Opened,
}

/// A connection that says nothing costs no acceptor.
enum Opened {
    /// The first bytes, while they could still be plain HTTP.
    Undecided(Vec<u8>),
    Tls(Box<Acceptor>),
}

/// A server's session that waits for its certificate.
struct Choosing {
    state: Arc<ServerState>,
    accepted: Accepted,
    pending: Vec<u8>,
}

/// What is only needed until the handshake is over.
#[derive(Debug)]
struct Handshake {
    judge: Judge,
    clock: Clock,
    /// Whether early data was sent.
    early: bool,
}

/// Who judges the certificate of a session that is resumed, which rustls does not judge again.
#[derive(Debug)]
enum Judge {
    OfServers(Arc<ServerJudge>, ServerName<'static>),
    OfClients(Arc<ClientJudge>),
    Nobody,
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
        Self::new(Stage::Hello(Box::new(Hello {
            context,
            opening: Opened::Undecided(Vec::new()),
        })))
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
        self.refuse(error.into(), bytes)
    }

    /// `Hello`: the first bytes are looked at, then all goes to the acceptor.
    fn handle_hello(&mut self, bytes: &[u8]) -> Result<usize, TlsError> {
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
                Ok(Some(accepted)) => self.handle_accepted(accepted, input)?,
                Err((error, alert)) => return Err(self.refuse_with(error, alert)),
            }
        }
        Ok(bytes.len())
    }

    /// The ClientHello is whole: this is when the configuration is taken.
    fn handle_accepted(&mut self, accepted: Accepted, rest: &[u8]) -> Result<(), TlsError> {
        let Stage::Hello(hello) = &self.stage else {
            return Ok(());
        };
        let state = hello.context.current();
        let config = state.config_for(accepted.client_hello().server_name());
        self.stage = Stage::Choosing(Box::new(Choosing {
            state,
            accepted,
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
    fn go_on_with(&mut self, config: Arc<rustls::ServerConfig>) -> Result<(), TlsError> {
        let stage = std::mem::replace(&mut self.stage, Stage::Refused(Vec::new()));
        let Stage::Choosing(choosing) = stage else {
            self.stage = stage;
            return Err(TlsError::new(Code::InvalidState));
        };
        let Choosing {
            state,
            accepted,
            pending,
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

    /// `Live`: rustls reads, decrypts and answers.
    fn handle_live(&mut self, bytes: &[u8]) -> Result<usize, TlsError> {
        let mut input = bytes;
        loop {
            let Stage::Live(connection, _) = &mut self.stage else {
                break;
            };
            let before = input.len();
            if before > 0 && connection.read_tls(&mut input).is_err() {
                // Plaintext waits to be taken, or a message is larger than all that is kept of one.
                if has_plaintext(connection) {
                    break;
                }
                return Err(self.end(TlsError::new(Code::TlsRecordOverflow)));
            }
            let processed = connection.process_new_packets();
            let finding = verdict::take();
            match processed {
                Ok(state) => {
                    if let Some(finding) = finding {
                        self.authorization_error = Some(Box::new(finding));
                    }
                    if state.peer_has_closed() {
                        self.after_progress();
                        self.events.closed |= !self.peer_closed;
                        self.peer_closed = true;
                        return Ok(bytes.len());
                    }
                }
                Err(error) => {
                    let error = match (error, finding) {
                        (rustls::Error::InvalidCertificate(_), Some(finding)) => finding,
                        (error, _) => error.into(),
                    };
                    return Err(self.end(error));
                }
            }
            self.after_progress();
            if input.len() == before || input.is_empty() {
                break;
            }
        }
        Ok(bytes.len() - input.len())
    }

    /// Notices the end of the handshake and drops what it needed.
    fn after_progress(&mut self) {
        let Stage::Live(connection, handshake) = &mut self.stage else {
            return;
        };
        if connection.is_handshaking() {
            return;
        }
        let Some(done) = handshake.take() else { return };
        self.events.established = true;
        self.early_data = match &mut **connection {
            Connection::Server(server) => server.early_data().is_some(),
            Connection::Client(client) => done.early && client.is_early_data_accepted(),
        };
        self.events.early_data_refused = done.early && !self.early_data;
        if connection.handshake_kind() == Some(HandshakeKind::Resumed) {
            let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(done.clock.now()));
            let chain = connection.peer_certificates().unwrap_or_default();
            let found = match &done.judge {
                Judge::OfServers(judge, name) => judge.review(chain, name, now),
                Judge::OfClients(judge) => judge.review(chain, now),
                Judge::Nobody => None,
            };
            self.authorization_error = found.map(Box::new);
        }
    }
}

fn has_plaintext(connection: &mut Connection) -> bool {
    connection
        .reader()
        .into_first_chunk()
        .is_ok_and(|chunk| !chunk.is_empty())
}

/// Appends all that a reader has at the moment.
fn drain(reader: &mut dyn Read, sink: &mut Vec<u8>) -> usize {
    let before = sink.len();
    // The end is an error of kind WouldBlock or UnexpectedEof, which says nothing that the session does not know.
    let _ = reader.read_to_end(sink);
    sink.len() - before
}

/// An output as rustls writes to it.
struct Sink<'a> {
    output: &'a mut Output,
    pool: &'a mut Pool,
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.tail(self.pool).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn write_vectored(&mut self, parts: &[io::IoSlice<'_>]) -> io::Result<usize> {
        parts.iter().map(|part| self.write(part)).sum()
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl TlsEngine for TlsSession {
    fn choose(&mut self, identity: Option<&Identity>) -> Result<(), TlsError> {
        let Stage::Choosing(choosing) = &self.stage else {
            return Err(TlsError::new(Code::InvalidState));
        };
        let config = match identity {
            Some(identity) => Some(choosing.state.config_with(identity)),
            None => choosing.state.default_config(),
        };
        match config {
            Some(config) => self.go_on_with(config),
            None => {
                let alert = alert::fatal(alert::UNRECOGNIZED_NAME).to_vec();
                Err(self.refuse(TlsError::new(Code::TlsNoCertificate), alert))
            }
        }
    }

    fn seal(&mut self, parts: &[&[u8]]) -> Result<usize, TlsError> {
        /// How many parts go into one call; an answer has a head, a body and seldom more.
        const SLICES: usize = 16;
        let Stage::Live(connection, _) = &mut self.stage else {
            return Err(TlsError::new(Code::InvalidState));
        };
        if connection.is_handshaking() || self.closing || self.ended.is_some() {
            return Err(TlsError::new(Code::InvalidState));
        }
        let mut taken = 0;
        for group in parts.chunks(SLICES) {
            let mut slices = [io::IoSlice::new(&[]); SLICES];
            for (slice, part) in slices.iter_mut().zip(group) {
                *slice = io::IoSlice::new(part);
            }
            let total: usize = group.iter().map(|part| part.len()).sum();
            // The only error is the one that the connection has ended with, which was looked at above.
            let count = connection.writer().write_vectored(&slices).unwrap_or_default();
            taken += count;
            if count < total {
                break;
            }
        }
        Ok(taken)
    }

    fn seal_early(&mut self, bytes: &[u8]) -> Result<usize, TlsError> {
        let Stage::Live(connection, Some(handshake)) = &mut self.stage else {
            return Err(TlsError::new(Code::InvalidState));
        };
        let Connection::Client(client) = &mut **connection else {
            return Err(TlsError::new(Code::InvalidState));
        };
        let Some(mut early) = client.early_data() else {
            return Ok(0);
        };
        let taken = early.write(bytes).unwrap_or_default();
        handshake.early |= taken > 0;
        Ok(taken)
    }

    fn close_notify(&mut self) {
        if let Stage::Live(connection, _) = &mut self.stage {
            connection.send_close_notify();
            self.closing = true;
        }
    }

    fn set_buffer_limit(&mut self, limit: usize) {
        self.buffer_limit = limit;
        if let Stage::Live(connection, _) = &mut self.stage {
            connection.set_buffer_limit(Some(limit));
        }
    }

    fn handle_ciphertext(&mut self, bytes: &[u8]) -> Result<usize, TlsError> {
        if let Some(error) = &self.ended {
            return Err(TlsError::clone(error));
        }
        match &mut self.stage {
            Stage::Hello(_) => self.handle_hello(bytes),
            Stage::Choosing(choosing) => {
                if choosing.pending.len() + bytes.len() > PENDING_LIMIT {
                    let alert = alert::fatal(alert::INTERNAL_ERROR).to_vec();
                    let words = format!("limit {PENDING_LIMIT}");
                    return Err(self.refuse(TlsError::with_detail(Code::TlsBufferLimit, words), alert));
                }
                choosing.pending.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            Stage::Live(..) => self.handle_live(bytes),
            // Refused sessions have ended.
            Stage::Refused(_) => Ok(bytes.len()),
        }
    }

    fn handle_eof(&mut self) -> Result<(), TlsError> {
        if let Some(error) = &self.ended {
            return Err(TlsError::clone(error));
        }
        let Stage::Live(connection, _) = &mut self.stage else {
            return Err(self.end(TlsError::new(Code::TlsHandshakeTruncated)));
        };
        if connection.is_handshaking() {
            return Err(self.end(TlsError::new(Code::TlsHandshakeTruncated)));
        }
        if self.peer_closed {
            return Ok(());
        }
        Err(self.end(TlsError::new(Code::TlsTruncated)))
    }

    fn poll_event(&mut self) -> Option<TlsEvent> {
        let take = std::mem::take::<bool>;
        if take(&mut self.events.hello) {
            if let Stage::Choosing(choosing) = &self.stage {
                return Some(TlsEvent::ClientHello(describe(&choosing.accepted)));
            }
        }
        if take(&mut self.events.established) {
            return Some(TlsEvent::Established);
        }
        if take(&mut self.events.early_data_refused) {
            return Some(TlsEvent::EarlyDataRefused);
        }
        take(&mut self.events.closed).then_some(TlsEvent::Closed)
    }

    fn poll_early_data(&mut self, sink: &mut Vec<u8>) -> usize {
        match &mut self.stage {
            Stage::Live(connection, _) => match &mut **connection {
                Connection::Server(server) => server.early_data().map_or(0, |mut early| drain(&mut early, sink)),
                Connection::Client(_) => 0,
            },
            _ => 0,
        }
    }

    fn poll_plaintext(&mut self, sink: &mut Vec<u8>) -> usize {
        match &mut self.stage {
            Stage::Live(connection, _) => drain(&mut connection.reader(), sink),
            _ => 0,
        }
    }

    fn poll_ciphertext(&mut self, output: &mut Output, pool: &mut Pool) -> usize {
        let before = output.len();
        let mut sink = Sink { output, pool };
        match &mut self.stage {
            Stage::Live(connection, _) => {
                while connection.wants_write() {
                    // The sink takes everything.
                    let _ = connection.write_tls(&mut sink);
                }
            }
            Stage::Refused(alert) if !alert.is_empty() => {
                let _ = sink.write(alert);
                *alert = Vec::new();
            }
            _ => {}
        }
        output.len() - before
    }

    fn is_handshaking(&self) -> bool {
        match &self.stage {
            Stage::Live(connection, _) => connection.is_handshaking(),
            _ => true,
        }
    }

    fn wants_ciphertext(&self) -> bool {
        let by_stage = match &self.stage {
            Stage::Hello(_) => true,
            Stage::Live(connection, _) => connection.wants_read() || connection.is_handshaking(),
            Stage::Choosing(_) | Stage::Refused(_) => false,
        };
        by_stage && self.ended.is_none()
    }

    fn has_ciphertext(&self) -> bool {
        match &self.stage {
            Stage::Live(connection, _) => connection.wants_write(),
            Stage::Refused(alert) => !alert.is_empty(),
            _ => false,
        }
    }

    fn facts(&self) -> Option<TlsFacts> {
        let Stage::Live(connection, None) = &self.stage else {
            return None;
        };
        let version = match connection.protocol_version()? {
            ProtocolVersion::TLSv1_2 => TlsVersion::Tls12,
            _ => TlsVersion::Tls13,
        };
        let servername = match &**connection {
            Connection::Server(server) => server.server_name(),
            Connection::Client(_) => self.servername.as_deref(),
        };
        let chain = connection.peer_certificates().unwrap_or_default();
        Some(TlsFacts {
            version,
            cipher: suites::name(connection.negotiated_cipher_suite()?.suite()),
            alpn: connection.alpn_protocol().map(<[u8]>::to_vec),
            servername: servername.map(str::to_owned),
            resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
            early_data: self.early_data,
            peer_certificates: chain.iter().map(|certificate| certificate.to_vec()).collect(),
            authorization_error: self.authorization_error.as_deref().cloned(),
        })
    }
}

fn describe(accepted: &Accepted) -> ClientHello {
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
