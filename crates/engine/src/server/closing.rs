//! The ends of servers, graceful and forced.
//!
//! A closing server must not lose what was on its way to it. The system completes handshakes and takes requests by
//! itself, so at the moment of `close` there may be
//!
//! 1. connections in the accept queue: they are taken before the listener closes;
//! 2. handshakes that are not complete, of a client that believes in a moment that it is connected. Where others listen
//!    on the port (SO_REUSEPORT) nobody notices that one of them goes, so these are waited for, see `take_leave`;
//!    where nobody does, the client learns what it would have learnt a moment later: that nobody listens. A listener
//!    that another process holds too loses nothing: its queue lives on;
//! 3. requests on connections that look idle: they are kept open for `farewell_ms`, and the answer says
//!    `Connection: close`. Whoever is idle that long has sent nothing, or is too far away.

use crate::connection::Deadline;
use crate::engine::{Engine, LISTENER_TOKEN};
use crate::event::EventKind;
use crate::id::Id;
use crate::options::{ACCEPT_BUDGET, FAREWELL_MS, LEAVE_MS};
use crate::server::listeners_gauge;
use millrace_error::Code;
use millrace_net::socket;
use std::os::fd::AsRawFd;

/// How many waiting connections a closing server takes over: what the kernel's queue holds at most by default
/// (`net.core.somaxconn`).
const MOST_WAITING: usize = 4096;

impl<V: Copy> Engine<V> {
    /// As [`close_server_after`](Self::close_server_after), with [`FAREWELL_MS`].
    pub fn close_server(&mut self, id: f64) -> bool {
        self.close_server_after(id, FAREWELL_MS)
    }

    /// Stops accepting (what waits in the accept queue is still taken), says `Connection: close` from now on, closes
    /// connections that are idle for so many milliseconds; `ServerClosed` follows when the last exchange is over.
    pub fn close_server_after(&mut self, id: f64, farewell_ms: u64) -> bool {
        let Some(id) = Id::from_f64(id).filter(|id| self.servers.get(*id).is_some()) else {
            return false;
        };
        let again = self.servers.get(id).is_some_and(|server| server.closing);
        self.accept_waiting(id);
        if let Some(server) = self.servers.get_mut(id) {
            server.closing = true;
            server.farewell_ms = farewell_ms;
        }
        if !again && !self.take_leave(id) {
            self.stop_listening(id);
        }
        // Looked at in the next turn: one with a request in its socket is served.
        for connection in self.connections_of(id.slot()) {
            self.queue(connection);
        }
        self.server_maybe_closed(id);
        true
    }

    /// Cuts whatever a closing server still has; `ServerClosed` follows.
    pub fn force_server(&mut self, id: f64) -> bool {
        let Some(id) = Id::from_f64(id).filter(|id| self.servers.get(*id).is_some()) else {
            return false;
        };
        self.stop_listening(id);
        if let Some(server) = self.servers.get_mut(id) {
            server.closing = true;
        }
        for connection in self.connections_of(id.slot()) {
            self.close(connection, Code::ServerClosed.into());
        }
        self.server_maybe_closed(id);
        true
    }

    pub(crate) fn destroy_server(&mut self, id: Id) {
        self.force_server(id.as_f64());
    }

    /// Takes all that waits, within reason: a flood must not keep the listener open.
    fn accept_waiting(&mut self, id: Id) {
        for _ in 0..MOST_WAITING / ACCEPT_BUDGET {
            if !self.accept(id, ACCEPT_BUDGET) {
                break;
            }
        }
    }

    /// Of a port that others listen on: lets no new handshake begin here, and stays for those that have begun. A client
    /// that is held back tries again by itself after a second, when the system gives it to another listener.
    fn take_leave(&mut self, id: Id) -> bool {
        let Some(server) = self.servers.get_mut(id).filter(|server| server.reuse_port) else {
            return false;
        };
        let Some(listener) = server.listener.as_ref().map(AsRawFd::as_raw_fd) else {
            return false;
        };
        // Where the system moves handshakes and queue to the other listeners there is nothing to wait for.
        if socket::migrates_handshakes() || socket::hold_back_handshakes(listener).is_err() {
            return false;
        }
        server.leaves_at = self.from_ms + LEAVE_MS;
        self.leaving_servers += 1;
        self.has_new_deadline = true;
        // What was complete before no more could begin.
        self.accept_waiting(id);
        true
    }

    pub(crate) fn servers_leave_at(&self) -> Option<u64> {
        if self.leaving_servers == 0 {
            return None;
        }
        let leaving = |id| self.servers.get(id).map(|server| server.leaves_at).filter(|at| *at > 0);
        self.servers.ids().into_iter().filter_map(leaving).min()
    }

    /// Closes the listeners whose time has come.
    pub(crate) fn end_leaving(&mut self) {
        if self.servers_leave_at().is_none_or(|at| at > self.now_ms) {
            return;
        }
        for id in self.servers.ids() {
            let now = self.now_ms;
            let due = self
                .servers
                .get(id)
                .is_some_and(|server| server.leaves_at > 0 && server.leaves_at <= now);
            if due {
                self.accept_waiting(id);
                self.stop_listening(id);
                self.server_maybe_closed(id);
            }
        }
    }

    /// An idle connection of a closing server: a request may be on its way.
    pub(crate) fn bid_farewell(&mut self, id: Id) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        if connection.deadline != Deadline::Farewell {
            let server = self.servers.at(connection.server);
            let farewell_ms = server.map_or(0, |(_, server)| server.farewell_ms);
            self.set_deadline(id, Deadline::Farewell, self.from_ms + farewell_ms);
        }
        self.update_interest(id);
    }

    pub(crate) fn connections_of(&self, server: u32) -> Vec<Id> {
        let of = |id: &Id| {
            self.connections
                .get(*id)
                .is_some_and(|connection| connection.server == server)
        };
        self.connections.ids().into_iter().filter(of).collect()
    }

    fn stop_listening(&mut self, id: Id) {
        let Some(server) = self.servers.get_mut(id) else { return };
        self.paused_servers -= usize::from(server.paused_until != 0);
        self.leaving_servers -= usize::from(server.leaves_at != 0);
        (server.paused_until, server.leaves_at) = (0, 0);
        if let Some(listener) = server.listener.take() {
            self.poller.remove(listener.as_raw_fd(), id.as_u64() | LISTENER_TOKEN);
        }
        if let Some(file) = server.file.take() {
            let _ = std::fs::remove_file(file);
        }
    }

    /// Ends a closing server once its last connection is gone.
    pub(crate) fn server_maybe_closed(&mut self, id: Id) {
        let Some(server) = self.servers.get(id) else { return };
        if !server.closing || server.stats.active > 0 || server.listener.is_some() {
            return;
        }
        // Those that were refused are not counted.
        if !self.connections_of(id.slot()).is_empty() {
            return;
        }
        let (finished, forced) = (server.finished, server.forced);
        let gauge = listeners_gauge(server.options.kind);
        self.servers.remove(id);
        self.metrics.gauge_add(gauge, -1);
        self.event(EventKind::ServerClosed, id, 0, finished, forced, None);
    }
}
