//! Limits, at them and one past: the refusal arrives although the client still sends.

use millrace_engine::error::Code;
use millrace_engine::{EventKind, HeadLimits, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, answer, echo_target};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn one_connection_past_the_limit_gets_503_and_room_is_made_by_a_close() {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(ServerOptions {
        max_connections: 2,
        ..Default::default()
    });
    driver.on_event(echo_target);
    let mut inside: Vec<Client> = (0..2).map(|_| Client::send_to(addr, GET)).collect();
    for client in &mut inside {
        driver.run_until(&mut [client], |_, clients| clients[0].complete() == 1);
    }
    let mut outside = Client::connect(addr);
    outside.send(GET);
    driver.run_until(&mut [&mut outside], |_, clients| clients[0].is_over());
    let answers = outside.answers(&[]);
    assert_eq!(
        (
            answers[0].status,
            answers[0].field("retry-after").as_deref(),
            outside.ended
        ),
        (503, Some("1"), true)
    );
    let stats = driver.engine.server_stats(server).unwrap();
    assert_eq!((stats.accepted, stats.active, stats.refused), (2, 2, 1));
    drop((inside.pop(), outside));
    driver.settle();
    assert_eq!(driver.engine.server_stats(server).unwrap().active, 1);
    let mut next = Client::send_to(addr, GET);
    driver.run_until(&mut [&mut next], |_, clients| clients[0].complete() == 1);
    assert_eq!(next.answers(&[])[0].status, 200);
}

#[test]
fn a_body_at_the_limit_passes_declared_or_chunked() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions {
        max_body_size: 10,
        ..Default::default()
    });
    for text in [
        "Content-Length: 10\r\n\r\n0123456789",
        "Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n",
    ] {
        let mut client = Client::send_to(addr, format!("POST / HTTP/1.1\r\nHost: a\r\n{text}"));
        let stream = driver.expect(EventKind::Request).stream();
        driver.engine.collect(stream, -1.0).unwrap();
        assert_eq!(driver.expect(EventKind::Collected).value, b"0123456789");
        answer(&mut driver.engine, stream, b"").unwrap();
        driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    }
}

#[test]
fn a_body_past_the_limit_gets_413_while_the_client_still_sends() {
    for chunked in [false, true] {
        let mut driver = Driver::new();
        let (server, addr) = driver.listen(ServerOptions {
            max_body_size: 10,
            ..Default::default()
        });
        let mut client = Client::connect(addr);
        if chunked {
            client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n");
            let stream = driver.expect(EventKind::Request).stream();
            driver.engine.grant(stream, f64::INFINITY).unwrap();
            client.send("0123456789");
            driver.settle();
            assert_eq!(client.received.len(), 0);
        } else {
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
        }
        // As much as a lingering close drains, in small pieces, before the client looks.
        for _ in 0..15 {
            client.send([b'x'; 4096]);
            driver.settle();
        }
        driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
        let answers = client.answers(&[]);
        assert_eq!(
            (answers[0].status, answers[0].keep_alive, client.ended),
            (413, false, true),
            "{chunked}"
        );
        assert_eq!(driver.engine.server_stats(server).unwrap().errors, 1);
        if chunked {
            let aborted = driver.expect(EventKind::Aborted);
            assert_eq!(
                (aborted.code(), aborted.a, aborted.b > 10),
                (Some(Code::HttpBodyTooLarge), 10, true)
            );
        } else {
            assert_eq!(driver.count(EventKind::Request), 0);
        }
        client.finish();
        driver.settle();
        assert_eq!(driver.engine.census().connections, 0);
    }
}

#[test]
fn a_lingering_close_drains_64_kib_and_no_more() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let mut client = Client::send_to(addr, "nonsense\r\n\r\n");
    driver.quiet(&mut [&mut client]);
    assert!(client.ended);
    client.send(vec![b'x'; 64 * 1024]);
    driver.settle();
    assert_eq!(driver.engine.census().connections, 1);
    client.send("y");
    driver.settle();
    assert_eq!(driver.engine.census().connections, 0);
}

#[test]
fn heads_at_their_limits_pass_and_one_past_are_refused_with_their_status() {
    let head = HeadLimits {
        target_size: 20,
        header_size: 60,
        header_fields: 3,
        ..Default::default()
    };
    let target = |n: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "t".repeat(n - 1));
    let fields = |n: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(n - 1));
    // "Host: a" and CRLF are 9 bytes, "X: " and CRLF 5.
    let size = |n: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "v".repeat(n - 14));
    let rows = [
        (target(20), 200),
        (target(21), 414),
        (fields(3), 200),
        (fields(4), 431),
        (size(60), 200),
        (size(61), 431),
    ];
    for (text, status) in rows {
        let mut driver = Driver::new();
        let (_, addr) = driver.listen(ServerOptions {
            head,
            ..Default::default()
        });
        driver.on_event(echo_target);
        let mut client = Client::send_to(addr, &text);
        driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
        assert_eq!(client.answers(&[])[0].status, status, "{text}");
    }
}
