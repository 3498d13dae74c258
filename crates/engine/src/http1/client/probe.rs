//! The look at a connection that was idle, in the call that sends on it (SPEC §2: reuse).

use crate::connection::flag as conn;
use crate::engine::Engine;
use crate::id::Id;
use crate::layer::{Layer, Layers};
use crate::protocol::Protocol;
use millrace_net::socket;
use millrace_tls::{TlsEngine, TlsEvent};
use std::io::ErrorKind;
use std::os::fd::RawFd;

/// One TLS record with its head: what a look at a session reads at once.
const RECORD: usize = 17 * 1024;

impl<V: Copy> Engine<V> {
    /// Whether a client connection that was idle is about to send for the first time since; asked once.
    #[inline]
    pub(crate) fn is_unproven(&mut self, id: Id) -> bool {
        let Some(connection) = self
            .connections
            .get_mut(id)
            .filter(|connection| connection.has(conn::CLIENT))
        else {
            return false;
        };
        match connection.stack.as_mut().map(|stack| &mut stack.protocol) {
            Some(Protocol::Client(client)) => std::mem::take(&mut client.unproven),
            _ => false,
        }
    }

    /// Whether nothing of the peer waits on the connection of a stream that nobody reads: a raw one of a pool.
    pub fn is_quiet(&mut self, stream: f64) -> bool {
        let stream = Id::from_f64(stream).and_then(|id| self.streams.get(id));
        let Some(id) = stream
            .filter(|stream| stream.stash.is_empty())
            .map(|stream| stream.connection)
        else {
            return false;
        };
        let hung = self
            .connections
            .get(id)
            .is_none_or(|connection| connection.has(conn::HANGUP_SEEN));
        !hung && self.is_usable(id)
    }

    /// Whether an idle connection can carry a request: nothing of the peer waits in its socket but what TLS keeps for
    /// itself (tickets, key updates), which is taken.
    pub(crate) fn is_usable(&mut self, id: Id) -> bool {
        let Some(connection) = self.connections.get_mut(id) else {
            return false;
        };
        let over = conn::CLOSING | conn::READ_CLOSED | conn::LINGERING | conn::WRITE_CLOSED | conn::HANDSHAKING;
        if connection.has(over) {
            return false;
        }
        let Some(fd) = connection.link.descriptor() else {
            return false;
        };
        let Some(layers) = connection.layers.as_mut() else {
            return is_silent(fd);
        };
        let probe = &mut self.clients.probe;
        if probe.is_empty() {
            probe.resize(RECORD, 0);
        }
        loop {
            match socket::recv(fd, probe) {
                Ok(0) => return false,
                Ok(count) => {
                    if !takes_silently(layers, &probe[..count]) {
                        return false;
                    }
                }
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }
}

fn is_silent(fd: RawFd) -> bool {
    let mut byte = [0];
    matches!(socket::recv(fd, &mut byte), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

/// Gives ciphertext to the sessions; whether nothing for us came out of it.
fn takes_silently(layers: &mut Layers, bytes: &[u8]) -> bool {
    let mut below = bytes.to_vec();
    for layer in &mut layers.list {
        let Layer::Tls(tls) = layer else { return false };
        let mut above = Vec::new();
        if tls.session.receive(&below, &mut above).is_err() {
            return false;
        }
        while let Some(event) = tls.session.poll_event() {
            if event == TlsEvent::Closed {
                return false;
            }
        }
        below = above;
        if below.is_empty() {
            return true;
        }
    }
    false
}
