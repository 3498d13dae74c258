//! The layers of a connection: laid when its first bytes come, taken for one piece of work, given back.

use crate::connection::{Stack, flag as conn};
use crate::engine::Engine;
use crate::id::Id;
use crate::layer::{Handshake, Layer, Layers, Machine, ProxyHeadParser, TlsLayer};
use crate::options::{ProxyProtocol, ServerKind};
use millrace_socks::ServerConfig;

impl<V: Copy> Engine<V> {
    /// What the bytes of a server's new connection pass through first.
    pub(crate) fn lay_layers(&mut self, id: Id, server: u32) {
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

    /// Does one piece of work on the stack and the layers of a connection, which may lay some; `None` where there is no
    /// connection any more.
    #[inline]
    pub(crate) fn with_layers<R>(
        &mut self,
        id: Id,
        work: impl FnOnce(&mut Self, &mut Stack, &mut Layers) -> R,
    ) -> Option<R> {
        let mut stack = self.take_stack(id)?;
        let mut layers = self.take_layers(id).unwrap_or_default();
        let result = work(self, &mut stack, &mut layers);
        self.give_layers(id, layers);
        self.give_stack(id, stack);
        Some(result)
    }

    /// The layers that a connection has, for the time of one piece of work; a plain one has none.
    #[inline]
    pub(crate) fn take_layers(&mut self, id: Id) -> Option<Box<Layers>> {
        self.connections.get_mut(id)?.layers.take()
    }

    /// Puts the layers of a connection back, where there are any left.
    pub(crate) fn give_layers(&mut self, id: Id, mut layers: Box<Layers>) {
        match self.connections.get_mut(id) {
            Some(connection) if !layers.list.is_empty() => connection.layers = Some(layers),
            _ => layers.clear(&mut self.pool),
        }
    }

    /// Whether a layer of a connection still opens it.
    pub(crate) fn is_opening(&self, id: Id) -> bool {
        let layers = self
            .connections
            .get(id)
            .and_then(|connection| connection.layers.as_ref());
        layers.is_some_and(|layers| layers.is_opening())
    }

    /// Whether a connection is of a raw listener.
    pub(crate) fn is_raw(&self, id: Id) -> bool {
        self.connections
            .get(id)
            .is_some_and(|connection| connection.has(conn::RAW))
    }
}
