//! System calls on sockets.

use std::io::{self, IoSlice};
use std::mem::{self, MaybeUninit};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::ptr;

use libc::{c_int, c_long, c_void, socklen_t};

use super::retry::retry;
use crate::socket::{AcceptError, Credentials, Peer, TcpInfo};

/// The most slices that the kernel takes at once (`UIO_MAXIOV`); more give EMSGSIZE.
const MOST_SLICES: usize = 1024;

pub(crate) fn accept(listener: RawFd) -> io::Result<(OwnedFd, Peer)> {
    let mut fd = -1;
    let peer = with_address(|address, len| {
        // SAFETY: `with_address` passes a buffer and its length.
        fd = retry(|| unsafe { libc::accept4(listener, address, len, libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK) })?;
        Ok(())
    })?;
    // SAFETY: the call succeeded, so the descriptor is new and nobody else knows it.
    Ok((unsafe { OwnedFd::from_raw_fd(fd) }, peer))
}

pub(crate) fn accept_error(error: io::Error) -> AcceptError {
    match error.raw_os_error() {
        Some(libc::EAGAIN) => AcceptError::WouldBlock,
        // accept(2): "Linux accept() passes already-pending network errors on the new socket as an error code. For
        // reliable operation the application should detect the network errors defined for the protocol and treat them
        // like EAGAIN by retrying." Besides: a connection that was reset before we came, and a firewall's refusal.
        Some(
            libc::ECONNABORTED
            | libc::EPROTO
            | libc::EPERM
            | libc::ENETDOWN
            | libc::ENOPROTOOPT
            | libc::EHOSTDOWN
            | libc::ENONET
            | libc::EHOSTUNREACH
            | libc::EOPNOTSUPP
            | libc::ENETUNREACH
            | libc::ETIMEDOUT,
        ) => AcceptError::Retry(error),
        Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => AcceptError::Exhausted(error),
        _ => AcceptError::Fatal(error),
    }
}

// The two below are most of the calls there are. They go past glibc's functions of the same names, which are points of
// cancellation: in a process of several threads each of those takes two atomic operations, for a thing that Node's
// threads never do.

pub(crate) fn recv(fd: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
    let (start, len) = (buffer.as_mut_ptr(), buffer.len());
    let nobody = ptr::null_mut::<c_void>();
    // SAFETY: `start` and `len` are a slice that we may write; nobody wants the sender's address.
    let count = retry(|| unsafe {
        libc::syscall(
            libc::SYS_recvfrom,
            c_long::from(fd),
            start,
            len,
            c_long::from(libc::MSG_DONTWAIT),
            nobody,
            nobody,
        )
    })?;
    Ok(count as usize)
}

pub(crate) fn send(fd: RawFd, bytes: &[u8]) -> io::Result<usize> {
    let (start, len) = (bytes.as_ptr(), bytes.len());
    let flags = c_long::from(libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL);
    let nobody = ptr::null::<c_void>();
    // SAFETY: `start` and `len` are a slice, which the call only reads; a connected socket needs no address.
    let count = retry(|| unsafe {
        libc::syscall(
            libc::SYS_sendto,
            c_long::from(fd),
            start,
            len,
            flags,
            nobody,
            c_long::from(0),
        )
    })
    .map_err(not_yet)?;
    Ok(count as usize)
}

pub(crate) fn send_vectored(fd: RawFd, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    send_message(fd, slices, 0)
}

fn send_message(fd: RawFd, slices: &[IoSlice<'_>], flags: c_int) -> io::Result<usize> {
    // SAFETY: all-zero bytes are a valid msghdr, an empty one; musl has private padding that only this can fill.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    // The kernel only reads through the pointer; std promises that an IoSlice is laid out as an iovec.
    message.msg_iov = slices.as_ptr().cast_mut().cast::<libc::iovec>();
    // The field's type differs between C libraries.
    message.msg_iovlen = slices.len().min(MOST_SLICES) as _;
    let flags = flags | libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: `message` points to that many slices, all of which live through the call.
    let count = retry(|| unsafe { libc::sendmsg(fd, &message, flags) }).map_err(not_yet)?;
    Ok(count as usize)
}

/// A SYN that could take no bytes with it (fast open): they can be sent when the socket is writable, as ever.
fn not_yet(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::EINPROGRESS) => io::Error::from_raw_os_error(libc::EAGAIN),
        _ => error,
    }
}

pub(crate) fn send_before_more(fd: RawFd, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    send_message(fd, slices, libc::MSG_MORE)
}

pub(crate) fn send_file(fd: RawFd, file: RawFd, offset: u64, len: usize) -> io::Result<usize> {
    let mut offset = offset as libc::off64_t;
    // sendfile has no flag against SIGPIPE.
    let mask = PipeMask::set();
    // SAFETY: the call reads and writes the offset alone.
    let result = retry(|| unsafe { libc::sendfile64(fd, file, &mut offset, len) });
    mask.restore(matches!(&result, Err(error) if error.raw_os_error() == Some(libc::EPIPE)));
    Ok(result? as usize)
}

pub(crate) fn shutdown_write(fd: RawFd) -> io::Result<()> {
    // SAFETY: no pointers are passed.
    retry(|| unsafe { libc::shutdown(fd, libc::SHUT_WR) }).map(drop)
}

pub(crate) fn set_nodelay(fd: RawFd, on: bool) -> io::Result<()> {
    set_option(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, &c_int::from(on))
}

pub(crate) fn set_fast_open_connect(fd: RawFd) -> io::Result<()> {
    set_option(fd, libc::IPPROTO_TCP, libc::TCP_FASTOPEN_CONNECT, &1)
}

pub(crate) fn set_fast_open_listen(listener: RawFd, queue: c_int) -> io::Result<()> {
    set_option(listener, libc::IPPROTO_TCP, libc::TCP_FASTOPEN, &queue)
}

pub(crate) fn set_defer_accept(listener: RawFd, seconds: c_int) -> io::Result<()> {
    set_option(listener, libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT, &seconds)
}

pub(crate) fn tcp_info(fd: RawFd) -> io::Result<TcpInfo> {
    // Larger than the record of any kernel so far; one that is larger still is cut.
    let mut record = [0_u8; 512];
    let mut len = record.len() as socklen_t;
    let start = record.as_mut_ptr().cast::<c_void>();
    // SAFETY: `start` points to `len` bytes that the call may write, and any bytes are bytes.
    retry(|| unsafe { libc::getsockopt(fd, libc::IPPROTO_TCP, libc::TCP_INFO, start, &mut len) })?;
    Ok(TcpInfo::of_record(record.get(..len as usize).unwrap_or_default()))
}

pub(crate) fn peer_credentials(fd: RawFd) -> io::Result<Credentials> {
    let mut seen = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut len = size_of::<libc::ucred>() as socklen_t;
    let start = (&raw mut seen).cast::<c_void>();
    // SAFETY: `start` points to `len` bytes that the call may write, and any bytes are three numbers.
    retry(|| unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_PEERCRED, start, &mut len) })?;
    Ok(Credentials {
        pid: seen.pid,
        uid: seen.uid,
        gid: seen.gid,
    })
}

pub(crate) fn set_linger_zero(fd: RawFd) -> io::Result<()> {
    let linger = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    set_option(fd, libc::SOL_SOCKET, libc::SO_LINGER, &linger)
}

pub(crate) fn hold_back_handshakes(listener: RawFd) -> io::Result<()> {
    const FLAGS: u32 = 13;
    const SYN: u32 = 0x02;
    const SYN_ACK: u32 = 0x12;
    let step = |code: u32, jf: u8, k: u32| libc::sock_filter {
        code: code as u16,
        jt: 0,
        jf,
        k,
    };
    // A filter of a TCP socket sees packets from the TCP header on. What has SYN without ACK is dropped; connections
    // that come of the listener inherit the filter, and nothing of theirs looks like that.
    let mut steps = [
        step(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, 0, FLAGS),
        step(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, 0, SYN_ACK),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, SYN),
        step(libc::BPF_RET | libc::BPF_K, 0, 0),
        step(libc::BPF_RET | libc::BPF_K, 0, u32::MAX),
    ];
    let program = libc::sock_fprog {
        len: steps.len() as u16,
        filter: steps.as_mut_ptr(),
    };
    // The kernel copies the steps.
    set_option(listener, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
}

pub(crate) fn migrates_handshakes() -> bool {
    std::fs::read("/proc/sys/net/ipv4/tcp_migrate_req").is_ok_and(|value| value.starts_with(b"1"))
}

pub(crate) fn take_error(fd: RawFd) -> io::Result<Option<io::Error>> {
    let mut errno: c_int = 0;
    let mut len = size_of::<c_int>() as socklen_t;
    let value = (&raw mut errno).cast::<c_void>();
    // SAFETY: `value` points to `len` bytes that the call may write, and any bytes are an int.
    retry(|| unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_ERROR, value, &mut len) })?;
    Ok((errno != 0).then(|| io::Error::from_raw_os_error(errno)))
}

/// Of TCP what the peer has not acknowledged, of a Unix socket the memory of what it has not read.
pub(crate) fn unread(fd: RawFd) -> io::Result<u64> {
    let mut bytes: c_int = 0;
    // SAFETY: the call writes one int (tcp(7), unix(7)). SIOCINQ is FIONREAD by another name.
    retry(|| unsafe { libc::ioctl(fd, libc::FIONREAD, &raw mut bytes) })?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

pub(crate) fn untaken(fd: RawFd) -> io::Result<u64> {
    let mut bytes: c_int = 0;
    // SAFETY: the call writes one int (tcp(7), unix(7)). SIOCOUTQ is TIOCOUTQ by another name.
    retry(|| unsafe { libc::ioctl(fd, libc::TIOCOUTQ, &raw mut bytes) })?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

pub(crate) fn local_addr(fd: RawFd) -> io::Result<Peer> {
    // SAFETY: `with_address` passes a buffer and its length.
    with_address(|address, len| retry(|| unsafe { libc::getsockname(fd, address, len) }).map(drop))
}

pub(crate) fn peer_addr(fd: RawFd) -> io::Result<Peer> {
    // SAFETY: `with_address` passes a buffer and its length.
    with_address(|address, len| retry(|| unsafe { libc::getpeername(fd, address, len) }).map(drop))
}

/// SIGPIPE blocked on this thread, and what was blocked before.
pub(super) struct PipeMask {
    pipe: libc::sigset_t,
    before: libc::sigset_t,
}

impl PipeMask {
    pub(super) fn set() -> Self {
        // SAFETY: all-zero bytes are valid for both sets, and the calls write nothing but them.
        unsafe {
            let (mut pipe, mut before) = (mem::zeroed(), mem::zeroed());
            libc::sigemptyset(&mut pipe);
            libc::sigaddset(&mut pipe, libc::SIGPIPE);
            libc::pthread_sigmask(libc::SIG_BLOCK, &pipe, &mut before);
            Self { pipe, before }
        }
    }

    /// Puts the mask back; a signal that the call `raised` is taken first. One that the thread had blocked itself stays.
    pub(super) fn restore(self, raised: bool) {
        let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the sets were made by `set`; the calls only read them.
        unsafe {
            if raised && libc::sigismember(&self.before, libc::SIGPIPE) == 0 {
                libc::sigtimedwait(&self.pipe, std::ptr::null_mut(), &now);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &self.before, std::ptr::null_mut());
        }
    }
}

fn set_option<T>(fd: RawFd, level: c_int, name: c_int, value: &T) -> io::Result<()> {
    let (start, len) = ((&raw const *value).cast::<c_void>(), size_of::<T>() as socklen_t);
    // SAFETY: `start` and `len` are the value, which the call only reads.
    retry(|| unsafe { libc::setsockopt(fd, level, name, start, len) }).map(drop)
}

/// Lends a buffer for an address to `call` and reads what it wrote there.
fn with_address(call: impl FnOnce(*mut libc::sockaddr, *mut socklen_t) -> io::Result<()>) -> io::Result<Peer> {
    // Zeroed, so that whatever part of it a call writes, all of it is initialised.
    let mut storage = MaybeUninit::<libc::sockaddr_storage>::zeroed();
    let mut len = size_of::<libc::sockaddr_storage>() as socklen_t;
    call(storage.as_mut_ptr().cast(), &mut len)?;
    if (len as usize) < size_of::<libc::sa_family_t>() {
        return Ok(Peer::Unknown);
    }
    // SAFETY: zero bytes are a valid sockaddr_storage, and so is what the kernel writes over them.
    let storage = unsafe { storage.assume_init() };
    Ok(peer_of(&storage))
}

fn peer_of(storage: &libc::sockaddr_storage) -> Peer {
    match c_int::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that it is a sockaddr_in, which is smaller and no stricter in alignment.
            let address = unsafe { &*(&raw const *storage).cast::<libc::sockaddr_in>() };
            // The address is in network order in memory, so its bytes are the address's bytes.
            let ip = Ipv4Addr::from(address.sin_addr.s_addr.to_ne_bytes());
            Peer::V4(ip, u16::from_be(address.sin_port))
        }
        libc::AF_INET6 => {
            // SAFETY: the family says that it is a sockaddr_in6, which is smaller and no stricter in alignment.
            let address = unsafe { &*(&raw const *storage).cast::<libc::sockaddr_in6>() };
            Peer::v6(
                Ipv6Addr::from(address.sin6_addr.s6_addr),
                u16::from_be(address.sin6_port),
            )
        }
        libc::AF_UNIX => Peer::Unix,
        _ => Peer::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;
    use crate::socket::socket_pair;

    #[test]
    fn sending_to_a_peer_that_is_gone_raises_no_sigpipe() {
        let (near, far) = socket_pair().expect("a pair");
        drop(far);
        // SAFETY: no handler is installed; the default action, which is to end the process, is set and then undone.
        // In between no other test of this binary writes to a closed pipe or socket.
        let before = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let plain = send(near.as_raw_fd(), b"x");
        let vectored = send_vectored(near.as_raw_fd(), &[IoSlice::new(b"x")]);
        let file = std::fs::File::open("/proc/self/exe").expect("our own program");
        let from_file = send_file(near.as_raw_fd(), file.as_raw_fd(), 0, 1);
        // SAFETY: as above; `before` is what was set.
        unsafe { libc::signal(libc::SIGPIPE, before) };
        assert_eq!(plain.expect_err("nobody reads").raw_os_error(), Some(libc::EPIPE));
        assert_eq!(vectored.expect_err("nobody reads").raw_os_error(), Some(libc::EPIPE));
        assert_eq!(from_file.expect_err("nobody reads").raw_os_error(), Some(libc::EPIPE));
    }
}
