//! Tunnels: bytes as they are, after an upgrade or CONNECT. Each side ends on its own.

use crate::connection::flag as conn;
use crate::connection::{Deadline, Stack};
use crate::dial::NO_SERVER;
use crate::engine::Engine;
use crate::event::{EventKind, Host, accepted};
use crate::id::Id;
use crate::options::{DIALLED_HIGH_MARK, low_mark};
use crate::protocol::Protocol;
use crate::stream::{Consumer, Stream, flag};
use millrace_error::{Code, Error};
use millrace_head::Method;
use millrace_metrics::Gauge;
use millrace_net::socket;

/// Of a TLS session so many unread bytes may be no more than tickets and an end: that much is looked at unasked.
const GOODBYE: u64 = 4096;

impl<V: Copy> Engine<V> {
    /// The layers of a raw listener's connection are open, or it has none: it is a tunnel now, and the host is told.
    pub(crate) fn open_accepted(&mut self, id: Id) -> Result<Id, Error> {
        let connection = self.connections.get(id).ok_or(Code::StaleId)?;
        let (slot, secure) = (connection.server, connection.has(conn::SECURE));
        let mut stream = Stream::new(id, slot, Method::Connect, self.now_ns);
        stream.flags = flag::RAW | flag::HEAD_SENT | flag::ACCEPTED;
        let stream = self.streams.insert(stream).ok_or(Code::ConnectionsLimit)?;
        if let Some(connection) = self.connections.get_mut(id) {
            connection.flags |= conn::OPENED;
        }
        if let Some(server) = self.servers.at_mut(slot) {
            server.stats.requests += 1;
            server.stats.requests_active += 1;
        }
        self.set_deadline(id, Deadline::None, 0);
        let flags = if secure { accepted::TLS } else { 0 };
        self.event(EventKind::Accepted, stream, flags, 0, slot.into(), None);
        Ok(stream)
    }

    /// As [`open_accepted`](Self::open_accepted), for one whose stack runs at the moment.
    pub(crate) fn open_running(&mut self, id: Id, stack: &mut Stack) -> Result<(), Error> {
        if let Protocol::Http1(_) = stack.protocol {
            stack.protocol = Protocol::Raw(self.open_accepted(id)?);
        }
        Ok(())
    }

    /// Bytes of the peer.
    pub(crate) fn raw_bytes<H: Host<Value = V>>(&mut self, host: &mut H, stream: Id, bytes: &[u8]) {
        if self.is_relayed(stream) {
            return self.relay_bytes(host, stream, bytes);
        }
        if let Some(found) = self.streams.get_mut(stream).filter(|_| !bytes.is_empty()) {
            if found.consumer == Consumer::JavaScript && found.wants_bytes() {
                // Nothing follows that it could be given together with.
                found.received += bytes.len() as u64;
                found.credit = found.credit.saturating_sub(bytes.len() as u64);
                let value = host.bytes(bytes);
                return self.event(EventKind::Body, stream, 0, bytes.len() as u64, 0, Some(value));
            }
            // A tunnel has no body limit and collects nothing: this cannot fail.
            let _ = self.take_body(host, stream, bytes, false);
        }
        self.deliver(host, stream);
    }

    /// The peer's FIN.
    pub(crate) fn raw_ended<H: Host<Value = V>>(&mut self, host: &mut H, id: Id) {
        if let Some(stream) = self.streams.get_mut(id) {
            stream.flags |= flag::REQUEST_ENDED;
        }
        if self.is_relayed(id) {
            return self.relay_end(id);
        }
        self.deliver(host, id);
    }

    /// The peer of a tunnel that is not being read has ended its side. Where nothing goes before the end, it is read and
    /// told now, whether or not somebody has asked for bytes; else behind those bytes, when they are asked for.
    pub(crate) fn look_for_end<H: Host<Value = V>>(&mut self, host: &mut H, id: Id) {
        // Of TLS its own end goes before that of the connection.
        for _ in 0..2 {
            let Some(connection) = self.connections.get(id) else {
                return;
            };
            let Some(fd) = connection.link.descriptor() else { return };
            let most = match &connection.layers {
                None => 0,
                Some(layers) if layers.is_opening() => return,
                Some(_) => GOODBYE,
            };
            let over = connection.has(conn::READ_CLOSED | conn::RELAY | conn::CONNECTING);
            if over || !socket::unread(fd).is_ok_and(|bytes| bytes <= most) {
                return;
            }
            self.read(host, id, fd);
        }
    }

    /// Hands what waits on a plain tunnel to the kernel now and not at the end of the scope, within what all may have of a
    /// scope; says whether there is room again. For a writer that was just told to wait: while the kernel takes all, it need
    /// not wait for a turn at each mark.
    pub fn write_through<H: Host<Value = V>>(&mut self, host: &mut H, id: f64) -> bool {
        const CLOSED: u32 =
            conn::BLOCKED | conn::WRITE_CLOSED | conn::CONNECTING | conn::RELAY | conn::LEAN | conn::CLIENT;
        let Some(id) = Id::from_f64(id) else { return false };
        let Some(stream) = self.streams.get(id).filter(|stream| stream.has(flag::RAW)) else {
            return false;
        };
        let (connection, server) = (stream.connection, stream.server);
        let waiting = self.waiting_plain(connection, CLOSED);
        let Some(left) = self.through_left.checked_sub(waiting).filter(|_| waiting > 0) else {
            return false;
        };
        self.through_left = left;
        if let Err(error) = self.write_out(host, connection, waiting) {
            self.close(connection, error);
            return false;
        }
        let mark = self
            .servers
            .at(server)
            .map_or(DIALLED_HIGH_MARK, |(_, server)| server.options.write_high_water_mark);
        let room = self.waiting_plain(connection, 0) <= low_mark(mark);
        if let Some(stream) = self.streams.get_mut(id).filter(|_| room) {
            stream.flags &= !flag::WANTS_DRAIN;
        }
        room
    }

    /// How many bytes wait on a connection without layers that has none of the flags; 0 on another.
    fn waiting_plain(&self, id: Id, flags: u32) -> usize {
        let plain = self.connections.get(id);
        let plain = plain.filter(|connection| connection.layers.is_none() && !connection.has(flags));
        plain
            .and_then(|connection| connection.stack.as_ref())
            .map_or(0, |stack| stack.output.len())
    }

    /// Our side of a tunnel has said all it wants to.
    pub(crate) fn end_raw(&mut self, id: Id, finish: bool) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        stream.flags |= flag::RESPONSE_ENDED;
        let (connection, server) = (stream.connection, stream.server);
        if server != NO_SERVER && !stream.has(flag::ACCEPTED) {
            self.metrics.gauge_add(Gauge::HttpServerActiveRequests, -1);
        }
        if let Some(server) = self.servers.at_mut(server) {
            server.stats.requests_active -= 1;
            server.finished += u64::from(server.closing);
        }
        if let Some(connection) = self.connections.get_mut(connection) {
            connection.flags |= conn::END_WRITES;
            if let (true, Some(stack)) = (finish, connection.stack.as_mut()) {
                stack.finishing.push(id);
            }
        }
        self.touch(connection);
    }

    /// Whether both sides of a tunnel are over and its reader has been told.
    pub(crate) fn raw_over(&self, id: Id) -> bool {
        self.streams.get(id).is_none_or(|stream| {
            stream.has(flag::RESPONSE_ENDED) && stream.has(flag::REQUEST_ENDED) && stream.has(flag::END_TOLD)
        })
    }
}
