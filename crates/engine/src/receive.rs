//! From readiness to the protocol: one read a turn and connection, then up through the layers.

use crate::bulk::BULK_FROM;
use crate::connection::{Connection, Stack, flag as conn};
use crate::engine::Engine;
use crate::event::Host;
use crate::id::Id;
use crate::layer::{Handshake, Layer, Layers, Machine, ProxyHead, ProxyHeadParser, TlsLayer, Verdict};
use crate::options::{DRAIN_LIMIT, ProxyProtocol, ServerKind};
use crate::protocol::Protocol;
use crate::stream::flag;
use millrace_error::{Code, Error};
use millrace_metrics::Counter;
use millrace_net::socket;
use millrace_net::{Interest, Peer, ReadyFlags};
use millrace_socks::ServerConfig;
use std::io::ErrorKind;

impl<V: Copy> Engine<V> {
    pub(crate) fn handle_socket<H: Host<Value = V>>(&mut self, host: &mut H, id: Id, ready: ReadyFlags) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        assert!(!connection.has(conn::PANIC), "a test asked for this panic");
        if connection.has(conn::CONNECTING) {
            return self.connected(host, id);
        }
        if connection.has(conn::LEAN) {
            return self.relay_ready(id, ready);
        }
        let Some(fd) = connection.link.descriptor() else { return };
        if connection.has(conn::LINGERING) {
            return self.drain(id);
        }
        let connection_shakes_hands = connection.has(conn::HANDSHAKING);
        let told_once = connection.interest.contains(Interest::EDGE);
        if told_once && ready != ReadyFlags::READABLE {
            self.watch_by_level(id);
        }
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        if ready.is_writable() && connection.has(conn::BLOCKED) {
            connection.flags &= !conn::BLOCKED;
            if let Some(Protocol::Http1(http)) = connection.stack.as_mut().map(|stack| &mut stack.protocol) {
                http.reader.pace.stop(self.now_ms);
            }
            self.touch(id);
        }
        if ready.is_readable() {
            if connection_shakes_hands && !self.may_shake_hands(id) {
                return self.watch_by_level(id);
            }
            if self.wants_read(id) {
                self.read(host, id, fd);
                return;
            }
            // Not any more, for want of memory: the poller is to say no more of it.
            self.watch_by_level(id);
            self.touch(id);
        }
        if ready.is_closed() {
            let reset = socket::take_error(fd).is_ok_and(|error| error.is_some());
            if !reset && self.tunnel_has_more(id) {
                return self.read_rest(host, id, fd);
            }
            let code = if reset {
                Code::ConnectionReset
            } else {
                Code::ConnectionClosed
            };
            return self.close(id, code.into());
        }
        if ready.is_hangup() {
            self.hung_up(host, id);
        }
    }

    /// Whether a tunnel's reader has not been given all that the peer said.
    fn tunnel_has_more(&self, id: Id) -> bool {
        let stack = self
            .connections
            .get(id)
            .and_then(|connection| connection.stack.as_ref());
        match stack.map(|stack| &stack.protocol) {
            Some(Protocol::Raw(stream)) => self
                .streams
                .get(*stream)
                .is_some_and(|stream| !stream.has(flag::END_TOLD)),
            Some(Protocol::Client(client)) => !client.order.is_empty(),
            _ => false,
        }
    }

    /// Both directions are shut and the reader is slow. The poller says so whatever is asked of it: so what the kernel
    /// still holds, which is bounded, is read without regard to credit; after that the descriptor is not watched.
    fn read_rest<H: Host<Value = V>>(&mut self, host: &mut H, id: Id, fd: std::os::fd::RawFd) {
        match self.connections.get_mut(id) {
            Some(connection) if connection.has(conn::READ_CLOSED) => {
                connection.flags |= conn::UNWATCHED;
                self.poller.remove(fd, id.as_u64());
            }
            _ => {
                self.read(host, id, fd);
            }
        }
    }

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

    /// Gives received bytes to a connection's layers and protocol.
    pub(crate) fn feed<H: Host<Value = V>>(&mut self, host: &mut H, id: Id, bytes: &[u8]) {
        let Some(mut stack) = self.take_stack(id) else { return };
        let outcome = self.run_stack(host, id, &mut stack, bytes);
        self.give_stack(id, stack);
        match outcome {
            Ok(()) => self.touch(id),
            Err(error) => self.close_over(id, error),
        }
    }

    /// The stack of a connection, for the time of one piece of work; an idle connection gets a fresh one.
    pub(crate) fn take_stack(&mut self, id: Id) -> Option<Box<Stack>> {
        let connection = self.connections.get_mut(id)?;
        if let Some(stack) = connection.stack.take() {
            return Some(stack);
        }
        let (server, first) = (connection.server, !connection.has(conn::SEEN_BYTES));
        connection.flags |= conn::SEEN_BYTES;
        let socket = connection.link.descriptor().is_some();
        let mut stack = match connection.has(conn::CLIENT) {
            true => self.fresh_client_stack(),
            false => self.fresh_stack(server),
        };
        stack.progress_ms = self.from_ms;
        if first && socket {
            self.lay_layers(id, server);
        }
        Some(stack)
    }

    /// What the bytes of a server's new connection pass through first.
    fn lay_layers(&mut self, id: Id, server: u32) {
        let Some((_, server)) = self.servers.at(server) else {
            return;
        };
        let mut layers = Layers::default();
        match server.options.proxy_protocol {
            ProxyProtocol::Optional => layers.list.push(Layer::ProxyProtocol(ProxyHeadParser::new(false))),
            ProxyProtocol::Required => layers.list.push(Layer::ProxyProtocol(ProxyHeadParser::new(true))),
            ProxyProtocol::Off => {}
        }
        if let Some(context) = &server.tls {
            let tls = TlsLayer::new(context.accept(), self.now_ns);
            layers.list.push(Layer::Tls(Box::new(tls)));
        }
        if let ServerKind::Proxy { auth } = server.options.kind {
            let config = ServerConfig {
                auth,
                ..ServerConfig::default()
            };
            let handshake = Handshake::new(Machine::Server(millrace_socks::Server::new(config)), self.now_ns);
            layers.list.push(Layer::Handshake(Box::new(handshake)));
        }
        if let Some(connection) = self.connections.get_mut(id).filter(|_| !layers.list.is_empty()) {
            connection.layers = Some(Box::new(layers));
        }
    }

    pub(crate) fn give_stack(&mut self, id: Id, stack: Box<Stack>) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.stack = Some(stack);
        }
    }

    fn run_stack<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        stack: &mut Stack,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let layers = self
            .connections
            .get_mut(id)
            .and_then(|connection| connection.layers.take());
        let Some(mut layers) = layers else {
            return self.run_protocol(host, id, stack, bytes);
        };
        let outcome = self.climb(host, id, stack, &mut layers, 0, bytes);
        self.give_layers(id, layers);
        outcome
    }

    /// The layers of a connection, for the time of one piece of work.
    pub(crate) fn take_layers(&mut self, id: Id) -> Box<Layers> {
        let connection = self.connections.get_mut(id);
        connection
            .and_then(|connection| connection.layers.take())
            .unwrap_or_default()
    }

    /// Puts the layers of a connection back, where there are any left.
    pub(crate) fn give_layers(&mut self, id: Id, mut layers: Box<Layers>) {
        match self.connections.get_mut(id) {
            Some(connection) if !layers.list.is_empty() => connection.layers = Some(layers),
            _ => layers.clear(&mut self.pool),
        }
    }

    /// Bytes reach the layer at `level`, or the protocol above all of them.
    pub(crate) fn climb<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        stack: &mut Stack,
        layers: &mut Layers,
        level: usize,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let parser = match layers.list.get_mut(level) {
            None => return self.run_protocol(host, id, stack, bytes),
            Some(Layer::Tls(_)) => return self.run_tls(host, id, stack, layers, level, bytes),
            Some(Layer::Handshake(handshake)) => {
                return match handshake.machine {
                    Machine::Client(_) => self.run_proxy(host, id, stack, layers, level, bytes),
                    Machine::Server(_) => self.run_socks(host, id, stack, layers, level, bytes),
                };
            }
            Some(Layer::ProxyProtocol(parser)) => parser,
        };
        match parser.handle_bytes(bytes) {
            Verdict::NeedMore => return Ok(()),
            Verdict::Error(error) => {
                self.count_error(id, &error);
                return Err(error);
            }
            Verdict::Done(ProxyHead::Client(address)) => {
                if let Some(connection) = self.connections.get_mut(id) {
                    connection.peer = Peer::from(address);
                }
            }
            Verdict::Done(ProxyHead::Own) | Verdict::Absent => {}
        }
        let Layer::ProxyProtocol(parser) = layers.list.remove(level) else {
            return Ok(());
        };
        let rest = parser.into_rest();
        if let Err(error) = self.name_client(id) {
            // An answer in the clear is of no use before a handshake.
            return if layers.list.is_empty() && !self.is_raw(id) {
                self.fail(id, stack, error)
            } else {
                self.count_error(id, &error);
                Err(error)
            };
        }
        if layers.list.is_empty() && self.is_raw(id) {
            self.open_running(id, stack)?;
        }
        if rest.is_empty() {
            return Ok(());
        }
        self.climb(host, id, stack, layers, level, &rest)
    }

    /// Whether a connection is of a raw listener.
    pub(crate) fn is_raw(&self, id: Id) -> bool {
        self.connections
            .get(id)
            .is_some_and(|connection| connection.has(conn::RAW))
    }

    fn run_protocol<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        stack: &mut Stack,
        bytes: &[u8],
    ) -> Result<(), Error> {
        if !stack.backlog.is_empty() {
            return stack.keep(bytes);
        }
        match stack.protocol {
            Protocol::Http1(_) => self.http1_bytes(host, id, stack, bytes),
            Protocol::Client(_) => self.client_bytes(host, id, stack, bytes),
            Protocol::Raw(stream) => {
                self.raw_bytes(host, stream, bytes);
                Ok(())
            }
        }
    }

    /// Goes on with what was received before: a backlog, a held head, a body that is wanted now.
    pub(crate) fn go_on<H: Host<Value = V>>(&mut self, host: &mut H, id: Id) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        assert!(!connection.has(conn::PANIC), "a test asked for this panic");
        if connection.has(conn::LEAN) {
            return;
        }
        if connection.has(conn::CONNECTING) {
            return self.go_on_connecting(host, id);
        }
        if connection.stack.is_none() {
            return self.look_at_idle(host, id);
        }
        if self.is_opening(id) {
            // A certificate was chosen.
            return self.feed(host, id, &[]);
        }
        let Some(mut stack) = self.take_stack(id) else { return };
        let backlog = std::mem::take(&mut stack.backlog);
        let outcome = match stack.protocol {
            Protocol::Http1(_) => {
                self.deliver_all(host, &stack);
                self.http1_bytes(host, id, &mut stack, &backlog)
            }
            Protocol::Client(_) => {
                self.deliver_all(host, &stack);
                self.client_bytes(host, id, &mut stack, &backlog)
            }
            Protocol::Raw(stream) => {
                self.raw_bytes(host, stream, &backlog);
                Ok(())
            }
        };
        let outcome = outcome.and_then(|()| self.end_if_due(host, id, &mut stack));
        self.give_stack(id, stack);
        match outcome {
            Ok(()) => self.touch(id),
            Err(error) => self.close(id, error),
        }
    }

    /// Tells the protocol of an end that waited behind bytes, once they are read.
    fn end_if_due<H: Host<Value = V>>(&mut self, host: &mut H, id: Id, stack: &mut Stack) -> Result<(), Error> {
        let due = !stack.has_unread();
        let waiting = |connection: &&mut Connection| due && connection.has(conn::END_WAITS);
        let Some(connection) = self.connections.get_mut(id).filter(waiting) else {
            return Ok(());
        };
        connection.flags &= !conn::END_WAITS;
        self.protocol_ended(host, id, stack)
    }

    /// Whether a layer of a connection still opens it.
    pub(crate) fn is_opening(&self, id: Id) -> bool {
        let layers = self
            .connections
            .get(id)
            .and_then(|connection| connection.layers.as_ref());
        layers.is_some_and(|layers| layers.is_opening())
    }

    /// An idle connection of a closing server: a request that is in its socket already is served.
    fn look_at_idle<H: Host<Value = V>>(&mut self, host: &mut H, id: Id) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        if connection.has(conn::LINGERING) {
            return;
        }
        if let Some(fd) = connection.link.descriptor().filter(|_| !connection.has(conn::DELAYED)) {
            self.read(host, id, fd);
        }
        self.touch(id);
    }

    /// Throws away what a peer still sends on a connection that we have finished with (RFC 9112 §9.6).
    fn drain(&mut self, id: Id) {
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
        let layers = self
            .connections
            .get_mut(id)
            .and_then(|connection| connection.layers.take());
        let outcome = match layers {
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

    /// The peer's side of what the protocol speaks has ended.
    pub(crate) fn protocol_ended<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        stack: &mut Stack,
    ) -> Result<(), Error> {
        match &mut stack.protocol {
            Protocol::Http1(_) => self.http1_ended(id, stack),
            Protocol::Client(_) => self.client_ended(host, id, stack),
            Protocol::Raw(stream) => {
                let stream = *stream;
                self.raw_ended(host, stream);
                Ok(())
            }
        }
    }

    /// The peer shut its side while we are not reading.
    fn hung_up<H: Host<Value = V>>(&mut self, host: &mut H, id: Id) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.flags |= conn::HANGUP_SEEN;
        let Some(stack) = connection.stack.take() else {
            return self.touch(id);
        };
        // One that asks a proxy for a tunnel and ends its side at once has said what it has to say: it waits.
        if let Protocol::Http1(http) = &stack.protocol {
            self.tell_left(http.order.iter().copied().collect());
        }
        let tunnel = matches!(stack.protocol, Protocol::Raw(_));
        self.give_stack(id, stack);
        if tunnel {
            self.look_for_end(host, id);
        }
        self.touch(id);
    }
}
