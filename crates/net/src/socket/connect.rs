//! Connections that we begin.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::listen::unix_address;
use super::tuning::{KeepAlive, set_keep_alive, set_user_timeout};
use crate::sys;

/// How to connect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectTcp {
    /// The address on our side; `None`: the system's choice.
    pub local: Option<SocketAddr>,
    /// TCP_NODELAY.
    pub no_delay: bool,
    /// SO_KEEPALIVE and what goes with it.
    pub keep_alive: Option<KeepAlive>,
    /// TCP_USER_TIMEOUT in ms: how long sent bytes may stay unacknowledged; 0: the system's.
    pub user_timeout_ms: u32,
    /// TCP Fast Open: the connection is writable at once, and the first bytes go with the SYN where the peer's host gave
    /// us a cookie before; one that is never written to is never begun then. Ignored where the system has it not.
    pub fast_open: bool,
}

/// A TCP connection that was begun.
#[derive(Debug)]
pub struct Begun {
    /// Its socket.
    pub fd: OwnedFd,
    /// Whether it can be written to at once: it is there already, or its SYN waits for the first bytes (fast open). Of
    /// the latter the system knows no peer before it has answered.
    pub at_once: bool,
}

/// Begins a TCP connection; it is there, or has failed, when the socket becomes writable:
/// [`take_error`](super::take_error) says which.
///
/// # Errors
/// What the system says at once: no route, no address, no descriptor.
pub fn connect_tcp(to: SocketAddr, options: &ConnectTcp) -> io::Result<Begun> {
    let kind = Type::STREAM.nonblocking().cloexec();
    let socket = Socket::new(Domain::for_address(to), kind, Some(Protocol::TCP))?;
    socket.set_tcp_nodelay(options.no_delay)?;
    if options.keep_alive.is_some() {
        set_keep_alive(socket.as_fd(), options.keep_alive)?;
    }
    if options.user_timeout_ms > 0 {
        set_user_timeout(socket.as_fd(), options.user_timeout_ms)?;
    }
    if options.fast_open {
        // A system without it connects as ever.
        let _ = sys::socket::set_fast_open_connect(socket.as_raw_fd());
    }
    if let Some(local) = options.local {
        socket.bind(&local.into())?;
    }
    let at_once = begin(&socket, &to.into())?;
    Ok(Begun {
        fd: socket.into(),
        at_once,
    })
}

/// Begins a connection to a Unix socket; a path that begins with a zero byte is an abstract name.
///
/// # Errors
/// `ConnectionRefused` or `NotFound` when nobody listens; `WouldBlock` when the listener's queue is full; ENAMETOOLONG.
pub fn connect_unix(path: impl AsRef<Path>) -> io::Result<OwnedFd> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking().cloexec(), None)?;
    begin(&socket, &unix_address(path.as_ref())?)?;
    Ok(socket.into())
}

/// Says whether the system has nothing to wait for. Interrupted by a signal, a connect goes on by itself: it is never
/// made again.
fn begin(socket: &Socket, to: &SockAddr) -> io::Result<bool> {
    match socket.connect(to) {
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
        result => result.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket::{accept, listen_tcp, take_error};

    #[test]
    fn a_connection_that_was_begun_is_accepted_and_has_no_error() {
        let listener = listen_tcp(&crate::ListenTcp {
            addr: "127.0.0.1:0".parse().expect("an address"),
            backlog: 1,
            reuse_port: false,
            ipv6_only: false,
        })
        .expect("a port");
        let to = crate::socket::local_addr(listener.as_raw_fd()).expect("bound").addr();
        let options = ConnectTcp {
            no_delay: true,
            keep_alive: Some(KeepAlive {
                idle_s: 60,
                interval_s: 10,
                count: 3,
            }),
            user_timeout_ms: 5_000,
            fast_open: true,
            local: None,
        };
        let client = connect_tcp(to.expect("TCP"), &options).expect("begun").fd;
        while accept(listener.as_raw_fd()).is_err() {}
        assert!(take_error(client.as_raw_fd()).expect("asked").is_none());
    }

    #[test]
    fn a_socket_that_nobody_listens_on_refuses_at_once() {
        let error = connect_unix("\0millrace-nobody-listens-here").expect_err("nobody listens");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
