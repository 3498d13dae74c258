//! Answers: commands by stream id, serialised at once into the output of the connection, or of the stream while
//! other answers go first. Nothing is written here; the flush does that.

use super::order::{RESPONSES, response_class};
use crate::connection::Stack;
use crate::engine::Engine;
use crate::id::Id;
use crate::options::{DIALLED_HIGH_MARK, low_mark};
use crate::protocol::Protocol;
use crate::stream::{Consumer, flag};
use millrace_buffer::{Output, PinId};
use millrace_error::{Code, Error};
use millrace_head::Method;
use millrace_http1::{
    Answer, BodyFraming, BodySize, CHUNK_END, ReadyHead, write_chunk_prefix, write_informational, write_last_chunk,
    write_response_head,
};
use std::fs::File;

/// Bytes of a body.
#[derive(Debug)]
pub enum Chunk<'a> {
    /// Copied now.
    Bytes(&'a [u8]),
    /// Pinned by the host: looked up at each flush, released when the last byte is with the kernel.
    Pin {
        /// The host's name for it.
        pin: PinId,
        /// How long it is.
        len: usize,
    },
    /// A part of a file, handed to the kernel without passing through us where the link allows it.
    File {
        /// The file; closed when the last byte is with the kernel.
        file: File,
        /// Where the part begins.
        offset: u64,
        /// How long it is.
        len: usize,
    },
}

impl Chunk<'_> {
    /// How many of its bytes are copied.
    fn copied(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Pin { .. } | Self::File { .. } => 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Pin { len, .. } | Self::File { len, .. } => *len,
        }
    }
}

/// The head of a response.
#[derive(Clone, Copy, Debug)]
pub struct Respond<'a> {
    /// 200 … 999.
    pub status: u16,
    /// Empty: the standard phrase.
    pub reason: &'a [u8],
    /// `name\0value\0…`, checked here.
    pub block: &'a [u8],
}

/// A head as the host names it.
#[derive(Clone, Copy, Debug)]
pub enum Head<'a> {
    /// In full.
    Given(&'a Respond<'a>),
    /// By a status and the number that [`Engine::remember_head`] gave for its fields; 0: there are none.
    Ready(u16, u32),
}

impl<'a> From<&'a Respond<'a>> for Head<'a> {
    fn from(head: &'a Respond<'a>) -> Self {
        Self::Given(head)
    }
}

/// How many heads the host may have remembered.
const MOST_READY: usize = 256;
/// How long each may be; both bound what is kept for them.
const LONGEST_READY: usize = 1024;

impl<V: Copy> Engine<V> {
    /// Takes the fields of a head that will be sent again and again, for [`Head::Ready`]. `None` for what is not
    /// taken: an invalid block, a long one, one too many.
    pub fn remember_head(&mut self, block: &[u8]) -> Option<u32> {
        let known = self.ready_heads.iter().position(|head| head.block() == block);
        let place = known.or_else(|| {
            let room = self.ready_heads.len() < MOST_READY && block.len() <= LONGEST_READY;
            let head = room.then(|| ReadyHead::new(block).ok()).flatten()?;
            self.ready_heads.push(head);
            Some(self.ready_heads.len() - 1)
        });
        place.map(|place| place as u32) // below MOST_READY
    }

    /// Answers whole, in one call. With `finish` a `Finished` event tells when the kernel has it all.
    ///
    /// Where more of the body has come than its limit and nobody asked for it, the limit's answer goes out instead, and
    /// `Aborted` says so.
    pub fn respond<'a>(
        &mut self,
        id: f64,
        head: impl Into<Head<'a>>,
        body: Chunk<'_>,
        finish: bool,
    ) -> Result<(), Error> {
        let (id, connection, unread) = self.answerable(id)?;
        if unread && self.refuse_unread(id) {
            self.release(body);
            return Ok(());
        }
        let mut stack = self.take_stack(connection).ok_or(Code::StaleId)?;
        let result = self.respond_on(id, &mut stack, head.into(), body, finish);
        self.count_waiting(id, &mut stack);
        self.give_stack_and_touch(connection, stack);
        result
    }

    pub(crate) fn respond_on(
        &mut self,
        id: Id,
        stack: &mut Stack,
        head: Head<'_>,
        body: Chunk<'_>,
        finish: bool,
    ) -> Result<(), Error> {
        let size = BodySize::Known(body.len() as u64);
        let left_out = self.write_head(id, stack, head, size, Some(body))?;
        if let Some(body) = left_out {
            self.release(body);
        }
        self.response_ended(id, stack, finish);
        Ok(())
    }

    /// Begins a response whose body comes by [`write`](Self::write) and [`end`](Self::end).
    pub fn respond_head(&mut self, id: f64, head: &Respond<'_>) -> Result<(), Error> {
        let (id, connection, unread) = self.answerable(id)?;
        if unread && self.refuse_unread(id) {
            return Ok(());
        }
        let mut stack = self.take_stack(connection).ok_or(Code::StaleId)?;
        let result = self.write_head(id, &mut stack, head.into(), BodySize::Stream, None);
        self.count_waiting(id, &mut stack);
        self.give_stack_and_touch(connection, stack);
        result.map(drop)
    }

    /// Body bytes, or a tunnel's. `Ok(false)`: wait for `Drain`.
    pub fn write(&mut self, id: f64, chunk: Chunk<'_>) -> Result<bool, Error> {
        let id = Id::from_f64(id).ok_or(Code::StaleId)?;
        let stream = self.streams.get_mut(id).ok_or(Code::StaleId)?;
        if !stream.has(flag::HEAD_SENT) {
            return Err(Code::InvalidState.into());
        }
        if stream.has(flag::RESPONSE_ENDED | flag::INTERNAL | flag::HANDLE | flag::DETACHED) {
            return Err(Code::StreamClosed.into());
        }
        if stream.has(flag::RELAYED) && !self.is_joining(id) {
            return Err(Code::InvalidState.into());
        }
        let stream = self.streams.get_mut(id).ok_or(Code::StaleId)?;
        let (connection, slot) = (stream.connection, stream.server);
        let length = chunk.len() as u64;
        let framing = stream.framing;
        if stream.has(flag::NO_BODY) || length == 0 {
            self.release(chunk);
            return Ok(true);
        }
        let left = match framing {
            BodyFraming::Length(left) => {
                let left = left.checked_sub(length).ok_or(Code::HttpResponseBodyMismatch)?;
                Some(BodyFraming::Length(left))
            }
            _ => None,
        };
        let mut stack = self.take_stack(connection).ok_or(Code::StaleId)?;
        if let Some((output, pool)) = self.output_of(id, &mut stack) {
            if let Err(error) = make_room(output.tail(pool), chunk.copied()) {
                self.give_stack(connection, stack);
                return Err(error);
            }
            if framing == BodyFraming::Chunked {
                write_chunk_prefix(output.tail(pool), length as usize);
                push(output, pool, chunk);
                output.tail(pool).extend_from_slice(CHUNK_END);
            } else {
                push(output, pool, chunk);
            }
        }
        if let (Some(left), Some(stream)) = (left, self.streams.get_mut(id)) {
            stream.framing = left;
        }
        self.count_waiting(id, &mut stack);
        let room = self.has_room(id, slot, &mut stack);
        self.give_stack(connection, stack);
        self.touch(connection);
        if let (false, Some(stream)) = (room, self.streams.get_mut(id)) {
            stream.flags |= flag::WANTS_DRAIN;
        }
        Ok(room)
    }

    /// Whether a connection has room for more of an answer: all of its answers count, also those that wait for their
    /// turn (SPEC §3). The first in line has room in any case while its own bytes are below the low mark: those behind
    /// it cannot leave before it has ended.
    fn has_room(&self, id: Id, server: u32, stack: &mut Stack) -> bool {
        let mark = self
            .servers
            .at(server)
            .map_or(DIALLED_HIGH_MARK, |(_, server)| server.options.write_high_water_mark);
        let queued = stack.output.len();
        match &mut stack.protocol {
            Protocol::Http1(http) if http.order.front() != Some(&id) => {
                let room = queued + http.waiting <= mark;
                http.wants_room |= !room;
                room
            }
            Protocol::Http1(http) => queued + http.waiting <= mark || queued <= low_mark(mark),
            Protocol::Raw(_) | Protocol::Client(_) => queued <= mark,
        }
    }

    /// Ends a response that was begun, or our side of a tunnel.
    pub fn end(&mut self, id: f64, trailers: &[u8], finish: bool) -> Result<(), Error> {
        let id = Id::from_f64(id).ok_or(Code::StaleId)?;
        let stream = self.streams.get_mut(id).ok_or(Code::StaleId)?;
        if !stream.has(flag::HEAD_SENT) {
            return Err(Code::InvalidState.into());
        }
        if stream.has(flag::RESPONSE_ENDED | flag::INTERNAL | flag::HANDLE | flag::DETACHED) {
            return Err(Code::StreamClosed.into());
        }
        if stream.has(flag::RELAYED) {
            return Err(Code::InvalidState.into());
        }
        let connection = stream.connection;
        if stream.has(flag::RAW) {
            self.end_raw(id, finish);
            return Ok(());
        }
        if let (BodyFraming::Length(1..), false) = (stream.framing, stream.has(flag::NO_BODY)) {
            // A short body must not look complete: the connection is cut.
            let error = Error::new(Code::HttpResponseBodyMismatch);
            self.close(connection, error);
            return Err(error);
        }
        let chunked = stream.framing == BodyFraming::Chunked && !stream.has(flag::NO_BODY);
        if finish && !stream.has(flag::EXCHANGE) {
            stream.flags |= flag::WANTS_FINISH;
        }
        let mut stack = self.take_stack(connection).ok_or(Code::StaleId)?;
        let mut result = Ok(());
        if chunked {
            if let Some((output, pool)) = self.output_of(id, &mut stack) {
                let out = output.tail(pool);
                result = make_room(out, 2 * trailers.len()).and_then(|()| write_last_chunk(out, trailers));
            }
        }
        if result.is_ok() && matches!(stack.protocol, Protocol::Client(_)) {
            self.exchange_sent(id);
        } else if result.is_ok() {
            self.response_ended(id, &mut stack, false);
        }
        self.count_waiting(id, &mut stack);
        self.give_stack(connection, stack);
        self.touch(connection);
        result
    }

    /// An interim response: 100, 102, 103.
    pub fn informational(&mut self, id: f64, status: u16, block: &[u8]) -> Result<(), Error> {
        let (id, connection, _) = self.answerable(id)?;
        let Some(stream) = self.streams.get_mut(id) else {
            return Err(Code::StaleId.into());
        };
        let slot = stream.server;
        if !stream.has(flag::HTTP_1_1) {
            // RFC 9110 §15.2: no 1xx to an HTTP/1.0 client.
            return Ok(());
        }
        if status == 100 {
            stream.flags &= !flag::EXPECTS_CONTINUE;
        }
        let mut stack = self.take_stack(connection).ok_or(Code::StaleId)?;
        let mut result = Ok(());
        if let Some((output, pool)) = self.output_of(id, &mut stack) {
            let out = output.tail(pool);
            result = make_room(out, 2 * block.len()).and_then(|()| write_informational(out, status, block));
        }
        self.count_waiting(id, &mut stack);
        self.give_stack(connection, stack);
        if result.is_ok() {
            self.count_response(slot, status);
            self.touch(connection);
        }
        result
    }

    /// A stream whose response has not begun, with its connection, and whether bytes of its body came that nobody has
    /// asked for.
    fn answerable(&self, id: f64) -> Result<(Id, Id, bool), Error> {
        let id = Id::from_f64(id).ok_or(Code::StaleId)?;
        let stream = self.streams.get(id).ok_or(Code::StaleId)?;
        if stream.has(flag::HEAD_SENT | flag::CLIENT | flag::EXCHANGE | flag::HANDLE) {
            return Err(Code::HttpHeadersSent.into());
        }
        let unread = stream.received > 0 && stream.consumer == Consumer::Undecided;
        Ok((id, stream.connection, unread))
    }

    /// Serialises the head, and behind it the body where there is one. Returns the body that must be left out.
    ///
    /// Everything of an answer's way is looked up once, here.
    fn write_head<'b>(
        &mut self,
        id: Id,
        stack: &mut Stack,
        head: Head<'_>,
        size: BodySize,
        body: Option<Chunk<'b>>,
    ) -> Result<Option<Chunk<'b>>, Error> {
        self.refresh_date();
        let stream = self.streams.get_mut(id).ok_or(Code::StaleId)?;
        let mut server = self.servers.at_mut(stream.server);
        let (closing, idle_ms) = match &server {
            Some(server) => (server.closing, server.options.keep_alive_timeout_ms),
            None => (true, 0),
        };
        let (first, last) = match &stack.protocol {
            Protocol::Http1(http) => (
                http.order.front() == Some(&id),
                closing && http.order.back() == Some(&id),
            ),
            Protocol::Raw(_) | Protocol::Client(_) => (true, closing),
        };
        let output = match first {
            true => &mut stack.output,
            false => stream.output.get_or_insert_with(|| Box::new(Output::new())),
        };
        // A closing server says so in the last answer that it owes: none may follow one that said it (RFC 9112 §9.6).
        // A client that waits for 100 Continue may or may not send its body now: the connection cannot go on.
        let keep_alive = !last && stream.flags & (flag::LAST | flag::EXPECTS_CONTINUE) == 0;
        let answer = Answer {
            to_head: stream.method == Method::Head,
            to_connect: false,
            minor: u8::from(stream.flags & flag::HTTP_1_1 != 0),
            keep_alive,
            body: size,
            date: &self.date,
            keep_alive_timeout_s: (idle_ms / 1_000) as u32,
        };
        let out = output.tail(&mut self.pool);
        let copied = body.as_ref().map_or(0, Chunk::copied);
        let (status, written) = match head {
            Head::Given(head) => {
                // A field costs two bytes more on the wire than in a block, where it has three at least.
                make_room(out, copied + 2 * head.block.len() + head.reason.len())?;
                let written = write_response_head(out, head.status, head.reason, head.block, &answer)?;
                (head.status, written)
            }
            Head::Ready(status, place) => {
                make_room(out, copied)?;
                let ready = self.ready_heads.get_mut(place as usize).ok_or(Code::InvalidArgument)?;
                (status, ready.write(out, status, &answer)?)
            }
        };
        let left_out = match (written.suppress_body, body) {
            (false, Some(body)) => {
                push(output, &mut self.pool, body);
                None
            }
            (_, body) => body,
        };
        stream.flags |= flag::HEAD_SENT;
        stream.status = status;
        stream.framing = written.framing;
        if written.suppress_body {
            stream.flags |= flag::NO_BODY;
        }
        let class = response_class(status);
        self.metrics.add(RESPONSES[class], 1);
        if let Some(server) = &mut server {
            server.stats.responses[class] += 1;
        }
        if !written.keep_alive && !stream.has(flag::LAST) {
            stream.flags |= flag::LAST;
            let connection = stream.connection;
            // Our wish, of which the client learns only now: what it sends meanwhile must not reset the answer away.
            self.must_linger(connection);
        }
        Ok(left_out)
    }

    /// Where the bytes of a stream go now: straight to the connection when it is first in line.
    pub(crate) fn output_of<'a>(
        &'a mut self,
        id: Id,
        stack: &'a mut Stack,
    ) -> Option<(&'a mut Output, &'a mut millrace_buffer::Pool)> {
        let first = match &stack.protocol {
            Protocol::Http1(http) => http.order.front() == Some(&id),
            Protocol::Raw(_) | Protocol::Client(_) => true,
        };
        if first {
            return Some((&mut stack.output, &mut self.pool));
        }
        let output = self
            .streams
            .get_mut(id)?
            .output
            .get_or_insert_with(|| Box::new(Output::new()));
        Some((output, &mut self.pool))
    }

    pub(crate) fn release(&mut self, chunk: Chunk<'_>) {
        if let Chunk::Pin { pin, .. } = chunk {
            self.released.push(pin);
        }
    }
}

/// From how many bytes on memory for what is to be sent is asked for beforehand. Less is what a pooled buffer has, or grows
/// by: no size that somebody chose.
const LARGE: usize = 16 * 1024;
/// More than a status line and the fields that we add, or the framing of a chunk.
const OURS: usize = 1024;

/// Makes room for bytes that the host gave, so that appending them, and our part round them, allocates no more.
///
/// # Errors
/// `OUT_OF_MEMORY`; nothing was written.
#[inline]
fn make_room(out: &mut Vec<u8>, bytes: usize) -> Result<(), Error> {
    if bytes <= LARGE {
        return Ok(());
    }
    out.try_reserve(bytes.saturating_add(OURS))
        .map_err(|_| Code::OutOfMemory.into())
}

pub(crate) fn push(output: &mut Output, pool: &mut millrace_buffer::Pool, chunk: Chunk<'_>) {
    match chunk {
        Chunk::Bytes(bytes) => output.tail(pool).extend_from_slice(bytes),
        Chunk::Pin { pin, len } => output.push_pin(pin, 0, len),
        Chunk::File { file, offset, len } => output.push_file(file, offset, len),
    }
}
