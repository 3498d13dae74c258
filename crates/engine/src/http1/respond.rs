//! Answers begun: commands by stream id whose head, and body where it is known, is serialised at once into the output
//! of the connection, or of the stream while other answers go first. Nothing is written to a socket here; the flush
//! does that.

use super::answer::{Chunk, Head, Respond, make_room, push};
use super::order::{RESPONSES, response_class};
use crate::connection::Stack;
use crate::engine::Engine;
use crate::id::Id;
use crate::protocol::Protocol;
use crate::stream::{Consumer, flag};
use millrace_buffer::Output;
use millrace_error::{Code, Error};
use millrace_head::Method;
use millrace_http1::{Answer, BodySize, ReadyHead, write_informational, write_response_head};

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
}
