//! Each deadline, at its edge and a millisecond before, on a clock of our own.

use millrace_engine::buffer::PinId;
use millrace_engine::error::Code;
use millrace_engine::{Chunk, EventKind, ProxyProtocol, RequestLimits, Respond, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, answer};
use std::time::{Duration, Instant};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK: Respond<'static> = Respond {
    status: 200,
    reason: b"",
    block: b"",
};
const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n";

fn options() -> ServerOptions {
    ServerOptions {
        headers_timeout_ms: 1_000,
        request_timeout_ms: 5_000,
        body_timeout_ms: 2_000,
        write_timeout_ms: 3_000,
        keep_alive_timeout_ms: 4_000,
        // See `rates.rs`.
        min_receive_rate: 0,
        min_send_rate: 0,
        ..Default::default()
    }
}

fn listen(options: ServerOptions) -> (Driver, f64, Client) {
    let mut driver = Driver::new();
    driver.stop_clock();
    let (server, addr) = driver.listen(options);
    let client = Client::connect(addr);
    driver.settle();
    (driver, server, client)
}

/// Asserts that the connection lives until so many ms have passed, and dies then.
fn dies_at(driver: &mut Driver, client: &mut Client, ms: u64) {
    driver.advance(ms - 1);
    driver.quiet(&mut [client]);
    assert_eq!(
        driver.count(EventKind::Aborted),
        0,
        "a millisecond early: {:?}",
        driver.events
    );
    assert!(!client.is_over(), "a millisecond early");
    assert!(driver.engine.next_deadline().is_some());
    driver.advance(1);
    driver.run_until(&mut [client], |_, clients| clients[0].is_over());
}

fn timeouts(driver: &mut Driver, server: f64) -> [u64; 5] {
    let [headers, body, request, send, idle, rates @ ..] = driver.engine.server_stats(server).unwrap().timeouts;
    assert_eq!(rates, [0, 0, 0], "these tests have rates that nobody falls short of");
    [headers, body, request, send, idle]
}

#[test]
fn a_connection_that_says_nothing_is_closed_in_silence() {
    let (mut driver, server, mut client) = listen(options());
    dies_at(&mut driver, &mut client, 1_000);
    assert_eq!((client.received.len(), client.ended), (0, true));
    assert_eq!(timeouts(&mut driver, server), [1, 0, 0, 0, 0]);
    assert_eq!(driver.engine.census().timers, 0);
}

#[test]
fn a_head_that_drips_gets_408_on_time_measured_from_accept() {
    let (mut driver, server, mut client) = listen(options());
    for byte in "\r\nGET /d".bytes() {
        driver.advance(100);
        client.send([byte]);
        driver.settle();
    }
    dies_at(&mut driver, &mut client, 1_000 - 800);
    assert_eq!((client.answers(&[])[0].status, client.ended), (408, true));
    assert_eq!(timeouts(&mut driver, server), [1, 0, 0, 0, 0]);
}

#[test]
fn a_later_head_is_measured_from_its_first_byte() {
    let (mut driver, _, mut client) = listen(options());
    client.send(GET);
    let stream = driver.expect(EventKind::Request).stream();
    driver.advance(60_000);
    answer(&mut driver.engine, stream, b"").unwrap();
    driver.quiet(&mut [&mut client]);
    driver.advance(3_000);
    client.send("GET / HT");
    driver.settle();
    dies_at(&mut driver, &mut client, 1_000);
    assert_eq!(client.answers(&[])[1].status, 408);
}

#[test]
fn a_proxy_head_does_not_lengthen_the_time_for_the_first_request() {
    let (mut driver, _, mut client) = listen(ServerOptions {
        proxy_protocol: ProxyProtocol::Required,
        ..options()
    });
    driver.advance(600);
    client.send("PROXY UNKNOWN\r\n");
    driver.settle();
    dies_at(&mut driver, &mut client, 400);
    assert_eq!(client.received, b"");
    // Half a head.
    let (mut driver, _, mut client) = listen(ServerOptions {
        proxy_protocol: ProxyProtocol::Required,
        ..options()
    });
    client.send("PROXY UNK");
    driver.settle();
    dies_at(&mut driver, &mut client, 1_000);
    assert_eq!(client.received, b"");
}

#[test]
fn a_body_that_stalls_gets_408_between_two_bytes() {
    let (mut driver, server, mut client) = listen(options());
    client.send(POST);
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    driver.settle();
    driver.advance(1_999);
    client.send("abc");
    driver.settle();
    driver.events.clear();
    dies_at(&mut driver, &mut client, 2_000);
    assert_eq!(client.answers(&[])[0].status, 408);
    assert_eq!(driver.expect(EventKind::Aborted).code(), Some(Code::BodyTimeout));
    assert_eq!(timeouts(&mut driver, server), [0, 1, 0, 0, 0]);
}

#[test]
fn a_request_that_drips_gets_408_when_its_whole_time_is_over() {
    let (mut driver, server, mut client) = listen(options());
    client.send(POST);
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    driver.settle();
    for _ in 0..4 {
        driver.advance(1_100);
        client.send("x");
        driver.settle();
    }
    driver.events.clear();
    dies_at(&mut driver, &mut client, 600);
    assert_eq!(client.answers(&[])[0].status, 408);
    assert_eq!(driver.expect(EventKind::Aborted).code(), Some(Code::RequestTimeout));
    assert_eq!(timeouts(&mut driver, server), [0, 0, 1, 0, 0]);
}

#[test]
fn the_clients_clocks_stand_still_while_nobody_reads() {
    let (mut driver, _, mut client) = listen(options());
    client.send(POST);
    client.send("abc");
    let stream = driver.expect(EventKind::Request).stream();
    driver.settle();
    driver.advance(100_000);
    assert_eq!(driver.count(EventKind::Aborted), 0);
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    driver.settle();
    driver.events.clear();
    dies_at(&mut driver, &mut client, 2_000);
    assert_eq!(driver.expect(EventKind::Aborted).code(), Some(Code::BodyTimeout));
}

#[test]
fn the_clients_clocks_stand_still_while_its_request_waits_for_its_turn() {
    let (mut driver, _, mut client) = listen(options());
    client.send(GET);
    client.send(POST);
    let first = driver.expect(EventKind::Request).stream();
    driver.settle();
    driver.advance(100_000);
    answer(&mut driver.engine, first, b"").unwrap();
    let second = driver.expect(EventKind::Request).stream();
    driver.engine.collect(second, -1.0).unwrap();
    driver.settle();
    dies_at(&mut driver, &mut client, 2_000);
    assert_eq!(driver.expect(EventKind::Aborted).code(), Some(Code::BodyTimeout));
    assert_eq!(client.answers(&[])[1].status, 408);
}

#[test]
fn a_slow_handler_has_all_the_time_it_wants() {
    let (mut driver, _, mut client) = listen(options());
    client.send(GET);
    let stream = driver.expect(EventKind::Request).stream();
    driver.settle();
    driver.advance(10_000_000);
    answer(&mut driver.engine, stream, b"at last").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
}

#[test]
fn a_live_transfer_is_not_cut_by_a_connection_lifetime() {
    // An answer of a byte a second, for longer than all the clocks of its connection together; nobody waits for room.
    let (mut driver, server, mut client) = listen(ServerOptions {
        min_receive_rate: 240,
        min_send_rate: 240,
        ..options()
    });
    client.send(GET);
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.respond_head(stream, &OK).unwrap();
    for _ in 0..100 {
        driver.advance(1_000);
        driver.engine.write(stream, Chunk::Bytes(b"x")).unwrap();
        driver.quiet(&mut [&mut client]);
    }
    driver.engine.end(stream, b"", false).unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    assert_eq!(client.answers(&[])[0].body.len(), 100);

    // An upload that may take its time: no clock but its own.
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    let own = RequestLimits {
        request_timeout_ms: Some(0),
        ..Default::default()
    };
    driver.engine.set_limits(stream, &own).unwrap();
    driver.engine.collect(stream, -1.0).unwrap();
    for _ in 0..100 {
        driver.advance(1_000);
        client.send([b'x'; 500]);
        driver.settle();
    }
    assert_eq!(driver.expect(EventKind::Collected).value.len(), 50_000);
    answer(&mut driver.engine, stream, b"").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 2);
    assert_eq!(timeouts(&mut driver, server), [0; 5]);
}

#[test]
fn requests_on_one_connection_share_one_timer() {
    let (mut driver, _, mut client) = listen(options());
    for round in 1..=100 {
        client.send(POST);
        let stream = driver.expect(EventKind::Request).stream();
        driver.engine.collect(stream, -1.0).unwrap();
        driver.advance(1);
        assert_eq!(driver.engine.census().timers, 1);
        client.send("123456789");
        driver.expect(EventKind::Collected);
        answer(&mut driver.engine, stream, b"").unwrap();
        driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == round);
        assert_eq!(driver.engine.census().timers, 1);
    }
}

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
fn a_reader_that_takes_nothing_is_cut_to_the_millisecond_and_one_that_stops_an_eighth_of_the_time_later_at_most() {
    // Over a Unix socket, where what is not read moves by no clock of the systems.
    for reads in [false, true] {
        let mut driver = Driver::new();
        driver.stop_clock();
        let (server, path) = driver.listen_unix(options());
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
        let mut stopped = 0;
        if reads {
            // Not enough for the system to tell the server of room.
            driver.advance(1_000);
            while client.read_some(1 << 10) > 0 && client.received.len() < 64 << 10 {}
            stopped = 1_000;
        }
        let waited = stopped + until_aborted(&mut driver, 2 * 3_000);
        let latest = if reads { stopped + 3_000 + 3_000 / 8 } else { 3_000 };
        assert!((stopped + 3_000..=latest).contains(&waited), "{waited}");
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

#[test]
fn an_idle_connection_is_closed_in_silence_a_second_after_the_advertised_time() {
    let (mut driver, server, mut client) = listen(options());
    for round in 1..=3 {
        client.send(GET);
        let stream = driver.expect(EventKind::Request).stream();
        answer(&mut driver.engine, stream, b"").unwrap();
        driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == round);
        assert_eq!(client.answers(&[])[0].field("keep-alive").as_deref(), Some("timeout=4"));
        if round < 3 {
            driver.advance(4_999);
        }
    }
    let length = client.received.len();
    dies_at(&mut driver, &mut client, 5_000);
    assert_eq!((client.received.len(), client.ended), (length, true));
    assert_eq!(timeouts(&mut driver, server), [0, 0, 0, 0, 1]);
}

#[test]
fn a_request_that_we_are_late_to_serve_is_served_and_not_taken_for_silence() {
    let (mut driver, server, mut client) = listen(ServerOptions {
        max_pipelined: 1,
        ..options()
    });
    client.send(GET.repeat(2));
    let stream = driver.expect(EventKind::Request).stream();
    answer(&mut driver.engine, stream, b"").unwrap();
    driver.engine.flush(&mut driver.host);
    // The second request waits for the next turn, and that is a long time coming.
    driver.advance(60_000);
    let stream = driver.expect(EventKind::Request).stream();
    answer(&mut driver.engine, stream, b"").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 2);
    assert_eq!(timeouts(&mut driver, server), [0, 0, 0, 0, 0]);
    dies_at(&mut driver, &mut client, 5_000);
}

#[test]
fn empty_lines_do_not_lengthen_an_idle_connection() {
    let (mut driver, _, mut client) = listen(options());
    client.send(GET);
    let stream = driver.expect(EventKind::Request).stream();
    answer(&mut driver.engine, stream, b"").unwrap();
    driver.quiet(&mut [&mut client]);
    driver.advance(3_000);
    client.send("\r\n");
    driver.settle();
    dies_at(&mut driver, &mut client, 2_000);
}

#[test]
fn a_lingering_connection_is_closed_after_two_seconds() {
    let (mut driver, _, mut client) = listen(options());
    client.send("nonsense\r\n\r\n");
    driver.quiet(&mut [&mut client]);
    assert_eq!((client.answers(&[])[0].status, client.ended), (400, true));
    assert_eq!(driver.engine.census().connections, 1);
    driver.advance(1_999);
    assert_eq!(driver.engine.census().connections, 1);
    driver.advance(1);
    assert_eq!(
        (driver.engine.census().connections, driver.engine.census().timers),
        (0, 0)
    );
}

#[test]
fn a_client_that_was_cut_by_a_deadline_is_lingered_for_half_a_second_however_it_drips() {
    let (mut driver, _, mut client) = listen(options());
    client.send("GET / HTTP/1.1\r\n");
    driver.settle();
    driver.advance(1_000);
    driver.quiet(&mut [&mut client]);
    assert_eq!((client.answers(&[])[0].status, client.ended), (408, true));
    driver.advance(499);
    client.send("X");
    driver.settle();
    assert_eq!(driver.engine.census().connections, 1);
    driver.advance(1);
    let census = driver.engine.census();
    assert_eq!((census.connections, census.timers), (0, 0));
}

#[test]
fn a_bad_request_behind_a_slow_answer_gets_one_answer_whenever_that_comes() {
    let (mut driver, _, mut client) = listen(options());
    client.send(GET);
    client.send("nonsense\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    driver.settle();
    driver.advance(100_000);
    answer(&mut driver.engine, stream, b"").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    let statuses: Vec<u16> = client.answers(&[]).iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 400]);
}

#[test]
fn zero_means_no_deadline() {
    let none = ServerOptions {
        headers_timeout_ms: 0,
        request_timeout_ms: 0,
        body_timeout_ms: 0,
        write_timeout_ms: 0,
        keep_alive_timeout_ms: 0,
        min_receive_rate: 0,
        min_send_rate: 0,
        ..Default::default()
    };
    let (mut driver, _, mut client) = listen(none);
    assert_eq!(driver.engine.next_deadline(), None);
    client.send("GET");
    driver.settle();
    driver.advance(1 << 30);
    client.send(POST[4..].replace("POST", ""));
    driver.settle();
    assert_eq!(driver.engine.next_deadline(), None);
}

#[test]
fn a_request_timeout_alone_bounds_the_head_too() {
    let (mut driver, _, mut client) = listen(ServerOptions {
        headers_timeout_ms: 0,
        ..options()
    });
    client.send("GET / HT");
    driver.settle();
    dies_at(&mut driver, &mut client, 5_000);
    assert_eq!(client.answers(&[])[0].status, 408);
}

#[test]
fn what_is_in_the_socket_when_we_come_late_counts_as_in_time() {
    let (mut driver, server, mut client) = listen(options());
    client.send(POST);
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.collect(stream, -1.0).unwrap();
    driver.settle();
    // The loop was blocked; the client has sent all in time.
    client.send("123456789");
    driver.advance(60_000);
    assert_eq!(driver.expect(EventKind::Collected).value, b"123456789");
    answer(&mut driver.engine, stream, b"").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    client.send(GET);
    driver.advance(60_000);
    let stream = driver.expect(EventKind::Request).stream();
    answer(&mut driver.engine, stream, b"").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 2);
    assert_eq!(timeouts(&mut driver, server), [0; 5]);
}

#[test]
fn half_a_head_in_the_socket_when_we_come_late_is_still_cut() {
    for proxy_protocol in [ProxyProtocol::Off, ProxyProtocol::Required] {
        let (mut driver, server, mut client) = listen(ServerOptions {
            proxy_protocol,
            ..options()
        });
        client.send(if proxy_protocol == ProxyProtocol::Off {
            "GET / HT"
        } else {
            "PROXY UN"
        });
        driver.advance(60_000);
        driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
        assert_eq!(timeouts(&mut driver, server), [1, 0, 0, 0, 0]);
    }
}

#[test]
fn a_request_that_is_late_and_still_arrives_is_cut() {
    let (mut driver, server, mut client) = listen(options());
    client.send(format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
        64 << 20
    ));
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    for _ in 0..5 {
        client.send(vec![b'x'; 1 << 20]);
        driver.advance(1_001);
    }
    client.send(vec![b'x'; 1 << 20]);
    driver.advance(1);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    assert_eq!(timeouts(&mut driver, server), [0, 0, 1, 0, 0]);
}
