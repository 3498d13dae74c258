//! Limits that change while they are watched: those of one request (`setLimits`), and a server's (`reload`).

use crate::engine::Engine;
use crate::id::Id;
use crate::options::ServerOptions;
use crate::protocol::Protocol;
use crate::stream::{RequestLimits, flag};
use millrace_error::{Code, Error};
use millrace_http1::BodyFraming;

impl<V: Copy> Engine<V> {
    /// Sets limits of one request in place of its server's; `None` leaves one as it is. What is passed already is cut
    /// at once: by the answer of the limit where the request still arrives, else by `BodyFailed`, and not at all where
    /// the body has been given whole. A tunnel has no limits: nothing happens.
    pub fn set_limits(&mut self, id: f64, change: &RequestLimits) -> Result<(), Error> {
        let id = Id::from_f64(id).ok_or(Code::StaleId)?;
        let stream = self.streams.get_mut(id).ok_or(Code::StaleId)?;
        if stream.has(flag::RAW | flag::CLIENT | flag::INTERNAL) {
            return Ok(());
        }
        let own = stream.own_limits_mut();
        own.body_size = change.body_size.or(own.body_size);
        own.body_timeout_ms = change.body_timeout_ms.or(own.body_timeout_ms);
        own.request_timeout_ms = change.request_timeout_ms.or(own.request_timeout_ms);
        own.min_receive_rate = change.min_receive_rate.or(own.min_receive_rate);
        let connection = stream.connection;
        if let Some(most) = change.body_size {
            self.judge_size(id, most);
        }
        // A deadline that has passed is found by the flush.
        self.touch(connection);
        Ok(())
    }

    /// Fails a body that is known to be larger than this, unless it has been given whole.
    pub(crate) fn judge_size(&mut self, id: Id, most: u64) {
        let Some(stream) = self.streams.get(id) else { return };
        let (connection, whole) = (stream.connection, stream.has(flag::REQUEST_ENDED));
        let seen = stream.received.max(self.declared(connection, id));
        if seen <= most || stream.has(flag::END_TOLD | flag::RAW) {
            return;
        }
        let error = Error::limit(Code::HttpBodyTooLarge, most, seen);
        if whole {
            self.count_error(connection, &error);
            self.body_failed(id, &error);
        } else {
            self.fail_now(connection, error);
        }
    }

    /// Answers with the limit's status in place of a handler that has not asked for a body of which more than its limit
    /// has come: declared, chunked and streamed are alike (SPEC §9). Says whether it did. A handler that has answered
    /// before the limit was passed is no case of this: its answer stands, and the connection closes.
    #[cold]
    pub(crate) fn refuse_unread(&mut self, id: Id) -> bool {
        let Some(stream) = self.streams.get(id) else {
            return false;
        };
        let Some((_, server)) = self.servers.at(stream.server) else {
            return false;
        };
        let most = stream.limits(&server.options).body_size;
        if stream.received <= most || stream.has(flag::RAW) {
            return false;
        }
        let error = Error::limit(Code::HttpBodyTooLarge, most, stream.received);
        let connection = stream.connection;
        if stream.has(flag::REQUEST_ENDED) {
            self.answer_in_place(id, connection, error);
        } else {
            self.fail_now(connection, error);
        }
        true
    }

    /// The Content-Length of the request that a connection is receiving, if it is this one; else 0.
    fn declared(&self, connection: Id, stream: Id) -> u64 {
        let stack = self
            .connections
            .get(connection)
            .and_then(|connection| connection.stack.as_ref());
        match stack.map(|stack| &stack.protocol) {
            Some(Protocol::Http1(http)) if http.receiving == Some(stream) => match http.parser.head().framing {
                BodyFraming::Length(length) => length,
                _ => 0,
            },
            _ => 0,
        }
    }

    /// Gives a running server other options, but for those by which its connections began. Connections that live take
    /// them from their next phase: a clock that runs keeps its deadline until something happens on its connection.
    pub fn reload_server(&mut self, id: f64, options: &ServerOptions) -> bool {
        let id = Id::from_f64(id).filter(|id| self.servers.get(*id).is_some());
        let Some((id, server)) = id.and_then(|id| Some((id, self.servers.get_mut(id)?))) else {
            return false;
        };
        let ServerOptions {
            kind,
            socket,
            proxy_protocol,
            upgrades,
            connects,
            ..
        } = server.options;
        server.options = ServerOptions {
            kind,
            socket,
            proxy_protocol,
            upgrades,
            connects,
            ..*options
        };
        server.gate.set_total(options.max_connections);
        for connection in self.connections_of(id.slot()) {
            let stack = self
                .connections
                .get_mut(connection)
                .and_then(|connection| connection.stack.as_mut());
            if let Some(Protocol::Http1(http)) = stack.map(|stack| &mut stack.protocol) {
                http.parser.set_limits(options.head);
                http.limits = options.head;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Stream;

    #[test]
    fn limits_of_its_own_cost_a_stream_one_word() {
        assert_eq!(size_of::<Option<Box<RequestLimits>>>(), 8);
        assert!(size_of::<Stream>() <= 168, "{}", size_of::<Stream>());
    }
}
