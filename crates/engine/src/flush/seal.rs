//! Output through TLS: what waits is sealed in full records as far as the socket takes them, and nothing more, so that
//! what is sealed and not sent stays small.

use crate::connection::{Stack, flag as conn};
use crate::engine::Engine;
use crate::event::Host;
use crate::flush::write::write_error;
use crate::id::Id;
use crate::layer::Layers;
use millrace_buffer::Output;
use millrace_error::{Code, Error};
use millrace_net::socket;
use millrace_tls::TlsEngine;
use std::io::{self, ErrorKind, IoSlice, Write};
use std::os::fd::RawFd;
use std::os::unix::fs::FileExt;

/// How many bytes are sealed at once: four full records.
const SEALED_AT_ONCE: usize = 64 * 1024;
/// How many slices are sealed at once.
const SLICES: usize = 64;
/// How many bytes one flush seals for one connection; the rest follows in the next turn.
const SEAL_BUDGET: usize = 1024 * 1024;

/// A socket as a session writes to it.
pub(crate) struct Wire {
    pub fd: RawFd,
    pub calls: u64,
    pub sent: u64,
}

impl Wire {
    pub fn new(fd: RawFd) -> Self {
        Self { fd, calls: 0, sent: 0 }
    }

    fn count(&mut self, result: io::Result<usize>) -> io::Result<usize> {
        self.calls += 1;
        self.sent += *result.as_ref().unwrap_or(&0) as u64;
        result
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = socket::send(self.fd, bytes);
        self.count(result)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let result = match slices {
            [one] => socket::send(self.fd, one),
            many => socket::send_vectored(self.fd, many),
        };
        self.count(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<V: Copy> Engine<V> {
    /// Seals and writes what waits on a connection with layers.
    pub(crate) fn write_sealed<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        layers: &mut Layers,
        share: usize,
    ) -> Result<(), Error> {
        let Some(connection) = self.connections.get_mut(id) else {
            return Ok(());
        };
        let Some(fd) = connection.link.descriptor() else {
            return Ok(());
        };
        let flags = connection.flags;
        let mut stack = connection.stack.take();
        let mut wire = Wire::new(fd);
        let mut budget = SEAL_BUDGET.min(share);
        // What the session has to say by itself, tickets above all, goes with the answer; what a full socket left goes before.
        let mut writes_first = layers.are_stuck() || layers.is_opening();
        let outcome = loop {
            if writes_first {
                match layers.write_to(&mut wire, &mut self.pool) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break Ok(true),
                    Err(error) => break Err(write_error(&error)),
                }
            }
            let waits = stack.as_mut().filter(|stack| !stack.output.is_empty());
            let Some(stack) = waits.filter(|_| budget > 0 && !layers.is_opening()) else {
                if writes_first {
                    break Ok(false);
                }
                writes_first = true;
                continue;
            };
            match self.seal_some(host, layers, &mut stack.output) {
                Ok(0) if writes_first => break Ok(true),
                Ok(count) => {
                    stack.sent += count as u64;
                    budget = budget.saturating_sub(count);
                }
                Err(error) => break Err(error),
            }
            writes_first = true;
            if stack.output.is_empty() && stack.ends_ours(flags) {
                // Its close_notify goes with the last bytes.
                if let Some(tls) = layers.tls_mut() {
                    tls.close();
                }
            }
        };
        self.count_sent(id, stack.as_deref_mut(), &wire, outcome == Ok(true));
        let Some(connection) = self.connections.get_mut(id) else {
            return Ok(());
        };
        let more = budget == 0 && outcome == Ok(false) && stack.as_ref().is_some_and(|stack| !stack.output.is_empty());
        connection.stack = stack;
        if more {
            // Its reader is faster than its share: the others come first.
            self.queue(id);
        }
        outcome.map(|_| ())
    }

    /// Seals the next bytes of an output; says how many.
    fn seal_some<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        layers: &mut Layers,
        output: &mut Output,
    ) -> Result<usize, Error> {
        let Some(tls) = layers.tls_mut() else { return Ok(0) };
        let mut failed = Ok(());
        let taken = if let Some(span) = output.file() {
            let mut buffer = std::mem::take(&mut self.plaintext);
            buffer.resize(SEALED_AT_ONCE.min(span.len), 0);
            let read = span.file.read_exact_at(&mut buffer, span.offset);
            let taken = match read {
                Ok(()) => tls.session.seal(&[&buffer]).map_err(|error| (&error).into()),
                Err(_) => Err(Error::new(Code::FileTruncated)),
            };
            self.plaintext = buffer;
            taken
        } else {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let count = output.slices(|pin| host.pinned(pin), &mut slices);
            let count = count.map_err(|_| Error::new(Code::BufferDetached))?;
            let mut parts = [&[][..]; SLICES];
            let mut room = SEALED_AT_ONCE;
            for (part, slice) in parts.iter_mut().zip(&slices[..count]) {
                *part = &slice[..room.min(slice.len())];
                room -= part.len();
            }
            tls.session.seal(&parts[..count]).map_err(|error| (&error).into())
        };
        let taken = taken.unwrap_or_else(|error| {
            failed = Err(error);
            0
        });
        failed?;
        let released = &mut self.released;
        output.advance(taken, &mut self.pool, |pin| released.push(pin));
        Ok(taken)
    }

    /// What was sent counts as progress; a full socket starts the clocks of its reader.
    fn count_sent(&mut self, id: Id, stack: Option<&mut Stack>, wire: &Wire, full: bool) {
        use millrace_metrics::Counter;
        self.metrics.add(Counter::SocketsSendCalls, wire.calls);
        self.metrics.add(Counter::SocketsSentBytes, wire.sent);
        let from = self.from_ms;
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        if full {
            connection.flags |= conn::BLOCKED;
        }
        let server = self.servers.at_mut(connection.server);
        if let Some(stack) = stack {
            if wire.sent > 0 || full {
                stack.progressed(wire.sent, from);
            }
            if let (true, Some(server)) = (full, &server) {
                stack.reader_waits(&server.options, connection.link.descriptor(), from);
            }
        }
        if let Some(server) = server {
            server.stats.sent += wire.sent;
        }
    }

    /// One try to send what the sessions of a connection have to say before it is closed: an alert, a close_notify.
    pub(crate) fn last_words(&mut self, id: Id, in_order: bool) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let fd = connection.link.descriptor();
        let (Some(fd), Some(layers)) = (fd, connection.layers.as_mut()) else {
            return;
        };
        if let (true, Some(tls)) = (in_order, layers.tls_mut()) {
            tls.close();
        }
        // A peer that has gone, or reads nothing, does not hear them.
        let _ = layers.write_to(&mut Wire::new(fd), &mut self.pool);
    }
}
