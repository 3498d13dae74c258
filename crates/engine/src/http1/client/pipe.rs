//! Several requests on one connection, whose answers come in their order (RFC 9112 §9.3.2).
//!
//! The first in `order` is being answered; the others are its followers. Nothing follows a request whose body has not gone
//! out, or that asked for the connection to be closed. What ends a follower alone (it is given up, its time is over) must
//! not hurt those before it, whose answers are on their way: the pipe is cut behind them, and the connection is closed when
//! they are complete. Those behind the cut were asked of a connection that will not answer: they are told so at once.

use super::{Exchange, aborted};
use crate::connection::{Stack, flag as conn};
use crate::engine::Engine;
use crate::event::{EventKind, cause_of};
use crate::id::Id;
use crate::protocol::Protocol;
use crate::stream::flag;
use millrace_error::{Code, Error};
use millrace_metrics::Gauge;

impl<V: Copy> Engine<V> {
    /// Whether another request may follow those that are under way.
    pub(super) fn may_pipeline(&self, id: Id) -> bool {
        let stack = self
            .connections
            .get(id)
            .and_then(|connection| connection.stack.as_ref());
        let Some(Protocol::Client(client)) = stack.map(|stack| &stack.protocol) else {
            return false;
        };
        // Of those before the last this was looked at when they were followed.
        client.order.back().is_none_or(|last| {
            let stream = self.streams.get(last.stream);
            !last.last && stream.is_some_and(|stream| stream.has(flag::RESPONSE_ENDED))
        })
    }

    /// Ends an exchange of a client before its time, and what follows it. Those before it are answered; without any, the
    /// connection is closed.
    pub(crate) fn cancel_exchange(&mut self, stream: Id, error: &Error) {
        let Some(id) = self.streams.get(stream).map(|stream| stream.connection) else {
            return;
        };
        let Some(mut stack) = self.take_stack(id) else { return };
        let place = match &stack.protocol {
            Protocol::Client(client) => client.order.iter().position(|one| one.stream == stream),
            _ => None,
        };
        if let Some(place) = place {
            self.cut_pipe(id, &mut stack, place, error, 0);
        }
        self.give_stack(id, stack);
        match place {
            Some(0) | None => self.close(id, Code::ConnectionClosed.into()),
            Some(_) => self.touch(id),
        }
    }

    /// Takes the exchanges from this place on out of the pipe, which takes no more: the first of them ends with the error,
    /// those behind it with `CONNECTION_CLOSED`. `flags` are told of each.
    pub(super) fn cut_pipe(&mut self, id: Id, stack: &mut Stack, place: usize, error: &Error, flags: u32) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.flags |= conn::CLOSING;
        }
        let sent = stack.sent;
        let Protocol::Client(client) = &mut stack.protocol else {
            return;
        };
        let cut = client.order.split_off(place);
        if let Some(before) = client.order.back_mut() {
            before.last = true;
        }
        for (number, exchange) in cut.iter().enumerate() {
            let error = if number == 0 {
                *error
            } else {
                Code::ConnectionClosed.into()
            };
            self.abort_exchange(exchange, sent, &error, flags);
        }
    }

    /// Ends all exchanges of a client connection. What is the first one's fault is not the fault of those behind it, which
    /// nobody has begun to answer; what its owner has closed, or was found dead before anything was sent, is so for all.
    pub(crate) fn abort_exchanges(&mut self, stack: &mut Stack, error: &Error) {
        let sent = stack.sent;
        let Protocol::Client(client) = &mut stack.protocol else {
            return;
        };
        let order = std::mem::take(&mut client.order);
        for (place, exchange) in order.iter().enumerate() {
            let error = match error.code {
                Code::Destroyed | Code::ConnectionStale => *error,
                _ if place == 0 => *error,
                _ => Code::ConnectionClosed.into(),
            };
            self.abort_exchange(exchange, sent, &error, 0);
        }
    }

    fn abort_exchange(&mut self, exchange: &Exchange, sent: u64, error: &Error, flags: u32) {
        if self.streams.get(exchange.stream).is_none() {
            return;
        }
        self.drop_stream(exchange.stream);
        self.metrics.gauge_add(Gauge::HttpClientActiveRequests, -1);
        let mut flags = flags | u32::from(error.code.id());
        if sent > exchange.starts_at {
            flags |= aborted::SENT;
        }
        if exchange.seen {
            flags |= aborted::SEEN;
        }
        let (a, b) = cause_of(error);
        self.event(EventKind::Aborted, exchange.stream, flags, a, b, None);
    }
}
