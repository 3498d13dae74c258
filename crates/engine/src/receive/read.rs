//! Reading a connection's socket: once a turn, into the thread's one receive buffer, and its end.

use crate::connection::flag as conn;
use crate::engine::Engine;
use crate::event::Host;
use crate::id::Id;
use crate::options::DRAIN_LIMIT;
use crate::receive::bulk::BULK_FROM;
use millrace_error::Code;
use millrace_metrics::Counter;
use millrace_net::socket;
use std::io::ErrorKind;

impl<V: Copy> Engine<V> {
    /// Reads once; says whether there was anything, the end included.
    pub(crate) fn read<H: Host<Value = V>>(&mut self, host: &mut H, id: Id, fd: std::os::fd::RawFd) -> bool {
        if let Some(stream) = self.bulk_reader(id) {
            if let Some(found) = self.read_bulk(host, id, stream, fd) {
                return found;
            }
        }
        let mut buffer = self.take_receive_buffer();
        let bytes = buffer.as_mut_slice();
        self.metrics.add(Counter::SocketsReceiveCalls, 1);
        let received = socket::recv(fd, bytes);
        let found = !matches!(&received, Err(error) if error.kind() == ErrorKind::WouldBlock);
        match received {
            Ok(0) => self.ended(host, id),
            Ok(count) => {
                self.metrics.add(Counter::SocketsReceivedBytes, count as u64);
                self.count_received(id, count as u64);
                self.feed(host, id, &bytes[..count]);
                if count >= BULK_FROM {
                    self.watch_by_level(id);
                    self.expect_bulk(id);
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => self.close(id, Code::ConnectionReset.into()),
        }
        self.give_receive_buffer(buffer);
        found
    }

    pub(crate) fn count_received(&mut self, id: Id, count: u64) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        if let Some(server) = self.servers.at_mut(connection.server) {
            server.stats.received += count;
        }
    }

    /// Throws away what a peer still sends on a connection that we have finished with (RFC 9112 §9.6).
    pub(super) fn drain(&mut self, id: Id) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        let Some(fd) = connection.link.descriptor() else { return };
        let mut buffer = self.take_receive_buffer();
        let result = socket::recv(fd, buffer.as_mut_slice());
        self.give_receive_buffer(buffer);
        let done = match result {
            Ok(0) => true,
            Ok(count) => match self.connections.get_mut(id) {
                Some(connection) => {
                    connection.drained = connection.drained.saturating_add(count as u32);
                    u64::from(connection.drained) > DRAIN_LIMIT
                }
                None => true,
            },
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        };
        if done {
            self.close(id, Code::ConnectionClosed.into());
        }
    }

    /// The peer's FIN was read.
    pub(crate) fn ended<H: Host<Value = V>>(&mut self, host: &mut H, id: Id) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.flags |= conn::READ_CLOSED | conn::HANGUP_SEEN;
        let Some(mut stack) = connection.stack.take() else {
            return self.close(id, Code::ConnectionClosed.into());
        };
        let outcome = match self.take_layers(id) {
            None => self.protocol_ended(host, id, &mut stack),
            Some(mut layers) => {
                let outcome = match layers.tls() {
                    _ if layers.has_handshake() => self.proxy_ended(host, id, &mut stack, &mut layers),
                    Some(_) => self.tls_ended(host, id, &mut stack, &mut layers),
                    None => Err(Code::ConnectionClosed.into()),
                };
                self.give_layers(id, layers);
                outcome
            }
        };
        self.give_stack(id, stack);
        match outcome {
            Ok(()) => self.touch(id),
            Err(error) => self.close(id, error),
        }
    }
}
