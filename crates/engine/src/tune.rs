//! Options of the socket under a stream that may change while it lives, and what the system knows of it.

use crate::engine::Engine;
use crate::id::Id;
use crate::link::Link;
use millrace_error::{Code, Error};
use millrace_net::socket::{self, Credentials, KeepAlive, TcpInfo};
use std::os::fd::{AsFd, AsRawFd};

/// An option of a TCP socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tune {
    /// TCP_NODELAY.
    NoDelay(bool),
    /// SO_KEEPALIVE and what goes with it; `None`: off.
    KeepAlive(Option<KeepAlive>),
    /// TCP_USER_TIMEOUT in ms; 0: the system's.
    UserTimeout(u32),
}

impl<V: Copy> Engine<V> {
    fn link_of(&self, stream: f64) -> Option<&Link> {
        let stream = self.streams.get(Id::from_f64(stream)?)?;
        Some(&self.connections.get(stream.connection)?.link)
    }

    /// Sets an option of the socket under a stream. Where that is a Unix socket, which has none of them, nothing happens.
    ///
    /// # Errors
    /// `STALE_ID` when it is gone, or what the system says.
    pub fn tune(&mut self, stream: f64, option: Tune) -> Result<(), Error> {
        let fd = match self.link_of(stream).ok_or(Code::StaleId)? {
            Link::Tcp(fd) => fd,
            _ => return Ok(()),
        };
        let set = match option {
            Tune::NoDelay(on) => socket::set_nodelay(fd.as_raw_fd(), on),
            Tune::KeepAlive(keep) => socket::set_keep_alive(fd.as_fd(), keep),
            Tune::UserTimeout(ms) => socket::set_user_timeout(fd.as_fd(), ms),
        };
        set.map_err(|error| Error::system("setsockopt", &error))
    }

    /// What the system knows of the TCP connection under a stream; `None` where it is none, or gone.
    pub fn tcp_info(&self, stream: f64) -> Option<TcpInfo> {
        match self.link_of(stream)? {
            Link::Tcp(fd) => socket::tcp_info(fd.as_raw_fd()).ok(),
            _ => None,
        }
    }

    /// Who is at the other end of the Unix socket under a stream; `None` where it is none, or gone.
    pub fn peer_credentials(&self, stream: f64) -> Option<Credentials> {
        match self.link_of(stream)? {
            Link::Unix(fd) => socket::peer_credentials(fd.as_raw_fd()).ok(),
            _ => None,
        }
    }
}
