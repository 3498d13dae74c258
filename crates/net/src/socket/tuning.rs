//! Options of TCP sockets that live: keepalive, delay, how long bytes may stay unacknowledged, fast open.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

use crate::sys;

/// When an idle TCP connection is asked whether its peer is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// Idle time before the first probe, in seconds.
    pub idle_s: u32,
    /// Between probes, in seconds.
    pub interval_s: u32,
    /// Probes without an answer after which the connection is dead.
    pub count: u32,
}

/// What a listener is given, and by inheritance the sockets that it accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// TCP_NODELAY.
    pub no_delay: bool,
    /// SO_KEEPALIVE and what goes with it.
    pub keep_alive: Option<KeepAlive>,
    /// TCP_USER_TIMEOUT in ms; 0: the system's.
    pub user_timeout_ms: u32,
    /// TCP Fast Open: bytes that come with a SYN are taken. Ignored where the system has it not.
    pub fast_open: bool,
    /// A connection is told of when its first bytes have come (TCP_DEFER_ACCEPT), or after a second or more. Ignored where
    /// the system has it not.
    pub defer_accept: bool,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            no_delay: true,
            keep_alive: None,
            user_timeout_ms: 0,
            fast_open: false,
            defer_accept: false,
        }
    }
}

/// How many connections of Fast Open may wait for the end of their handshake.
const FAST_OPEN_QUEUE: i32 = 256;

/// After so many seconds a connection without bytes is told of, once its peer has confirmed it again.
const DEFER_ACCEPT_S: i32 = 1;

/// Sets the options of a TCP listener. Accepted sockets inherit them (Linux), so they cost nothing for each.
///
/// # Errors
/// What the system says.
pub fn tune_listener(listener: BorrowedFd<'_>, tuning: &Tuning) -> io::Result<()> {
    sys::socket::set_nodelay(listener.as_raw_fd(), tuning.no_delay)?;
    if tuning.keep_alive.is_some() {
        set_keep_alive(listener, tuning.keep_alive)?;
    }
    if tuning.user_timeout_ms > 0 {
        set_user_timeout(listener, tuning.user_timeout_ms)?;
    }
    if tuning.fast_open {
        // A system without it accepts as ever.
        let _ = sys::socket::set_fast_open_listen(listener.as_raw_fd(), FAST_OPEN_QUEUE);
    }
    if tuning.defer_accept {
        let _ = sys::socket::set_defer_accept(listener.as_raw_fd(), DEFER_ACCEPT_S);
    }
    Ok(())
}

/// Has the system probe an idle connection, or not any more.
///
/// # Errors
/// What the system says; a Unix socket has no such option.
pub fn set_keep_alive(fd: BorrowedFd<'_>, keep: Option<KeepAlive>) -> io::Result<()> {
    let socket = SockRef::from(&fd);
    let Some(keep) = keep else {
        return socket.set_keepalive(false);
    };
    let settings = TcpKeepalive::new()
        .with_time(Duration::from_secs(keep.idle_s.into()))
        .with_interval(Duration::from_secs(keep.interval_s.into()))
        .with_retries(keep.count);
    socket.set_tcp_keepalive(&settings)
}

/// How long sent bytes may stay unacknowledged (`TCP_USER_TIMEOUT`), in ms; 0: the system's.
///
/// # Errors
/// What the system says; a Unix socket has no such option.
pub fn set_user_timeout(fd: BorrowedFd<'_>, ms: u32) -> io::Result<()> {
    let timeout = (ms > 0).then(|| Duration::from_millis(ms.into()));
    SockRef::from(&fd).set_tcp_user_timeout(timeout)
}
