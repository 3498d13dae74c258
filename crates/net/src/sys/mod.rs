//! What a system must provide; one folder each, with the same file names.
//!
//! ```text
//! NestedEpoll: Poller          a poller whose descriptor the host's loop can watch (systems that have one)
//!
//! clock::monotonic_ns() -> u64
//!
//! // Non-blocking whatever the descriptor's flags say, repeated when a signal interrupts:
//! socket::accept(RawFd) -> io::Result<(OwnedFd, Peer)>       the new descriptor: close-on-exec, non-blocking
//! socket::recv(RawFd, &mut [u8]) -> io::Result<usize>
//! socket::send(RawFd, &[u8]) -> io::Result<usize>            raises no SIGPIPE
//! socket::send_vectored(RawFd, &[IoSlice]) -> io::Result<usize>
//! socket::send_before_more(RawFd, &[IoSlice]) -> io::Result<usize>     as above; the rest of the packet follows soon
//! socket::send_file(RawFd, RawFd, u64, usize) -> io::Result<usize>     raises SIGPIPE no more than the others
//!
//! socket::shutdown_write(RawFd) -> io::Result<()>
//! socket::set_nodelay(RawFd, bool) -> io::Result<()>
//! socket::set_fast_open_connect(RawFd) -> io::Result<()>     an error where the system cannot
//! socket::set_fast_open_listen(RawFd, c_int) -> io::Result<()>
//! socket::set_defer_accept(RawFd, c_int) -> io::Result<()>
//! socket::tcp_info(RawFd) -> io::Result<TcpInfo>
//! socket::peer_credentials(RawFd) -> io::Result<Credentials>
//! socket::set_linger_zero(RawFd) -> io::Result<()>
//! socket::hold_back_handshakes(RawFd) -> io::Result<()>      an error where the system cannot
//! socket::migrates_handshakes() -> bool
//! socket::unread(RawFd) -> io::Result<u64>
//! socket::untaken(RawFd) -> io::Result<u64>                 an error where the system cannot say
//! socket::take_error(RawFd) -> io::Result<Option<io::Error>>
//! socket::local_addr(RawFd) -> io::Result<Peer>
//! socket::peer_addr(RawFd) -> io::Result<Peer>
//!
//! splice::is_there() -> bool                                 false: `pipe` answers None, the others an error
//! splice::pipe(usize) -> Option<(OwnedFd, OwnedFd)>          both non-blocking, the reading end first
//! splice::socket_to_pipe(RawFd, RawFd, usize) -> io::Result<usize>
//! splice::pipe_to_socket(RawFd, RawFd, usize) -> io::Result<usize>     raises no SIGPIPE
//!
//! socket::accept_error(io::Error) -> AcceptError             what a failed accept means
//! ```
//!
//! The functions are safe: a wrong descriptor number gives an error, or harms what the number belongs to, but touches
//! no memory.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::NestedEpoll;
#[cfg(target_os = "linux")]
pub(crate) use linux::{clock, socket, splice};

#[cfg(not(target_os = "linux"))]
compile_error!("millrace-net has no sys folder for this system yet");
