//! A session from its handshake on: rustls reads, decrypts and answers.

use std::sync::Arc;

use millrace_error::Code;
use pki_types::{ServerName, UnixTime};
use rustls::{Connection, HandshakeKind};

use super::{Stage, TlsSession};
use crate::verify::{ClientJudge, ServerJudge};
use crate::{Clock, TlsError, verdict};

/// What is only needed until the handshake is over.
#[derive(Debug)]
pub(super) struct Handshake {
    pub(super) judge: Judge,
    pub(super) clock: Clock,
    /// Whether early data was sent.
    pub(super) early: bool,
}

/// Who judges the certificate of a session that is resumed, which rustls does not judge again.
#[derive(Debug)]
pub(super) enum Judge {
    OfServers(Arc<ServerJudge>, ServerName<'static>),
    OfClients(Arc<ClientJudge>),
    Nobody,
}

impl TlsSession {
    /// `Live`: rustls reads, decrypts and answers.
    pub(super) fn handle_live(&mut self, bytes: &[u8]) -> Result<usize, TlsError> {
        let mut input = bytes;
        while let Stage::Live(connection, _) = &mut self.stage {
            let before = input.len();
            if before > 0 && connection.read_tls(&mut input).is_err() {
                // Plaintext waits to be taken, or a message is larger than all that is kept of one.
                if has_plaintext(connection) {
                    break;
                }
                return Err(self.end(TlsError::new(Code::TlsRecordOverflow)));
            }
            let processed = connection.process_new_packets();
            let verdict::Found { finding, evidence } = verdict::take();
            match processed {
                Ok(state) => {
                    if let Some(finding) = finding {
                        self.authorization_error = Some(Box::new(finding));
                    }
                    if let Some(evidence) = evidence {
                        self.evidence = Some(Box::new(evidence));
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
        // No verifier is called where a client shows nothing.
        let absent = match &done.judge {
            Judge::OfClients(judge) => judge.dangerously_accept_any && connection.peer_certificates().is_none(),
            Judge::OfServers(..) | Judge::Nobody => false,
        };
        if absent {
            self.authorization_error = Some(Box::new(TlsError::new(Code::TlsCertificateRequired)));
        }
    }
}

fn has_plaintext(connection: &mut Connection) -> bool {
    connection
        .reader()
        .into_first_chunk()
        .is_ok_and(|chunk| !chunk.is_empty())
}
