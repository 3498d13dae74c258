//! `server.inject`: a request over the memory link, through the same parser, stream and serializer as any other.

use crate::connection::{Deadline, append, flag as conn};
use crate::engine::Engine;
use crate::event::{Event, EventKind};
use crate::id::Id;
use crate::link::Link;
use crate::link::memory::MemoryLink;
use crate::stream::{Stream, flag};
use millrace_error::{Code, Error};
use millrace_head::Method;
use millrace_http1::{BodySize, write_request_head};
use millrace_metrics::Gauge;
use millrace_net::Peer;

/// A request without a socket.
#[derive(Clone, Copy, Debug)]
pub struct Injection<'a> {
    /// The method.
    pub method: &'a [u8],
    /// The target, origin-form.
    pub target: &'a [u8],
    /// `name\0value\0…`; must hold Host.
    pub block: &'a [u8],
    /// The body; `None`: there is none.
    pub body: Option<&'a [u8]>,
}

impl<V: Copy> Engine<V> {
    /// Injects a request; `Injected` or `Aborted` follows under the id returned.
    pub fn inject(&mut self, server: f64, request: &Injection<'_>) -> Result<Id, Error> {
        let server_id = Id::from_f64(server).ok_or(Code::StaleId)?;
        let closing = self.servers.get(server_id).ok_or(Code::StaleId)?.closing;
        if closing {
            return Err(Code::ServerClosed.into());
        }
        let size = match request.body {
            None => BodySize::None,
            Some(body) => BodySize::Known(body.len() as u64),
        };
        let mut bytes = Vec::new();
        write_request_head(&mut bytes, request.method, request.target, request.block, size)?;
        append(&mut bytes, request.body.unwrap_or_default())?;
        let mut client = Stream::new(server_id, server_id.slot(), Method::Get, self.now_ns);
        client.flags = flag::CLIENT;
        let client = self.streams.insert(client).ok_or(Code::ConnectionsLimit)?;
        let memory = MemoryLink::new(client, request.method == b"HEAD");
        if let Some(server) = self.servers.get_mut(server_id) {
            server.stats.accepted += 1;
            server.stats.active += 1;
        }
        self.metrics.gauge_add(Gauge::HttpServerConnections, 1);
        let link = Link::Memory(Box::new(memory));
        let connection = self.adopt_link(server_id, link, Peer::Unknown, conn::READ_CLOSED, Deadline::None, 0);
        let Some(connection) = connection else {
            self.streams.remove(client);
            return Err(Code::ConnectionsLimit.into());
        };
        if let Some(stream) = self.streams.get_mut(client) {
            stream.connection = connection;
        }
        if let Some(mut stack) = self.take_stack(connection) {
            stack.backlog = bytes;
            self.give_stack(connection, stack);
        }
        self.queue(connection);
        Ok(client)
    }

    /// The server's side of an injected connection is over.
    pub(crate) fn injection_ended(&mut self, mut memory: MemoryLink, error: &Error) {
        let client = memory.client;
        if self.streams.remove(client).is_none() {
            return;
        }
        let ended = memory.handle_end();
        if ended.is_ok() {
            if let Some(answer) = memory.take() {
                self.answers.push((client, answer));
                return;
            }
        }
        self.event(EventKind::Aborted, client, error.code.id().into(), 0, 0, None);
    }

    /// Tells of answers that are complete: needs the host, so it happens in the turn.
    pub(crate) fn tell_answers<H: crate::event::Host<Value = V>>(&mut self, host: &mut H) {
        for (client, answer) in std::mem::take(&mut self.answers) {
            let value = Some(host.text(&answer.head));
            let extra = Some(host.bytes(&answer.body));
            let (a, b) = (u64::from(answer.status), u64::from(answer.reason_len));
            self.events.push(Event {
                kind: EventKind::Injected,
                flags: 0,
                id: client,
                a,
                b,
                value,
                extra,
            });
        }
    }
}
