//! Requests: from bytes to heads and bodies (`dispatch` makes streams and events of heads, `failure` answers a peer
//! that breaks the rules).
//!
//! Theory of operation. `http1_bytes` steps the parser over the input until it is used up or the connection has to
//! wait: for an answer before an unsafe request may be dispatched (RFC 9112 §9.3.2), for the pipelining limit, or for
//! the turn's budget. A head that may not be dispatched yet is *held* in the parser; input behind it is kept in the
//! stack's backlog, and reading stops while there is one. `go_on` resumes.

use super::dispatch::Leave;
use crate::connection::{Stack, flag as conn};
use crate::engine::Engine;
use crate::event::{EventKind, Host};
use crate::id::Id;
use crate::protocol::Protocol;
use crate::stream::flag;
use millrace_error::{Code, Error};
use millrace_http1::Event;

impl<V: Copy> Engine<V> {
    pub(crate) fn http1_bytes<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        stack: &mut Stack,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let mut input = bytes;
        loop {
            let Protocol::Http1(http) = &mut stack.protocol else {
                // An upgrade took the rest of the input.
                return Ok(());
            };
            if let Some(ended) = http.held {
                let over_budget = self.events.len() >= self.budget;
                if over_budget || matches!(self.leave(id, http), Leave::Wait) {
                    stack.keep(input)?;
                    if over_budget {
                        self.queue(id);
                    }
                    return Ok(());
                }
                http.held = None;
                input = self.dispatch(host, id, stack, ended, input)?;
                continue;
            }
            // Within a body the parser is asked once more without input: its last byte may have been the message's.
            if input.is_empty() && http.receiving.is_none() {
                break;
            }
            if http.receiving.is_none() {
                let Some(connection) = self.connections.get(id) else {
                    return Ok(());
                };
                if connection.has(conn::CLOSING) {
                    // Bytes after the last message are not ours to read; the close must not reset them away.
                    self.must_linger(id);
                    return Ok(());
                }
                let server = self.servers.at(connection.server);
                if server.is_some_and(|(_, server)| !http.may_begin(&server.options, stack.output.len())) {
                    return stack.keep(input);
                }
            }
            let step = http.parser.handle_bytes(input);
            if http.began_ms == 0 && !http.parser.is_idle() {
                http.began_ms = self.from_ms;
            }
            match step.event {
                Event::NeedMore => {
                    http.dangling = http.parser.is_idle();
                    break;
                }
                Event::Head { ended } => {
                    http.dangling = false;
                    http.held = Some(ended);
                }
                Event::Body { start, end } => {
                    http.body_ms = self.from_ms;
                    http.receive_pace.add((end - start) as u64);
                    let last = http.parser.is_body_over();
                    if let Some(stream) = http.receiving {
                        if let Err(error) = self.take_body(host, stream, &input[start..end], last) {
                            return self.fail(id, stack, error);
                        }
                    }
                }
                Event::End => {
                    http.began_ms = 0;
                    http.paused_ms = 0;
                    if let Some(stream) = http.receiving.take() {
                        let trailers = http.parser.trailers();
                        if !trailers.is_empty() {
                            if let Some(stream) = self.streams.get_mut(stream) {
                                stream.keep_trailers(trailers)?;
                            }
                        }
                        self.request_ended(host, stream);
                    }
                }
                Event::Error(error) => return self.fail(id, stack, error),
            }
            input = &input[step.consumed..];
        }
        let Protocol::Http1(http) = &stack.protocol else {
            return Ok(());
        };
        if let Some(stream) = http.receiving {
            self.deliver(host, stream);
        }
        Ok(())
    }

    /// The peer's FIN on an HTTP/1 connection.
    pub(crate) fn http1_ended(&mut self, id: Id, stack: &mut Stack) -> Result<(), Error> {
        let Protocol::Http1(http) = &mut stack.protocol else {
            return Ok(());
        };
        if let Err(error) = http.parser.handle_end() {
            return self.fail(id, stack, error);
        }
        if http.order.is_empty() && stack.output.is_empty() {
            return Err(Code::ConnectionClosed.into());
        }
        let owed = http.order.iter().copied().collect();
        if let Some(connection) = self.connections.get_mut(id) {
            connection.flags |= conn::CLOSING;
        }
        self.tell_left(owed);
        Ok(())
    }

    /// Tells the exchanges whose request is complete that the client has gone.
    pub(crate) fn tell_left(&mut self, streams: Vec<Id>) {
        for id in streams {
            let Some(stream) = self.streams.get_mut(id) else {
                continue;
            };
            if stream.has(flag::REQUEST_ENDED) && !stream.has(flag::INTERNAL | flag::LEFT_TOLD) {
                stream.flags |= flag::LEFT_TOLD;
                self.event(EventKind::Left, id, 0, 0, 0, None);
            }
        }
    }
}
