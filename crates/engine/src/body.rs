//! Bodies that arrive: kept, given to JavaScript as its credit allows, collected, or dropped.

use crate::connection::{Stack, flag as conn};
use crate::engine::Engine;
use crate::event::{EventKind, Host};
use crate::id::Id;
use crate::options::DRAIN_LIMIT;
use crate::protocol::Protocol;
use crate::stream::{Consumer, flag};
use millrace_buffer::KEPT_CAPACITY;
use millrace_error::{Code, Error};
use millrace_http1::write_informational;
use millrace_net::{Peer, socket};
use std::net::SocketAddr;

/// Body bytes below this are gathered and given together; larger pieces are given at once.
const PACK: usize = 4096;

/// Who is at the other end of a stream's connection, and where it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The peer, as the PROXY protocol tells it where that is on; `None` for Unix sockets.
    pub remote: Option<SocketAddr>,
    /// Ours.
    pub local: Option<SocketAddr>,
}

impl<V: Copy> Engine<V> {
    /// Body bytes of a stream came in; `last` where it is known that none follow.
    pub(crate) fn take_body<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        bytes: &[u8],
        last: bool,
    ) -> Result<(), Error> {
        let Some(stream) = self.streams.get_mut(id) else {
            return Ok(());
        };
        stream.received += bytes.len() as u64;
        let most = self
            .servers
            .at(stream.server)
            .map_or(u64::MAX, |(_, server)| stream.limits(&server.options).body_size);
        // What came with the head is judged when somebody asks for it, for its handler may set another limit.
        if stream.received > most && !stream.has(flag::RAW) && stream.consumer != Consumer::Undecided {
            return Err(Error::limit(Code::HttpBodyTooLarge, most, stream.received));
        }
        match &mut stream.consumer {
            Consumer::Discard(left) => match left.checked_sub(bytes.len() as u64) {
                Some(rest) => *left = rest,
                None => return Err(Code::StreamClosed.into()),
            },
            Consumer::JavaScript if stream.credit > 0 && stream.stash.is_empty() && bytes.len() >= PACK => {
                stream.credit = stream.credit.saturating_sub(bytes.len() as u64);
                let value = host.bytes(bytes);
                self.event(EventKind::Body, id, 0, bytes.len() as u64, 0, Some(value));
            }
            Consumer::Collect(limit) if (stream.stash.len() + bytes.len()) as u64 > *limit => {
                let error = Error::limit(Code::CollectedTooLarge, *limit, stream.received);
                self.collected_too_large(id, &error);
            }
            // All of it at once: given as it lies in the receive buffer. Its end is told by `request_ended`.
            Consumer::Collect(_) if last && stream.stash.is_empty() && stream.flags & flag::END_TOLD == 0 => {
                stream.flags |= flag::COLLECTED;
                let value = host.bytes(bytes);
                self.event(EventKind::Collected, id, 0, bytes.len() as u64, 0, Some(value));
            }
            _ => {
                let stash = &mut stream.stash;
                if stash.capacity() == 0 {
                    *stash = self.pool.take();
                }
                let size = stash.len() + bytes.len();
                let reserved = match size <= KEPT_CAPACITY {
                    // Whole powers of two, up to the size that the pool keeps: a buffer that it has lent comes back.
                    true => stash.try_reserve_exact(size.next_power_of_two() - stash.len()),
                    false => stash.try_reserve(bytes.len()),
                };
                if reserved.is_err() {
                    return Err(Code::OutOfMemory.into());
                }
                stash.extend_from_slice(bytes);
            }
        }
        Ok(())
    }

    fn collected_too_large(&mut self, id: Id, error: &Error) {
        if let Some(connection) = self.streams.get(id).map(|stream| stream.connection) {
            // What a client of ours would not collect is no request that a server refused: the client counts it.
            let client = self
                .connections
                .get(connection)
                .is_some_and(|one| one.has(conn::CLIENT));
            if !client {
                self.count_error(connection, error);
            }
        }
        self.body_failed(id, error);
    }

    /// The body alone fails: the rest is drained, and the exchange goes on.
    pub(crate) fn body_failed(&mut self, id: Id, error: &Error) {
        if let Some(stream) = self.streams.get_mut(id) {
            stream.consumer = Consumer::Discard(DRAIN_LIMIT);
            stream.flags |= flag::END_TOLD;
            let stash = std::mem::take(&mut stream.stash);
            if stash.capacity() > 0 {
                self.pool.give(stash);
            }
        }
        self.error_event(EventKind::BodyFailed, id, error);
    }

    /// The request of a stream is complete.
    pub(crate) fn request_ended<H: Host<Value = V>>(&mut self, host: &mut H, id: Id) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        stream.flags |= flag::REQUEST_ENDED;
        stream.flags &= !flag::EXPECTS_CONTINUE;
        self.deliver(host, id);
        self.maybe_let_go(id);
    }

    /// Gives JavaScript what it may have of a body.
    pub(crate) fn deliver<H: Host<Value = V>>(&mut self, host: &mut H, id: Id) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        let ended = stream.has(flag::REQUEST_ENDED);
        match stream.consumer {
            Consumer::JavaScript => {
                if !stream.stash.is_empty() && (stream.credit > 0 || stream.has(flag::RESPONSE_ENDED) && ended) {
                    let stash = std::mem::take(&mut stream.stash);
                    stream.credit = stream.credit.saturating_sub(stash.len() as u64);
                    let value = host.bytes(&stash);
                    self.event(EventKind::Body, id, 0, stash.len() as u64, 0, Some(value));
                    self.pool.give(stash);
                }
            }
            Consumer::Collect(_) if ended && stream.has(flag::COLLECTED) => {}
            Consumer::Collect(_) if ended && !stream.has(flag::END_TOLD) => {
                let stash = std::mem::take(&mut stream.stash);
                let value = host.bytes(&stash);
                self.event(EventKind::Collected, id, 0, stash.len() as u64, 0, Some(value));
                if stash.capacity() > 0 {
                    self.pool.give(stash);
                }
            }
            // Of a tunnel the end is told although its bytes are dropped: who closes it waits for that.
            Consumer::Discard(_) if stream.has(flag::RAW) => {}
            // And although nobody has asked for its bytes, once the host has it.
            Consumer::Undecided if stream.has(flag::RAW) && !stream.has(flag::INTERNAL | flag::DIALLING) => {}
            _ => return,
        }
        self.tell_end(host, id);
    }

    fn tell_end<H: Host<Value = V>>(&mut self, host: &mut H, id: Id) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        if !stream.has(flag::REQUEST_ENDED) || stream.has(flag::END_TOLD) || !stream.stash.is_empty() {
            return;
        }
        stream.flags |= flag::END_TOLD;
        let trailers = stream.take_trailers();
        let value = (!trailers.is_empty()).then(|| host.text(&trailers));
        self.event(EventKind::BodyEnd, id, 0, 0, 0, value);
    }

    pub(crate) fn deliver_all<H: Host<Value = V>>(&mut self, host: &mut H, stack: &Stack) {
        if let Protocol::Client(client) = &stack.protocol {
            if let Some(front) = client.front() {
                self.deliver(host, front);
            }
            return;
        }
        let Protocol::Http1(http) = &stack.protocol else { return };
        for place in 0..http.order.len() {
            self.deliver(host, http.order[place]);
        }
        if let Some(receiving) = http.receiving {
            self.deliver(host, receiving);
        }
    }

    /// Ends streams whose exchange is over, after giving their readers the rest.
    pub(crate) fn part<H: Host<Value = V>>(&mut self, host: &mut H) {
        for id in std::mem::take(&mut self.parting) {
            self.deliver(host, id);
            if self.streams.get(id).is_some_and(|stream| stream.has(flag::DETACHED)) {
                self.tell_discarded(id);
            }
            if self
                .streams
                .get(id)
                .is_some_and(|stream| !stream.has(flag::WANTS_FINISH))
            {
                self.drop_stream(id);
            }
        }
    }

    /// JavaScript will take so many bytes more of a body.
    pub fn grant(&mut self, id: f64, amount: f64) -> Result<(), Error> {
        self.consume(id, |stream| {
            stream.consumer = Consumer::JavaScript;
            stream.credit = stream.credit.saturating_add(amount as u64);
        })
    }

    /// The rest of a body is collected, up to so many bytes in all, and given at once.
    pub fn collect(&mut self, id: f64, limit: f64) -> Result<(), Error> {
        let limit = if limit < 0.0 { u64::MAX } else { limit as u64 };
        self.consume(id, |stream| stream.consumer = Consumer::Collect(limit))?;
        let id = Id::from_f64(id).ok_or(Code::StaleId)?;
        let Some(stream) = self.streams.get(id) else {
            return Ok(());
        };
        if stream.stash.len() as u64 > limit {
            let error = Error::limit(Code::CollectedTooLarge, limit, stream.stash.len() as u64);
            self.collected_too_large(id, &error);
        }
        Ok(())
    }

    /// The rest of a body is dropped; past `limit` bytes more the connection is closed instead.
    pub fn discard(&mut self, id: f64, limit: f64) -> Result<(), Error> {
        let mut stash = Vec::new();
        self.consume(id, |stream| {
            stream.consumer = Consumer::Discard(limit as u64);
            stash = std::mem::take(&mut stream.stash);
        })?;
        if stash.capacity() > 0 {
            self.pool.give(stash);
        }
        Ok(())
    }

    /// Changes who takes a body, invites it where the client waits for that, and has the connection go on.
    fn consume(&mut self, id: f64, change: impl FnOnce(&mut crate::stream::Stream)) -> Result<(), Error> {
        let id = Id::from_f64(id).ok_or(Code::StaleId)?;
        let stream = self.streams.get_mut(id).ok_or(Code::StaleId)?;
        if stream.has(flag::RELAYED) {
            return Err(Code::InvalidState.into());
        }
        let asked = stream.consumer == Consumer::Undecided;
        change(stream);
        let connection = stream.connection;
        if stream.has(flag::DETACHED) {
            self.parting.push(id);
            return Ok(());
        }
        if asked && stream.received > 0 {
            let most = self
                .servers
                .at(stream.server)
                .map_or(u64::MAX, |(_, server)| stream.limits(&server.options).body_size);
            self.judge_size(id, most);
        }
        let stream = self.streams.get_mut(id).ok_or(Code::StaleId)?;
        if stream.has(flag::EXPECTS_CONTINUE) && !stream.has(flag::HEAD_SENT) {
            stream.flags &= !flag::EXPECTS_CONTINUE;
            let slot = stream.server;
            if let Some(mut stack) = self.take_stack(connection) {
                let output = self.output_of(id, &mut stack);
                if output.is_some_and(|(output, pool)| write_informational(output.tail(pool), 100, b"").is_ok()) {
                    self.count_response(slot, 100);
                }
                self.count_waiting(id, &mut stack);
                self.give_stack(connection, stack);
            }
        }
        self.queue(connection);
        self.touch(connection);
        Ok(())
    }

    /// Who is at the other end.
    pub fn address(&self, id: f64) -> Option<Address> {
        let stream = self.streams.get(Id::from_f64(id)?)?;
        let connection = self.connections.get(stream.connection)?;
        let local = match (&connection.peer, connection.link.descriptor()) {
            (Peer::Unix, _) | (_, None) => None,
            (_, Some(fd)) => socket::local_addr(fd).ok().and_then(|local| local.addr()),
        };
        let remote = match stream.forwarded() {
            // The port behind a balancer is not known.
            Some(client) => Some(SocketAddr::new(client, 0)),
            None => connection.peer.addr(),
        };
        Some(Address { remote, local })
    }
}
