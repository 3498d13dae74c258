//! For how long a relay may be silent, and last.

use crate::joined::{Joined, Kind};
use millrace_engine::{EventKind, RelayOptions};
use millrace_error::Code;

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
