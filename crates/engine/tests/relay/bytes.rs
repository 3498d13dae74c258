//! Every byte, once and in order, from before the relay too.

use crate::joined::{Joined, Kind, NONE, pattern};
use millrace_engine::{Chunk, EventKind};
use millrace_error::Code;
use millrace_testkit::client::Client;

#[test]
fn bytes_go_both_ways_and_the_host_hears_nothing_but_the_end() {
    for kinds in [
        [Kind::Tcp; 2],
        [Kind::Unix; 2],
        [Kind::Tcp, Kind::Unix],
        [Kind::Unix, Kind::Tcp],
    ] {
        let mut joined = Joined::apart(kinds);
        joined.join(NONE);
        joined.clients[0].send("ping");
        joined.run_until(|_, other| other.received == b"ping");
        joined.clients[1].send("pong!");
        joined.run_until(|one, _| one.received == b"pong!");
        // Each half ends by itself.
        joined.clients[0].finish();
        joined.run_until(|_, other| other.ended);
        joined.clients[1].send("after it");
        joined.run_until(|one, _| one.received == b"pong!after it");
        assert!(!joined.clients[0].is_over());
        joined.clients[1].finish();
        let ended = joined.ended();
        assert_eq!((ended.flags, ended.a, ended.b), (0, 4, 13));
        joined.run_until(|one, _| one.ended && one.broken.is_none());
        joined.nothing_is_left();
    }
}

#[test]
fn what_came_and_what_waits_before_goes_first() {
    for fin in [false, true] {
        let mut joined = Joined::apart([Kind::Tcp; 2]);
        let [a, b] = joined.streams;
        joined.clients[0].send("early ");
        joined.clients[1].send("too ");
        if fin {
            joined.clients[0].finish();
        }
        joined.quiet();
        joined.driver.engine.write(b, Chunk::Bytes(b"said ")).expect("open");
        joined.join(NONE);
        // Of what the host had read it gives the rest to the other side.
        joined.driver.engine.write(b, Chunk::Bytes(b"read ")).expect("it joins");
        joined.quiet();
        joined.clients[1].send("late");
        joined.run_until(|one, other| other.received == b"said read early " && one.received == b"too late");
        // Of a side that has ended anyway it says so.
        let ended = if fin { Code::StreamClosed } else { Code::InvalidState };
        let engine = &mut joined.driver.engine;
        let refused = engine.write(a, Chunk::Bytes(b"x")).expect_err("joined");
        assert_eq!(refused.code, Code::InvalidState);
        assert_eq!(engine.grant(a, 1.0).expect_err("joined").code, Code::InvalidState);
        assert_eq!(engine.end(b, b"", false).expect_err("joined").code, ended);
        assert_eq!(engine.relay(b, a, NONE).expect_err("joined").code, Code::InvalidState);
        if !fin {
            joined.clients[0].finish();
        }
        joined.run_until(|_, other| other.ended);
        joined.clients[1].finish();
        let ended = joined.ended();
        assert_eq!((ended.flags, ended.a, ended.b), (0, 6, 8));
        joined.nothing_is_left();
    }
}

#[test]
fn bytes_that_are_on_their_way_to_the_host_are_waited_for() {
    let mut joined = Joined::apart([Kind::Tcp; 2]);
    let [a, b] = joined.streams;
    joined.driver.engine.grant(a, f64::INFINITY).expect("open");
    // The host joins them within the event before, and gives on what it hears after that.
    let mut joins = true;
    joined.driver.on_event(move |engine, _, event| {
        if std::mem::take(&mut joins) {
            engine.relay(a, b, NONE).expect("two open tunnels");
        }
        if event.kind == EventKind::Body {
            engine.write(b, Chunk::Bytes(&event.value)).expect("it joins");
        }
    });
    let sent = pattern(300_000, 1);
    joined.clients[0].send(&sent);
    joined.run_until(|_, other| other.received.len() == 300_000);
    assert!(joined.clients[1].received == sent);
    joined.driver.no_handler();
    joined.driver.events.clear();
    joined.driver.engine.destroy(a);
    assert_eq!(joined.ended().code(), Some(Code::Destroyed));
    joined.nothing_is_left();
}

#[test]
fn a_slow_reader_stops_the_other_side_and_loses_nothing() {
    let mut joined = Joined::new(NONE);
    joined.clients[1].reading = false;
    let sent = pattern(24_000_000, 2);
    joined.clients[0].send(&sent);
    joined.quiet();
    let unsent = joined.clients[0].unsent();
    assert!(unsent > 0, "everything was taken although nobody reads");
    // The other way goes on meanwhile.
    joined.clients[1].send("still there");
    joined.run_until(|one, _| one.received == b"still there");
    joined.clients[1].reading = true;
    joined.run_until(|_, other| other.received.len() == 24_000_000);
    assert!(joined.clients[1].received == sent);
    joined.clients.iter_mut().for_each(Client::finish);
    let ended = joined.ended();
    assert_eq!((ended.flags, ended.a, ended.b), (0, 24_000_000, 11));
    joined.nothing_is_left();
}

#[test]
fn what_lies_in_a_socket_and_is_more_than_a_turn_moves_goes_without_another_byte_that_announces_it() {
    for kilobytes in [64, 65, 512, 513, 900, 1_500] {
        let mut joined = Joined::apart([Kind::Tcp; 2]);
        let sent = pattern(kilobytes * 1_024, 3);
        joined.clients[0].send(&sent);
        joined.quiet();
        let before = sent.len() - joined.clients[0].unsent();
        joined.join(NONE);
        joined.run_until(|_, other| other.received.len() >= before);
        joined.run_until(|_, other| other.received.len() == sent.len());
        assert!(joined.clients[1].received == sent);
        joined.clients.iter_mut().for_each(Client::finish);
        joined.ended();
        joined.nothing_is_left();
    }
}

#[test]
fn bytes_behind_urgent_data_are_passed_on() {
    let mut joined = Joined::new(NONE);
    joined.clients[0].send("before");
    joined.run_until(|_, other| other.received == b"before");
    for round in 1..4 {
        joined.clients[0].send("a");
        joined.clients[0].send_urgent();
        joined.clients[0].send("b");
        joined.run_until(|_, other| other.received.len() >= 6 + 2 * round);
    }
    joined.clients.iter_mut().for_each(Client::finish);
    joined.ended();
    joined.nothing_is_left();
}
