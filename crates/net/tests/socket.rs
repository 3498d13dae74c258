//! Sockets over loopback and pairs.

use std::fs;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use millrace_net::socket::{
    accept, listen_tcp, listen_unix, local_addr, peer_addr, recv, send, send_vectored, set_linger_zero, set_nodelay,
    shutdown_write, socket_pair, take_error,
};
use millrace_net::{AcceptError, Accepted, ListenTcp, Peer, Spare};
use socket2::SockRef;

const LOOPBACK: ListenTcp = ListenTcp {
    addr: SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 0)),
    backlog: 16,
    reuse_port: false,
    ipv6_only: false,
};

fn listener() -> (OwnedFd, SocketAddr) {
    let listener = listen_tcp(&LOOPBACK).expect("a loopback listener");
    let addr = local_addr(listener.as_raw_fd())
        .expect("a name")
        .addr()
        .expect("an address");
    (listener, addr)
}

/// Asks again while `attempt` would block, for at most five seconds.
fn eventually<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(Instant::now() < end, "nothing came in five seconds");
        std::thread::yield_now();
    }
}

fn accepted(listener: RawFd) -> Accepted {
    eventually(|| match accept(listener) {
        Ok(accepted) => Some(accepted),
        Err(AcceptError::WouldBlock) => None,
        Err(error) => panic!("{error}"),
    })
}

fn received(fd: RawFd) -> io::Result<Vec<u8>> {
    let mut buffer = [0; 64];
    eventually(|| match recv(fd, &mut buffer) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        other => Some(other),
    })
    .map(|count| buffer[..count].to_vec())
}

/// A folder of this test's own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("millrace-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn accepts_a_connection_and_knows_both_addresses() {
    let (listener, addr) = listener();
    let client = TcpStream::connect(addr).expect("connects");
    let Accepted { fd, peer } = accepted(listener.as_raw_fd());
    assert_eq!(peer.addr(), Some(client.local_addr().expect("a name")));
    assert_eq!(peer_addr(fd.as_raw_fd()).expect("a peer"), peer);
    assert_eq!(local_addr(fd.as_raw_fd()).expect("a name"), Peer::from(addr));
    set_nodelay(fd.as_raw_fd(), true).expect("a TCP socket");
    let socket = SockRef::from(&fd);
    assert!(socket.tcp_nodelay().expect("readable") && socket.nonblocking().expect("readable"));
}

#[test]
fn an_empty_accept_queue_would_block_and_what_is_no_listener_is_fatal() {
    let (listener, _) = listener();
    assert!(matches!(accept(listener.as_raw_fd()), Err(AcceptError::WouldBlock)));
    let (one, _two) = socket_pair().expect("a pair");
    assert!(matches!(accept(one.as_raw_fd()), Err(AcceptError::Fatal(_))));
    assert!(matches!(accept(-1), Err(AcceptError::Fatal(_))));
}

#[test]
fn an_ipv4_client_of_a_dual_stack_listener_is_shown_as_ipv4() {
    let addr = "[::]:0".parse().expect("an address");
    let Ok(listener) = listen_tcp(&ListenTcp { addr, ..LOOPBACK }) else {
        eprintln!("skipped: this machine has no IPv6");
        return;
    };
    let port = local_addr(listener.as_raw_fd())
        .expect("a name")
        .addr()
        .expect("an address")
        .port();
    let client = TcpStream::connect(("127.0.0.1", port)).expect("connects");
    let accepted = accepted(listener.as_raw_fd());
    assert_eq!(accepted.peer.addr(), Some(client.local_addr().expect("a name")));
    drop(listener);
    let only = ListenTcp {
        addr,
        ipv6_only: true,
        ..LOOPBACK
    };
    let listener = listen_tcp(&only).expect("an IPv6 listener");
    let port = local_addr(listener.as_raw_fd())
        .expect("a name")
        .addr()
        .expect("an address")
        .port();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(TcpStream::connect(("::1", port)).is_ok());
}

#[test]
fn two_listeners_share_a_port_only_when_both_ask_for_it() {
    let shared = ListenTcp {
        reuse_port: true,
        ..LOOPBACK
    };
    let first = listen_tcp(&shared).expect("a listener");
    let addr = local_addr(first.as_raw_fd())
        .expect("a name")
        .addr()
        .expect("an address");
    let _second = listen_tcp(&ListenTcp { addr, ..shared }).expect("a second listener");
    let error = listen_tcp(&ListenTcp { addr, ..LOOPBACK }).expect_err("it does not share");
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
}

#[test]
fn a_port_with_connections_in_time_wait_can_be_listened_on_again() {
    let (listener, addr) = listener();
    let mut client = TcpStream::connect(addr).expect("connects");
    // Our side closes first, so it is ours that waits.
    drop(accepted(listener.as_raw_fd()));
    assert_eq!(client.read(&mut [0; 1]).expect("the end"), 0);
    drop((client, listener));
    listen_tcp(&ListenTcp { addr, ..LOOPBACK }).expect("the port is free");
}

#[test]
fn bytes_pass_both_ways_and_nothing_there_would_block() {
    let (one, two) = socket_pair().expect("a pair");
    let (one, two) = (one.as_raw_fd(), two.as_raw_fd());
    assert_eq!(
        recv(one, &mut [0; 8]).expect_err("nothing was sent").kind(),
        ErrorKind::WouldBlock
    );
    assert_eq!(send(two, b"ping").expect("room"), 4);
    assert_eq!(received(one).expect("bytes"), b"ping");
    let slices = [IoSlice::new(b"po"), IoSlice::new(b""), IoSlice::new(b"ng")];
    assert_eq!(send_vectored(one, &slices).expect("room"), 4);
    assert_eq!(received(two).expect("bytes"), b"pong");
    assert_eq!(peer_addr(one).expect("a peer"), Peer::Unix);
}

#[test]
fn more_slices_than_the_kernel_takes_are_sent_in_part() {
    let (one, two) = socket_pair().expect("a pair");
    let slices = vec![IoSlice::new(b"x"); 1_500];
    assert_eq!(send_vectored(one.as_raw_fd(), &slices).expect("room"), 1_024);
    assert_eq!(recv(two.as_raw_fd(), &mut [0; 2_000]).expect("bytes"), 1_024);
}

#[test]
fn a_full_socket_would_block() {
    let (one, _two) = socket_pair().expect("a pair");
    let error = eventually(|| send(one.as_raw_fd(), &[0; 65_536]).err());
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    let error = send_vectored(one.as_raw_fd(), &[IoSlice::new(&[0; 9])]).expect_err("it is full");
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
}

#[test]
fn calls_do_not_wait_even_on_a_socket_that_others_made_blocking() {
    let (one, _two) = UnixStream::pair().expect("a pair");
    let error = recv(one.as_raw_fd(), &mut [0; 8]).expect_err("nothing was sent");
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    let error = eventually(|| send(one.as_raw_fd(), &[0; 65_536]).err());
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
}

// That no SIGPIPE comes with it is shown beside the system calls: a Rust program ignores the signal.
#[test]
fn sending_to_a_peer_that_is_gone_is_an_error() {
    let (one, two) = socket_pair().expect("a pair");
    drop(two);
    let error = send(one.as_raw_fd(), b"x").expect_err("nobody reads");
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    let error = send_vectored(one.as_raw_fd(), &[IoSlice::new(b"x")]).expect_err("nobody reads");
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    assert_eq!(recv(one.as_raw_fd(), &mut [0; 1]).expect("the end"), 0);
}

#[test]
fn after_shutting_down_our_side_the_peer_reads_the_end_and_can_still_send() {
    let (listener, addr) = listener();
    let mut client = TcpStream::connect(addr).expect("connects");
    let server = accepted(listener.as_raw_fd()).fd;
    shutdown_write(server.as_raw_fd()).expect("connected");
    assert_eq!(client.read(&mut [0; 1]).expect("the end"), 0);
    client.write_all(b"late").expect("our side still reads");
    assert_eq!(received(server.as_raw_fd()).expect("bytes"), b"late");
}

#[test]
fn a_lingerless_close_resets_the_connection() {
    let (listener, addr) = listener();
    let client = TcpStream::connect(addr).expect("connects");
    let server = accepted(listener.as_raw_fd()).fd;
    set_linger_zero(server.as_raw_fd()).expect("a socket");
    drop(server);
    let error = received(client.as_raw_fd()).expect_err("a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_pending_error_can_be_taken_once() {
    let (listener, addr) = listener();
    let client = TcpStream::connect(addr).expect("connects");
    assert!(take_error(client.as_raw_fd()).expect("a socket").is_none());
    let server = accepted(listener.as_raw_fd()).fd;
    set_linger_zero(server.as_raw_fd()).expect("a socket");
    drop(server);
    let error = eventually(|| take_error(client.as_raw_fd()).expect("a socket"));
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(take_error(client.as_raw_fd()).expect("a socket").is_none());
}

#[test]
fn a_unix_listener_accepts_and_a_live_one_keeps_its_path() {
    let folder = Folder::new("live");
    let path = folder.0.join("socket");
    let listener = listen_unix(&path, 1).expect("a listener");
    let error = listen_unix(&path, 1).expect_err("somebody listens");
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    let mut client = UnixStream::connect(&path).expect("connects");
    // The first is the trial connection of the attempt above.
    drop(accepted(listener.as_raw_fd()));
    let Accepted { fd, peer } = accepted(listener.as_raw_fd());
    assert_eq!((peer, peer.addr()), (Peer::Unix, None));
    client.write_all(b"hello").expect("room");
    assert_eq!(received(fd.as_raw_fd()).expect("bytes"), b"hello");
}

#[test]
fn a_live_unix_listener_whose_queue_is_full_keeps_its_path_and_nobody_waits() {
    let folder = Folder::new("full");
    let path = folder.0.join("socket");
    let _listener = listen_unix(&path, 0).expect("a listener");
    for _ in 0..4 {
        let error = listen_unix(&path, 0).expect_err("somebody listens");
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
    }
}

#[test]
fn a_stale_socket_file_is_replaced() {
    let folder = Folder::new("stale");
    let path = folder.0.join("socket");
    drop(listen_unix(&path, 1).expect("a listener"));
    assert!(path.exists());
    let listener = listen_unix(&path, 1).expect("nobody listens any more");
    let _client = UnixStream::connect(&path).expect("connects");
    assert_eq!(accepted(listener.as_raw_fd()).peer, Peer::Unix);
}

#[test]
fn a_file_that_is_no_socket_is_never_removed() {
    let folder = Folder::new("file");
    let path = folder.0.join("precious");
    fs::write(&path, "data").expect("a file");
    let link = folder.0.join("link");
    std::os::unix::fs::symlink(&path, &link).expect("a link");
    for path in [&path, &link] {
        let error = listen_unix(path, 1).expect_err("the path is taken");
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert_eq!(fs::read(path).expect("it is still there"), b"data");
    }
}

#[test]
fn an_abstract_name_has_no_file_and_one_owner() {
    let name = format!("\0millrace-{}-abstract", std::process::id());
    let listener = listen_unix(&name, 1).expect("a listener");
    assert_eq!(
        listen_unix(&name, 1).expect_err("it is taken").kind(),
        ErrorKind::AddrInUse
    );
    drop(listener);
    listen_unix(&name, 1).expect("the name is free again");
}

#[test]
fn a_path_that_is_too_long_is_refused() {
    let error = listen_unix("x".repeat(200), 1).expect_err("too long");
    assert_eq!(error.raw_os_error(), Some(libc::ENAMETOOLONG));
}

#[test]
fn the_spare_tells_whom_it_refuses_why_although_a_request_has_come() {
    let (listener, addr) = listener();
    let mut spare = Spare::new();
    let mut client = TcpStream::connect(addr).expect("connects");
    client.write_all(&[b'x'; 5_000]).expect("the kernel has room");
    assert!(eventually(|| spare
        .refuse_one(listener.as_raw_fd(), b"busy")
        .then_some(true)));
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("an end and no reset");
    assert_eq!(answer, "busy");
}

#[test]
fn the_spare_refuses_a_waiting_connection_and_is_held_again() {
    let (listener, addr) = listener();
    let mut spare = Spare::new();
    assert!(!spare.refuse_one(listener.as_raw_fd(), b""));
    let mut client = TcpStream::connect(addr).expect("connects");
    assert!(eventually(|| spare
        .refuse_one(listener.as_raw_fd(), b"")
        .then_some(true)));
    assert!(spare.is_held());
    assert_eq!(client.read(&mut [0; 1]).expect("the end"), 0);
}
