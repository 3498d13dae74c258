//! Bodies that come in pieces, and their ends: of an answer that was begun, of a request, of a tunnel.

use super::answer::{Chunk, make_room, push};
use crate::connection::Stack;
use crate::engine::Engine;
use crate::id::Id;
use crate::options::{DIALLED_HIGH_MARK, low_mark};
use crate::protocol::Protocol;
use crate::stream::flag;
use millrace_buffer::Output;
use millrace_error::{Code, Error};
use millrace_http1::{BodyFraming, CHUNK_END, write_chunk_prefix, write_last_chunk};

impl<V: Copy> Engine<V> {
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
