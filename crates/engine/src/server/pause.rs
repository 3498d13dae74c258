//! Accepting rests where it cannot go on, out of descriptors for instance, and is taken up again.

use crate::engine::{Engine, LISTENER_TOKEN};
use crate::id::Id;
use crate::options::{ACCEPT_PAUSE_MS, ACCEPT_QUIET_MS};
use millrace_metrics::Counter;
use millrace_net::Interest;
use std::os::fd::{AsRawFd, RawFd};

impl<V: Copy> Engine<V> {
    pub(super) fn pause_accepting(&mut self, id: Id, listener: RawFd, error: &std::io::Error) {
        self.poller.remove(listener, id.as_u64() | LISTENER_TOKEN);
        let until = self.from_ms + ACCEPT_PAUSE_MS;
        self.metrics.add(Counter::HttpServerAcceptPauses, 1);
        if let Some(server) = self.servers.get_mut(id) {
            self.paused_servers += usize::from(server.paused_until == 0);
            server.paused_until = until;
            if server.quiet_until <= self.now_ms {
                server.quiet_until = self.now_ms + ACCEPT_QUIET_MS;
                let tell = self.log.accepting_paused(&error.to_string());
                self.tell_log(tell);
            }
        }
    }

    pub(crate) fn servers_paused_until(&self) -> Option<u64> {
        if self.paused_servers == 0 {
            return None;
        }
        let paused = |id| {
            self.servers
                .get(id)
                .map(|server| server.paused_until)
                .filter(|until| *until > 0)
        };
        self.servers.ids().into_iter().filter_map(paused).min()
    }

    pub(crate) fn resume_accepting(&mut self) {
        if self.servers_paused_until().is_none_or(|until| until > self.now_ms) {
            return;
        }
        for id in self.servers.ids() {
            let now = self.now_ms;
            let Some(server) = self.servers.get_mut(id) else {
                continue;
            };
            if server.paused_until == 0 || server.paused_until > now {
                continue;
            }
            server.paused_until = 0;
            self.paused_servers -= 1;
            if let Some(fd) = server.listener.as_ref().map(AsRawFd::as_raw_fd) {
                let watched = self.poller.add(fd, id.as_u64() | LISTENER_TOKEN, Interest::READ);
                if watched.is_err() {
                    self.paused_servers += 1;
                    server.paused_until = now + ACCEPT_PAUSE_MS;
                }
            }
        }
    }
}
