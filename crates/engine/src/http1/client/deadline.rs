//! What an exchange of a client may take time for.

use super::Exchange;
use crate::connection::{Deadline, flag as conn};
use crate::engine::Engine;
use crate::event::Host;
use crate::id::Id;
use crate::protocol::Protocol;
use crate::stream::flag;
use millrace_error::{Code, Error};

impl<V: Copy> Engine<V> {
    /// The next deadline of a client connection; an idle one has none here: its pool decides.
    pub(crate) fn client_deadline(&mut self, id: Id) -> (Deadline, u64) {
        const NONE: (Deadline, u64) = (Deadline::None, 0);
        let (now, from) = (self.now_ms, self.from_ms);
        let Some(connection) = self.connections.get_mut(id) else {
            return NONE;
        };
        let Some(stack) = connection.stack.as_mut() else {
            return NONE;
        };
        let Protocol::Client(client) = &mut stack.protocol else {
            return NONE;
        };
        let client = &mut **client;
        let Some(exchange) = client.order.front() else {
            return NONE;
        };
        let Some(profile) = self.clients.profiles.get(exchange.profile as usize) else {
            return NONE;
        };
        let Some(stream) = self.streams.get(exchange.stream) else {
            return NONE;
        };
        // The time for all of it runs for those behind the first as well; the other clocks are of the one that is answered.
        let totals = client.order.iter().map(|exchange| exchange.total_ms);
        let mut first = match totals.filter(|at| *at != 0).min() {
            None => NONE,
            Some(at) => (Deadline::Request, at),
        };
        let mut take = |what, since: u64, limit: u64| {
            let at = since.saturating_add(limit);
            if limit != 0 && (first.0 == Deadline::None || at < first.1) {
                first = (what, at);
            }
        };
        let sealed = connection.layers.as_ref().is_some_and(|layers| layers.has_output());
        let waits = !stack.output.is_empty() || sealed;
        if waits {
            take(
                Deadline::Write,
                stack.progress_ms.max(exchange.began_ms),
                profile.send_ms,
            );
        }
        let whole = stream.has(flag::RESPONSE_ENDED);
        if !exchange.seen || !exchange.head_told {
            // The clock of the first byte runs once the request is out; that of a streamed body is its sender's.
            if whole && !waits {
                let since = stack.progress_ms.max(exchange.began_ms).max(client.body_ms);
                take(Deadline::Headers, since, profile.headers_ms);
            }
        } else if !stream.wants_bytes() {
            // The peer's clock stands still while we withhold reading (SPEC §3).
            if client.paused_ms == 0 {
                client.paused_ms = now.max(1);
            }
        } else {
            if client.paused_ms != 0 {
                client.paused_ms = 0;
                client.body_ms = from;
            }
            take(Deadline::Body, client.body_ms, profile.body_ms);
        }
        first
    }

    /// A deadline of a client connection has passed.
    pub(crate) fn client_expired<H: Host<Value = V>>(&mut self, host: &mut H, id: Id, what: Deadline, at_ms: u64) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        if what == Deadline::Linger {
            return self.close(id, Code::ConnectionClosed.into());
        }
        if !connection.has(conn::OVERDUE) && !matches!(what, Deadline::Write | Deadline::Request) {
            // Perhaps we are late and not the peer: what is in the socket already counts, once.
            connection.flags |= conn::OVERDUE;
            if let Some(fd) = connection.link.descriptor().filter(|_| self.wants_read(id)) {
                self.read(host, id, fd);
            }
        }
        let (now_what, now_at) = self.client_deadline(id);
        if now_what == Deadline::None || now_at > self.now_ms {
            if self.connections.get(id).is_some() {
                self.touch(id);
                self.set_deadline(id, now_what, now_at);
            }
            return;
        }
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        let Some(Protocol::Client(client)) = connection.stack.as_ref().map(|stack| &stack.protocol) else {
            return;
        };
        let due = |exchange: &Exchange| now_what == Deadline::Request && exchange.total_ms == now_at;
        let place = client.order.iter().position(due).unwrap_or(0);
        let Some(exchange) = client.order.get(place) else {
            return;
        };
        let Some(profile) = self.clients.profiles.get(exchange.profile as usize) else {
            return;
        };
        let stream = exchange.stream;
        let (code, limit) = match now_what {
            Deadline::Write => (Code::SendTimeout, profile.send_ms),
            Deadline::Headers => (Code::ResponseTimeout, profile.headers_ms),
            Deadline::Body => (Code::ResponseBodyTimeout, profile.body_ms),
            _ => (Code::TotalTimeout, exchange.total_limit_ms),
        };
        let late = self.now_ms.saturating_sub(at_ms.min(now_at));
        self.count_client_timeout(code);
        let error = Error::limit(code, limit, limit + late);
        match place {
            0 => self.close(id, error),
            _ => self.cancel_exchange(stream, &error),
        }
    }

    fn count_client_timeout(&mut self, code: Code) {
        use millrace_metrics::Counter;
        let counter = match code {
            Code::SendTimeout => Counter::HttpClientTimeoutsSend,
            Code::ResponseTimeout => Counter::HttpClientTimeoutsHeaders,
            Code::ResponseBodyTimeout => Counter::HttpClientTimeoutsBody,
            _ => Counter::HttpClientTimeoutsTotal,
        };
        self.metrics.add(counter, 1);
    }
}
