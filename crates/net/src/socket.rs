//! Sockets that never block, and the few calls the engine makes on them.
//!
//! Every descriptor made here is close-on-exec and non-blocking. A call that would wait returns
//! [`io::ErrorKind::WouldBlock`]; one that a signal interrupts is made again.

use std::io::{self, IoSlice};
use std::os::fd::{OwnedFd, RawFd};

use socket2::{Domain, Socket, Type};

use crate::sys;

mod accept;
mod connect;
mod info;
mod inherit;
mod listen;
mod peer;
mod spare;
mod tuning;

pub use accept::{AcceptError, Accepted, accept};
pub use connect::{Begun, ConnectTcp, connect_tcp, connect_unix};
pub use info::{Credentials, TcpInfo, peer_credentials, tcp_info};
pub use inherit::{Inherited, inherit};
pub use listen::{ListenTcp, listen_tcp, listen_unix};
pub use peer::Peer;
pub use spare::Spare;
pub use tuning::{KeepAlive, Tuning, set_keep_alive, set_user_timeout, tune_listener};

/// Reads what has arrived; 0 means that the peer has finished sending (or that `buffer` is empty).
///
/// # Errors
/// `WouldBlock` when nothing is there, or what the system says.
pub fn recv(fd: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
    sys::socket::recv(fd, buffer)
}

/// Hands bytes to the kernel and says how many it took. Never raises SIGPIPE.
///
/// # Errors
/// `WouldBlock` when its buffer is full, or what the system says: `BrokenPipe` or `ConnectionReset` when the peer is
/// gone.
pub fn send(fd: RawFd, bytes: &[u8]) -> io::Result<usize> {
    sys::socket::send(fd, bytes)
}

/// Hands the bytes of several slices to the kernel, in order, and says how many bytes it took together.
///
/// Of more slices than the kernel takes at once (1 024 on Linux) the first are sent. Never raises SIGPIPE.
///
/// # Errors
/// As [`send`].
pub fn send_vectored(fd: RawFd, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    sys::socket::send_vectored(fd, slices)
}

/// As [`send_vectored`], where more follows at once: the last packet may wait for it (`MSG_MORE`).
///
/// # Errors
/// As [`send`].
pub fn send_before_more(fd: RawFd, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    sys::socket::send_before_more(fd, slices)
}

/// Hands up to `len` bytes of a file, from `offset` on, to the kernel and says how many it took; 0: the file ends
/// there. Never raises SIGPIPE. May wait for a disk.
///
/// # Errors
/// As [`send`]; `InvalidInput` when the system cannot do it with this file.
pub fn send_file(fd: RawFd, file: RawFd, offset: u64, len: usize) -> io::Result<usize> {
    sys::socket::send_file(fd, file, offset, len)
}

/// Finishes our sending side: the peer reads the end of the stream and can still send.
///
/// # Errors
/// `NotConnected` when the connection is gone, or what the system says.
pub fn shutdown_write(fd: RawFd) -> io::Result<()> {
    sys::socket::shutdown_write(fd)
}

/// Makes a TCP socket send small writes at once (`TCP_NODELAY`); the engine gathers them itself.
///
/// # Errors
/// What the system says; a Unix socket has no such option.
pub fn set_nodelay(fd: RawFd, on: bool) -> io::Result<()> {
    sys::socket::set_nodelay(fd, on)
}

/// Makes closing the socket reset the connection and discard what was not sent (`SO_LINGER` of 0 seconds).
///
/// # Errors
/// What the system says.
pub fn set_linger_zero(fd: RawFd) -> io::Result<()> {
    sys::socket::set_linger_zero(fd)
}

/// Has the system drop what would begin another handshake with a listener; handshakes that have begun are completed and
/// come out of [`accept`]. The peer tries again by itself, about a second later.
///
/// # Errors
/// What the system says; other systems than Linux have no such thing.
pub fn hold_back_handshakes(listener: RawFd) -> io::Result<()> {
    sys::socket::hold_back_handshakes(listener)
}

/// Whether the system moves the handshakes and the accept queue of a listener that closes to another listener of the
/// same port (Linux 5.14 with `net.ipv4.tcp_migrate_req`).
pub fn migrates_handshakes() -> bool {
    sys::socket::migrates_handshakes()
}

/// How many bytes of the peer's the kernel holds for us. After a hang-up 0 means that the next [`recv`] reads the end.
///
/// # Errors
/// What the system says.
pub fn unread(fd: RawFd) -> io::Result<u64> {
    sys::socket::unread(fd)
}

/// How much of what the kernel took of us it still holds for the peer: bytes that the peer has not acknowledged, or for a
/// Unix socket the memory of what it has not read (`SIOCOUTQ`). While nothing is sent it falls with what the peer takes.
///
/// # Errors
/// What the system says; other systems than Linux cannot.
pub fn untaken(fd: RawFd) -> io::Result<u64> {
    sys::socket::untaken(fd)
}

/// Takes the pending error of a socket (`SO_ERROR`), which clears it: why a dial failed, why a connection broke.
///
/// # Errors
/// What the system says when it cannot be asked.
pub fn take_error(fd: RawFd) -> io::Result<Option<io::Error>> {
    sys::socket::take_error(fd)
}

/// The address of our end.
///
/// # Errors
/// What the system says.
pub fn local_addr(fd: RawFd) -> io::Result<Peer> {
    sys::socket::local_addr(fd)
}

/// The address of the other end.
///
/// # Errors
/// `NotConnected` when there is none, or what the system says.
pub fn peer_addr(fd: RawFd) -> io::Result<Peer> {
    sys::socket::peer_addr(fd)
}

/// Makes two connected Unix stream sockets: a link without a listener, for tests.
///
/// # Errors
/// What the system says.
pub fn socket_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let kind = Type::STREAM.nonblocking().cloexec();
    let (one, two) = Socket::pair(Domain::UNIX, kind, None)?;
    Ok((one.into(), two.into()))
}
