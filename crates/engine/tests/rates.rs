//! Least rates, at their edge and a millisecond before, on a clock of our own.

use millrace_engine::buffer::PinId;
use millrace_engine::error::Code;
use millrace_engine::{Chunk, EventKind, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, Happened, OK, answer};

const LONG: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";

fn options() -> ServerOptions {
    ServerOptions {
        body_timeout_ms: 30_000,
        request_timeout_ms: 10_000_000,
        write_timeout_ms: 60_000,
        min_receive_rate: 240,
        min_send_rate: 240,
        ..Default::default()
    }
}

fn listen(options: ServerOptions) -> (Driver, f64, std::net::SocketAddr) {
    let mut driver = Driver::new();
    driver.stop_clock();
    let (server, addr) = driver.listen(options);
    (driver, server, addr)
}

/// A request whose body is taken as it comes.
fn upload(driver: &mut Driver, addr: std::net::SocketAddr) -> (Client, f64) {
    let client = Client::send_to(addr, LONG);
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    driver.settle();
    (client, stream)
}

/// Lets so many ms pass, in which nothing is cut, then one more, in which the exchange is.
fn cut_at(driver: &mut Driver, ms: u64) -> Happened {
    driver.advance(ms - 1);
    assert_eq!(driver.count(EventKind::Aborted), 0, "a millisecond early");
    driver.advance(1);
    driver.expect(EventKind::Aborted)
}

/// As [`cut_at`], for a reader: what the systems between still moved after it stopped counts, by their own clock.
fn cut_from(driver: &mut Driver, ms: u64) -> Happened {
    driver.advance(ms - 1);
    assert_eq!(driver.count(EventKind::Aborted), 0, "a millisecond early");
    for _ in 0..=3 * ms / 100 {
        if driver.count(EventKind::Aborted) > 0 {
            break;
        }
        driver.advance(100);
    }
    assert_eq!(driver.count(EventKind::Aborted), 1, "after four times its time");
    driver.expect(EventKind::Aborted)
}

/// Timeouts of rates: received, sent; no other may have moved.
fn rates(driver: &mut Driver, server: f64) -> [u64; 2] {
    let [others @ .., received, sent, handshake] = driver.engine.server_stats(server).unwrap().timeouts;
    assert_eq!((others, handshake), ([0; 5], 0));
    [received, sent]
}

#[test]
fn a_drip_of_a_byte_a_second_gets_408_when_the_grace_and_what_it_bought_are_over() {
    let (mut driver, server, addr) = listen(options());
    let (mut client, stream) = upload(&mut driver, addr);
    for _ in 0..5 {
        driver.advance(999);
        client.send("x");
        driver.settle();
        driver.advance(1);
    }
    // 5 bytes buy 20.8 ms.
    let aborted = cut_at(&mut driver, 21);
    assert_eq!((aborted.stream(), aborted.code()), (stream, Some(Code::ReceiveRate)));
    assert_eq!((aborted.a, aborted.b), (240, 0));
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    assert_eq!((client.answers(&[])[0].status, client.ended), (408, true));
    assert_eq!(rates(&mut driver, server), [1, 0]);
}

#[test]
fn a_body_at_the_rate_is_never_cut_and_one_just_below_it_is() {
    for (piece, lives) in [(24, true), (23, false)] {
        let (mut driver, server, addr) = listen(options());
        let (mut client, stream) = upload(&mut driver, addr);
        for _ in 0..3_000 {
            driver.advance(100);
            if driver.count(EventKind::Aborted) > 0 {
                break;
            }
            client.send(vec![b'x'; piece]);
            driver.settle();
            driver.events.retain(|event| event.kind == EventKind::Aborted);
        }
        if lives {
            assert_eq!(driver.count(EventKind::Aborted), 0);
            driver.engine.destroy(stream);
        } else {
            let aborted = driver.expect(EventKind::Aborted);
            assert_eq!((aborted.a, aborted.b / 10), (240, 22), "{}", aborted.b);
        }
        assert_eq!(rates(&mut driver, server), [u64::from(!lives), 0]);
    }
}

#[test]
fn a_burst_excuses_a_pause_as_long_as_the_body_timeout_and_no_longer() {
    let slow = ServerOptions {
        body_timeout_ms: 10_000,
        ..options()
    };
    let (mut driver, server, addr) = listen(slow);
    let (mut client, _) = upload(&mut driver, addr);
    client.send(vec![b'x'; 500_000]);
    driver.settle();
    // Single bytes keep the body timeout away and buy 4.2 ms each.
    driver.advance(9_000);
    client.send("x");
    driver.settle();
    assert_eq!(cut_at(&mut driver, 1_005).code(), Some(Code::ReceiveRate));
    assert_eq!(rates(&mut driver, server), [1, 0]);
}

#[test]
fn a_request_that_arrives_whole_within_the_grace_is_not_measured() {
    let (mut driver, server, addr) = listen(options());
    let mut client = Client::send_to(addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.collect(stream, -1.0).unwrap();
    driver.settle();
    driver.advance(4_999);
    client.send("ok");
    driver.expect(EventKind::Collected);
    driver.advance(100_000);
    answer(&mut driver.engine, stream, b"").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    assert_eq!(rates(&mut driver, server), [0, 0]);
}

#[test]
fn time_in_which_we_withhold_reading_does_not_count() {
    let (mut driver, _, addr) = listen(options());
    let mut client = Client::send_to(addr, LONG);
    client.send("abc");
    let stream = driver.expect(EventKind::Request).stream();
    driver.settle();
    driver.advance(1_000_000);
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    driver.settle();
    // 3 bytes buy 12.5 ms.
    assert_eq!(cut_at(&mut driver, 5_013).code(), Some(Code::ReceiveRate));
}

#[test]
fn zero_turns_a_rate_off_and_tunnels_have_none() {
    let off = ServerOptions {
        min_receive_rate: 0,
        ..options()
    };
    let (mut driver, server, addr) = listen(off);
    let _client = upload(&mut driver, addr);
    assert_eq!(cut_at(&mut driver, 30_000).code(), Some(Code::BodyTimeout));
    assert_eq!(
        driver.engine.server_stats(server).unwrap().timeouts,
        [0, 1, 0, 0, 0, 0, 0, 0]
    );

    let tunnel = ServerOptions {
        connects: true,
        ..options()
    };
    let (mut driver, server, addr) = listen(tunnel);
    let mut client = Client::connect_narrow(addr, 4096);
    client.reading = false;
    client.send("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n");
    let stream = driver.expect(EventKind::Connect).stream();
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    while driver.engine.write(stream, Chunk::Bytes(&[b'x'; 1 << 16])).unwrap() {
        driver.settle();
    }
    client.send("y");
    driver.advance(100_000_000);
    assert_eq!(driver.count(EventKind::Aborted), 0);
    assert_eq!(rates(&mut driver, server), [0, 0]);
}

#[test]
fn a_body_is_measured_also_while_its_answer_is_stuck() {
    let (mut driver, server, addr) = listen(options());
    let mut client = Client::connect_narrow(addr, 4096);
    client.reading = false;
    client.send(LONG);
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    driver.engine.respond_head(stream, &OK).unwrap();
    while driver.engine.write(stream, Chunk::Bytes(&[b'x'; 1 << 16])).unwrap() {
        driver.settle();
    }
    driver.settle();
    assert_eq!(cut_at(&mut driver, 5_000).code(), Some(Code::ReceiveRate));
    assert_eq!(rates(&mut driver, server), [1, 0]);
}

/// A download of so many bytes by a client that reads when told; what the kernel has taken at once.
fn download(driver: &mut Driver, server: f64, addr: std::net::SocketAddr, size: usize) -> (Client, f64, u64) {
    let mut client = Client::connect_narrow(addr, 4096);
    client.reading = false;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.respond_head(stream, &OK).unwrap();
    write(driver, stream, size);
    driver.settle();
    let sent = driver.engine.server_stats(server).unwrap().sent;
    (client, stream, sent)
}

fn write(driver: &mut Driver, stream: f64, size: usize) {
    driver.host.pins.insert(1, vec![b'x'; size]);
    let chunk = Chunk::Pin {
        pin: PinId(1),
        len: size,
    };
    driver.engine.write(stream, chunk).unwrap();
}

/// A rate that the bytes in the kernel's buffer buy seconds of, and no cap.
fn fast() -> ServerOptions {
    ServerOptions {
        write_timeout_ms: 100_000_000,
        min_send_rate: 1_000_000,
        ..options()
    }
}

#[test]
fn a_reader_that_is_too_slow_is_cut_when_the_grace_and_what_it_bought_are_over() {
    let (mut driver, server, addr) = listen(fast());
    let (mut client, stream, first) = download(&mut driver, server, addr, 128 << 20);
    driver.advance(2_000);
    client.reading = true;
    // Enough for the kernel to tell the server of room.
    driver.run_until(&mut [&mut client], |_, clients| clients[0].received.len() > 3 << 20);
    client.reading = false;
    driver.settle();
    let sent = driver.engine.server_stats(server).unwrap().sent;
    assert!(sent > first);
    let aborted = cut_from(&mut driver, (5_000 + sent.div_ceil(1_000)) - 2_000);
    assert_eq!((aborted.stream(), aborted.code()), (stream, Some(Code::SendRate)));
    assert!(
        aborted.a == 1_000_000 && aborted.b < aborted.a && aborted.b > 0,
        "{aborted:?}"
    );
    assert_eq!(rates(&mut driver, server), [0, 1]);
    driver.settle();
    assert_eq!(driver.engine.census().connections, 0);
}

#[test]
fn only_time_in_which_bytes_wait_for_the_reader_counts() {
    let (mut driver, server, addr) = listen(fast());
    let (mut client, stream, _) = download(&mut driver, server, addr, 12 << 20);
    driver.advance(1_000);
    client.reading = true;
    driver.run_until(&mut [&mut client], |_, clients| clients[0].received.len() > 12 << 20);
    client.reading = false;
    driver.settle();
    driver.advance(1_000_000);
    write(&mut driver, stream, 128 << 20);
    driver.settle();
    let sent = driver.engine.server_stats(server).unwrap().sent;
    let aborted = cut_from(&mut driver, 5_000 + sent.div_ceil(1_000) - 1_000);
    assert_eq!(aborted.code(), Some(Code::SendRate));
    assert_eq!(rates(&mut driver, server), [0, 1]);
}

#[test]
fn a_reader_that_stops_has_the_write_timeout_however_little_it_took_before() {
    let (mut driver, server, addr) = listen(options());
    let (mut client, _, _) = download(&mut driver, server, addr, 128 << 20);
    driver.advance(59_000);
    client.reading = true;
    driver.run_until(&mut [&mut client], |_, clients| clients[0].received.len() > 3 << 20);
    client.reading = false;
    driver.settle();
    assert_eq!(cut_from(&mut driver, 60_000).code(), Some(Code::WriteTimeout));
    assert_eq!(
        driver.engine.server_stats(server).unwrap().timeouts,
        [0, 0, 0, 1, 0, 0, 0, 0]
    );
}
