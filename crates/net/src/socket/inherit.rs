//! Sockets that somebody else made: systemd, a parent process, a tunnel.

use std::io;
use std::os::fd::BorrowedFd;

use socket2::{Domain, SockRef, Type};

use super::Peer;
use crate::sys;
use std::os::fd::AsRawFd;

/// What a descriptor turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inherited {
    /// A Unix socket; else TCP.
    pub unix: bool,
    /// It listens; else it is a connection.
    pub listens: bool,
    /// Who is at the other end of a connection.
    pub peer: Peer,
}

/// Looks at a descriptor and makes it non-blocking and close-on-exec when it is a socket that we can serve.
///
/// # Errors
/// `InvalidInput` when it is no stream socket of TCP or Unix, `NotConnected` when it neither listens nor is connected,
/// or what the system says; the descriptor is as it was then.
pub fn inherit(fd: BorrowedFd<'_>) -> io::Result<Inherited> {
    let socket = SockRef::from(&fd);
    let domain = socket.domain()?;
    let ours = [Domain::IPV4, Domain::IPV6, Domain::UNIX].contains(&domain);
    if !ours || socket.r#type()? != Type::STREAM {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let listens = socket.is_listener()?;
    let peer = if listens {
        Peer::Unknown
    } else {
        sys::socket::peer_addr(fd.as_raw_fd())?
    };
    socket.set_nonblocking(true)?;
    socket.set_cloexec(true)?;
    let unix = domain == Domain::UNIX;
    Ok(Inherited { unix, listens, peer })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;

    #[test]
    fn tells_listeners_connections_and_everything_else_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let client = TcpStream::connect(address).expect("it listens");
        let seen = inherit(listener.as_fd()).expect("a listener");
        assert_eq!((seen.unix, seen.listens), (false, true));
        let seen = inherit(client.as_fd()).expect("a connection");
        assert_eq!((seen.unix, seen.listens, seen.peer), (false, false, address.into()));
        let (near, _far) = crate::socket::socket_pair().expect("a pair");
        let seen = inherit(near.as_fd()).expect("a connection");
        assert_eq!((seen.unix, seen.listens, seen.peer), (true, false, Peer::Unix));

        let datagram = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
        let kind = |result: io::Result<Inherited>| result.expect_err("not ours").kind();
        assert_eq!(kind(inherit(datagram.as_fd())), io::ErrorKind::InvalidInput);
        let alone = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        assert_eq!(kind(inherit(alone.as_fd())), io::ErrorKind::NotConnected);
        let file = std::fs::File::open("/proc/self/exe").expect("our own program");
        assert_eq!(
            inherit(file.as_fd()).expect_err("no socket").raw_os_error(),
            Some(libc::ENOTSOCK)
        );
    }
}
