//! Listeners.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// How to listen for TCP connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenTcp {
    /// The address and port; port 0 lets the system choose.
    pub addr: SocketAddr,
    /// How many connections may wait to be accepted; the system caps it (`net.core.somaxconn`).
    pub backlog: i32,
    /// Whether others may listen on the same port with this set too (`SO_REUSEPORT`): the kernel spreads connections
    /// over them by a hash.
    pub reuse_port: bool,
    /// For an IPv6 address: whether IPv4 connections are kept out.
    pub ipv6_only: bool,
}

/// Listens on a TCP port. `SO_REUSEADDR` is always set: connections in TIME_WAIT do not keep a restart from the port.
///
/// # Errors
/// What the system says: `AddrInUse`, `AddrNotAvailable`, `PermissionDenied` among it.
pub fn listen_tcp(options: &ListenTcp) -> io::Result<OwnedFd> {
    let kind = Type::STREAM.nonblocking().cloexec();
    let socket = Socket::new(Domain::for_address(options.addr), kind, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if options.reuse_port {
        socket.set_reuse_port(true)?;
    }
    if options.addr.is_ipv6() {
        socket.set_only_v6(options.ipv6_only)?;
    }
    socket.bind(&options.addr.into())?;
    socket.listen(options.backlog)?;
    Ok(socket.into())
}

/// Listens on a Unix socket; a path that begins with a zero byte is an abstract name, which has no file.
///
/// A socket file on which nobody listens any more is removed first; two that start at the same moment on the same
/// stale file may both succeed, and the later one gets the connections. The file is not removed when the listener is
/// closed: that is for who made it.
///
/// # Errors
/// `AddrInUse` when somebody listens there or the path is no socket; ENAMETOOLONG when it is too long (107 bytes on
/// Linux); or what the system says.
pub fn listen_unix(path: impl AsRef<Path>, backlog: i32) -> io::Result<OwnedFd> {
    let path = path.as_ref();
    let address = unix_address(path)?;
    let socket = stream_socket()?;
    match socket.bind(&address) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_stale(path, &address)? => {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => socket.bind(&address)?,
            }
        }
        bound => bound?,
    }
    socket.listen(backlog)?;
    Ok(socket.into())
}

/// The only path that has no address is one that is too long; the system's word for that has a number.
pub(super) fn unix_address(path: &Path) -> io::Result<SockAddr> {
    SockAddr::unix(path).map_err(|_| io::Error::from_raw_os_error(libc::ENAMETOOLONG))
}

/// Whether a path that is taken is a socket file that nobody listens on.
fn is_stale(path: &Path, address: &SockAddr) -> io::Result<bool> {
    if path.as_os_str().as_bytes().starts_with(b"\0") {
        return Ok(false);
    }
    match fs::symlink_metadata(path) {
        // Linux answers ECONNREFUSED for a file that is no socket as well; such a file is not ours to remove.
        Ok(file) if !file.file_type().is_socket() => return Ok(false),
        Ok(_) => {}
        // It went away since; binding again will tell.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    }
    match stream_socket()?.connect(address) {
        Err(error) => Ok(matches!(
            error.kind(),
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound
        )),
        Ok(()) => Ok(false),
    }
}

fn stream_socket() -> io::Result<Socket> {
    // Non-blocking also for the trial connect: it must not wait for a listener whose queue is full.
    Socket::new(Domain::UNIX, Type::STREAM.nonblocking().cloexec(), None)
}
