//! A panic costs the connection that ran, and nothing else.

use crate::engine::Engine;
use crate::id::Id;
use crate::panic::take_panic;
use millrace_error::Code;
use millrace_metrics::Counter;
use millrace_net::Peer;
use std::panic::{AssertUnwindSafe, catch_unwind};

impl<V: Copy> Engine<V> {
    /// Runs one connection; a panic costs this connection and nothing else.
    pub(crate) fn guarded(&mut self, id: Id, run: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| run(self))).is_err() {
            self.poison(id);
        }
    }

    /// Ends a connection on which we broke a rule of our own.
    pub fn poison(&mut self, id: Id) {
        let peer = self.connections.get(id).map(|connection| connection.peer);
        self.panicked(Some(peer.unwrap_or_default()));
        self.close(id, Code::Bug.into());
    }

    /// As [`poison`](Self::poison), for the connection of a stream.
    pub fn poison_stream(&mut self, stream: f64) {
        let id = Id::from_f64(stream)
            .and_then(|id| self.streams.get(id))
            .map(|stream| stream.connection);
        match id {
            Some(id) => self.poison(id),
            None => self.panicked(None),
        }
    }

    fn panicked(&mut self, peer: Option<Peer>) {
        self.metrics.add(Counter::ReactorPanics, 1);
        let text = take_panic().unwrap_or_default();
        let tell = self.log.panicked(peer, &text);
        self.tell_log(tell);
    }
}
