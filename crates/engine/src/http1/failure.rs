//! Requests that fail: a broken rule, a limit, a deadline. What the engine answers by itself, in its turn, and what
//! becomes of the connection.

use crate::connection::{Stack, flag as conn};
use crate::engine::Engine;
use crate::event::EventKind;
use crate::id::Id;
use crate::protocol::Protocol;
use crate::stream::{Consumer, Stream, flag};
use millrace_error::{Code, Error, Kind};
use millrace_head::Method;

impl<V: Copy> Engine<V> {
    /// The peer broke a rule, passed a limit or a deadline: answers with the code's status where an answer is
    /// possible, in its turn, and closes; `Err` where it is not.
    pub(crate) fn fail(&mut self, id: Id, stack: &mut Stack, error: Error) -> Result<(), Error> {
        self.count_error(id, &error);
        let Protocol::Http1(http) = &mut stack.protocol else {
            return Err(error);
        };
        http.late = error.code.kind() == Kind::Timeout;
        let mut place = None;
        let unseen = http.receiving.is_none();
        if let Some(receiving) = http.receiving.take() {
            let Some(stream) = self.streams.get(receiving) else {
                return Err(error);
            };
            if stream.has(flag::RESPONSE_ENDED) {
                http.held = None;
                stack.backlog.clear();
                self.fail_behind_answer(receiving, &error);
                return Ok(());
            }
            if stream.has(flag::HEAD_SENT) {
                // Answered already, so perhaps in no queue: the close must find it.
                http.receiving = Some(receiving);
                return Err(error);
            }
            place = http.order.iter().position(|owed| *owed == receiving);
            self.abort_stream(receiving, &error);
        }
        let Some(status) = error.code.status() else {
            return Err(error);
        };
        if let Some(place) = place {
            http.order.remove(place);
        }
        if unseen {
            self.tell_refused(id, status, None, &error);
        }
        self.answer_itself(id, stack, status, b"")
    }

    /// Fails a request that has arrived whole and has no answer: with the code's status, in its turn, and the connection
    /// goes on.
    pub(crate) fn answer_in_place(&mut self, id: Id, connection: Id, error: Error) {
        self.count_error(connection, &error);
        let Some(mut stack) = self.take_stack(connection) else {
            return;
        };
        let (Protocol::Http1(http), Some(failed)) = (&mut stack.protocol, self.streams.get(id)) else {
            return self.give_stack(connection, stack);
        };
        let mut ours = Stream::new(connection, failed.server, failed.method, failed.started_ns);
        // It takes the other's place in line, and in what is counted of that.
        ours.head_size = failed.head_size;
        ours.flags = failed.flags & (flag::UNSAFE | flag::LAST | flag::HTTP_1_1) | flag::INTERNAL | flag::REQUEST_ENDED;
        ours.consumer = Consumer::Discard(0);
        let place = http.order.iter().position(|owed| *owed == id);
        let outcome = match (place, self.streams.insert(ours)) {
            (Some(place), Some(ours)) => {
                http.order[place] = ours;
                self.abort_stream(id, &error);
                let head = super::Respond {
                    status: error.code.status().unwrap_or(500),
                    reason: b"",
                    block: b"",
                };
                self.respond_on(ours, &mut stack, (&head).into(), super::Chunk::Bytes(b""), false)
            }
            _ => Err(error),
        };
        if let Protocol::Http1(http) = &mut stack.protocol {
            http.waiting = self.waiting_of(&http.order);
        }
        self.give_stack(connection, stack);
        match outcome {
            Ok(()) => self.touch(connection),
            Err(error) => self.close(connection, error),
        }
    }

    /// A request that is answered already fails: the client shall have the answer, and no byte more is read.
    fn fail_behind_answer(&mut self, id: Id, error: &Error) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        let read = stream.is_read();
        stream.flags |= flag::REQUEST_ENDED | flag::END_TOLD | flag::LAST;
        if let Some(connection) = self.connections.get_mut(stream.connection) {
            connection.flags |= conn::CLOSING | conn::MUST_LINGER;
        }
        if read {
            self.error_event(EventKind::BodyFailed, id, error);
        }
        self.drop_unless_owed(id);
    }

    /// Queues an answer that the engine makes itself, behind whatever is owed, as the connection's last.
    pub(super) fn answer_itself(&mut self, id: Id, stack: &mut Stack, status: u16, block: &[u8]) -> Result<(), Error> {
        self.answer_unread(id, stack, status, block, true)
    }

    /// Queues an answer that the engine makes itself, behind whatever is owed; not the last only where the request has
    /// ended with its head.
    pub(super) fn answer_unread(
        &mut self,
        id: Id,
        stack: &mut Stack,
        status: u16,
        block: &[u8],
        last: bool,
    ) -> Result<(), Error> {
        let Protocol::Http1(http) = &mut stack.protocol else {
            return Ok(());
        };
        let Some(connection) = self.connections.get_mut(id) else {
            return Ok(());
        };
        let mut stream = Stream::new(id, connection.server, Method::Get, self.now_ns);
        stream.flags = flag::INTERNAL | flag::REQUEST_ENDED | flag::HTTP_1_1;
        stream.consumer = Consumer::Discard(0);
        if last {
            connection.flags |= conn::CLOSING | conn::MUST_LINGER;
            stream.flags |= flag::LAST;
            http.held = None;
            stack.backlog.clear();
        }
        let Some(stream) = self.streams.insert(stream) else {
            return Err(Code::ConnectionsLimit.into());
        };
        http.order.push_back(stream);
        let head = super::Respond {
            status,
            reason: b"",
            block,
        };
        let result = self.respond_on(stream, stack, (&head).into(), super::Chunk::Bytes(b""), false);
        if let Protocol::Http1(http) = &mut stack.protocol {
            http.waiting = self.waiting_of(&http.order);
        }
        result
    }

    pub(crate) fn must_linger(&mut self, id: Id) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.flags |= conn::MUST_LINGER;
        }
    }
}
