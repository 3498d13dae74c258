//! The time for an answer: a reader that takes something lives, one that takes nothing is cut.

use crate::support::{GET, OK, listen, options, timeouts};
use millrace_engine::buffer::PinId;
use millrace_engine::error::Code;
use millrace_engine::{Chunk, EventKind, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::Driver;
use std::time::{Duration, Instant};

/// Lets time pass by the millisecond until an exchange is aborted; says how long that took.
fn until_aborted(driver: &mut Driver, most: u64) -> u64 {
    for waited in 0..=most {
        if driver.count(EventKind::Aborted) > 0 {
            return waited;
        }
        driver.advance(1);
    }
    panic!("it lives after {most} ms");
}

#[test]
fn a_slow_reader_behind_a_large_buffer_lives_while_it_takes_something_and_is_cut_when_it_stops() {
    const PORTION: usize = 40 << 10;
    let rates = [(3_000, 0), (0, 20_000), (3_000, 240)];
    for (write_timeout_ms, min_send_rate) in rates {
        let options = ServerOptions {
            write_timeout_ms,
            min_send_rate,
            ..options()
        };
        let (mut driver, server, client) = listen(options);
        let addr = driver.engine.server_address(server).unwrap();
        drop(client);
        // A system tells of room by the sixteenth of its buffer: one of megabytes would hide the reader for seconds.
        let mut client = Client::connect_narrow(addr, 64 << 10);
        client.reading = false;
        client.send(GET);
        let stream = driver.expect(EventKind::Request).stream();
        driver.engine.respond_head(stream, &OK).unwrap();
        driver.host.pins.insert(1, vec![b'x'; 64 << 20]);
        let chunk = Chunk::Pin {
            pin: PinId(1),
            len: 64 << 20,
        };
        driver.engine.write(stream, chunk).unwrap();
        driver.settle();
        let (mut sent, mut still, mut longest) = (0, 0, 0);
        // 80 KB a second for 40 seconds: the kernel takes more of us only now and then.
        for _ in 0..80 {
            let mut left = PORTION;
            let give_up = Instant::now() + Duration::from_secs(20);
            while left > 0 {
                left -= client.read_some(left);
                driver.settle();
                assert!(Instant::now() < give_up, "{left} bytes of a portion are missing");
            }
            driver.advance(500);
            let now = driver.engine.server_stats(server).unwrap().sent;
            still = if now == sent { still + 500 } else { 0 };
            (sent, longest) = (now, longest.max(still));
        }
        assert_eq!(
            driver.count(EventKind::Aborted),
            0,
            "after {longest} ms without a byte to the kernel"
        );
        if write_timeout_ms != 0 {
            assert!(longest > write_timeout_ms, "{longest} ms show nothing");
            until_aborted(&mut driver, 4 * write_timeout_ms);
            assert_eq!(driver.expect(EventKind::Aborted).code(), Some(Code::WriteTimeout));
        } else {
            driver.advance(400_000);
            assert_eq!(driver.expect(EventKind::Aborted).code(), Some(Code::SendRate));
        }
    }
}

#[test]
fn a_reader_that_takes_nothing_is_cut_to_the_millisecond_and_one_that_stops_half_a_second_later_at_most() {
    // Over a Unix socket, where what is not read moves by no clock of the systems.
    let cases = [
        (3_000, false, 0),
        (3_000, true, 3_000 / 8),
        (60_000, false, 0),
        (60_000, true, 500),
    ];
    for (write_timeout_ms, reads, late) in cases {
        let mut driver = Driver::new();
        driver.stop_clock();
        let options = ServerOptions {
            write_timeout_ms,
            ..options()
        };
        let (server, path) = driver.listen_unix(options);
        let mut client = Client::connect_unix(&path);
        client.reading = false;
        client.send(GET);
        let stream = driver.expect(EventKind::Request).stream();
        driver.host.pins.insert(1, vec![b'x'; 8 << 20]);
        let chunk = Chunk::Pin {
            pin: PinId(1),
            len: 8 << 20,
        };
        driver.engine.respond(stream, &OK, chunk, true).unwrap();
        driver.settle();
        let sent = driver.engine.server_stats(server).unwrap().sent;
        if reads {
            // Not enough for the system to tell the server of room.
            driver.advance(1_000);
            while client.read_some(1 << 10) > 0 && client.received.len() < 64 << 10 {}
        }
        let waited = until_aborted(&mut driver, 2 * write_timeout_ms);
        let allowed = write_timeout_ms..=write_timeout_ms + late;
        assert!(allowed.contains(&waited), "{waited} ms of {write_timeout_ms}");
        assert_eq!(driver.expect(EventKind::Aborted).code(), Some(Code::WriteTimeout));
        assert_eq!(driver.engine.server_stats(server).unwrap().sent, sent);
    }
}

#[test]
fn a_reader_that_takes_nothing_is_cut_and_one_that_takes_little_is_not() {
    let (mut driver, server, client) = listen(options());
    let addr = driver.engine.server_address(server).unwrap();
    drop(client);
    let mut client = Client::connect_narrow(addr, 4096);
    client.reading = false;
    client.send(GET);
    let stream = driver.expect(EventKind::Request).stream();
    // More than kernels buffer and the rounds below read together.
    driver.host.pins.insert(1, vec![b'x'; 128 << 20]);
    driver
        .engine
        .respond(
            stream,
            &OK,
            Chunk::Pin {
                pin: PinId(1),
                len: 128 << 20,
            },
            true,
        )
        .unwrap();
    driver.settle();
    for _ in 0..3 {
        driver.advance(2_999);
        client.reading = true;
        let before = client.received.len();
        // Enough for the kernel to tell the server of room.
        driver.run_until(&mut [&mut client], |_, clients| {
            clients[0].received.len() > before + (3 << 20)
        });
        client.reading = false;
        driver.settle();
        assert_eq!(driver.count(EventKind::Aborted), 0);
    }
    // The systems may still move bytes between them, by a clock that does not stop.
    let waited = until_aborted(&mut driver, 4 * 3_000);
    assert!(waited >= 3_000, "{waited}");
    let aborted = driver.expect(EventKind::Aborted);
    assert_eq!((aborted.stream(), aborted.code()), (stream, Some(Code::WriteTimeout)));
    assert_eq!(timeouts(&mut driver, server), [0, 0, 0, 1, 0]);
    driver.settle();
    assert_eq!(driver.engine.census().connections, 0);
}
