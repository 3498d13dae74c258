//! Clients of a proxy of ours: the first byte tells what they speak (SPEC §1b). HTTP goes on as on any server, in
//! absolute form or with CONNECT; SOCKS is a handshake whose decisions are the host's: whether user name and password are
//! right, and what becomes of the request. Then the connection is a tunnel.

use crate::connection::{Deadline, Stack, flag as conn};
use crate::engine::Engine;
use crate::event::{EventKind, Host};
use crate::id::Id;
use crate::layer::{Handshake, Layer, Layers, Machine};
use crate::protocol::{Http1, Protocol};
use crate::stream::{Stream, flag};
use millrace_error::{Code, Error};
use millrace_head::Method;
use millrace_metrics::Counter;
use millrace_socks::{Host as Target, Protocol as Spoken, Reply, Server, ServerEvent};

impl<V: Copy> Engine<V> {
    /// Bytes of a proxy's client that has not said yet what it wants.
    pub(crate) fn run_socks<H: Host<Value = V>>(
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
        let Machine::Server(server) = &mut handshake.machine else {
            return Ok(());
        };
        if server.protocol().is_none() {
            let Some(first) = bytes.first() else { return Ok(()) };
            match Spoken::sniff(*first) {
                Some(Spoken::Http) => {
                    layers.list.pop();
                    return self.climb(host, id, stack, layers, level, bytes);
                }
                Some(Spoken::Socks4 | Spoken::Socks5) => self.begin_socks(id, stack)?,
                None => {
                    let error = Error::new(Code::ProxyRequestUnrecognised);
                    self.metrics.add(Counter::ProxyServerFailures, 1);
                    self.count_error(id, &error);
                    return Err(error);
                }
            }
        }
        if handshake.is_waiting {
            // Reading has stopped: at most what came with the last bytes.
            handshake.rest.extend_from_slice(bytes);
            return Ok(());
        }
        let mut input = std::mem::take(&mut handshake.rest);
        input.extend_from_slice(bytes);
        self.step_socks(host, id, stack, layers, &input)
    }

    /// The stream of a handshake, which nobody in the host knows until something has to be decided.
    fn begin_socks(&mut self, id: Id, stack: &mut Stack) -> Result<(), Error> {
        let slot = self.connections.get(id).map(|connection| connection.server);
        let slot = slot.ok_or(Code::StaleId)?;
        let mut stream = Stream::new(id, slot, Method::Connect, self.now_ns);
        stream.flags = flag::RAW | flag::HEAD_SENT | flag::ACCEPTED | flag::INTERNAL;
        stack.protocol = Protocol::Raw(self.streams.insert(stream).ok_or(Code::ConnectionsLimit)?);
        Ok(())
    }

    fn step_socks<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        stack: &mut Stack,
        layers: &mut Layers,
        input: &[u8],
    ) -> Result<(), Error> {
        let Some(handshake) = layers.handshake_mut() else {
            return Ok(());
        };
        let Machine::Server(server) = &mut handshake.machine else {
            return Ok(());
        };
        let step = server.handle_bytes(input);
        let rest = &input[step.consumed..];
        let event = step.event;
        let text = match event {
            ServerEvent::Credentials => server.credentials().map(|shown| {
                let mut text = shown.username().to_vec();
                let length = text.len();
                text.extend_from_slice(shown.password());
                (EventKind::ProxyCredentials, text, length)
            }),
            ServerEvent::Request => server.request().map(|request| {
                let version = match request.protocol {
                    Spoken::Socks4 => 4,
                    _ => 5,
                };
                let user = server.credentials().map(|shown| shown.username()).unwrap_or_default();
                let target = match &request.target.host {
                    Target::Address(address) => address.to_string(),
                    Target::Name(name) => name.to_string(),
                };
                let mut text = format!("{version}\0{target}\0{}\0", request.target.port).into_bytes();
                text.extend_from_slice(user);
                (EventKind::ProxyRequest, text, 0)
            }),
            _ => None,
        };
        handshake.take_output();
        match event {
            ServerEvent::NeedMore => Ok(()),
            ServerEvent::Credentials | ServerEvent::Request | ServerEvent::Wait => {
                handshake.is_waiting = true;
                handshake.rest.extend_from_slice(rest);
                if let (Some((kind, text, length)), Protocol::Raw(stream)) = (text, &stack.protocol) {
                    let value = host.text(&text);
                    self.tell_socks(id, *stream, kind, value, length);
                }
                Ok(())
            }
            // Opening and refusing follow decisions, and are done with them.
            ServerEvent::Open | ServerEvent::Forward | ServerEvent::Close => Ok(()),
            ServerEvent::Error(error) => {
                self.metrics.add(Counter::ProxyServerFailures, 1);
                self.count_error(id, &error);
                if let Protocol::Raw(stream) = &stack.protocol {
                    // Where its credentials were shown, somebody waits for it.
                    let stream = *stream;
                    self.abort_stream(stream, &error);
                }
                self.refuse_socks(id, stack, layers);
                Ok(())
            }
        }
    }

    fn tell_socks(&mut self, id: Id, stream: Id, kind: EventKind, value: V, length: usize) {
        // Its clock stops while we decide.
        self.set_deadline(id, Deadline::None, 0);
        let Some(found) = self.streams.get_mut(stream) else {
            return;
        };
        let slot = found.server;
        if found.has(flag::INTERNAL) {
            found.flags &= !flag::INTERNAL;
            if let Some(server) = self.servers.at_mut(slot) {
                server.stats.requests += 1;
                server.stats.requests_active += 1;
            }
        }
        self.event(kind, stream, 0, length as u64, u64::from(slot) << 8, Some(value));
    }

    /// Answers [`EventKind::ProxyCredentials`]; false when the client is gone.
    pub fn judge_credentials(&mut self, stream: f64, right: bool) -> bool {
        let Some(id) = self.waiting_client(stream) else {
            return false;
        };
        let decided = self.with_layers(id, |engine, stack, layers| {
            let decided = decide(layers, |server| server.auth_decision(right).is_ok());
            if decided && !right {
                engine.metrics.add(Counter::ProxyServerFailures, 1);
                engine.forget_socks(stack);
                engine.refuse_socks(id, stack, layers);
            } else if decided {
                let timeout = engine.handshake_timeout(id);
                if timeout > 0 {
                    engine.set_deadline(id, Deadline::Headers, engine.from_ms + timeout);
                }
            }
            decided
        });
        self.queue(id);
        self.touch(id);
        decided == Some(true)
    }

    /// Answers [`EventKind::ProxyRequest`]; granted, the stream is a tunnel from here on. False when the client is gone.
    pub fn reply_socks(&mut self, stream: f64, reply: &Reply) -> bool {
        let Some(id) = self.waiting_client(stream) else {
            return false;
        };
        let decided = self.with_layers(id, |engine, stack, layers| {
            let decided = decide(layers, |server| server.reply(reply).is_ok());
            match reply {
                _ if !decided => {}
                Reply::Granted(_) => {
                    engine.metrics.add(Counter::ProxyServerTunnels, 1);
                    engine.open_socks(stack, layers);
                }
                _ => {
                    engine.metrics.add(Counter::ProxyServerFailures, 1);
                    engine.forget_socks(stack);
                    engine.refuse_socks(id, stack, layers);
                }
            }
            decided
        });
        self.touch(id);
        decided == Some(true)
    }

    /// The connection of a stream whose handshake waits for a decision.
    fn waiting_client(&mut self, stream: f64) -> Option<Id> {
        let id = self.streams.get(Id::from_f64(stream)?)?.connection;
        let connection = self.connections.get_mut(id)?;
        let handshake = connection.layers.as_mut()?.handshake_mut()?;
        (handshake.is_waiting && connection.stack.is_some()).then_some(id)
    }

    fn handshake_timeout(&self, id: Id) -> u64 {
        let server = self
            .connections
            .get(id)
            .and_then(|connection| self.servers.at(connection.server));
        server.map_or(0, |(_, server)| server.options.headers_timeout_ms)
    }

    /// The reply goes out, what came behind the request is the tunnel's.
    fn open_socks(&mut self, stack: &mut Stack, layers: &mut Layers) {
        let Some(Layer::Handshake(mut handshake)) = layers.list.pop() else {
            return;
        };
        let rest = std::mem::take(&mut handshake.rest);
        self.say(stack, *handshake);
        if let Protocol::Raw(stream) = &stack.protocol {
            if let Some(found) = self.streams.get_mut(*stream).filter(|_| !rest.is_empty()) {
                found.received += rest.len() as u64;
                found.stash.extend_from_slice(&rest);
            }
        }
    }

    /// The refusal goes out, and then the connection closes.
    fn refuse_socks(&mut self, id: Id, stack: &mut Stack, layers: &mut Layers) {
        if let Some(Layer::Handshake(handshake)) = layers.list.pop() {
            self.say(stack, *handshake);
        }
        if let Protocol::Raw(stream) = &stack.protocol {
            let stream = *stream;
            self.drop_stream(stream);
        }
        stack.protocol = Protocol::Http1(Box::new(Http1::new(Default::default())));
        self.set_deadline(id, Deadline::None, 0);
        if let Some(connection) = self.connections.get_mut(id) {
            connection.flags |= conn::CLOSING | conn::MUST_LINGER;
        }
    }

    /// A request that the host was told of is not active any more.
    fn forget_socks(&mut self, stack: &Stack) {
        let Protocol::Raw(stream) = &stack.protocol else { return };
        let slot = self.streams.get(*stream).map(|stream| stream.server);
        if let Some(server) = slot.and_then(|slot| self.servers.at_mut(slot)) {
            server.stats.requests_active -= 1;
        }
    }

    /// What a handshake has still to say, in front of what follows it. No reply holds a secret.
    fn say(&mut self, stack: &mut Stack, handshake: Handshake) {
        for (output, sent) in handshake.into_output() {
            stack.output.tail(&mut self.pool).extend_from_slice(&output[sent..]);
        }
    }
}

/// Tells a handshake that waits what was decided; says whether it was what it waits for.
fn decide(layers: &mut Layers, decision: impl FnOnce(&mut Server) -> bool) -> bool {
    let Some(handshake) = layers.handshake_mut() else {
        return false;
    };
    let decided = match &mut handshake.machine {
        Machine::Server(server) => decision(server),
        Machine::Client(_) => false,
    };
    handshake.is_waiting = !decided;
    handshake.take_output();
    decided
}
