//! From a connection to an open tunnel: TLS, handshakes with proxies, TLS again, one after the other, each a layer above
//! those before it.

use super::Step;
use crate::connection::{Deadline, Stack, flag as conn};
use crate::engine::Engine;
use crate::event::{EventKind, Host, dialled};
use crate::id::Id;
use crate::layer::{Handshake, Layer, Layers, Machine, TlsLayer};
use crate::protocol::Protocol;
use crate::stream::flag;
use millrace_error::{Code, Error};
use millrace_metrics::{Counter, Histogram};
use millrace_socks::{Client, ClientEvent};

/// How often the connection of a dial is made again for each proxy on its way: one that wants it for credentials, and one that
/// then takes them for too old.
const MOST_REDIALS: usize = 2;

impl<V: Copy> Engine<V> {
    /// The socket is there: the first step, or it is open already.
    pub(super) fn open_steps<H: Host<Value = V>>(&mut self, host: &mut H, id: Id) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.flags &= !conn::CONNECTING;
        }
        let begun = self.with_layers(id, |engine, stack, layers| {
            if let Some(dial) = &mut stack.dial {
                dial.connected_ns.get_or_insert(engine.now_ns);
            }
            engine.begin_step(id, stack, layers)
        });
        match begun {
            None => {}
            Some(Ok(())) => self.touch(id),
            Some(Err(error)) => self.dial_failed(host, id, error, b""),
        }
    }

    /// Begins the step that is due, or tells that the connection is open.
    pub(super) fn begin_step(&mut self, id: Id, stack: &mut Stack, layers: &mut Layers) -> Result<(), Error> {
        let Some(dial) = &mut stack.dial else { return Ok(()) };
        let at = dial.at;
        let learnt = dial
            .learnt
            .iter()
            .find(|(of, _)| *of == at)
            .map(|(_, client)| client.again());
        let (what, timeout_ms) = match dial.step() {
            None => {
                self.opened(id, stack);
                return Ok(());
            }
            Some(Step::Tls(tls)) => {
                let session = tls
                    .context
                    .connect(&tls.servername)
                    .map_err(|error| Error::from(&error))?;
                layers
                    .list
                    .push(Layer::Tls(Box::new(TlsLayer::new(session, self.now_ns))));
                if let Some(connection) = self.connections.get_mut(id) {
                    connection.flags |= conn::HANDSHAKING;
                }
                (Deadline::Handshake, dial.tls_timeout_ms)
            }
            Some(Step::Proxy(config)) => {
                let mut client = match learnt {
                    Some(client) => client,
                    None => Client::new((**config).clone())?,
                };
                client.connected().map_err(|_| Code::Bug)?;
                let mut handshake = Handshake::new(Machine::Client(client), self.now_ns);
                handshake.take_output();
                layers.list.push(Layer::Handshake(Box::new(handshake)));
                (Deadline::Proxy, dial.proxy_timeout_ms)
            }
        };
        match timeout_ms {
            0 => self.set_deadline(id, Deadline::None, 0),
            ms => self.set_deadline(id, what, self.from_ms + ms),
        }
        Ok(())
    }

    /// A step is done: the next.
    pub(crate) fn step_done(&mut self, id: Id, stack: &mut Stack, layers: &mut Layers) -> Result<(), Error> {
        if let Some(dial) = &mut stack.dial {
            dial.at += 1;
        }
        self.begin_step(id, stack, layers)
    }

    /// A connection that we began is open.
    fn opened(&mut self, id: Id, stack: &mut Stack) {
        let dial = stack.dial.take();
        let (proxy, tls) = dial.map_or((None, None), |dial| dial.phases(self.now_ns));
        let Protocol::Raw(stream) = stack.protocol else { return };
        self.set_deadline(id, Deadline::None, 0);
        if let Some(found) = self.streams.get_mut(stream) {
            found.flags &= !flag::DIALLING;
        }
        let flag = |phase: Option<u64>, flag| phase.map_or(0, |_| flag);
        let flags = flag(proxy, dialled::PROXY) | flag(tls, dialled::TLS);
        self.event(
            EventKind::Dialled,
            stream,
            flags,
            proxy.unwrap_or(0),
            tls.unwrap_or(0),
            None,
        );
    }

    /// Bytes of a proxy that we ask for a tunnel.
    pub(crate) fn run_proxy<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        stack: &mut Stack,
        layers: &mut Layers,
        level: usize,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let Some(handshake) = layers.handshake_mut() else {
            return Ok(());
        };
        let mut at = 0;
        loop {
            let Machine::Client(client) = &mut handshake.machine else {
                return Ok(());
            };
            let step = client.handle_bytes(&bytes[at..]);
            at += step.consumed;
            handshake.take_output();
            match step.event {
                ClientEvent::NeedMore => return Ok(()),
                ClientEvent::Send => {}
                ClientEvent::Open => break,
                ClientEvent::DialAgain => return self.dial_again(host, id, stack, layers),
                ClientEvent::Error(error) => return Err(self.proxy_failed(host, stack, layers, error)),
            }
        }
        if handshake.has_output() {
            // It answered what it cannot have read.
            return Err(self.proxy_failed(host, stack, layers, Code::SocksMalformedReply.into()));
        }
        let nanos = self.now_ns.saturating_sub(handshake.began_ns);
        self.metrics.add(Counter::ProxyClientHandshakes, 1);
        self.metrics.record(Histogram::ProxyClientHandshakeDuration, nanos);
        layers.list.pop();
        if let Some(dial) = &mut stack.dial {
            dial.proxied_ns = Some(self.now_ns);
        }
        self.step_done(id, stack, layers)?;
        match &bytes[at..] {
            [] => Ok(()),
            rest => self.climb(host, id, stack, layers, level, rest),
        }
    }

    /// A proxy that we ask for a tunnel has ended its side.
    pub(crate) fn proxy_ended<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        stack: &mut Stack,
        layers: &mut Layers,
    ) -> Result<(), Error> {
        let Some(Machine::Client(client)) = layers.handshake_mut().map(|handshake| &mut handshake.machine) else {
            return Err(Code::ConnectionClosed.into());
        };
        match client.handle_end() {
            ClientEvent::DialAgain => self.dial_again(host, id, stack, layers),
            ClientEvent::Error(error) => Err(self.proxy_failed(host, stack, layers, error)),
            _ => Err(self.proxy_failed(host, stack, layers, Code::ProxyClosed.into())),
        }
    }

    /// The proxy has closed, or will, and says what it wants: it is dialled once more.
    fn dial_again<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        stack: &mut Stack,
        layers: &mut Layers,
    ) -> Result<(), Error> {
        let Some(Layer::Handshake(handshake)) = layers.list.pop() else {
            return Err(Code::Bug.into());
        };
        layers.clear(&mut self.pool);
        layers.list.clear();
        let Some(dial) = &mut stack.dial else {
            return Err(Code::Bug.into());
        };
        let proxies = dial.steps.iter().filter(|step| matches!(step, Step::Proxy(_))).count();
        if dial.redials >= MOST_REDIALS * proxies {
            return Err(self.tell_failed(host, stack, Code::ProxyClosed.into(), b""));
        }
        dial.redials += 1;
        if let Machine::Client(client) = handshake.machine {
            let at = dial.at;
            dial.learnt.retain(|(of, _)| *of != at);
            dial.learnt.push((at, client));
        }
        self.connect_again(id, dial)
            .map_err(|error| self.tell_failed(host, stack, error, b""))
    }

    /// A handshake with a proxy has failed: tells it with what the proxy said.
    fn proxy_failed<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        stack: &Stack,
        layers: &mut Layers,
        error: Error,
    ) -> Error {
        self.metrics.add(Counter::ProxyClientFailures, 1);
        let said = match layers.handshake_mut().map(|handshake| &handshake.machine) {
            Some(Machine::Client(client)) => client.refusal().map(|refusal| {
                let mut said = refusal.status.to_string().into_bytes();
                said.push(b' ');
                said.extend_from_slice(&refusal.reason);
                said
            }),
            _ => None,
        };
        self.tell_failed(host, stack, error, &said.unwrap_or_default())
    }
}
