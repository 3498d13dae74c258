//! Connections that come: the accept loop, and what a connection begins with.

use crate::close::connections_gauge;
use crate::connection::{Connection, Deadline, flag as conn};
use crate::engine::Engine;
use crate::event::Host;
use crate::flush::settle::ORDINARY;
use crate::id::Id;
use crate::link::Link;
use crate::options::{ACCEPT_BUDGET, ServerKind};
use crate::server::Server;
use crate::server::gate::Entered;
use crate::server::turned_away::BUSY;
use millrace_error::{Code, Error};
use millrace_metrics::Counter;
use millrace_net::socket::{self, AcceptError};
use millrace_net::{Interest, Peer, ReadyFlags};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

impl<V: Copy> Engine<V> {
    /// A listener has connections for us. As many are taken as there were of late, at first one, since a look at an empty
    /// queue costs as much as a connection; the poller tells of more. What they have sent by now is read at once.
    pub(crate) fn accept_ready<H: Host<Value = V>>(&mut self, host: &mut H, id: Id) {
        let Some(server) = self.servers.get_mut(id) else { return };
        let again = self.polls.wrapping_sub(server.accepted_in) <= 1;
        server.accepted_in = self.polls;
        server.crowd = match again {
            true => (server.crowd * 2).min(ACCEPT_BUDGET),
            false => 1,
        };
        let most = server.crowd;
        self.accept(id, most);
        let mut fresh = std::mem::take(&mut self.fresh);
        for id in fresh.drain(..) {
            // One that is not read yet, a tunnel or who has to wait, is not to look as if it had more than a read takes.
            if self.events.len() < self.budget && self.wants_read(id) {
                self.guarded(id, |engine| engine.handle_socket(host, id, ReadyFlags::READABLE));
            }
        }
        self.fresh = fresh;
    }

    /// Takes connections from the queue, so many at most; says whether that ended it.
    pub(crate) fn accept(&mut self, id: Id, most: usize) -> bool {
        for _ in 0..most {
            let Some(server) = self.servers.get(id) else {
                return false;
            };
            let unix = server.unix;
            let Some(listener) = server.listener.as_ref().map(AsRawFd::as_raw_fd) else {
                return false;
            };
            match socket::accept(listener) {
                Ok(accepted) => {
                    let fresh = self.accepted(id, accepted.fd, accepted.peer, unix);
                    self.fresh.extend(fresh);
                }
                Err(AcceptError::Retry(_)) => {}
                Err(AcceptError::WouldBlock) => return false,
                Err(AcceptError::Exhausted(error)) => {
                    let answer = if server.answers_in_the_clear() { BUSY } else { b"" };
                    if self.spare.refuse_one(listener, answer) {
                        self.refused(id);
                    }
                    self.pause_accepting(id, listener, &error);
                    return false;
                }
                Err(AcceptError::Fatal(error)) => {
                    self.pause_accepting(id, listener, &error);
                    return false;
                }
            }
        }
        true
    }

    /// Makes a connection of a socket that is connected already, as if it had been accepted.
    ///
    /// # Errors
    /// What is wrong with the socket or the server; the descriptor is given back, as it was.
    pub fn adopt(&mut self, server: f64, fd: OwnedFd) -> Result<(), (Error, OwnedFd)> {
        let id = Id::from_f64(server).filter(|id| self.servers.get(*id).is_some_and(|server| !server.closing));
        let Some(id) = id else {
            return Err((Code::ServerClosed.into(), fd));
        };
        match socket::inherit(fd.as_fd()) {
            Ok(seen) if seen.listens => Err((Code::InvalidArgument.into(), fd)),
            Ok(seen) => {
                let no_delay = self
                    .servers
                    .get(id)
                    .is_some_and(|server| server.options.socket.no_delay);
                if !seen.unix && no_delay {
                    // A peer that has gone already is noticed at the first read.
                    let _ = socket::set_nodelay(fd.as_raw_fd(), true);
                }
                self.accepted(id, fd, seen.peer, seen.unix);
                Ok(())
            }
            Err(error) => Err((Error::system("getsockopt", &error), fd)),
        }
    }

    /// Gives the connection, unless it waits for its turn.
    fn accepted(&mut self, id: Id, fd: OwnedFd, peer: Peer, unix: bool) -> Option<Id> {
        let link = if unix { Link::Unix(fd) } else { Link::Tcp(fd) };
        let entered = self.enter(id, peer.addr().map(|addr| addr.ip()));
        let server = self.servers.get_mut(id)?;
        let Entered { flags, delay_ms } = match entered {
            Ok(entered) => entered,
            Err(error) => {
                self.refuse(id, link, peer, &error);
                return None;
            }
        };
        server.stats.accepted += 1;
        server.stats.active += 1;
        let closing = server.closing;
        let secure = server.tls.is_some();
        let raw = server.options.kind == ServerKind::Raw;
        let opens = server.opens_at_once();
        let flags = if secure { flags | conn::HANDSHAKING } else { flags };
        let flags = if raw { flags | conn::RAW } else { flags };
        let ((deadline, after), flags) = match delay_ms {
            // Raw listeners have no reputation to go by.
            1.. if !raw => ((Deadline::Delay, delay_ms), flags | conn::DELAYED),
            _ => (server.first_deadline(), flags),
        };
        let counter = match raw {
            true => Counter::SocketsAccepted,
            false => Counter::HttpServerConnectionsAccepted,
        };
        let delayed = u64::from(flags & conn::DELAYED != 0);
        self.metrics.add(Counter::HttpServerConnectionsDelayed, delayed);
        self.metrics.add(counter, 1);
        self.metrics.gauge_add(connections_gauge(raw), 1);
        let connection = self.adopt_link(id, link, peer, flags, deadline, after);
        let connection = connection?;
        if raw && opens {
            self.open_at_once(connection);
        } else if closing {
            // Came in the last moment: looked at like the others.
            self.queue(connection);
            return None;
        }
        Some(connection)
    }

    /// A raw listener's connection without layers is a tunnel from the start.
    fn open_at_once(&mut self, id: Id) {
        match self.open_accepted(id) {
            Ok(stream) => {
                let mut stack = self.raw_stack(stream);
                stack.progress_ms = self.from_ms;
                if let Some(connection) = self.connections.get_mut(id) {
                    connection.flags |= conn::SEEN_BYTES;
                }
                self.give_stack_and_touch(id, stack);
            }
            Err(error) => self.close(id, error),
        }
    }

    /// The time of a delayed connection has come: it is read, and its clocks begin.
    pub(crate) fn serve_delayed(&mut self, id: Id) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.flags &= !conn::DELAYED;
        let server = self.servers.at(connection.server);
        let (deadline, after) = server.map_or((Deadline::None, 0), |(_, server)| server.first_deadline());
        self.set_deadline(id, deadline, self.from_ms + after);
        self.update_interest(id);
    }

    /// Makes a connection of a link; `None` when no slot is free (the link is closed) or it cannot be watched.
    pub(crate) fn adopt_link(
        &mut self,
        server: Id,
        link: Link,
        peer: Peer,
        flags: u32,
        deadline: Deadline,
        after_ms: u64,
    ) -> Option<Id> {
        let fd = link.descriptor();
        let interest = match flags & conn::DELAYED {
            0 => ORDINARY,
            _ => Interest::HANGUP,
        };
        let bare = self.servers.get(server).is_some_and(Server::has_no_layers);
        let mut connection = Connection::new(link, peer, server.slot(), flags, interest);
        if bare && interest == ORDINARY {
            connection.interest = connection.usual_interest();
        }
        let interest = connection.interest;
        let added = self.connections.insert(connection).filter(|id| {
            let watched = fd.is_none_or(|fd| self.poller.add(fd, id.as_u64(), interest).is_ok());
            if !watched {
                self.connections.remove(*id);
            }
            watched
        });
        match added {
            Some(id) => self.set_deadline(id, deadline, self.from_ms + after_ms),
            None if flags & conn::REFUSED == 0 => {
                self.metrics.gauge_add(connections_gauge(flags & conn::RAW != 0), -1);
                if let Some(server) = self.servers.get_mut(server) {
                    server.stats.active -= 1;
                    if fd.is_some() {
                        let counted = flags & conn::CLIENT_COUNTED != 0;
                        server.gate.leave(peer.addr().map(|addr| addr.ip()).filter(|_| counted));
                    }
                }
            }
            None => {}
        }
        added
    }
}
