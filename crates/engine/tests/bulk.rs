//! Tunnels through which much comes: received into memory that the host lends.

use millrace_engine::error::Code;
use millrace_engine::net::RECEIVE_BUFFER_SIZE;
use millrace_engine::{Chunk, EventKind};
use millrace_testkit::client::Client;
use millrace_testkit::driver::Driver;

const MUCH: usize = 2 * 1024 * 1024;
/// As `ts/message/incoming-body.ts` grants it.
const WINDOW: u64 = 256 * 1024;

/// Bytes of which no piece is like another.
fn pattern(length: usize) -> Vec<u8> {
    (0..length.div_ceil(4) as u32)
        .flat_map(|word| word.wrapping_mul(2_654_435_761).to_le_bytes())
        .take(length)
        .collect()
}

/// Reads as a reader does that takes at once, until `length` bytes were had; returns them, and the longest chunk.
fn read(driver: &mut Driver, client: &mut Client, stream: f64, length: usize) -> (Vec<u8>, usize) {
    let (mut had, mut longest) = (Vec::new(), 0);
    while had.len() < length {
        let chunk = driver.expect_with(EventKind::Body, &mut [client]).value;
        longest = longest.max(chunk.len());
        had.extend_from_slice(&chunk);
        let _ = driver.engine.grant(stream, chunk.len() as f64);
    }
    (had, longest)
}

#[test]
fn megabytes_arrive_whole_and_in_order_in_pieces_larger_than_the_receive_buffer() {
    let (mut driver, mut client, stream) = Driver::with_tunnel();
    let sent = pattern(MUCH);
    client.send(&sent);
    driver.engine.grant(stream, WINDOW as f64).unwrap();
    let (had, longest) = read(&mut driver, &mut client, stream, sent.len());
    assert!(had == sent, "what arrived is not what was sent");
    assert!(longest > RECEIVE_BUFFER_SIZE, "the longest chunk has {longest} bytes");
    // What was given is the host's: nothing of it is counted as held.
    assert_eq!(driver.engine.memory_of_connection(stream), 0);
    driver.engine.destroy(stream);
    driver.assert_no_connection_left();
}

#[test]
fn a_host_that_lends_nothing_gets_the_same_bytes() {
    let (mut driver, mut client, stream) = Driver::with_tunnel();
    driver.host.lends_nothing = true;
    let sent = pattern(MUCH);
    client.send(&sent);
    driver.engine.grant(stream, WINDOW as f64).unwrap();
    let (had, longest) = read(&mut driver, &mut client, stream, sent.len());
    assert!(had == sent, "what arrived is not what was sent");
    assert!(longest <= RECEIVE_BUFFER_SIZE, "the longest chunk has {longest} bytes");
    driver.engine.destroy(stream);
    driver.assert_no_connection_left();
}

#[test]
fn the_end_comes_behind_the_last_byte_and_the_other_side_stays_open() {
    let (mut driver, mut client, stream) = Driver::with_tunnel();
    let sent = pattern(MUCH + 1);
    client.send(&sent);
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].unsent() == 0);
    client.finish();
    driver.run_until(&mut [&mut client], |driver, _| driver.count(EventKind::BodyEnd) == 1);
    let last = driver.events.pop_back().unwrap();
    assert_eq!(last.kind, EventKind::BodyEnd);
    let had: Vec<u8> = driver.events.drain(..).flat_map(|event| event.value).collect();
    assert!(had == sent, "what arrived is not what was sent");
    driver.engine.write(stream, Chunk::Bytes(b"all of it")).unwrap();
    driver.engine.end(stream, b"", true).unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    assert_eq!((client.received.as_slice(), client.ended), (&b"all of it"[..], true));
    driver.assert_no_connection_left();
}

#[test]
fn no_piece_is_longer_than_what_its_reader_asked_for_once_it_is_bulk() {
    let (mut driver, mut client, stream) = Driver::with_tunnel();
    let sent = pattern(MUCH);
    client.send(&sent);
    let edges = [
        64 * 1024,
        64 * 1024 + 1,
        128 * 1024 - 1,
        128 * 1024,
        200_000,
        256 * 1024,
        300_000,
    ];
    let (mut had, mut granted, mut pieces) = (Vec::new(), 0, 0);
    while had.len() < sent.len() {
        let edge = edges[pieces % edges.len()];
        pieces += 1;
        granted = granted.max(had.len()) + edge;
        let left = granted - had.len();
        driver.engine.grant(stream, left as f64).unwrap();
        driver.quiet(&mut [&mut client]);
        let chunks: Vec<_> = driver.events.drain(..).map(|event| event.value).collect();
        assert!(!chunks.is_empty(), "piece {pieces}: nothing came");
        // Before it is bulk, and for what is left of a credit, a read may bring a receive buffer more.
        let came: usize = chunks.iter().map(Vec::len).sum();
        assert!(came < left + RECEIVE_BUFFER_SIZE, "piece {pieces}: {came} of {left}");
        assert!(chunks.iter().all(|chunk| chunk.len() <= left.max(RECEIVE_BUFFER_SIZE)));
        chunks.iter().for_each(|chunk| had.extend_from_slice(chunk));
    }
    assert!(had == sent, "what arrived is not what was sent");
    driver.engine.destroy(stream);
    driver.assert_no_connection_left();
}

#[test]
fn a_little_after_much_is_little_again_and_all_of_it_comes() {
    let (mut driver, mut client, stream) = Driver::with_tunnel();
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    let mut expected = Vec::new();
    for round in 0..5 {
        let sent = pattern(MUCH / 8 + round);
        client.send(&sent);
        expected.extend_from_slice(&sent);
        for small in [&b"a"[..], b"", b"bc"] {
            driver.quiet(&mut [&mut client]);
            client.send(small);
            expected.extend_from_slice(small);
        }
        driver.quiet(&mut [&mut client]);
    }
    let had: Vec<u8> = driver.events.drain(..).flat_map(|event| event.value).collect();
    assert!(had == expected, "what arrived is not what was sent");
    driver.engine.destroy(stream);
    driver.assert_no_connection_left();
}

#[test]
fn a_reset_in_the_middle_is_told_once_and_nothing_is_left() {
    let (mut driver, mut client, stream) = Driver::with_tunnel();
    client.send(pattern(MUCH));
    driver.engine.grant(stream, WINDOW as f64).unwrap();
    read(&mut driver, &mut client, stream, MUCH / 2);
    client.reset();
    let aborted = driver.expect(EventKind::Aborted);
    assert_eq!(
        (aborted.stream(), aborted.code()),
        (stream, Some(Code::ConnectionReset))
    );
    driver.settle();
    assert_eq!(driver.count(EventKind::Aborted) + driver.count(EventKind::BodyEnd), 0);
    driver.assert_no_connection_left();
}
