//! Happy Eyeballs (RFC 8305 §5): the addresses of a host are tried in their order, the next one when the last has failed
//! or when 250 ms have passed; no attempt is given up before another has won, and then all others are.

use super::{Dialling, Step, order};
use crate::connection::{Deadline, flag as conn};
use crate::engine::Engine;
use crate::event::Host;
use crate::id::Id;
use crate::link::Link;
use millrace_error::{Code, Error};
use millrace_metrics::{Counter, Histogram};
use millrace_net::socket::{self, Begun};
use millrace_net::{Interest, Peer};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};

/// After how long without a connection the next address is tried too (RFC 8305 §5), in ms.
pub const ATTEMPT_DELAY_MS: u64 = 250;

/// A connection to one address that is under way.
pub(crate) struct Attempt {
    fd: OwnedFd,
    to: SocketAddr,
    /// Whether it can be written to although the system may know no peer yet.
    at_once: bool,
}

impl<V: Copy> Engine<V> {
    /// Begins, or begins again, to connect.
    pub(super) fn begin_connecting(&mut self, id: Id) -> Result<(), Error> {
        let from = self.from_ms;
        let Some(mut stack) = self.take_stack(id) else {
            return Ok(());
        };
        let mut outcome = Ok(());
        if let Some(dial) = &mut stack.dial {
            dial.connect_by_ms = match dial.connect_timeout_ms {
                0 => u64::MAX,
                ms => from + ms,
            };
            if dial.addresses.is_empty() {
                self.set_connect_deadline(id, dial);
            } else {
                outcome = self.try_next(id, dial);
            }
        }
        self.give_stack(id, stack);
        outcome
    }

    /// Tries the next address; and those after it while the system refuses at once. An error when none is left and
    /// nothing is under way.
    fn try_next(&mut self, id: Id, dial: &mut Dialling) -> Result<(), Error> {
        while let Some(to) = dial.addresses.get(dial.next).copied() {
            dial.next += 1;
            self.metrics.add(Counter::SocketsConnectAttempts, 1);
            let begun = socket::connect_tcp(to, &dial.socket)
                .map_err(|error| Error::system("connect", &error))
                .and_then(
                    |begun| match self.poller.add(begun.fd.as_raw_fd(), id.as_u64(), Interest::WRITE) {
                        Ok(()) => Ok(begun),
                        Err(error) => Err(Error::system("epoll_ctl", &error)),
                    },
                );
            match begun {
                Ok(Begun { fd, at_once }) => {
                    dial.attempts.push(Attempt { fd, to, at_once });
                    dial.last_attempt_ms = self.from_ms;
                    dial.next_attempt_ms = match dial.next < dial.addresses.len() {
                        true => self.from_ms + ATTEMPT_DELAY_MS,
                        false => u64::MAX,
                    };
                    self.set_connect_deadline(id, dial);
                    return Ok(());
                }
                Err(error) => dial.failures.push((to, error)),
            }
        }
        dial.next_attempt_ms = u64::MAX;
        self.set_connect_deadline(id, dial);
        match dial.attempts.is_empty() && !dial.more {
            // The first address is the one that its owner prefers: what it said is told, with the rest beside it.
            true => Err(dial
                .failures
                .first()
                .map_or(Code::ConnectTimeout.into(), |(_, error)| *error)),
            false => Ok(()),
        }
    }

    /// The rest of the addresses of a dial, or that there are none: they are tried in their turn (RFC 8305 §3).
    pub fn add_addresses(&mut self, stream: f64, addresses: &[SocketAddr]) -> bool {
        let found = Id::from_f64(stream).and_then(|stream| self.streams.get(stream));
        let Some(id) = found.map(|stream| stream.connection) else {
            return false;
        };
        let Some(connection) = self.connections.get_mut(id).filter(|one| one.has(conn::CONNECTING)) else {
            return false;
        };
        let Some(dial) = connection.stack.as_mut().and_then(|stack| stack.dial.as_mut()) else {
            return false;
        };
        dial.more = false;
        let mut untried = dial.addresses.split_off(dial.next);
        untried.extend_from_slice(addresses);
        if dial.sorted {
            order(&mut untried);
        }
        dial.addresses.extend(untried);
        // Where nothing is under way any more it fails, or goes on, in the next turn.
        self.queue(id);
        true
    }

    /// Goes on after addresses were added.
    pub(crate) fn go_on_connecting<H: Host<Value = V>>(&mut self, host: &mut H, id: Id) {
        let Some(mut stack) = self.take_stack(id) else { return };
        let mut outcome = Ok(());
        if let Some(dial) = stack.dial.as_mut().filter(|dial| !dial.addresses.is_empty()) {
            let due = dial.last_attempt_ms + ATTEMPT_DELAY_MS;
            if dial.attempts.is_empty() || due <= self.now_ms {
                outcome = self.try_next(id, dial);
            } else {
                dial.next_attempt_ms = due;
                self.set_connect_deadline(id, dial);
            }
        }
        self.give_stack(id, stack);
        if let Err(error) = outcome {
            self.dial_failed(host, id, error, b"");
        }
    }

    fn set_connect_deadline(&mut self, id: Id, dial: &Dialling) {
        let next = match dial.next < dial.addresses.len() {
            true => dial.next_attempt_ms,
            false => u64::MAX,
        };
        match dial.connect_by_ms.min(next) {
            u64::MAX => self.set_deadline(id, Deadline::None, 0),
            at => self.set_deadline(id, Deadline::Connect, at),
        }
    }

    /// A socket of a connection that we began is writable: it is there, or has failed.
    pub(crate) fn connected<H: Host<Value = V>>(&mut self, host: &mut H, id: Id) {
        let Some(mut stack) = self.take_stack(id) else { return };
        let outcome = match &mut stack.dial {
            Some(dial) => self.look_at_attempts(id, dial),
            None => Ok(false),
        };
        self.give_stack(id, stack);
        match outcome {
            Ok(false) => {}
            Ok(true) => self.open_steps(host, id),
            Err(error) => self.dial_failed(host, id, error, b""),
        }
    }

    /// Whether one attempt has won; an error when all have failed.
    fn look_at_attempts(&mut self, id: Id, dial: &mut Dialling) -> Result<bool, Error> {
        let Some(connection) = self.connections.get_mut(id) else {
            return Ok(false);
        };
        if let Some(fd) = connection.link.descriptor() {
            return match socket::take_error(fd) {
                Ok(None) => Ok(true),
                Ok(Some(error)) | Err(error) => Err(Error::system("connect", &error)),
            };
        }
        let mut failed = false;
        let mut place = 0;
        while let Some(attempt) = dial.attempts.get(place) {
            let fd = attempt.fd.as_raw_fd();
            match socket::take_error(fd) {
                Ok(None) if attempt.at_once || socket::peer_addr(fd).is_ok() => {
                    let won = dial.attempts.swap_remove(place);
                    for other in dial.attempts.drain(..) {
                        self.poller.remove(other.fd.as_raw_fd(), id.as_u64());
                    }
                    let nanos = self.now_ns.saturating_sub(dial.began_ns);
                    self.metrics.record(Histogram::SocketsConnectDuration, nanos);
                    if let Some(connection) = self.connections.get_mut(id) {
                        connection.peer = Peer::from(won.to);
                        connection.link = Link::Tcp(won.fd);
                        connection.interest = Interest::WRITE;
                    }
                    return Ok(true);
                }
                Ok(None) => place += 1,
                Ok(Some(error)) | Err(error) => {
                    let lost = dial.attempts.swap_remove(place);
                    self.poller.remove(lost.fd.as_raw_fd(), id.as_u64());
                    dial.failures.push((lost.to, Error::system("connect", &error)));
                    failed = true;
                }
            }
        }
        if failed {
            self.try_next(id, dial)?;
        }
        Ok(false)
    }

    /// The time has come for another address, or none is left and it took too long.
    pub(super) fn connect_expired<H: Host<Value = V>>(&mut self, host: &mut H, id: Id, at_ms: u64) {
        let Some(mut stack) = self.take_stack(id) else { return };
        let mut outcome = Ok(());
        if let Some(dial) = &mut stack.dial {
            if dial.connect_by_ms <= self.now_ms {
                let limit = dial.connect_timeout_ms;
                let late = self.now_ms.saturating_sub(at_ms);
                outcome = Err(Error::limit(Code::ConnectTimeout, limit, limit + late));
            } else {
                outcome = self.try_next(id, dial);
            }
        }
        self.give_stack(id, stack);
        if let Err(error) = outcome {
            self.dial_failed(host, id, error, b"");
        }
    }

    /// Closes the connection to a proxy that has to be dialled again, and everything that was built on it.
    pub(super) fn connect_again(&mut self, id: Id, dial: &mut Dialling) -> Result<(), Error> {
        let Some(connection) = self.connections.get_mut(id) else {
            return Ok(());
        };
        if let Some(fd) = connection.link.descriptor() {
            self.poller.remove(fd, id.as_u64());
        }
        let Peer::Unknown = connection.peer else {
            // The address that answered is the one to go to.
            let first = connection.peer.addr();
            connection.link = Link::None;
            connection.flags |= conn::CONNECTING;
            connection.flags &=
                !(conn::BLOCKED | conn::HANDSHAKING | conn::SECURE | conn::HANGUP_SEEN | conn::READ_CLOSED);
            connection.peer = Peer::Unknown;
            dial.addresses = first.into_iter().collect();
            dial.next = 0;
            dial.failures.clear();
            dial.at = 0;
            dial.connect_by_ms = match dial.connect_timeout_ms {
                0 => u64::MAX,
                ms => self.from_ms + ms,
            };
            return self.try_next(id, dial);
        };
        // Somebody else's socket: there is no second.
        Err(Code::ProxyClosed.into())
    }
}

impl Dialling {
    /// Stops watching what is under way; the descriptors close with it.
    pub(crate) fn attempts(&self) -> impl Iterator<Item = i32> + '_ {
        self.attempts.iter().map(|attempt| attempt.fd.as_raw_fd())
    }

    /// A line for each address that failed: address, port, errno.
    pub(super) fn failures(&self) -> String {
        let line =
            |(to, error): &(SocketAddr, Error)| format!("{} {} {}", to.ip(), to.port(), error.errno.unwrap_or(0));
        self.failures.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    pub(super) fn step(&self) -> Option<&Step> {
        self.steps.get(self.at)
    }
}
