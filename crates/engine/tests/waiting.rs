//! What one connection may have under way: answers that wait for their turn, and heads that are read ahead.

use millrace_engine::{Chunk, EventKind, HeadLimits, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, OK, answer};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
/// The default of the limit on heads.
const HEADS: usize = 128 * 1024;

/// A server with these marks and requests under way on one connection, their heads answered.
fn listen(mark: usize, requests: usize) -> (Driver, Client, Vec<f64>) {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions {
        write_high_water_mark: mark,
        ..Default::default()
    });
    let client = Client::send_to(addr, GET.repeat(requests));
    let streams: Vec<f64> = (0..requests)
        .map(|_| driver.expect(EventKind::Request).stream())
        .collect();
    for stream in &streams {
        driver.engine.respond_head(*stream, &OK).unwrap();
    }
    driver.settle();
    (driver, client, streams)
}

/// Writes chunks of one byte until told to wait; how many bytes that took.
fn fill(driver: &mut Driver, stream: f64) -> usize {
    (1..)
        .find(|_| !driver.engine.write(stream, Chunk::Bytes(b"x")).unwrap())
        .unwrap()
}

#[test]
fn answers_that_wait_share_one_mark() {
    let (mut alone, _client, streams) = listen(2_000, 2);
    let one = fill(&mut alone, streams[1]);
    let (mut driver, _client, streams) = listen(2_000, 3);
    // Heads of the same size wait for both; what one has taken, the other has not.
    for _ in 0..one / 2 {
        assert!(driver.engine.write(streams[2], Chunk::Bytes(b"x")).unwrap());
    }
    let other = fill(&mut driver, streams[1]);
    assert!(other < one / 2 + 1 && other > one / 3, "{other} of {one}");
    assert!(!driver.engine.write(streams[2], Chunk::Bytes(b"x")).unwrap());
}

#[test]
fn those_who_wait_for_room_are_told_when_the_sum_is_below_the_low_mark() {
    let (mut driver, mut client, streams) = listen(4_000, 3);
    // The second fills the mark; the third, which has hardly anything, has to wait for it.
    assert!(!driver.engine.write(streams[1], Chunk::Bytes(&[b'x'; 4_000])).unwrap());
    assert!(!driver.engine.write(streams[2], Chunk::Bytes(b"x")).unwrap());
    driver.quiet(&mut [&mut client]);
    assert_eq!(driver.count(EventKind::Drain), 0);
    driver.engine.end(streams[0], b"", false).unwrap();
    driver.quiet(&mut [&mut client]);
    let told: Vec<f64> = driver
        .events
        .drain(..)
        .filter(|event| event.kind == EventKind::Drain)
        .map(|event| event.stream())
        .collect();
    assert_eq!(told, [streams[1], streams[2]]);
    // Once each.
    driver.quiet(&mut [&mut client]);
    assert_eq!(driver.count(EventKind::Drain), 0);
}

#[test]
fn the_first_in_line_goes_on_though_those_behind_it_have_filled_the_mark() {
    let (mut driver, mut client, streams) = listen(4_000, 2);
    assert!(!driver.engine.write(streams[1], Chunk::Bytes(&[b'x'; 4_000])).unwrap());
    let low = 1_000;
    assert!(driver.engine.write(streams[0], Chunk::Bytes(&[b'y'; 900])).unwrap());
    assert!(!driver.engine.write(streams[0], Chunk::Bytes(&vec![b'y'; low])).unwrap());
    // Its bytes leave, so it is told; nobody else is.
    assert_eq!(
        driver.expect_with(EventKind::Drain, &mut [&mut client]).stream(),
        streams[0]
    );
    driver.engine.end(streams[0], b"", false).unwrap();
    assert_eq!(
        driver.expect_with(EventKind::Drain, &mut [&mut client]).stream(),
        streams[1]
    );
}

#[test]
fn no_request_is_read_behind_answers_that_fill_the_mark() {
    for (extra, read) in [(0, true), (1, false)] {
        let (mut driver, mut client, streams) = listen(4_000, 2);
        // Everything of the second answer waits: its head, and chunks of 8 bytes' framing.
        let framed = |size: usize| size + format!("{size:x}").len() + 4;
        let head = 4_000 - room();
        let size = (0..4_000).find(|size| head + framed(*size) == 4_000).unwrap();
        driver
            .engine
            .write(streams[1], Chunk::Bytes(&vec![b'x'; size + extra]))
            .unwrap();
        client.send(GET);
        driver.quiet(&mut [&mut client]);
        assert_eq!(driver.count(EventKind::Request) == 1, read, "{extra} past the mark");
        driver.engine.end(streams[0], b"", false).unwrap();
        driver.engine.end(streams[1], b"", false).unwrap();
        driver.quiet(&mut [&mut client]);
        assert_eq!(driver.count(EventKind::Request), 1);
    }
}

/// How many bytes the mark of 4 000 leaves beside the head of an answer that waits: found on a twin.
fn room() -> usize {
    let (mut twin, _client, streams) = listen(4_000, 2);
    // A chunk of one byte is 6 on the wire.
    let mut sent = 0;
    while twin.engine.write(streams[1], Chunk::Bytes(b"x")).unwrap() {
        sent += 6;
    }
    // Between `sent` and `sent + 5` bytes more than the head fit: find out to the byte.
    (sent..sent + 6)
        .rev()
        .find(|size| {
            let (mut twin, _client, streams) = listen(4_000, 2);
            let digits = format!("{:x}", size - 7).len();
            twin.engine
                .write(streams[1], Chunk::Bytes(&vec![b'x'; size - 4 - digits]))
                .unwrap()
        })
        .unwrap()
}

/// A request whose head counts so many bytes: the target, and `Host\0a\0` and a field.
fn head_of(bytes: usize) -> String {
    let rest = bytes - "/".len() - "Host\0a\0".len() - "X\0\0".len();
    format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "v".repeat(rest))
}

#[test]
fn heads_are_read_ahead_up_to_128_kib_and_not_a_byte_more() {
    for (last, ahead) in [(HEADS / 4, 4), (HEADS / 4 + 1, 3)] {
        let mut driver = Driver::new();
        let (_, addr) = driver.listen(ServerOptions {
            head: HeadLimits {
                header_size: 1 << 20,
                ..Default::default()
            },
            ..Default::default()
        });
        let quarter = head_of(HEADS / 4);
        let text = [&*quarter, &quarter, &quarter, &head_of(last)].concat();
        let mut client = Client::send_to(addr, text);
        driver.quiet(&mut [&mut client]);
        assert_eq!(driver.count(EventKind::Request), ahead);
        let first = driver.expect(EventKind::Request).stream();
        answer(&mut driver.engine, first, b"").unwrap();
        driver.quiet(&mut [&mut client]);
        assert_eq!(driver.count(EventKind::Request), 3, "room was made");
        // One head of any size goes alone.
        while let Some(event) = driver.events.pop_front() {
            answer(&mut driver.engine, event.stream(), b"").unwrap();
        }
        client.send(head_of(HEADS * 2));
        driver.run_until(&mut [&mut client], |driver, _| driver.count(EventKind::Request) == 1);
    }
}

#[test]
fn a_head_that_is_half_read_has_its_time_while_we_do_not_read() {
    let mut driver = Driver::new();
    driver.stop_clock();
    let (_, addr) = driver.listen(ServerOptions {
        headers_timeout_ms: 1_000,
        write_high_water_mark: 1_000,
        ..Default::default()
    });
    let mut client = Client::send_to(addr, [GET, GET, "GET / HT"].concat());
    let first = driver.expect(EventKind::Request).stream();
    let second = driver.expect(EventKind::Request).stream();
    driver.settle();
    driver.advance(400);
    driver.engine.respond_head(second, &OK).unwrap();
    driver.engine.write(second, Chunk::Bytes(&[b'x'; 2_000])).unwrap();
    driver.settle();
    driver.advance(1_000_000);
    driver.engine.end(second, b"", false).unwrap();
    answer(&mut driver.engine, first, b"").unwrap();
    driver.quiet(&mut [&mut client]);
    driver.advance(599);
    driver.quiet(&mut [&mut client]);
    assert_eq!((client.complete(), client.ended), (2, false));
    driver.advance(1);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].ended);
    assert_eq!(client.answers(&[])[2].status, 408);
}

#[test]
fn a_request_goes_ahead_only_where_it_and_all_that_are_owed_are_safe() {
    let safe = ["GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH"];
    let unsafe_ = ["POST", "PUT", "PATCH", "DELETE", "MKCOL", "LOCK"];
    let all: Vec<&str> = safe.iter().chain(&unsafe_).copied().collect();
    let one = |method: &str| format!("{method} /{method} HTTP/1.1\r\nHost: a\r\n\r\n");
    for first in &all {
        for second in &all {
            for third in ["GET", "POST"] {
                let mut driver = Driver::new();
                let (_, addr) = driver.listen(ServerOptions::default());
                let _client = Client::send_to(addr, [one(first), one(second), one(third)].concat());
                driver.settle();
                let is_safe = |method: &str| safe.contains(&method);
                let expected = match (is_safe(first), is_safe(second), is_safe(third)) {
                    (true, true, true) => 3,
                    (true, true, false) => 2,
                    _ => 1,
                };
                assert_eq!(driver.count(EventKind::Request), expected, "{first} {second} {third}");
            }
        }
    }
}
