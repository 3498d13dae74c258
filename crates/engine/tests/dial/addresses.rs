//! The race of addresses (RFC 8305).

use crate::support::{closed, code, failed};
use millrace_engine::net::ListenTcp;
use millrace_engine::net::socket::{listen_tcp, local_addr};
use millrace_engine::{Dial, EventKind};
use millrace_error::Code;
use millrace_testkit::driver::{Driver, dial_to as to};
use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};

/// A listener whose queue is full: what is sent to it is dropped, as by a filter.
struct BlackHole {
    _listener: OwnedFd,
    _queued: Vec<TcpStream>,
    addr: SocketAddr,
}

impl BlackHole {
    fn new() -> Self {
        let listener = listen_tcp(&ListenTcp {
            addr: ([127, 0, 0, 1], 0).into(),
            backlog: 0,
            reuse_port: false,
            ipv6_only: false,
        })
        .expect("a port");
        let addr = local_addr(listener.as_raw_fd()).expect("bound").addr().expect("TCP");
        let queued = vec![TcpStream::connect(addr).expect("one has room")];
        Self {
            _listener: listener,
            _queued: queued,
            addr,
        }
    }
}

#[test]
fn an_address_that_refuses_is_followed_by_the_next_at_once() {
    let good = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = good.local_addr().expect("bound");
    let mut driver = Driver::new();
    driver.stop_clock();
    let stream = driver.engine.dial(&to(&[closed(), closed(), addr])).expect("begun");
    driver.run_until(&mut [], |driver, _| driver.count(EventKind::Dialled) == 1);
    let peer = driver.engine.address(stream.as_f64()).expect("it lives").remote;
    assert_eq!(peer, Some(addr));
    driver.engine.destroy(stream.as_f64());
    driver.settle();
    driver.events.clear();
    driver.assert_nothing_left();
}

#[test]
fn an_address_that_does_not_answer_is_followed_after_250_ms_and_closed_when_another_has_won() {
    let hole = BlackHole::new();
    let good = TcpListener::bind("127.0.0.1:0").expect("a port");
    good.set_nonblocking(true).expect("it can");
    let addr = good.local_addr().expect("bound");
    let mut driver = Driver::new();
    driver.stop_clock();
    let stream = driver.engine.dial(&to(&[hole.addr, addr])).expect("begun");
    driver.settle();
    driver.advance(249);
    assert!(good.accept().is_err(), "a millisecond early");
    assert_eq!((driver.count(EventKind::Dialled), attempts(hole.addr)), (0, 1));
    driver.advance(1);
    driver.run_until(&mut [], |driver, _| driver.count(EventKind::Dialled) == 1);
    assert_eq!(attempts(hole.addr), 0, "the loser is closed");
    let peer = driver.engine.address(stream.as_f64()).expect("it lives").remote;
    assert_eq!(peer, Some(addr));
    driver.engine.destroy(stream.as_f64());
    driver.settle();
    driver.assert_nothing_left();
}

#[test]
fn a_first_address_that_answers_late_still_wins_when_the_second_is_dead_too() {
    let (hole, other) = (BlackHole::new(), BlackHole::new());
    let mut driver = Driver::new();
    driver.stop_clock();
    driver.engine.dial(&to(&[hole.addr, other.addr])).expect("begun");
    driver.advance(4_999);
    assert_eq!(
        driver.count(EventKind::DialFailed),
        0,
        "no attempt is given up before a winner"
    );
    driver.advance(1);
    let event = failed(&mut driver);
    assert_eq!(code(&event), Some(Code::ConnectTimeout));
    assert_eq!((event.a, event.b), (5_000, 5_000));
    driver.settle();
    driver.assert_nothing_left();
}

#[test]
fn addresses_that_all_fail_are_all_told_and_the_first_speaks_for_them() {
    let (one, two) = (closed(), closed());
    let mut driver = Driver::new();
    match driver.engine.dial(&to(&[one, two])) {
        // The loopback refuses at once.
        Err(error) => assert_eq!(error.errno, Some(111)),
        Ok(_) => {
            let event = failed(&mut driver);
            let text = String::from_utf8(event.value.clone()).expect("text");
            let line = |addr: SocketAddr| format!("{} {} 111", addr.ip(), addr.port());
            assert_eq!((event.a, text), (111, format!("{}\n{}", line(one), line(two))));
        }
    }
    driver.settle();
    driver.assert_nothing_left();
}

#[test]
fn addresses_that_come_later_are_tried_in_their_turn() {
    let hole = BlackHole::new();
    let good = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = good.local_addr().expect("bound");
    let mut driver = Driver::new();
    driver.stop_clock();
    let begun = driver.engine.dial(&Dial {
        more: true,
        ..to(&[hole.addr])
    });
    let stream = begun.expect("begun").as_f64();
    driver.advance(100);
    assert!(driver.engine.add_addresses(stream, &[addr]));
    driver.advance(149);
    assert_eq!(driver.count(EventKind::Dialled), 0, "a millisecond early");
    driver.advance(1);
    driver.run_until(&mut [], |driver, _| driver.count(EventKind::Dialled) == 1);
    assert_eq!(driver.engine.address(stream).expect("it lives").remote, Some(addr));
    assert!(!driver.engine.add_addresses(stream, &[addr]), "it is open");
    driver.engine.destroy(stream);
    driver.settle();
    driver.assert_nothing_left();
}

#[test]
fn where_all_have_failed_those_to_come_are_waited_for() {
    let good = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = good.local_addr().expect("bound");
    for (rest, opens) in [(vec![addr], true), (vec![], false)] {
        let mut driver = Driver::new();
        driver.stop_clock();
        let refused = closed();
        let begun = driver.engine.dial(&Dial {
            more: true,
            ..to(&[refused])
        });
        let stream = begun.expect("more may come").as_f64();
        driver.advance(1_000);
        assert!(driver.events.is_empty(), "{:?}", driver.events);
        assert!(driver.engine.add_addresses(stream, &rest));
        if opens {
            driver.run_until(&mut [], |driver, _| driver.count(EventKind::Dialled) == 1);
            driver.engine.destroy(stream);
        } else {
            let event = failed(&mut driver);
            let line = format!("{} {} 111", refused.ip(), refused.port());
            assert_eq!((event.a, event.value), (111, line.into_bytes()));
        }
        driver.settle();
        driver.assert_nothing_left();
    }
}

#[test]
fn a_dial_that_is_destroyed_leaves_no_attempt() {
    let (hole, other) = (BlackHole::new(), BlackHole::new());
    let mut driver = Driver::new();
    driver.stop_clock();
    let stream = driver.engine.dial(&to(&[hole.addr, other.addr])).expect("begun");
    driver.advance(300);
    assert_eq!((attempts(hole.addr), attempts(other.addr)), (1, 1));
    driver.engine.destroy(stream.as_f64());
    driver.settle();
    assert_eq!((attempts(hole.addr), attempts(other.addr)), (0, 0));
    driver.assert_nothing_left();
}

/// How many connections to an address are under way: sent, and not answered.
///
/// The kernel gives its table in pages, and tells a row twice or not at all where others come and go meanwhile: each
/// counts once, and what two readings agree on holds.
fn attempts(to: SocketAddr) -> usize {
    let mut before = under_way(to);
    loop {
        let now = under_way(to);
        if now == before {
            return now.len();
        }
        before = now;
    }
}

/// From where connections to an address are under way, as the kernel's table says at one reading.
fn under_way(to: SocketAddr) -> BTreeSet<String> {
    const SYN_SENT: &str = "02";
    let port = format!(":{:04X}", to.port());
    let table = std::fs::read_to_string("/proc/net/tcp").expect("proc");
    let rows = table.lines().map(|row| row.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row.len() > 3 && row[2].ends_with(&port) && row[3] == SYN_SENT)
        .map(|row| row[1].to_owned())
        .collect()
}
