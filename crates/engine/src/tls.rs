//! TLS on a connection: from ciphertext to what is above, the turns of handshakes, and how sessions fail.
//!
//! A step of a handshake costs up to half a millisecond, a thousand times what a request costs. So a turn takes at most
//! [`HANDSHAKES_A_TURN`] of them, in the order in which they became ready: a storm of new connections cannot starve live
//! ones.

use crate::connection::{Deadline, Stack, flag as conn};
use crate::dial::NO_SERVER;
use crate::engine::Engine;
use crate::event::{EventKind, Host};
use crate::id::Id;
use crate::layer::{Layer, Layers, TlsLayer};
use crate::options::{HANDSHAKES_A_TURN, LINGER_MS};
use crate::protocol::Protocol;
use millrace_error::{Code, Error};
use millrace_metrics::{Counter, Histogram};
use millrace_net::socket;
use millrace_tls::{ClientHello, Identity, TlsEngine, TlsError, TlsEvent, TlsFacts};

const PLAIN_HTTP: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 43\r\n\
Connection: close\r\n\r\nThis port speaks TLS: the address is https\n";

impl<V: Copy> Engine<V> {
    /// Whether a connection that became readable may take a step of its handshake now; else it waits for its turn.
    pub(crate) fn may_shake_hands(&mut self, id: Id) -> bool {
        let Some(connection) = self.connections.get_mut(id) else {
            return false;
        };
        if connection.has(conn::HANDSHAKE_QUEUED) {
            return false;
        }
        if self.handshakes_left > 0 {
            self.handshakes_left -= 1;
            return true;
        }
        connection.flags |= conn::HANDSHAKE_QUEUED;
        self.handshakes.push_back(id);
        false
    }

    /// The handshakes whose turn it is.
    pub(crate) fn go_on_with_handshakes<H: Host<Value = V>>(&mut self, host: &mut H) {
        self.handshakes_left = HANDSHAKES_A_TURN;
        while self.handshakes_left > 0 {
            let Some(id) = self.handshakes.pop_front() else { break };
            let Some(connection) = self.connections.get_mut(id) else {
                continue;
            };
            connection.flags &= !conn::HANDSHAKE_QUEUED;
            let Some(fd) = connection.link.descriptor() else {
                continue;
            };
            if self.wants_read(id) {
                self.handshakes_left -= 1;
                self.guarded(id, |engine| {
                    engine.read(host, id, fd);
                });
            }
        }
    }

    /// Bytes reach the session at `level`; what it decrypts goes on to what is above.
    pub(crate) fn run_tls<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        stack: &mut Stack,
        layers: &mut Layers,
        level: usize,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let Some(Layer::Tls(tls)) = layers.list.get_mut(level) else {
            return Ok(());
        };
        let mut plaintext = std::mem::take(&mut self.plaintext);
        plaintext.clear();
        let mut result = match tls.choice.take() {
            Some(choice) => tls.session.choose(choice.as_ref()),
            None => Ok(()),
        };
        if result.is_ok() && !bytes.is_empty() {
            result = tls.session.receive(bytes, &mut plaintext);
        }
        let mut early = Vec::new();
        tls.session.poll_early_data(&mut early);
        let (mut closed, mut opened) = (false, false);
        while let Some(event) = tls.session.poll_event() {
            match event {
                TlsEvent::ClientHello(hello) => self.ask_for_certificate(host, id, &hello),
                TlsEvent::Established => {
                    tls.set_established();
                    self.established(id, stack, tls)?;
                    opened = self.is_ours(id);
                }
                TlsEvent::Closed => closed = true,
                TlsEvent::EarlyDataRefused => {}
            }
        }
        let mut outcome = match opened {
            true => self.step_done(id, stack, layers),
            false => Ok(()),
        };
        if !early.is_empty() {
            self.set_flag(id, conn::EARLY);
            if self.is_raw(id) {
                self.open_running(id, stack)?;
            }
            outcome = self.climb(host, id, stack, layers, level + 1, &early);
            self.clear_flag(id, conn::EARLY);
        }
        if outcome.is_ok() && !plaintext.is_empty() {
            outcome = self.climb(host, id, stack, layers, level + 1, &plaintext);
        }
        plaintext.clear();
        self.plaintext = plaintext;
        outcome?;
        if stack.dial.is_some() && self.is_connecting(id) {
            // What it said had the proxy dialled again: the end of this session is not that of the next.
            return Ok(());
        }
        if let Err(error) = result {
            return Err(self.session_failed(host, id, stack, layers, level, &error));
        }
        if closed {
            self.set_flag(id, conn::READ_CLOSED);
            if layers.has_handshake() {
                return self.proxy_ended(host, id, stack, layers);
            }
            if stack.has_unread() {
                // A socket's end is read when what came before it has been; a session's came with it.
                self.set_flag(id, conn::END_WAITS);
                return Ok(());
            }
            return self.protocol_ended(host, id, stack);
        }
        Ok(())
    }

    /// The network ended under the session at the bottom.
    pub(crate) fn tls_ended<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        stack: &mut Stack,
        layers: &mut Layers,
    ) -> Result<(), Error> {
        let opening = layers.is_opening();
        let Some(tls) = layers.tls_mut() else {
            return self.protocol_ended(host, id, stack);
        };
        match tls.session.handle_eof() {
            // Its close_notify came before, and was told then.
            Ok(()) => Ok(()),
            Err(error) if opening => {
                let level = layers.list.len() - 1;
                Err(self.session_failed(host, id, stack, layers, level, &error))
            }
            // What was received may be cut: a tunnel has no other way to notice. A message of HTTP says itself where it ends.
            Err(error) if matches!(stack.protocol, Protocol::Raw(_)) => Err((&error).into()),
            // RFC 9112 §9.8: nor has a body that only the end of the connection ends.
            Err(error) if Self::is_until_close(stack) => Err((&error).into()),
            Err(_) => self.protocol_ended(host, id, stack),
        }
    }

    /// Whether a connection has no socket yet, or none any more.
    fn is_connecting(&self, id: Id) -> bool {
        self.connections
            .get(id)
            .is_some_and(|connection| connection.has(conn::CONNECTING))
    }

    /// Whether we began a connection.
    fn is_ours(&self, id: Id) -> bool {
        self.connections
            .get(id)
            .is_some_and(|connection| connection.server == NO_SERVER)
    }

    fn established(&mut self, id: Id, stack: &mut Stack, tls: &TlsLayer) -> Result<(), Error> {
        let nanos = self.now_ns.saturating_sub(tls.began_ns);
        self.metrics.record(Histogram::TlsHandshakeDuration, nanos);
        let resumed = tls.session.facts().is_some_and(|facts| facts.resumed);
        self.metrics.add(
            match resumed {
                true => Counter::TlsHandshakesResumed,
                false => Counter::TlsHandshakesFull,
            },
            1,
        );
        self.clear_flag(id, conn::HANDSHAKING);
        self.set_flag(id, conn::SECURE);
        let server = self.connections.get(id).map(|connection| connection.server);
        if server == Some(NO_SERVER) {
            return Ok(());
        }
        if self.is_raw(id) {
            return self.open_running(id, stack);
        }
        let headers = server
            .and_then(|slot| self.servers.at(slot))
            .map_or(0, |(_, server)| server.options.headers_timeout_ms);
        match headers {
            0 => self.set_deadline(id, Deadline::None, 0),
            ms => self.set_deadline(id, Deadline::Headers, self.from_ms + ms),
        }
        Ok(())
    }

    fn ask_for_certificate<H: Host<Value = V>>(&mut self, host: &mut H, id: Id, hello: &ClientHello) {
        let Some(slot) = self.connections.get(id).map(|connection| connection.server) else {
            return;
        };
        let mut text = hello.servername.as_deref().unwrap_or_default().as_bytes().to_vec();
        for name in &hello.alpn {
            text.push(0);
            text.extend_from_slice(name);
        }
        let value = Some(host.text(&text));
        let flags = u32::from(hello.ecdsa);
        self.event(EventKind::ClientHello, id, flags, 0, u64::from(slot) << 8, value);
    }

    /// Answers [`EventKind::ClientHello`]: with a certificate, or with the server's first.
    pub fn choose_certificate(&mut self, connection: f64, identity: Option<Identity>) -> bool {
        let Some(id) = Id::from_f64(connection) else {
            return false;
        };
        let waiting = self
            .connections
            .get_mut(id)
            .and_then(|connection| connection.layers.as_mut())
            .and_then(|layers| layers.tls_mut())
            .filter(|tls| !tls.is_established() && !tls.session.wants_ciphertext());
        let Some(tls) = waiting else { return false };
        tls.choice = Some(identity);
        self.queue(id);
        true
    }

    /// A session failed: counts it, tells who listens, and leaves the alert to be sent.
    fn session_failed<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        stack: &Stack,
        layers: &mut Layers,
        level: usize,
        error: &TlsError,
    ) -> Error {
        self.metrics.add(Counter::TlsFailures, 1);
        let raw = self.is_raw(id);
        if let (Code::TlsPlainHttp, false, Some(Layer::Tls(tls))) = (error.code, raw, layers.list.get_mut(level)) {
            tls.output.tail(&mut self.pool).extend_from_slice(PLAIN_HTTP);
        }
        let slot = self.connections.get(id).map(|connection| connection.server);
        if let (Some(NO_SERVER), true, Protocol::Raw(_)) = (slot, layers.is_opening(), &stack.protocol) {
            self.tell_failed(host, stack, error.into(), error.detail().unwrap_or_default().as_bytes());
        }
        self.tell_session_failed(host, id, error.code, error.detail().unwrap_or_default());
        error.into()
    }

    /// Tells a server that a session of one of its connections failed.
    fn tell_session_failed<H: Host<Value = V>>(&mut self, host: &mut H, id: Id, code: Code, detail: &str) {
        let slot = self.connections.get(id).map(|connection| connection.server);
        let Some(slot) = slot.filter(|slot| self.servers.at(*slot).is_some()) else {
            return;
        };
        // One that took too long is blamed where its deadline is counted.
        if code != Code::TlsHandshakeTimeout {
            self.blame(id, code);
        }
        let text = host.text(detail.as_bytes());
        let slot = u64::from(slot) << 8;
        self.event(EventKind::TlsFailed, id, code.id().into(), 0, slot, Some(text));
    }

    /// A client's handshake took too long: counts it as failed and tells who listens.
    pub(crate) fn handshake_expired<H: Host<Value = V>>(&mut self, host: &mut H, id: Id) {
        self.metrics.add(Counter::TlsFailures, 1);
        self.tell_session_failed(host, id, Code::TlsHandshakeTimeout, "");
    }

    /// Closes a connection over an error: after one of its session, so that the peer gets the alert.
    pub(crate) fn close_over(&mut self, id: Id, error: Error) {
        let secure = self.connections.get(id).is_some_and(|connection| {
            connection.layers.is_some() && !connection.has(conn::READ_CLOSED | conn::LINGERING | conn::WRITE_CLOSED)
        });
        if !secure || !error.code.as_str().starts_with("MILLRACE_TLS_") {
            return self.close(id, error);
        }
        self.last_words(id, false);
        self.abort_all(id, &error);
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.flags |= conn::LINGERING | conn::WRITE_CLOSED | conn::CLOSING;
        if connection.has(conn::CLIENT) {
            // Its exchanges are told; nobody waits for what it still says.
            return self.close(id, error);
        }
        let shut = connection.link.descriptor().map(socket::shutdown_write);
        if !matches!(shut, Some(Ok(()))) {
            return self.close(id, error);
        }
        self.update_interest(id);
        self.set_deadline(id, Deadline::Linger, self.from_ms + LINGER_MS);
    }

    /// What is known of the TLS session of a stream's connection; `None` on a plain one.
    pub fn tls_facts(&self, stream: f64) -> Option<TlsFacts> {
        let stream = self.streams.get(Id::from_f64(stream)?)?;
        let connection = self.connections.get(stream.connection)?;
        connection.layers.as_ref()?.tls()?.session.facts()
    }

    fn set_flag(&mut self, id: Id, flag: u32) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.flags |= flag;
        }
    }

    fn clear_flag(&mut self, id: Id, flag: u32) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.flags &= !flag;
        }
    }
}
