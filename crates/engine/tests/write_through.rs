//! Tunnels that are written to faster than turns come: what is past the mark goes to the kernel at once.

use millrace_engine::buffer::PinId;
use millrace_engine::error::Code;
use millrace_engine::{Chunk, EventKind};
use millrace_testkit::driver::Driver;

const BLOCK: usize = 64 * 1024;
/// As in `crates/engine/src/flush/mod.rs`.
const BUDGET: usize = 1024 * 1024;

/// As `crates/node/src/exchange.rs` does it.
fn write(driver: &mut Driver, stream: f64, block: &[u8]) -> bool {
    let room = driver.engine.write(stream, Chunk::Bytes(block)).unwrap();
    room || driver.engine.write_through(&mut driver.host, stream)
}

fn block(number: usize) -> Vec<u8> {
    (0..BLOCK).map(|at| (at / 251 + number) as u8).collect()
}

#[test]
fn a_writer_has_room_while_the_kernel_takes_all_and_waits_when_its_scope_has_had_enough() {
    let (mut driver, mut client, stream) = Driver::with_tunnel();
    let mut sent = Vec::new();
    let mut blocks = 0;
    // A peer that takes everything, so that the budget alone stops the writer.
    loop {
        sent.extend(block(blocks));
        let room = write(&mut driver, stream, &block(blocks));
        blocks += 1;
        client.exchange();
        if !room {
            break;
        }
    }
    assert!(blocks * BLOCK > BUDGET / 2, "{blocks} blocks");
    assert!(blocks * BLOCK <= BUDGET + 2 * BLOCK, "{blocks} blocks");
    // What is left goes out with the flush, and then there is room.
    driver.run_until(&mut [&mut client], |driver, _| driver.count(EventKind::Drain) == 1);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].received.len() == sent.len());
    assert!(client.received == sent, "what arrived is not what was written");
    assert_eq!(driver.count(EventKind::Drain), 1);
    driver.engine.destroy(stream);
}

#[test]
fn a_peer_that_does_not_read_stops_the_writer_and_gets_every_byte_in_order_later() {
    let (mut driver, mut client, stream) = Driver::with_tunnel();
    client.reading = false;
    let mut sent = Vec::new();
    for number in 0.. {
        sent.extend(block(number));
        let room = write(&mut driver, stream, &block(number));
        driver.settle();
        // Told to wait, and no flush could help: the kernel is full.
        if !room && driver.count(EventKind::Drain) == 0 {
            break;
        }
        driver.events.clear();
    }
    assert!(driver.engine.memory_of_connection(stream) > 0);
    assert!(!write(&mut driver, stream, b"!"));
    sent.push(b'!');
    client.reading = true;
    driver.run_until(&mut [&mut client], |driver, clients| {
        driver.count(EventKind::Drain) == 1 && clients[0].received.len() == sent.len()
    });
    assert!(client.received == sent, "what arrived is not what was written");
    driver.engine.destroy(stream);
    driver.settle();
    assert_eq!(driver.engine.census().buffers, 0);
}

#[test]
fn a_pinned_chunk_is_let_go_once_and_one_that_was_detached_ends_the_tunnel() {
    let (mut driver, mut client, stream) = Driver::with_tunnel();
    driver.host.pins.insert(7, block(1).repeat(2));
    let pin = Chunk::Pin {
        pin: PinId(7),
        len: 2 * BLOCK,
    };
    assert!(!driver.engine.write(stream, pin).unwrap());
    assert!(driver.engine.write_through(&mut driver.host, stream));
    driver.settle();
    assert_eq!(driver.released, [PinId(7)]);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].received.len() == 2 * BLOCK);
    let gone = Chunk::Pin {
        pin: PinId(8),
        len: 2 * BLOCK,
    };
    assert!(!driver.engine.write(stream, gone).unwrap());
    assert!(!driver.engine.write_through(&mut driver.host, stream));
    let aborted = driver.expect(EventKind::Aborted);
    assert_eq!(aborted.code(), Some(Code::BufferDetached));
    driver.settle();
    assert_eq!(driver.released, [PinId(7), PinId(8)]);
    assert_eq!(driver.engine.census().connections, 0);
}

#[test]
fn what_is_no_open_tunnel_is_not_written_through() {
    let (mut driver, _client, stream) = Driver::with_tunnel();
    for id in [f64::NAN, -1.0, stream + 1.0] {
        assert!(!driver.engine.write_through(&mut driver.host, id));
    }
    // Nothing waits.
    assert!(!driver.engine.write_through(&mut driver.host, stream));
    driver.engine.end(stream, b"", false).unwrap();
    driver.settle();
    assert!(!driver.engine.write_through(&mut driver.host, stream));
    driver.engine.destroy(stream);
}
