//! The epoll poller.

use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use super::retry::retry;
use crate::poller::{Interest, Poller, Ready, ReadyFlags};

/// How many events one call fetches at most.
const EVENTS: usize = 256;

/// An epoll descriptor, made to be watched by the host's own loop.
///
/// An epoll descriptor is itself readable while something in it is ready (epoll(7), "nested"), so one handle of the
/// host's loop covers every socket of the reactor.
pub struct NestedEpoll {
    epoll: OwnedFd,
    events: Box<[libc::epoll_event; EVENTS]>,
}

impl NestedEpoll {
    /// Makes a poller that watches nothing yet.
    ///
    /// # Errors
    /// What the system says: descriptors or memory have run out.
    pub fn new() -> io::Result<Self> {
        // SAFETY: no pointers are passed.
        let fd = retry(|| unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        Ok(Self {
            // SAFETY: the descriptor is new and nobody else knows it.
            epoll: unsafe { OwnedFd::from_raw_fd(fd) },
            events: Box::new([libc::epoll_event { events: 0, u64: 0 }; EVENTS]),
        })
    }

    fn control(&self, operation: libc::c_int, fd: RawFd, token: u64, interest: Interest) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: events_of(interest),
            u64: token,
        };
        // SAFETY: `event` lives through the call, which only reads it.
        retry(|| unsafe { libc::epoll_ctl(self.epoll.as_raw_fd(), operation, fd, &mut event) })?;
        Ok(())
    }
}

impl Poller for NestedEpoll {
    fn add(&mut self, fd: RawFd, token: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, token, interest)
    }

    fn modify(&mut self, fd: RawFd, token: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, token, interest)
    }

    fn remove(&mut self, fd: RawFd, token: u64) {
        // ENOENT and EBADF, the only possible errors, say that it is not watched: what was wanted.
        let _ = self.control(libc::EPOLL_CTL_DEL, fd, token, Interest::NONE);
    }

    fn poll(&mut self, ready: &mut Vec<Ready>) -> io::Result<()> {
        let (fd, events) = (self.epoll.as_raw_fd(), self.events.as_mut_ptr());
        // SAFETY: `events` points to EVENTS events, which the call may write.
        let count = retry(|| unsafe { libc::epoll_wait(fd, events, EVENTS as libc::c_int, 0) })?;
        // The result lies in 0..=EVENTS.
        ready.extend(self.events.iter().take(count as usize).map(|event| Ready {
            token: event.u64,
            flags: flags_of(event.events),
        }));
        Ok(())
    }

    fn descriptor(&self) -> Option<RawFd> {
        Some(self.epoll.as_raw_fd())
    }
}

impl fmt::Debug for NestedEpoll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NestedEpoll")
            .field("epoll", &self.epoll)
            .finish_non_exhaustive()
    }
}

fn events_of(interest: Interest) -> u32 {
    let of = |asked, event: libc::c_int| if interest.contains(asked) { event as u32 } else { 0 };
    of(Interest::READ, libc::EPOLLIN)
        | of(Interest::WRITE, libc::EPOLLOUT)
        | of(Interest::HANGUP, libc::EPOLLRDHUP)
        | of(Interest::EDGE, libc::EPOLLET | libc::EPOLLPRI)
}

fn flags_of(events: u32) -> ReadyFlags {
    let of = |event: libc::c_int, flag| {
        if events & event as u32 != 0 {
            flag
        } else {
            ReadyFlags::NONE
        }
    };
    of(libc::EPOLLIN, ReadyFlags::READABLE)
        | of(libc::EPOLLOUT, ReadyFlags::WRITABLE)
        | of(libc::EPOLLRDHUP, ReadyFlags::HANGUP)
        | of(libc::EPOLLERR | libc::EPOLLHUP, ReadyFlags::CLOSED)
        | of(libc::EPOLLPRI, ReadyFlags::URGENT)
}
