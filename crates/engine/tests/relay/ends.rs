//! Ends of one side, in order or not, and what becomes of the other.

use crate::joined::{Joined, Kind, NONE, pattern};
use millrace_engine::EventKind;
use millrace_error::Code;

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
            joined.driver.assert_no_connection_left();
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
fn what_is_no_pair_of_open_tunnels_is_refused() {
    let mut joined = Joined::apart([Kind::Tcp; 2]);
    let [a, b] = joined.streams;
    let refused = joined.driver.engine.relay(a, a, NONE).expect_err("one and the same");
    assert_eq!(refused.code, Code::InvalidArgument);
    joined.driver.engine.end(b, b"", false).expect("open");
    let refused = joined.driver.engine.relay(a, b, NONE).expect_err("our side has ended");
    assert_eq!(refused.code, Code::InvalidState);
    joined.driver.engine.destroy(a);
    joined.driver.engine.destroy(b);
}

#[test]
fn a_tunnel_whose_other_is_gone_is_reset() {
    for left in 0..2 {
        let mut joined = Joined::apart([Kind::Tcp; 2]);
        let [a, b] = joined.streams;
        joined.driver.engine.destroy(joined.streams[1 - left]);
        let refused = joined.driver.engine.relay(a, b, NONE).expect_err("one is gone");
        assert_eq!(refused.code, Code::StaleId);
        joined.run_until(|one, other| one.is_over() && other.is_over());
        assert!(joined.clients[left].broken.is_some(), "it looks like an end");
        joined.driver.settle();
        assert_eq!(joined.driver.engine.census().connections, 0);
    }
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

#[test]
fn a_tunnel_that_was_joined_had_opened_and_is_not_counted_as_failed_when_it_ends() {
    for kinds in [[Kind::Tcp; 2], [Kind::Unix; 2]] {
        let mut joined = Joined::apart(kinds);
        joined.join(NONE);
        joined.clients[0].send("there");
        joined.run_until(|_, other| other.received == b"there");
        joined.clients[0].finish();
        joined.clients[1].finish();
        assert_eq!(joined.ended().flags, 0);
        joined.nothing_is_left();
    }
}
