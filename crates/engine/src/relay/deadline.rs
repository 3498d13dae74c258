//! For how long a relay may be silent, and last.

use super::Relay;
use crate::connection::Deadline;
use crate::engine::Engine;
use crate::id::Id;
use millrace_error::{Code, Error};

impl<V: Copy> Engine<V> {
    pub(super) fn set_relay_deadline(&mut self, slot: u32) {
        let Some((_, relay)) = self.relays.at(slot) else { return };
        if let Some(at) = self.relay_due_at(relay) {
            self.set_deadline(relay.ends[0], Deadline::Relay, at);
        }
    }

    fn relay_due_at(&self, relay: &Relay) -> Option<u64> {
        let mut active = relay.active_ms;
        for end in relay.ends {
            let stack = self
                .connections
                .get(end)
                .and_then(|connection| connection.stack.as_ref());
            active = active.max(stack.map_or(0, |stack| stack.progress_ms));
        }
        let idle = (relay.options.idle_ms > 0).then(|| active + relay.options.idle_ms);
        let total = (relay.until_ms > 0).then_some(relay.until_ms);
        idle.into_iter().chain(total).min()
    }

    /// The wheel came round to a relay: a deadline that has moved meanwhile is set anew.
    pub(crate) fn relay_due(&mut self, id: Id) {
        let Some(slot) = self.connections.get(id).map(|connection| connection.relay) else {
            return;
        };
        let is_due = |engine: &Self| {
            let due = engine.relays.at(slot).and_then(|(_, relay)| engine.relay_due_at(relay));
            due.is_some_and(|at| at <= engine.now_ms)
        };
        // Perhaps we are late and not the peers: what is in the sockets already counts.
        if is_due(self) && !self.look_again(slot) {
            return;
        }
        let Some((_, relay)) = self.relays.at(slot) else { return };
        if !is_due(self) {
            return self.set_relay_deadline(slot);
        }
        let over = relay.until_ms > 0 && relay.until_ms <= self.now_ms;
        let (code, value, at) = match over {
            true => (Code::RelayTotalTimeout, relay.options.total_ms, relay.until_ms),
            false => {
                let at = self.relay_due_at(relay).unwrap_or(self.now_ms);
                (Code::RelayIdleTimeout, relay.options.idle_ms, at)
            }
        };
        let late = self.now_ms.saturating_sub(at);
        self.end_relay(slot, Some(Error::limit(code, value, value + late)));
    }
}
