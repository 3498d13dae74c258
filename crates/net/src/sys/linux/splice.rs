//! Bytes that move between sockets without passing through user memory.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::ptr;

use libc::{c_int, c_uint};

use super::retry::retry;
use super::socket::PipeMask;

const FLAGS: c_uint = libc::SPLICE_F_NONBLOCK | libc::SPLICE_F_MOVE;

/// Whether sockets can be spliced here.
pub(crate) const fn is_there() -> bool {
    true
}

/// A pipe that takes `size` bytes, its reading end first; `None` where descriptors or pages have run out: the system
/// makes one of a page or two then, which is of no use.
pub(crate) fn pipe(size: usize) -> Option<(OwnedFd, OwnedFd)> {
    let mut fds: [c_int; 2] = [-1; 2];
    // SAFETY: the call writes two descriptors.
    retry(|| unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_NONBLOCK | libc::O_CLOEXEC) }).ok()?;
    // SAFETY: both are new and nobody else knows them.
    let (reader, writer) = unsafe { (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1])) };
    // SAFETY: no pointers are passed.
    let takes = retry(|| unsafe { libc::fcntl(fds[1], libc::F_GETPIPE_SZ) }).ok()?;
    (takes as usize >= size).then_some((reader, writer))
}

/// Up to `len` bytes of a socket into an empty pipe; 0: the peer has ended. `WouldBlock`: nothing is there.
pub(crate) fn socket_to_pipe(socket: RawFd, pipe: RawFd, len: usize) -> io::Result<usize> {
    splice(socket, pipe, len)
}

/// Up to `len` bytes of a pipe into a socket. `WouldBlock`: the socket is full.
pub(crate) fn pipe_to_socket(pipe: RawFd, socket: RawFd, len: usize) -> io::Result<usize> {
    // splice has no flag against SIGPIPE.
    let mask = PipeMask::set();
    let result = splice(pipe, socket, len);
    mask.restore(matches!(&result, Err(error) if error.raw_os_error() == Some(libc::EPIPE)));
    result
}

fn splice(from: RawFd, to: RawFd, len: usize) -> io::Result<usize> {
    // SAFETY: without offsets no pointers are passed.
    let result = retry(|| unsafe { libc::splice(from, ptr::null_mut(), to, ptr::null_mut(), len, FLAGS) });
    Ok(result? as usize)
}
