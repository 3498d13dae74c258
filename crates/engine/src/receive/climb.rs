//! Received bytes on their way up: through each layer that a connection still has, into its protocol.

use crate::connection::Stack;
use crate::engine::Engine;
use crate::event::Host;
use crate::id::Id;
use crate::layer::{Layer, Layers, Machine, ProxyHead, Verdict};
use crate::protocol::Protocol;
use millrace_error::Error;
use millrace_net::Peer;

impl<V: Copy> Engine<V> {
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

    fn run_stack<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        stack: &mut Stack,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let Some(mut layers) = self.take_layers(id) else {
            return self.run_protocol(host, id, stack, bytes);
        };
        let outcome = self.climb(host, id, stack, &mut layers, 0, bytes);
        self.give_layers(id, layers);
        outcome
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
}
