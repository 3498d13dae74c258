//! A listener of a shared port that takes its leave: what the kernel does with handshakes.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use millrace_net::socket::{accept, hold_back_handshakes, listen_tcp, local_addr};
use millrace_net::{AcceptError, ListenTcp};
use socket2::{Domain, SockFilter, Socket, Type};

/// A lost SYN and a lost SYN-ACK are sent again after a second.
const PATIENCE: Duration = Duration::from_secs(10);

fn shared(addr: SocketAddr) -> (OwnedFd, SocketAddr) {
    let options = ListenTcp {
        addr,
        backlog: 16,
        reuse_port: true,
        ipv6_only: false,
    };
    let listener = listen_tcp(&options).expect("a loopback listener");
    let addr = local_addr(listener.as_raw_fd()).expect("a name").addr();
    (listener, addr.expect("an address"))
}

/// A connection under way; `deaf`: its socket does not hear the SYN-ACK until it is told to.
fn dial(addr: SocketAddr, deaf: bool) -> Socket {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM.nonblocking(), None).expect("a socket");
    if deaf {
        let drop_all = SockFilter::new((libc::BPF_RET | libc::BPF_K) as u16, 0, 0, 0);
        socket.attach_filter(&[drop_all]).expect("a filter");
    }
    let error = socket.connect(&addr.into()).expect_err("it does not wait");
    assert_eq!(error.raw_os_error(), Some(libc::EINPROGRESS));
    socket
}

fn is_connected(socket: &Socket) -> bool {
    socket.peer_addr().is_ok()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn waits(listener: &OwnedFd) -> bool {
    match accept(listener.as_raw_fd()) {
        Ok(_) => true,
        Err(AcceptError::WouldBlock) => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_listener_that_holds_handshakes_back_completes_those_that_have_begun_and_leaves_new_ones_to_others() {
    // At the same time: both wait for what the kernel sends again.
    std::thread::scope(|scope| {
        scope.spawn(|| leave("127.0.0.1:0"));
        scope.spawn(|| leave("[::1]:0"));
    });
}

fn leave(loopback: &str) {
    let loopback: SocketAddr = loopback.parse().expect("an address");
    if TcpListener::bind(loopback).is_err() {
        return eprintln!("skipped on {loopback}: the system has no such loopback");
    }
    let (leaving, addr) = shared(loopback);
    let begun = dial(addr, true);
    hold_back_handshakes(leaving.as_raw_fd()).expect("Linux can");
    let held = dial(addr, false);
    begun.detach_filter().expect("it has one");

    until("the handshake that has begun is completed", || is_connected(&begun));
    until("its connection comes out of the queue", || waits(&leaving));
    // The new one was dropped, again perhaps, and is neither let in nor refused.
    assert!(!is_connected(&held) && held.take_error().expect("a socket").is_none());
    assert!(!waits(&leaving));

    let (other, _) = shared(addr);
    drop(leaving);
    until("the held one is let in by the other listener", || is_connected(&held));
    until("there", || waits(&other));
}
