//! The time for a head, for a body, and for both together.

use crate::support::{GET, POST, dies_at, listen, options, timeouts};
use millrace_engine::error::Code;
use millrace_engine::{EventKind, ProxyProtocol, ServerOptions};
use millrace_testkit::driver::answer;

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
