//! Slow readers and slow handlers: memory stays flat, nothing is lost.

use millrace_engine::buffer::PinId;
use millrace_engine::{Chunk, EventKind, Respond, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, OK, answer};

#[test]
fn a_slow_reader_makes_write_say_wait_and_drain_follows() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let mut client = Client::connect_narrow(addr, 4096);
    client.reading = false;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.respond_head(stream, &OK).unwrap();
    let chunk = vec![b'c'; 16 * 1024];
    let (mut written, mut drains) = (0_usize, 0);
    for _ in 0..20 {
        // A writer that heeds what it is told.
        let mut most = 0;
        while driver.engine.write(stream, Chunk::Bytes(&chunk)).unwrap() {
            written += chunk.len();
            most += chunk.len();
            if most > 256 * 1024 {
                driver.settle();
                most = 0;
            }
        }
        written += chunk.len();
        driver.settle();
        if driver.count(EventKind::Drain) == 0 {
            assert!(driver.engine.census().buffers < 12, "{:?}", driver.engine.census());
            client.reading = true;
            driver.expect_with(EventKind::Drain, &mut [&mut client]);
            client.reading = false;
        }
        drains += 1;
        driver.events.clear();
    }
    driver.engine.end(stream, b"", true).unwrap();
    client.reading = true;
    driver.expect_with(EventKind::Finished, &mut [&mut client]);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    assert_eq!(client.answers(&[])[0].body.len(), written);
    assert_eq!(drains, 20);
    driver.settle();
    assert_eq!(driver.engine.census().buffers, 0);
}

#[test]
fn write_says_wait_one_byte_past_the_mark_and_not_at_it() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions {
        write_high_water_mark: 1000,
        ..Default::default()
    });
    let mut client = Client::send_to(addr, "GET / HTTP/1.0\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.respond_head(stream, &OK).unwrap();
    driver.settle();
    assert!(driver.engine.write(stream, Chunk::Bytes(&[b'x'; 1000])).unwrap());
    assert!(!driver.engine.write(stream, Chunk::Bytes(b"y")).unwrap());
    driver.expect(EventKind::Drain);
    driver.engine.end(stream, b"", false).unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    assert_eq!(client.answers(&[])[0].body.len(), 1001);
}

#[test]
fn the_writer_is_told_of_room_at_a_quarter_of_the_mark_and_not_above_it() {
    const LOW: usize = 16 * 1024;
    let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    // A length, so that the body has no framing; more than is written, so that it goes on.
    let head = Respond {
        status: 200,
        reason: b"",
        block: b"Content-Length\099999\0",
    };
    let head_size = {
        let mut driver = Driver::new();
        let (_, addr) = driver.listen(ServerOptions::default());
        let mut client = Client::send_to(addr, get);
        let stream = driver.expect(EventKind::Request).stream();
        driver.engine.respond_head(stream, &head).unwrap();
        driver.run_until(&mut [&mut client], |_, clients| {
            clients[0].received.ends_with(b"\r\n\r\n")
        });
        client.received.len()
    };
    for (held, told) in [(LOW, true), (LOW + 1, false)] {
        let mut driver = Driver::new();
        let (_, addr) = driver.listen(ServerOptions::default());
        let mut client = Client::send_to(addr, get.repeat(3));
        let streams: Vec<f64> = (0..3).map(|_| driver.expect(EventKind::Request).stream()).collect();
        for stream in &streams[1..] {
            driver.engine.respond_head(*stream, &head).unwrap();
        }
        // The second answer fills the mark; the third has so much in all, and is told to wait.
        assert!(
            !driver
                .engine
                .write(streams[1], Chunk::Bytes(&[b'x'; 64 * 1024]))
                .unwrap()
        );
        let body = vec![b'x'; held - head_size];
        assert!(!driver.engine.write(streams[2], Chunk::Bytes(&body)).unwrap());
        // What the second has leaves, for it is its turn; what is left is the third's.
        answer(&mut driver.engine, streams[0], b"").unwrap();
        driver.quiet(&mut [&mut client]);
        let drained = |event: &millrace_testkit::driver::Happened| event.kind == EventKind::Drain;
        let of: Vec<f64> = driver
            .events
            .iter()
            .filter(|e| drained(e))
            .map(|e| e.stream())
            .collect();
        assert_eq!(of.contains(&streams[2]), told, "{held} bytes wait");
        assert!(of.contains(&streams[1]));
    }
}

#[test]
fn a_slow_handler_stops_the_reading_until_the_client_cannot_send() {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(ServerOptions::default());
    let size = 64 << 20;
    let mut client = Client::send_to(
        addr,
        format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n"),
    );
    let piece = vec![b'b'; 1 << 20];
    let stream = driver.expect(EventKind::Request).stream();
    let mut sent = 0;
    while client.unsent() == 0 && sent < size {
        client.send(&piece);
        sent += piece.len();
        driver.quiet(&mut [&mut client]);
    }
    assert!(
        client.unsent() > 0,
        "{sent} bytes went into a server that does not read"
    );
    let received = driver.engine.server_stats(server).unwrap().received;
    assert!(received < 256 * 1024, "{received} bytes were read for nobody");
    assert!(driver.engine.census().buffers <= 2);
    // It reads now; the rest is sent, and comes whole.
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    let mut got = 0;
    while got < size {
        if client.unsent() == 0 && sent < size {
            client.send(&piece);
            sent += piece.len();
        }
        driver.run_until(&mut [&mut client], |driver, clients| {
            got += driver
                .events
                .drain(..)
                .filter(|e| e.kind == EventKind::Body)
                .map(|e| e.value.len())
                .sum::<usize>();
            clients[0].unsent() == 0 || got == size
        });
    }
    assert_eq!((got, sent), (size, size));
    let _ = answer(&mut driver.engine, stream, b"");
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
}

#[test]
fn an_answer_of_any_size_arrives_whole_at_a_reader_of_any_speed() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let mut client = Client::connect_narrow(addr, 4096);
    client.reading = false;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    let body: Vec<u8> = (0..8_000_000).map(|n| (n / 7) as u8).collect();
    answer(&mut driver.engine, stream, &body).unwrap();
    driver.quiet(&mut [&mut client]);
    client.reading = true;
    driver.run_until(&mut [&mut client], |_, clients| clients[0].received.len() > body.len());
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    assert!(client.answers(&[])[0].body == body);
}

#[test]
fn an_answer_that_is_told_when_it_is_out_keeps_its_slot_until_then() {
    for cut in [false, true] {
        let mut driver = Driver::new();
        let (_, addr) = driver.listen(ServerOptions::default());
        let mut slow = Client::connect_narrow(addr, 4096);
        slow.reading = false;
        slow.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let first = driver.expect(EventKind::Request);
        let head = Respond {
            status: 200,
            reason: b"",
            block: b"",
        };
        let body = vec![b'x'; 16 << 20];
        let stream = first.stream();
        driver.engine.respond(stream, &head, Chunk::Bytes(&body), true).unwrap();
        driver.settle();
        let mut other = Client::send_to(addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let second = driver.expect(EventKind::Request);
        assert_ne!(second.id.slot(), first.id.slot());
        answer(&mut driver.engine, second.stream(), b"").unwrap();
        driver.run_until(&mut [&mut other], |_, clients| clients[0].complete() == 1);
        if cut {
            drop(slow);
            assert_eq!(driver.expect(EventKind::Aborted).id, first.id);
        } else {
            slow.reading = true;
            let finished = driver.expect_with(EventKind::Finished, &mut [&mut slow]);
            assert_eq!(finished.id, first.id);
        }
        driver.settle();
        assert_eq!(driver.engine.census().streams, 0);
    }
}

/// What a server has given to the kernel.
fn sent(driver: &mut Driver, server: f64) -> u64 {
    driver.engine.server_stats(server).unwrap().sent
}

#[test]
fn one_flush_gives_the_kernel_a_share_of_a_large_answer_and_the_next_turns_the_rest() {
    const SIZE: usize = 8 << 20;
    let pattern: Vec<u8> = (0..SIZE).map(|n| (n / 11) as u8).collect();
    for pinned in [false, true] {
        for many in [1, 40] {
            let mut driver = Driver::new();
            let (server, addr) = driver.listen(ServerOptions::default());
            driver.host.pins.insert(7, pattern.clone());
            let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
            let mut clients: Vec<Client> = (0..many).map(|_| Client::send_to(addr, request)).collect();
            let streams: Vec<f64> = clients
                .iter()
                .map(|_| driver.expect(EventKind::Request).stream())
                .collect();
            let head = Respond {
                status: 200,
                reason: b"",
                block: b"",
            };
            for stream in streams {
                let pin = PinId(7);
                let body = if pinned {
                    Chunk::Pin { pin, len: SIZE }
                } else {
                    Chunk::Bytes(&pattern)
                };
                driver.engine.respond(stream, &head, body, false).unwrap();
            }
            let before = sent(&mut driver, server);
            driver.engine.flush(&mut driver.host);
            let share = (16 << 20) / many;
            let given = sent(&mut driver, server) - before;
            // At least a part went: sockets on the loopback take more than a share at once, or nearly so.
            assert!(
                given > 0 && given <= (many * share.min(1 << 20)) as u64,
                "{given} of {many}"
            );
            assert!(driver.engine.has_work());
            let mut all: Vec<&mut Client> = clients.iter_mut().collect();
            driver.run_until(&mut all, |_, clients| {
                clients.iter().all(|client| client.received.len() > SIZE)
            });
            driver.run_until(&mut all, |_, clients| {
                clients.iter().all(|client| client.complete() == 1)
            });
            assert!(clients[0].answers(&[])[0].body == pattern);
        }
    }
}
