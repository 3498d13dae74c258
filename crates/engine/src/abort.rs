//! Exchanges and tunnels that end before their time, with their connection or alone.

use crate::dial::NO_SERVER;
use crate::engine::Engine;
use crate::event::EventKind;
use crate::http1::client::aborted;
use crate::id::Id;
use crate::protocol::Protocol;
use crate::stream::flag;
use millrace_error::{Code, Error};
use millrace_metrics::{Counter, Gauge};

impl<V: Copy> Engine<V> {
    /// Aborts every exchange of a connection.
    pub(crate) fn abort_all(&mut self, id: Id, error: &Error) {
        let streams: Vec<Id> = match self.connections.get_mut(id).map(|connection| connection.stack.as_mut()) {
            None => return,
            Some(Some(stack)) => match &mut stack.protocol {
                Protocol::Raw(stream) => vec![*stream],
                Protocol::Client(_) => {
                    let stack = self
                        .connections
                        .get_mut(id)
                        .and_then(|connection| connection.stack.take());
                    if let Some(mut stack) = stack {
                        self.abort_exchanges(&mut stack, error);
                        self.give_stack(id, stack);
                    }
                    return;
                }
                Protocol::Http1(http) => {
                    http.unsafe_owed = 0;
                    (http.heads, http.waiting) = (0, 0);
                    let receiving = http.receiving.take();
                    receiving.into_iter().chain(std::mem::take(&mut http.order)).collect()
                }
            },
            // Idle, or the stack was lost in a panic: then whoever is left names this connection.
            Some(None) if error.code == Code::Bug => {
                let of = |id_: &Id| self.streams.get(*id_).is_some_and(|stream| stream.connection == id);
                self.streams.ids().into_iter().filter(of).collect()
            }
            Some(None) => Vec::new(),
        };
        for stream in streams {
            self.abort_stream(stream, error);
        }
    }

    /// Ends one exchange before its time.
    pub(crate) fn abort_stream(&mut self, id: Id, error: &Error) {
        let Some(stream) = self.streams.get(id) else { return };
        let (flags, server) = (stream.flags, stream.server);
        if flags & flag::HANDLE != 0 {
            // `Gone` is told when its connection is taken out.
            return;
        }
        if flags & flag::EXCHANGE != 0 {
            // What is known of how far it came was lost with the stack: the worst of it.
            self.drop_stream(id);
            self.metrics.gauge_add(Gauge::HttpClientActiveRequests, -1);
            let flags = u32::from(error.code.id()) | aborted::SENT | aborted::SEEN;
            return self.event(EventKind::Aborted, id, flags, 0, 0, None);
        }
        // Its answer waited for its turn, or its body for its reader.
        let missed = stream.output.is_some() || stream.is_read();
        self.drop_stream(id);
        if flags & (flag::INTERNAL | flag::CLIENT) != 0 {
            return;
        }
        let answered = flags & flag::RESPONSE_ENDED != 0;
        let http = server != NO_SERVER && flags & flag::ACCEPTED == 0;
        if !answered && http {
            self.metrics.gauge_add(Gauge::HttpServerActiveRequests, -1);
        }
        let ours = server == NO_SERVER;
        let left = !ours && matches!(error.code, Code::ConnectionClosed | Code::ConnectionReset);
        if left && !answered && http {
            self.metrics.add(Counter::HttpServerAborted, 1);
        }
        if let Some(server) = self.servers.at_mut(server) {
            server.stats.requests_active -= u64::from(!answered);
            server.stats.aborted += u64::from(left && !answered);
            server.forced += u64::from(server.closing && !answered);
        }
        if flags & flag::DIALLING != 0 {
            return self.told_dial_failed(id, error, None);
        }
        // Of a relay's end the relay tells.
        if (missed || !answered) && flags & flag::RELAYED == 0 {
            self.told_aborted(id, error);
        }
    }

    pub(crate) fn told_aborted(&mut self, id: Id, error: &Error) {
        self.error_event(EventKind::Aborted, id, error);
    }
}
