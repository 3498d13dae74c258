//! Relays: two tunnels joined. Every byte once and in order, ends passed on, nothing left behind.

use millrace_engine::{Chunk, EventKind, RelayOptions, ServerKind, ServerOptions};
use millrace_error::Code;
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, Happened};
use proptest::prelude::*;

/// A relay between two clients.
struct Joined {
    driver: Driver,
    server: f64,
    streams: [f64; 2],
    clients: [Client; 2],
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Tcp,
    Unix,
}

impl Joined {
    /// Two tunnels, not joined yet.
    fn apart(kinds: [Kind; 2]) -> Self {
        let mut driver = Driver::new();
        let options = ServerOptions {
            kind: ServerKind::Raw,
            ..Default::default()
        };
        let (server, addr) = driver.listen(options);
        let (_, path) = driver.listen_unix(options);
        let mut tunnel = |kind| {
            let client = match kind {
                Kind::Tcp => Client::connect(addr),
                Kind::Unix => Client::connect_unix(&path),
            };
            (driver.expect(EventKind::Accepted).stream(), client)
        };
        let ((a, one), (b, other)) = (tunnel(kinds[0]), tunnel(kinds[1]));
        Self {
            driver,
            server,
            streams: [a, b],
            clients: [one, other],
        }
    }

    fn join(&mut self, options: RelayOptions) {
        let [a, b] = self.streams;
        self.driver.engine.relay(a, b, options).expect("two open tunnels");
    }

    fn new(options: RelayOptions) -> Self {
        let mut joined = Self::apart([Kind::Tcp; 2]);
        joined.join(options);
        joined
    }

    /// Makes turns until the clients have what the condition wants.
    fn run_until(&mut self, done: impl Fn(&Client, &Client) -> bool) {
        let [one, other] = &mut self.clients;
        self.driver
            .run_until(&mut [one, other], |_, clients| done(clients[0], clients[1]));
    }

    fn quiet(&mut self) {
        let [one, other] = &mut self.clients;
        self.driver.quiet(&mut [one, other]);
    }

    fn ended(&mut self) -> Happened {
        let [one, other] = &mut self.clients;
        let ended = self.driver.expect_with(EventKind::RelayEnded, &mut [one, other]);
        assert_eq!(ended.stream(), self.streams[0]);
        ended
    }

    fn nothing_is_left(&mut self) {
        self.driver.settle();
        let census = self.driver.engine.census();
        assert_eq!(
            (census.connections, census.streams, census.buffers, census.timers),
            (0, 0, 0, 0)
        );
        let stats = self.driver.engine.server_stats(self.server).expect("it lives");
        assert_eq!((stats.requests_active, stats.active), (0, 0));
        for kind in [
            EventKind::Body,
            EventKind::BodyEnd,
            EventKind::Aborted,
            EventKind::Finished,
        ] {
            assert_eq!(self.driver.count(kind), 0, "{kind:?}");
        }
    }
}

const NONE: RelayOptions = RelayOptions {
    idle_ms: 0,
    total_ms: 0,
};

fn pattern(len: usize, seed: u8) -> Vec<u8> {
    pattern_from(0, len, seed)
}

fn pattern_from(from: usize, len: usize, seed: u8) -> Vec<u8> {
    (from..from + len)
        .map(|at| ((at.wrapping_mul(2_654_435_761) >> 13) as u8) ^ seed)
        .collect()
}

#[test]
fn ends_that_came_before_the_relay_are_passed_on_by_it() {
    for ends in [&[0][..], &[1], &[0, 1], &[1, 0]] {
        let mut joined = Joined::apart([Kind::Tcp; 2]);
        for end in ends {
            joined.clients[*end].finish();
            joined.driver.expect(EventKind::BodyEnd);
        }
        joined.join(NONE);
        joined.run_until(|one, other| [one, other].iter().filter(|client| client.ended).count() == ends.len());
        for (who, client) in joined.clients.iter_mut().enumerate() {
            assert_eq!(client.ended, ends.contains(&(1 - who)), "{ends:?}");
            if !ends.contains(&who) {
                client.send("late");
                client.finish();
            }
        }
        let ended = joined.ended();
        let late = |who: usize| if ends.contains(&who) { 0 } else { 4 };
        assert_eq!((ended.flags, ended.a, ended.b), (0, late(0), late(1)));
        joined.nothing_is_left();
    }
}

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
fn a_reset_in_every_phase_ends_both_sides_and_counts_what_arrived() {
    for phase in 0..6 {
        let mut joined = Joined::apart([Kind::Tcp; 2]);
        if phase == 0 {
            joined.clients[0].send("stashed");
            joined.quiet();
        }
        if phase > 0 {
            joined.join(NONE);
        }
        match phase {
            2 => joined.quiet(),
            3 => {
                joined.clients[0].send("x");
                joined.run_until(|_, other| other.received == b"x");
            }
            4 => {
                joined.clients[0].finish();
                joined.run_until(|_, other| other.ended);
            }
            5 => {
                joined.clients[1].reading = false;
                joined.clients[0].send(vec![1; 16_000_000]);
                joined.quiet();
            }
            _ => {}
        }
        // Whoever has ended does not break it; else both do, in turn.
        for breaks in if phase == 4 { 1..2 } else { 0..2 } {
            let mut joined = std::mem::replace(&mut joined, Joined::apart([Kind::Tcp; 2]));
            if breaks == 1 && phase != 4 {
                joined = Joined::new(NONE);
                joined.clients[0].send("y");
                joined.run_until(|_, other| other.received == b"y");
            } else if phase == 0 {
                joined.join(NONE);
            }
            let gone = joined.clients[breaks].descriptor();
            assert!(gone.is_some() || phase == 4);
            let [one, other] = joined.clients;
            let (goes, mut stays) = if breaks == 0 { (one, other) } else { (other, one) };
            goes.reset();
            let ended = joined.driver.expect_with(EventKind::RelayEnded, &mut [&mut stays]);
            assert!(
                matches!(ended.code(), Some(Code::ConnectionReset | Code::ConnectionClosed)),
                "{phase}: {ended:?}"
            );
            stays.reading = true;
            joined
                .driver
                .run_until(&mut [&mut stays], |_, clients| clients[0].is_over());
            assert!(
                stays.broken.is_some() || phase == 4,
                "phase {phase}: it looks like an end"
            );
            if breaks == 0 && stays.broken.is_none() {
                assert_eq!(stays.received.len() as u64, ended.a);
            }
            joined.driver.settle();
            let census = joined.driver.engine.census();
            assert_eq!(
                (census.connections, census.streams, census.buffers, census.timers),
                (0, 0, 0, 0)
            );
        }
    }
}

#[test]
fn a_reset_behind_bytes_that_were_not_read_yet_is_passed_on_behind_them() {
    let mut joined = Joined::new(NONE);
    joined.clients[1].send("y");
    joined.run_until(|one, _| one.received == b"y");
    // So few that they are in the last socket whole when it is reset.
    let sent = pattern(20_000, 3);
    joined.clients[1].send(&sent);
    while joined.clients[1].unsent() > 0 {
        joined.clients[1].exchange();
    }
    let Joined {
        mut driver, clients, ..
    } = joined;
    let [mut stays, goes] = clients;
    goes.reset();
    let ended = driver.expect_with(EventKind::RelayEnded, &mut [&mut stays]);
    assert_eq!(ended.code(), Some(Code::ConnectionReset));
    driver.run_until(&mut [&mut stays], |_, clients| clients[0].is_over());
    assert!(stays.broken.is_some(), "it looks like an end");
    let got = &stays.received[1..];
    assert!(!got.is_empty() && sent.starts_with(got), "{} bytes", got.len());
    assert_eq!((ended.a, ended.b), (0, 1 + got.len() as u64));
}

#[test]
fn the_idle_time_is_kept_by_bytes_either_way_and_ends_it_at_its_edge() {
    for stays_stacked in [true, false] {
        let mut joined = Joined::apart([Kind::Tcp; 2]);
        joined.driver.stop_clock();
        joined.join(RelayOptions {
            idle_ms: 1_000,
            total_ms: 0,
        });
        if !stays_stacked {
            joined.quiet();
        }
        for turn in 0..4 {
            joined.driver.advance(999);
            joined.clients[turn % 2].send("x");
            joined.quiet();
        }
        assert_eq!(joined.driver.count(EventKind::RelayEnded), 0);
        joined.driver.advance(999);
        joined.quiet();
        assert_eq!(joined.driver.count(EventKind::RelayEnded), 0);
        joined.driver.advance(1);
        let ended = joined.ended();
        assert_eq!((ended.code(), ended.a, ended.b), (Some(Code::RelayIdleTimeout), 2, 2));
        joined.run_until(|one, other| one.broken.is_some() && other.broken.is_some());
        joined.nothing_is_left();
    }
}

#[test]
fn the_total_time_ends_it_however_busy_it_is() {
    let mut joined = Joined::apart([Kind::Tcp; 2]);
    joined.driver.stop_clock();
    joined.join(RelayOptions {
        idle_ms: 300,
        total_ms: 1_000,
    });
    for _ in 0..9 {
        joined.driver.advance(100);
        joined.clients[0].send("x");
        joined.quiet();
    }
    joined.driver.advance(99);
    joined.quiet();
    assert_eq!(joined.driver.count(EventKind::RelayEnded), 0);
    joined.driver.advance(1);
    let ended = joined.ended();
    assert_eq!((ended.code(), ended.a), (Some(Code::RelayTotalTimeout), 9));
    joined.nothing_is_left();
}

#[test]
fn what_is_in_a_socket_when_the_idle_time_is_over_counts() {
    let mut joined = Joined::new(RelayOptions {
        idle_ms: 1_000,
        total_ms: 0,
    });
    joined.driver.stop_clock();
    joined.quiet();
    joined.clients[0].send("in time");
    joined.driver.advance(1_001);
    joined.run_until(|_, other| other.received == b"in time");
    assert_eq!(joined.driver.count(EventKind::RelayEnded), 0);
    joined.driver.engine.destroy(joined.streams[1]);
    joined.ended();
    joined.nothing_is_left();
}

#[test]
fn what_is_no_pair_of_open_tunnels_is_refused() {
    let mut joined = Joined::apart([Kind::Tcp; 2]);
    let [a, b] = joined.streams;
    let mut refused = |a, b| joined.driver.engine.relay(a, b, NONE).expect_err("refused").code;
    assert_eq!(refused(a, a), Code::InvalidArgument);
    assert_eq!(refused(a, 12_345.0), Code::StaleId);
    assert_eq!(refused(f64::NAN, b), Code::StaleId);
    joined.driver.engine.end(b, b"", false).expect("open");
    let refused = joined.driver.engine.relay(a, b, NONE).expect_err("our side has ended");
    assert_eq!(refused.code, Code::InvalidState);
    joined.driver.engine.destroy(a);
    joined.driver.engine.destroy(b);
}

#[test]
fn a_server_that_is_forced_ends_its_relays() {
    let mut joined = Joined::new(NONE);
    joined.quiet();
    joined.driver.engine.force_server(joined.server);
    let ended = joined.ended();
    assert_eq!(ended.code(), Some(Code::ServerClosed));
    joined.driver.expect(EventKind::ServerClosed);
    joined.driver.settle();
    assert_eq!(joined.driver.engine.census().connections, 0);
}

#[test]
fn an_end_that_panics_takes_the_other_with_it() {
    let mut joined = Joined::new(NONE);
    joined.quiet();
    joined.driver.engine.plant_panic(joined.streams[1]);
    joined.clients[1].send("x");
    assert_eq!(joined.ended().code(), Some(Code::Bug));
    joined.nothing_is_left();
}

#[derive(Clone, Debug)]
enum Step {
    Send(usize, usize),
    Reads(usize, bool),
    Finish(usize),
    Turn,
    Quiet,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..2usize, 1..200_000usize).prop_map(|(who, size)| Step::Send(who, size)),
        2 => (0..2usize, any::<bool>()).prop_map(|(who, reads)| Step::Reads(who, reads)),
        1 => (0..2usize).prop_map(Step::Finish),
        3 => Just(Step::Turn),
        1 => Just(Step::Quiet),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever the peers do, short of breaking it: each gets what the other sent, then its end.
    #[test]
    fn any_order_of_sends_reads_and_ends_keeps_every_byte(
        steps in prop::collection::vec(step(), 1..30),
        unix in any::<(bool, bool)>(),
        before in 0..20usize,
    ) {
        let kind = |unix| if unix { Kind::Unix } else { Kind::Tcp };
        let mut joined = Joined::apart([kind(unix.0), kind(unix.1)]);
        let mut sent = [0, 0];
        let mut finished = [false, false];
        let mut joins = true;
        for (at, step) in steps.into_iter().enumerate() {
            if at == before {
                joins = false;
                joined.join(NONE);
            }
            match step {
                Step::Send(who, size) if !finished[who] => {
                    let bytes = pattern_from(sent[who], size, who as u8);
                    joined.clients[who].send(bytes);
                    sent[who] += size;
                }
                Step::Send(..) => {}
                Step::Reads(who, reads) => joined.clients[who].reading = reads,
                Step::Finish(who) => {
                    if joined.clients[who].unsent() == 0 && !finished[who] {
                        joined.clients[who].finish();
                        finished[who] = true;
                    }
                }
                Step::Turn => joined.driver.turn(),
                Step::Quiet => joined.quiet(),
            }
        }
        if joins {
            joined.join(NONE);
        }
        joined.clients.iter_mut().for_each(|client| client.reading = true);
        joined.run_until(|one, other| one.received.len() == sent[1] && other.received.len() == sent[0]);
        for who in 0..2 {
            prop_assert!(joined.clients[1 - who].received == pattern(sent[who], who as u8));
            if !finished[who] {
                joined.clients[who].finish();
            }
        }
        let ended = joined.ended();
        prop_assert_eq!((ended.flags, ended.a, ended.b), (0, sent[0] as u64, sent[1] as u64));
        joined.nothing_is_left();
    }
}
