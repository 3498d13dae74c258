//! What the system knows of a connection: TCP_INFO, and who is at the other end of a Unix socket.

use std::io;
use std::os::fd::RawFd;

use crate::sys;

/// Facts of a TCP connection (`TCP_INFO`); `None` where the system does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TcpInfo {
    /// Smoothed round trip, in microseconds.
    pub rtt_us: Option<u32>,
    /// Its mean deviation, in microseconds.
    pub rtt_var_us: Option<u32>,
    /// The least round trip of late, in microseconds.
    pub min_rtt_us: Option<u32>,
    /// Until a segment is sent again, in microseconds.
    pub rto_us: Option<u32>,
    /// Segments that were sent again so far.
    pub retransmits: Option<u32>,
    /// Segments that are taken for lost now.
    pub lost: Option<u32>,
    /// Segments that are not acknowledged yet.
    pub unacked: Option<u32>,
    /// The congestion window, in segments.
    pub cwnd: Option<u32>,
    /// The size of a segment, in bytes.
    pub mss: Option<u32>,
    /// The size of a packet on the path, in bytes.
    pub pmtu: Option<u32>,
    /// How fast data was delivered of late, in bytes a second.
    pub delivery_rate: Option<u64>,
    /// Bytes that the system holds and has not sent.
    pub not_sent: Option<u32>,
}

impl TcpInfo {
    /// Of the system's record (`linux/tcp.h`, which only ever grows at its end).
    pub(crate) fn of_record(record: &[u8]) -> Self {
        let word = |at: usize| Some(u32::from_ne_bytes(record.get(at..at + 4)?.try_into().ok()?));
        let long = |at: usize| Some(u64::from_ne_bytes(record.get(at..at + 8)?.try_into().ok()?));
        Self {
            rto_us: word(8),
            mss: word(16),
            unacked: word(24),
            lost: word(32),
            pmtu: word(60),
            rtt_us: word(68),
            rtt_var_us: word(72),
            cwnd: word(80),
            retransmits: word(100),
            not_sent: word(144),
            min_rtt_us: word(148),
            delivery_rate: long(160),
        }
    }
}

/// Asks the system about a TCP connection.
///
/// # Errors
/// What the system says; a Unix socket has no such record.
pub fn tcp_info(fd: RawFd) -> io::Result<TcpInfo> {
    sys::socket::tcp_info(fd)
}

/// Who was at the other end of a Unix socket when it was connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The process, as this one's namespace numbers it; 0: it is not in it.
    pub pid: i32,
    /// Its effective user.
    pub uid: u32,
    /// Its effective group.
    pub gid: u32,
}

/// Asks who is at the other end of a Unix socket (`SO_PEERCRED`).
///
/// # Errors
/// What the system says; a TCP socket has none.
pub fn peer_credentials(fd: RawFd) -> io::Result<Credentials> {
    sys::socket::peer_credentials(fd)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd;

    #[test]
    fn a_connection_on_the_loopback_has_a_round_trip_and_a_window() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let near = TcpStream::connect(listener.local_addr().expect("bound")).expect("it listens");
        let info = tcp_info(near.as_raw_fd()).expect("a TCP socket");
        assert!(info.rtt_us.is_some_and(|us| us < 10_000_000), "{info:?}");
        assert!(
            info.cwnd.is_some_and(|window| (1..10_000).contains(&window)),
            "{info:?}"
        );
        assert_eq!((info.retransmits, info.lost), (Some(0), Some(0)));
        assert!(info.mss.is_some_and(|mss| mss >= 500), "{info:?}");
        assert!(info.pmtu >= info.mss);
    }

    #[test]
    fn a_record_that_ends_early_says_less() {
        let info = TcpInfo::of_record(&[0; 104]);
        assert_eq!((info.rtt_us, info.retransmits), (Some(0), Some(0)));
        assert_eq!((info.not_sent, info.min_rtt_us, info.delivery_rate), (None, None, None));
    }

    #[test]
    fn the_peer_of_a_pair_is_this_process() {
        let (near, _far) = crate::socket::socket_pair().expect("a pair");
        let seen = peer_credentials(near.as_raw_fd()).expect("a Unix socket");
        assert_eq!(seen.pid, std::process::id() as i32);
    }
}
