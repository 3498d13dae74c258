//! Several requests of a client on one connection (RFC 9112 §9.3.2): their order, their clocks, and what ends them.

use millrace_engine::{
    Chunk, ClientProfile, Dial, DialTo, EventKind, HeadLimits, Id, Request, aborted, request_flag, response,
};
use millrace_error::Code;
use millrace_testkit::driver::{Driver, Happened};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

/// A client connection with its peer's end of it, on a stopped clock.
struct Pair {
    driver: Driver,
    handle: f64,
    profile: u32,
    peer: TcpStream,
}

impl Pair {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let mut driver = Driver::new();
        driver.stop_clock();
        let dial = Dial {
            to: DialTo::Tcp(vec![listener.local_addr().expect("bound")]),
            sorted: false,
            more: false,
            socket: Default::default(),
            hops: Vec::new(),
            tls: None,
            connect_timeout_ms: 0,
            tls_timeout_ms: 0,
            proxy_timeout_ms: 0,
        };
        driver.engine.dial(&dial).expect("begun");
        let handle = driver.expect(EventKind::Dialled).stream();
        let (peer, _) = listener.accept().expect("connected");
        driver.engine.become_client(handle).expect("it is quiet");
        let profile = driver.engine.remember_profile(&ClientProfile {
            send_ms: 0,
            headers_ms: 100,
            body_ms: 0,
            limits: HeadLimits::default(),
        });
        Self {
            driver,
            handle,
            profile: profile.expect("room for one"),
            peer,
        }
    }

    fn ask(&mut self, block: &[u8], total_ms: u64, flags: u32) -> Result<Id, Code> {
        let request = Request {
            method: b"GET",
            target: b"/",
            ready: 0,
            block,
            profile: self.profile,
            total_ms,
            flags,
        };
        let asked = self.driver.engine.request(self.handle, &request, Chunk::Bytes(b""));
        asked.map_err(|error| error.code)
    }

    /// So many requests, one behind the other, given to the kernel.
    fn pipe(&mut self, totals: &[u64]) -> Vec<Id> {
        let ids = totals
            .iter()
            .map(|total| self.ask(b"Host\0a\0", *total, request_flag::PIPELINE).expect("room"))
            .collect();
        self.driver.settle();
        ids
    }

    fn say(&mut self, bytes: &[u8]) {
        self.peer.write_all(bytes).expect("it is open");
        self.driver.settle();
    }

    /// What happened to exchanges: the kind, whose place in `ids`, and the flags.
    fn told(&mut self, ids: &[Id]) -> Vec<(EventKind, usize, u32)> {
        let events: Vec<Happened> = self.driver.events.drain(..).collect();
        let place = |event: &Happened| ids.iter().position(|id| *id == event.id);
        events
            .iter()
            .filter_map(|event| Some((event.kind, place(event)?, event.flags)))
            .collect()
    }

    fn end(mut self) {
        self.driver.engine.close_client(self.handle);
        self.driver.settle();
        self.driver.events.clear();
        self.driver.assert_nothing_left();
    }
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const LAST: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";

/// The flags of an exchange that ended so.
fn code(code: Code, flags: u32) -> u32 {
    u32::from(code.id()) | flags
}

#[test]
fn answers_come_to_their_requests_wherever_the_bytes_are_parted() {
    let answers = [
        OK,
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        OK,
    ]
    .concat();
    for cut in 0..=answers.len() {
        let mut pair = Pair::new();
        let ids = pair.pipe(&[0; 4]);
        let mut over = Vec::new();
        for part in [&answers[..cut], &answers[cut..]] {
            pair.say(part);
            for _ in 0..3 {
                for (kind, place, flags) in pair.told(&ids) {
                    if kind == EventKind::Response && flags & response::ENDED == 0 {
                        // It may have come whole by now.
                        let _ = pair.driver.engine.collect(ids[place].as_f64(), 100.0);
                    } else if kind == EventKind::BodyEnd || kind == EventKind::Response {
                        over.push(place);
                    }
                }
                pair.driver.settle();
            }
        }
        assert_eq!(over, [0, 1, 2, 3], "parted at {cut}");
        pair.end();
    }
}

#[test]
fn without_the_flag_or_behind_one_that_ends_the_connection_nothing_follows() {
    let mut pair = Pair::new();
    let first = pair.ask(b"Host\0a\0", 0, 0).expect("it is free");
    assert_eq!(pair.ask(b"Host\0a\0", 0, 0), Err(Code::InvalidState));
    let closing = b"Host\0a\0Connection\0close\0";
    let second = pair.ask(closing, 0, request_flag::PIPELINE).expect("room");
    assert_eq!(
        pair.ask(b"Host\0a\0", 0, request_flag::PIPELINE),
        Err(Code::ConnectionStale)
    );
    pair.driver.settle();
    pair.say(&[OK, OK].concat());
    let told = pair.told(&[first, second]);
    assert_eq!(
        told.iter().map(|(kind, place, _)| (*kind, *place)).collect::<Vec<_>>(),
        [(EventKind::Response, 0), (EventKind::Response, 1),]
    );
    assert_eq!(told[1].2 & response::KEEP_ALIVE, 0);
    pair.end();
}

#[test]
fn an_answer_that_ends_the_connection_tells_those_behind_it_at_its_head() {
    let mut pair = Pair::new();
    let ids = pair.pipe(&[0; 3]);
    pair.say(&LAST[..LAST.len() - 1]);
    let unread = code(Code::ConnectionClosed, aborted::SENT | aborted::UNREAD);
    let told = pair.told(&ids);
    assert!(told.contains(&(EventKind::Aborted, 1, unread)), "{told:?}");
    assert!(told.contains(&(EventKind::Aborted, 2, unread)), "{told:?}");
    assert_eq!(
        pair.ask(b"Host\0a\0", 0, request_flag::PIPELINE),
        Err(Code::ConnectionStale)
    );
    pair.driver.engine.collect(ids[0].as_f64(), 100.0).expect("it lives");
    pair.say(b"k");
    assert_eq!(pair.driver.count(EventKind::Collected), 1);
    assert_eq!(pair.driver.count(EventKind::Gone), 1);
    pair.end();
}

#[test]
fn a_connection_that_dies_without_a_word_does_not_say_that_nothing_was_read() {
    let mut pair = Pair::new();
    let ids = pair.pipe(&[0; 3]);
    pair.say(OK);
    pair.peer.shutdown(std::net::Shutdown::Both).expect("it is open");
    pair.driver
        .run_until(&mut [], |driver, _| driver.count(EventKind::Gone) == 1);
    let closed = code(Code::ConnectionClosed, aborted::SENT);
    let told = pair.told(&ids);
    assert_eq!(
        told[1..],
        [(EventKind::Aborted, 1, closed), (EventKind::Aborted, 2, closed)]
    );
    pair.end();
}

#[test]
fn one_that_is_given_up_lets_those_before_it_be_answered_and_tells_those_behind_it() {
    let mut pair = Pair::new();
    let ids = pair.pipe(&[0; 4]);
    pair.driver.engine.destroy(ids[2].as_f64());
    let told = pair.told_after_turn(&ids);
    assert_eq!(
        told,
        [
            (EventKind::Aborted, 2, code(Code::Destroyed, aborted::SENT)),
            (EventKind::Aborted, 3, code(Code::ConnectionClosed, aborted::SENT)),
        ]
    );
    pair.say(OK);
    assert_eq!(pair.driver.count(EventKind::Gone), 0);
    pair.say(&[OK, OK].concat());
    let told = pair.told(&ids);
    assert_eq!(
        told.iter().map(|(kind, place, _)| (*kind, *place)).collect::<Vec<_>>(),
        [(EventKind::Response, 0), (EventKind::Response, 1),]
    );
    assert!(is_closed(&mut pair.peer), "it is closed when the last is answered");
    pair.end();
}

#[test]
fn the_first_that_is_given_up_takes_the_connection_with_it() {
    let mut pair = Pair::new();
    let ids = pair.pipe(&[0; 2]);
    pair.driver.engine.destroy(ids[0].as_f64());
    let told = pair.told_after_turn(&ids);
    assert_eq!(told[0], (EventKind::Aborted, 0, code(Code::Destroyed, aborted::SENT)));
    assert_eq!(
        told[1],
        (EventKind::Aborted, 1, code(Code::ConnectionClosed, aborted::SENT))
    );
    assert!(is_closed(&mut pair.peer));
    pair.end();
}

#[test]
fn the_clock_of_the_first_byte_begins_when_those_before_are_answered() {
    let mut pair = Pair::new();
    let ids = pair.pipe(&[0; 2]);
    pair.driver.advance(99);
    pair.say(OK);
    pair.driver.advance(99);
    assert_eq!(pair.driver.count(EventKind::Aborted), 0, "a millisecond early");
    pair.driver.advance(1);
    let told = pair.told(&ids);
    assert_eq!(
        told[1],
        (EventKind::Aborted, 1, code(Code::ResponseTimeout, aborted::SENT))
    );
    pair.end();
}

#[test]
fn the_time_for_all_of_it_runs_behind_others_too_and_ends_that_one_alone() {
    let mut pair = Pair::new();
    let ids = pair.pipe(&[0, 50, 40, 0]);
    pair.driver.advance(39);
    assert_eq!(pair.driver.count(EventKind::Aborted), 0, "a millisecond early");
    pair.driver.advance(1);
    assert_eq!(
        pair.told(&ids),
        [
            (EventKind::Aborted, 2, code(Code::TotalTimeout, aborted::SENT)),
            (EventKind::Aborted, 3, code(Code::ConnectionClosed, aborted::SENT)),
        ]
    );
    pair.driver.advance(10);
    assert_eq!(
        pair.told(&ids),
        [(EventKind::Aborted, 1, code(Code::TotalTimeout, aborted::SENT))]
    );
    pair.say(OK);
    assert_eq!(pair.told(&ids)[0].0, EventKind::Response);
    assert!(is_closed(&mut pair.peer));
    pair.end();
}

impl Pair {
    fn told_after_turn(&mut self, ids: &[Id]) -> Vec<(EventKind, usize, u32)> {
        self.driver.settle();
        self.told(ids)
    }
}

/// Whether the other end is closed, behind what it had said.
fn is_closed(peer: &mut TcpStream) -> bool {
    peer.set_nonblocking(true).expect("it can");
    let mut bytes = [0; 4096];
    loop {
        match peer.read(&mut bytes) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != ErrorKind::WouldBlock,
        }
    }
}
