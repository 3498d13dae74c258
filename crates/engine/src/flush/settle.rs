//! What follows a write: ends that were waiting for it, rest, and what the socket is watched for.

use crate::connection::{Deadline, flag as conn};
use crate::engine::Engine;
use crate::id::Id;
use crate::options::{LATE_LINGER_MS, LINGER_MS};
use crate::protocol::Protocol;
use millrace_error::{Code, Error};
use millrace_net::{Interest, socket};
use std::os::fd::RawFd;

/// What a connection is watched for that is read, with no bytes waiting for its socket.
pub(crate) const ORDINARY: Interest = Interest::READ.union(Interest::HANGUP);

impl<V: Copy> Engine<V> {
    /// After a flush: closes what is over, makes idle what is idle, and sets interest and deadline.
    pub(crate) fn settle(&mut self, id: Id) {
        debug_assert!(self.waiting_is_right(id), "answers that wait are miscounted");
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        if connection.has(conn::LINGERING) {
            return;
        }
        let client = connection.has(conn::CLIENT);
        let closing_server = self
            .servers
            .at(connection.server)
            .is_none_or(|(_, server)| server.closing && connection.link.descriptor().is_some());
        let Some(stack) = connection.stack.as_ref() else {
            // Idle: nothing is owed. A closing server does not keep these for long.
            return if closing_server && !client && !connection.has(conn::QUEUED) {
                self.bid_farewell(id);
            } else {
                self.update_interest(id);
            };
        };
        let sealed = connection.layers.as_ref().is_some_and(|layers| layers.has_output());
        let opening = connection.layers.as_ref().is_some_and(|layers| layers.is_opening());
        let written = stack.output.is_empty() && !sealed;
        let ends = stack.ends_ours(connection.flags);
        let mut goes_on = false;
        match &stack.protocol {
            Protocol::Raw(stream) => {
                let stream = *stream;
                if written && ends && !connection.has(conn::WRITE_CLOSED) {
                    if connection.say_goodbye() {
                        // The close_notify goes first: once more round.
                        return self.touch(id);
                    }
                    connection.flags |= conn::WRITE_CLOSED;
                    if let Some(fd) = connection.link.descriptor() {
                        // A peer that has gone is noticed by the next read.
                        let _ = socket::shutdown_write(fd);
                    }
                }
                if connection.has(conn::RELAY) {
                    return self.relay_settled(id);
                }
                if written && self.raw_over(stream) {
                    self.drop_stream(stream);
                    return self.close(id, Code::ConnectionClosed.into());
                }
            }
            Protocol::Client(client) => {
                if ends {
                    if written && connection.say_goodbye() {
                        return self.touch(id);
                    }
                    return self.close(id, Code::ConnectionClosed.into());
                }
                if client.order.is_empty() && written && stack.backlog.is_empty() && !connection.has(conn::QUEUED) {
                    connection.flags &= !conn::OVERDUE;
                    if let Some(stack) = connection.stack.take() {
                        self.recycle(stack);
                    }
                }
            }
            Protocol::Http1(http) => {
                let idle = http.is_idle() && stack.backlog.is_empty() && !opening;
                let kept = !stack.backlog.is_empty() && http.held.is_none() && http.receiving.is_none();
                if kept && !connection.has(conn::CLOSING) {
                    // It waited for the output to shrink.
                    let server = self.servers.at(connection.server);
                    goes_on = server.is_some_and(|(_, server)| http.may_begin(&server.options, stack.output.len()));
                }
                if written && ends {
                    return self.close_after_answer(id);
                }
                if idle && written && !connection.has(conn::QUEUED) {
                    if connection.link.descriptor().is_none() {
                        // An injected request is the only one of its connection.
                        return self.close(id, Code::ConnectionClosed.into());
                    }
                    if let Some(stack) = connection.stack.take() {
                        self.recycle(stack);
                    }
                    // One more look at the socket before a closing server lets go of it.
                    goes_on = closing_server;
                }
            }
        }
        if goes_on {
            self.queue(id);
        }
        self.update_interest(id);
        self.update_deadline(id);
    }

    /// Everything owed is written: closes, draining first where the peer may still be sending.
    fn close_after_answer(&mut self, id: Id) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        if connection.say_goodbye() {
            // The close_notify goes first: once more round.
            return self.touch(id);
        }
        if !connection.has(conn::MUST_LINGER) || connection.has(conn::READ_CLOSED) {
            return self.close(id, Code::ConnectionClosed.into());
        }
        let Some(fd) = connection.link.descriptor() else {
            return self.close(id, Code::ConnectionClosed.into());
        };
        connection.flags |= conn::LINGERING | conn::WRITE_CLOSED;
        if socket::shutdown_write(fd).is_err() {
            return self.close(id, Code::ConnectionClosed.into());
        }
        let late = connection
            .stack
            .as_ref()
            .is_some_and(|stack| matches!(&stack.protocol, Protocol::Http1(http) if http.late));
        let linger_ms = if late { LATE_LINGER_MS } else { LINGER_MS };
        self.abort_all(id, &Code::StreamClosed.into());
        self.update_interest(id);
        self.set_deadline(id, Deadline::Linger, self.from_ms + linger_ms);
    }

    /// Whether the socket is to be read now.
    pub(crate) fn wants_read(&self, id: Id) -> bool {
        let Some(connection) = self.connections.get(id) else {
            return false;
        };
        if connection.has(conn::LINGERING) {
            return true;
        }
        if connection.has(conn::RELAY) {
            return self.relay_wants(id);
        }
        if connection.has(conn::READ_CLOSED | conn::CONNECTING | conn::DELAYED) {
            return false;
        }
        if let Some(layers) = connection.layers.as_ref().filter(|layers| layers.is_opening()) {
            return layers.wants_bytes();
        }
        let Some(stack) = &connection.stack else { return true };
        if !stack.backlog.is_empty() {
            return false;
        }
        // A head is small; what follows it waits for memory.
        let pressed = self.memory.is_pressed();
        let wanted = |stream| !pressed && self.streams.get(stream).is_some_and(|stream| stream.wants_bytes());
        match &stack.protocol {
            Protocol::Raw(stream) => wanted(*stream),
            Protocol::Client(client) => match client.order.front() {
                Some(exchange) if exchange.head_told => wanted(exchange.stream),
                _ => true,
            },
            Protocol::Http1(http) => match http.receiving {
                Some(stream) => wanted(stream),
                None => {
                    let waits = http.held.is_some() || connection.has(conn::CLOSING);
                    let server = self.servers.at(connection.server);
                    !waits && server.is_some_and(|(_, server)| http.may_begin(&server.options, stack.output.len()))
                }
            },
        }
    }

    /// Has the poller tell what lies in a socket until it is taken. Where it is told once, that is due whenever less was
    /// taken than may be there: a read that filled its buffer, an end behind bytes, a read that was put off.
    pub(crate) fn watch_by_level(&mut self, id: Id) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.flags |= conn::LEVEL;
        if !connection.interest.contains(Interest::EDGE) {
            return;
        }
        let Some(fd) = connection.link.descriptor() else { return };
        let interest = connection.interest.without(Interest::EDGE);
        self.watch(id, fd, interest);
    }

    fn watch(&mut self, id: Id, fd: RawFd, interest: Interest) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.interest = interest;
        }
        if let Err(error) = self.poller.modify(fd, id.as_u64(), interest) {
            self.close(id, Error::system("epoll_ctl", &error));
        }
    }

    pub(crate) fn update_interest(&mut self, id: Id) {
        let read = self.wants_read(id);
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let Some(fd) = connection.link.descriptor() else { return };
        let mut interest = Interest::NONE;
        if read {
            interest = interest | Interest::READ;
        }
        if !connection.has(conn::HANGUP_SEEN) {
            interest = interest | Interest::HANGUP;
        }
        if connection.has(conn::BLOCKED | conn::CONNECTING) {
            interest = interest | Interest::WRITE;
        }
        if interest == ORDINARY {
            interest = connection.usual_interest();
        }
        if interest != connection.interest && !connection.has(conn::UNWATCHED) {
            self.watch(id, fd, interest);
        }
    }
}
