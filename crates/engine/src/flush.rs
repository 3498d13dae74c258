//! One flush ends every scope: one vectored write per connection that has something to say, then its interest and
//! its deadline, once, for all that happened since the last.

use crate::connection::{Deadline, flag as conn};
use crate::deadline::idle_deadline;
use crate::engine::Engine;
use crate::event::{Event, EventKind, Host};
use crate::file::send_span;
use crate::id::Id;
use crate::link::Link;
use crate::options::{DIALLED_HIGH_MARK, low_mark};
use crate::protocol::Protocol;
use crate::stream::{Stream, flag};
use millrace_error::{Code, Error};
use millrace_metrics::{Counter, Histogram};
use millrace_net::{Interest, socket};
use std::io::{ErrorKind, IoSlice};

/// How many slices one write takes.
const SLICES: usize = 64;
/// How many bytes one flush hands to the kernel, in all and for one connection at most and at least; the rest follows in
/// the next turn. What the kernel takes at once it copies at once: megabytes for each of a hundred slow readers would be
/// a tenth of a second in which nobody else is served.
const FLUSH_BUDGET: usize = 16 * 1024 * 1024;
const MOST_SHARE: usize = 1024 * 1024;
const LEAST_SHARE: usize = 32 * 1024;
/// How many bytes go to the kernel between two flushes, when they are written; see `write_through`.
pub(crate) const THROUGH_BUDGET: usize = 1024 * 1024;

impl<V: Copy> Engine<V> {
    /// Writes what waits, on every connection that was touched.
    pub fn flush<H: Host<Value = V>>(&mut self, host: &mut H) {
        self.through_left = THROUGH_BUDGET;
        if !self.joining.is_empty() {
            self.begin_joined();
        }
        while !self.dirty.is_empty() {
            let mut dirty = std::mem::take(&mut self.dirty);
            let share = (FLUSH_BUDGET / dirty.len()).clamp(LEAST_SHARE, MOST_SHARE);
            for id in dirty.drain(..) {
                if let Some(connection) = self.connections.get_mut(id) {
                    connection.flags &= !conn::DIRTY;
                    self.guarded(id, |engine| engine.flush_connection(host, id, share));
                }
            }
            if self.dirty.is_empty() {
                self.dirty = dirty;
            }
        }
        if !self.completed.is_empty() {
            self.record_completed();
        }
    }

    fn record_completed(&mut self) {
        let second = self.now_ms / 1_000;
        let mut completed = std::mem::take(&mut self.completed);
        for (slot, started) in completed.drain(..) {
            let nanos = self.now_ns.saturating_sub(started);
            self.metrics.record(Histogram::HttpServerRequestDuration, nanos);
            if let Some(server) = self.servers.at_mut(slot) {
                server.stats.latency.record(nanos);
                server.stats.rate.count(second, 1);
            }
        }
        self.completed = completed;
    }

    fn flush_connection<H: Host<Value = V>>(&mut self, host: &mut H, id: Id, share: usize) {
        if self
            .connections
            .get(id)
            .is_some_and(|connection| connection.has(conn::LEAN))
        {
            return;
        }
        if self.is_unproven(id) && !self.is_usable(id) {
            return self.close(id, Code::ConnectionStale.into());
        }
        if let Err(error) = self.write_out(host, id, share) {
            return self.close(id, error);
        }
        if self.rests(id) || self.tunnel_rests(id) {
            return;
        }
        self.tell_written(id);
        self.account(id);
        let answered = match self.connections.get(id).map(|connection| &connection.link) {
            Some(Link::Memory(memory)) => memory.is_complete(),
            _ => false,
        };
        if answered {
            return self.close(id, Code::ConnectionClosed.into());
        }
        self.settle(id);
    }

    /// Writes until the output is empty, the socket is full or the connection has had its share.
    pub(crate) fn write_out<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        mut share: usize,
    ) -> Result<(), Error> {
        let Some(connection) = self.connections.get_mut(id) else {
            return Ok(());
        };
        if let Some(mut layers) = connection.layers.take() {
            let writes = connection.flags & (conn::BLOCKED | conn::WRITE_CLOSED | conn::CONNECTING) == 0;
            let outcome = match writes && layers.speak() {
                true => self.write_sealed(host, id, &mut layers, share),
                false => Ok(()),
            };
            self.give_layers(id, layers);
            return outcome;
        }
        let slot = connection.server;
        let Some(stack) = connection.stack.as_mut() else {
            return Ok(());
        };
        let mut sent_all = 0;
        let mut outcome = Ok(());
        let open = conn::BLOCKED | conn::WRITE_CLOSED | conn::CONNECTING;
        let mut tried = false;
        while share > 0 && !stack.output.is_empty() && connection.flags & open == 0 {
            tried = true;
            let detached = |_| Error::new(Code::BufferDetached);
            let (sent, wanted) = match &mut connection.link {
                link if stack.output.file().is_some() => {
                    self.metrics.add(Counter::SocketsSendCalls, 1);
                    let (sent, wanted) = stack.output.file().map_or((Ok(0), 0), |span| {
                        let span = span.up_to(share);
                        (send_span(link, &span), span.len)
                    });
                    share -= wanted;
                    (sent, wanted)
                }
                Link::Memory(memory) => {
                    let mut slices = [IoSlice::new(&[]); SLICES];
                    let count = stack
                        .output
                        .slices(|pin| host.pinned(pin), &mut slices)
                        .map_err(detached)?;
                    let mut wanted = 0;
                    for slice in &slices[..count] {
                        wanted += slice.len();
                        if let Err(error) = memory.handle_bytes(slice) {
                            outcome = Err(error);
                        }
                    }
                    (Ok(wanted), wanted)
                }
                Link::None => break,
                Link::Tcp(fd) | Link::Unix(fd) => {
                    use std::os::fd::AsRawFd;
                    let fd = fd.as_raw_fd();
                    self.metrics.add(Counter::SocketsSendCalls, 1);
                    if let Some(bytes) = stack.output.single() {
                        let bytes = &bytes[..bytes.len().min(share)];
                        share -= bytes.len();
                        (socket::send(fd, bytes), bytes.len())
                    } else {
                        let mut slices = [IoSlice::new(&[]); SLICES];
                        let count = stack
                            .output
                            .slices(|pin| host.pinned(pin), &mut slices)
                            .map_err(detached)?;
                        let mut slices = &slices[..count];
                        let mut wanted: usize = slices.iter().map(|slice| slice.len()).sum();
                        let mut first;
                        if wanted > share {
                            first = [IoSlice::new(&[]); SLICES];
                            slices = first_bytes(slices, share, &mut first);
                            wanted = share;
                        }
                        share -= wanted;
                        let sent = if stack.output.has_file() {
                            socket::send_before_more(fd, slices)
                        } else {
                            socket::send_vectored(fd, slices)
                        };
                        (sent, wanted)
                    }
                }
            };
            match sent {
                Ok(sent) => {
                    sent_all += sent as u64;
                    stack.sent += sent as u64;
                    stack.progressed(sent as u64, self.from_ms);
                    let released = &mut self.released;
                    stack.output.advance(sent, &mut self.pool, |pin| released.push(pin));
                    if sent < wanted {
                        connection.flags |= conn::BLOCKED;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    // The wait begins now, however long ago the last byte went.
                    stack.progress_ms = self.from_ms;
                    connection.flags |= conn::BLOCKED;
                }
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => outcome = Err(Code::FileTruncated.into()),
                Err(error) => outcome = Err(write_error(&error)),
            }
            if outcome.is_err() {
                break;
            }
        }
        if connection.flags & conn::BLOCKED != 0 {
            if let Some((_, server)) = self.servers.at(slot) {
                let fd = connection.link.descriptor().filter(|_| tried);
                stack.reader_waits(&server.options, fd, self.from_ms);
            }
        }
        if sent_all > 0 {
            self.metrics.add(Counter::SocketsSentBytes, sent_all);
            if let Some(server) = self.servers.at_mut(slot) {
                server.stats.sent += sent_all;
            }
        }
        let blocked = connection.flags & conn::BLOCKED != 0;
        if share == 0 && outcome.is_ok() && !blocked && !stack.output.is_empty() {
            // Its reader is faster than its share: the others come first.
            self.queue(id);
        }
        outcome
    }

    /// The usual end of a flush, in one look: all that was owed is with the kernel, nothing else happens on the
    /// connection, and what it is to be watched for and accounted with is so already. Then it becomes idle, as `settle`
    /// would have it. False: nothing was done, and all that follows has to look.
    fn rests(&mut self, id: Id) -> bool {
        const USUAL: u32 = conn::SEEN_BYTES | conn::CLIENT_COUNTED | conn::OVERDUE | conn::SECURE;
        let Some(connection) = self.connections.get_mut(id) else {
            return false;
        };
        let usual = connection.flags & !USUAL == 0
            && connection.interest == Interest::READ | Interest::HANGUP
            && connection.memory == 0
            && connection.requests != 0
            && connection.link.descriptor().is_some();
        let Some((stack, server)) = connection.stack.as_ref().zip(self.servers.at_mut(connection.server)) else {
            return false;
        };
        let idle = match &stack.protocol {
            Protocol::Http1(http) => http.is_idle() && !http.wants_room,
            // A client's: its pool keeps the time.
            Protocol::Raw(_) | Protocol::Client(_) => false,
        };
        let empty = stack.output.is_empty()
            && stack.output.memory() == 0
            && stack.backlog.capacity() == 0
            && stack.finishing.is_empty();
        let layers = connection.layers.as_ref();
        let silent = layers.is_none_or(|layers| !layers.is_opening() && !layers.has_output());
        if !(usual && idle && empty && silent) || server.closing {
            return false;
        }
        let (what, at_ms) = idle_deadline(self.from_ms, &server.options);
        if at_ms > self.now_ms {
            connection.flags &= !conn::OVERDUE;
        }
        if connection.set_deadline(what, at_ms) {
            self.wheel.schedule(id.slot(), at_ms);
        }
        if let Some(stack) = connection.stack.take() {
            self.recycle(stack);
        }
        true
    }

    /// As [`rests`](Self::rests), of a tunnel that is read: it keeps its stack, and nothing about it changes.
    fn tunnel_rests(&self, id: Id) -> bool {
        const USUAL: u32 = conn::SEEN_BYTES | conn::CLIENT_COUNTED | conn::SECURE | conn::RAW | conn::BULK;
        let Some(connection) = self.connections.get(id) else {
            return false;
        };
        let Some(stack) = connection.stack.as_ref() else {
            return false;
        };
        let Protocol::Raw(stream) = stack.protocol else {
            return false;
        };
        let usual = connection.flags & !USUAL == 0
            && connection.interest == Interest::READ | Interest::HANGUP
            && connection.deadline == Deadline::None
            && connection.memory == 0
            && connection.layers.is_none();
        let empty = stack.output.is_empty()
            && stack.output.memory() == 0
            && stack.backlog.capacity() == 0
            && stack.finishing.is_empty();
        let read = |stream: &Stream| {
            stream.wants_bytes() && stream.stash.capacity() == 0 && !stream.has(flag::WANTS_DRAIN | flag::DIALLING)
        };
        usual && empty && !self.memory.is_pressed() && self.streams.get(stream).is_some_and(read)
    }

    /// Tells who waits for room, and whose answer has gone out.
    fn tell_written(&mut self, id: Id) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let sealed = connection.layers.as_ref().is_some_and(|layers| layers.has_output());
        let Some(stack) = connection.stack.as_mut() else { return };
        let waiting = stack.output.len();
        let relayed = connection.flags & conn::RELAY != 0;
        let first = match &stack.protocol {
            Protocol::Http1(http) => http.order.front().copied(),
            Protocol::Client(client) => client.order.back().map(|exchange| exchange.stream),
            Protocol::Raw(stream) => Some(*stream),
        };
        if waiting == 0 && !sealed && !stack.finishing.is_empty() {
            for stream in std::mem::take(&mut stack.finishing) {
                self.event(EventKind::Finished, stream, 0, 0, 0, None);
                if let Some(found) = self.streams.get_mut(stream) {
                    found.flags &= !flag::WANTS_FINISH;
                    self.maybe_let_go(stream);
                }
            }
        }
        if relayed {
            return self.relay_has_room(id, waiting);
        }
        let Some(stream) = first.and_then(|id| self.streams.get_mut(id)) else {
            return;
        };
        let mark = || {
            self.servers
                .at(stream.server)
                .map_or(DIALLED_HIGH_MARK, |(_, server)| server.options.write_high_water_mark)
        };
        if stream.has(flag::WANTS_DRAIN) && waiting <= low_mark(mark()) {
            stream.flags &= !flag::WANTS_DRAIN;
            if let Some(first) = first {
                self.event(EventKind::Drain, first, 0, 0, 0, None);
            }
        }
        self.tell_room(id);
    }

    /// Tells those who wait for room although their turn has not come.
    fn tell_room(&mut self, id: Id) {
        let connection = self.connections.get_mut(id);
        let Some(connection) = connection else { return };
        let Some(stack) = connection.stack.as_mut() else { return };
        let Protocol::Http1(http) = &mut stack.protocol else {
            return;
        };
        let server = self.servers.at(connection.server);
        let mark = server.map_or(0, |(_, server)| server.options.write_high_water_mark);
        if !http.wants_room || stack.output.len() + http.waiting > low_mark(mark) {
            return;
        }
        http.wants_room = false;
        for place in 1..http.order.len() {
            let stream = http.order[place];
            if let Some(found) = self
                .streams
                .get_mut(stream)
                .filter(|found| found.has(flag::WANTS_DRAIN))
            {
                found.flags &= !flag::WANTS_DRAIN;
                self.events.push(Event {
                    kind: EventKind::Drain,
                    flags: 0,
                    id: stream,
                    a: 0,
                    b: 0,
                    value: None,
                    extra: None,
                });
            }
        }
    }

    pub(crate) fn waiting_is_right(&self, id: Id) -> bool {
        let connection = self.connections.get(id);
        match connection
            .and_then(|connection| connection.stack.as_ref())
            .map(|stack| &stack.protocol)
        {
            Some(Protocol::Http1(http)) => http.waiting == self.waiting_of(&http.order),
            _ => true,
        }
    }
}

/// The first `most` bytes of the slices, which have more.
fn first_bytes<'a>(
    slices: &'a [IoSlice<'_>],
    mut most: usize,
    into: &'a mut [IoSlice<'a>; SLICES],
) -> &'a [IoSlice<'a>] {
    let mut count = 0;
    for slice in slices {
        if most == 0 {
            break;
        }
        let bytes = &slice[..slice.len().min(most)];
        most -= bytes.len();
        into[count] = IoSlice::new(bytes);
        count += 1;
    }
    &into[..count]
}

/// What a failed write means.
pub(crate) fn write_error(error: &std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::BrokenPipe => Code::ConnectionClosed.into(),
        ErrorKind::ConnectionReset => Code::ConnectionReset.into(),
        _ => Error::system("sendmsg", error),
    }
}
