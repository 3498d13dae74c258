//! The session as a driver sees it.

use std::io::{self, BufRead, Read, Write};

use millrace_buffer::{Output, Pool};
use millrace_error::Code;
use rustls::{Connection, HandshakeKind, ProtocolVersion};

use super::{PENDING_LIMIT, Stage, TlsSession, hello};
use crate::engine::{TlsEngine, TlsEvent, TlsFacts};
use crate::{Identity, TlsError, TlsVersion, alert, suites};

/// Appends all that a reader has at the moment. Its end is an error of kind WouldBlock or UnexpectedEof, which says
/// nothing that the session does not know.
fn drain(reader: &mut dyn BufRead, sink: &mut Vec<u8>) -> usize {
    let before = sink.len();
    while let Ok(chunk @ [_, ..]) = reader.fill_buf() {
        sink.extend_from_slice(chunk);
        let count = chunk.len();
        reader.consume(count);
    }
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

impl TlsSession {
    /// Gives the ciphertext that waits straight to a writer, without a copy; what it does not take waits on.
    ///
    /// # Errors
    /// The writer's own; nothing is lost then.
    pub fn write_ciphertext(&mut self, writer: &mut dyn Write) -> io::Result<usize> {
        match &mut self.stage {
            Stage::Live(connection, _) => connection.write_tls(&mut { writer }),
            Stage::Refused(alert) => {
                let taken = writer.write(alert)?;
                alert.drain(..taken);
                Ok(taken)
            }
            _ => Ok(0),
        }
    }
}

impl TlsEngine for TlsSession {
    fn choose(&mut self, identity: Option<&Identity>) -> Result<(), TlsError> {
        let Stage::Choosing(choosing) = &self.stage else {
            return Err(TlsError::new(Code::InvalidState));
        };
        let config = match identity {
            Some(identity) => Some(choosing.state.config_with(identity, choosing.kind)),
            None => choosing.state.default_config(choosing.kind),
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
                return Some(TlsEvent::ClientHello(hello::describe(&choosing.accepted)));
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
                // Only a connection that was resumed with early data has any, so it may allocate as it likes.
                Connection::Server(server) => server
                    .early_data()
                    .and_then(|mut early| early.read_to_end(sink).ok())
                    .unwrap_or_default(),
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
            ocsp: self.evidence.as_ref().and_then(|evidence| evidence.ocsp),
            ct: self.evidence.as_ref().and_then(|evidence| evidence.ct.clone()),
        })
    }
}
