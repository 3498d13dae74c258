//! Limits that change: of one request, and of a server that runs.

use millrace_engine::error::Code;
use millrace_engine::{EventKind, HeadLimits, ProxyProtocol, RequestLimits, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, answer};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
const NONE: RequestLimits = RequestLimits {
    body_size: None,
    body_timeout_ms: None,
    request_timeout_ms: None,
    min_receive_rate: None,
};

fn sized(length: usize) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")
}

fn options() -> ServerOptions {
    ServerOptions {
        body_timeout_ms: 2_000,
        request_timeout_ms: 5_000,
        keep_alive_timeout_ms: 4_000,
        min_receive_rate: 0,
        min_send_rate: 0,
        max_body_size: 100,
        ..Default::default()
    }
}

fn request(text: &str) -> (Driver, f64, Client, f64) {
    let mut driver = Driver::new();
    driver.stop_clock();
    let (server, addr) = driver.listen(options());
    let client = Client::send_to(addr, text);
    let stream = driver.expect(EventKind::Request).stream();
    driver.settle();
    (driver, server, client, stream)
}

fn size(bytes: u64) -> RequestLimits {
    RequestLimits {
        body_size: Some(bytes),
        ..NONE
    }
}

#[test]
fn a_declared_body_at_the_requests_own_limit_passes_and_past_it_gets_413_at_once() {
    for (most, passes) in [(10, true), (9, false)] {
        let (mut driver, server, mut client, stream) = request(&sized(10));
        driver.engine.set_limits(stream, &size(most)).unwrap();
        driver.quiet(&mut [&mut client]);
        let errors = driver.engine.server_stats(server).unwrap().errors;
        assert_eq!((client.complete() == 0, errors), (passes, u64::from(!passes)));
        if !passes {
            let aborted = driver.expect(EventKind::Aborted);
            assert_eq!(
                (aborted.code(), aborted.a, aborted.b),
                (Some(Code::HttpBodyTooLarge), 9, 10)
            );
            assert_eq!(client.answers(&[])[0].status, 413);
        }
    }
}

#[test]
fn a_chunked_body_is_held_to_the_requests_own_limit_above_or_below_the_servers() {
    for (most, chunk, passes) in [
        (200, "c8", true),
        (200, "c9", false),
        (50, "32", true),
        (50, "33", false),
        (u64::MAX, "ffff", true),
    ] {
        let (mut driver, _, mut client, stream) = request(CHUNKED);
        driver.engine.set_limits(stream, &size(most)).unwrap();
        driver.engine.collect(stream, -1.0).unwrap();
        let length = usize::from_str_radix(chunk, 16).unwrap();
        client.send(format!("{chunk}\r\n{}\r\n0\r\n\r\n", "x".repeat(length)));
        driver.quiet(&mut [&mut client]);
        assert_eq!(driver.count(EventKind::Collected) == 1, passes, "{most} {chunk}");
        if !passes {
            assert_eq!(client.answers(&[])[0].status, 413);
        }
    }
}

#[test]
fn a_body_that_has_arrived_whole_and_is_too_large_fails_alone() {
    let (mut driver, _, mut client, stream) = request(&(sized(10) + "0123456789"));
    driver.engine.set_limits(stream, &size(9)).unwrap();
    let failed = driver.expect(EventKind::BodyFailed);
    assert_eq!(
        (failed.code(), failed.a, failed.b),
        (Some(Code::HttpBodyTooLarge), 9, 10)
    );
    driver.engine.collect(stream, -1.0).unwrap();
    answer(&mut driver.engine, stream, b"").unwrap();
    client.send(GET);
    driver.expect_with(EventKind::Request, &mut [&mut client]);
    assert_eq!(client.complete(), 1);
}

#[test]
fn a_body_that_was_given_whole_is_not_judged_again() {
    let (mut driver, _, mut client, stream) = request(&(sized(10) + "0123456789"));
    driver.engine.collect(stream, -1.0).unwrap();
    driver.expect(EventKind::Collected);
    driver.engine.set_limits(stream, &size(9)).unwrap();
    answer(&mut driver.engine, stream, b"").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    assert_eq!(driver.count(EventKind::BodyFailed), 0);
}

/// The code that ends a stalled upload, and when, after these limits were set 1 s after the head.
fn stalls(limits: &RequestLimits) -> (u64, Option<Code>) {
    let (mut driver, _, mut client, stream) = request(&sized(10));
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    driver.settle();
    driver.advance(1_000);
    driver.engine.set_limits(stream, limits).unwrap();
    driver.settle();
    // What the flush finds due is cut by the next turn.
    driver.settle();
    for ms in 1_000..40_000 {
        if driver.count(EventKind::Aborted) > 0 {
            driver.quiet(&mut [&mut client]);
            assert_eq!(client.answers(&[])[0].status, 408);
            return (ms, driver.expect(EventKind::Aborted).code());
        }
        driver.advance(1);
    }
    panic!("never cut");
}

#[test]
fn the_requests_own_times_are_kept_to_the_millisecond_and_act_at_once_when_they_are_over() {
    let body = |ms| RequestLimits {
        body_timeout_ms: Some(ms),
        ..NONE
    };
    let whole = |ms| RequestLimits {
        request_timeout_ms: Some(ms),
        ..NONE
    };
    assert_eq!(stalls(&NONE), (2_000, Some(Code::BodyTimeout)));
    assert_eq!(stalls(&body(3_000)), (3_000, Some(Code::BodyTimeout)));
    assert_eq!(stalls(&body(1_500)), (1_500, Some(Code::BodyTimeout)));
    assert_eq!(stalls(&body(1_000)), (1_000, Some(Code::BodyTimeout)));
    assert_eq!(stalls(&body(500)), (1_000, Some(Code::BodyTimeout)));
    assert_eq!(stalls(&whole(1_700)), (1_700, Some(Code::RequestTimeout)));
    assert_eq!(stalls(&whole(1)), (1_000, Some(Code::RequestTimeout)));
    let patient = RequestLimits {
        body_timeout_ms: Some(30_000),
        request_timeout_ms: Some(20_000),
        ..NONE
    };
    assert_eq!(stalls(&patient), (20_000, Some(Code::RequestTimeout)));
    let rate = RequestLimits {
        min_receive_rate: Some(240),
        ..patient
    };
    assert_eq!(stalls(&rate), (5_000, Some(Code::ReceiveRate)));
}

#[test]
fn limits_of_an_exchange_that_is_over_are_a_coded_result() {
    let (mut driver, _, _client, stream) = request(GET);
    answer(&mut driver.engine, stream, b"").unwrap();
    driver.settle();
    assert_eq!(driver.engine.set_limits(stream, &NONE).unwrap_err().code, Code::StaleId);
    assert_eq!(
        driver.engine.set_limits(f64::NAN, &NONE).unwrap_err().code,
        Code::StaleId
    );
}

#[test]
fn a_reloaded_server_measures_live_connections_by_its_new_limits_from_their_next_phase() {
    let (mut driver, server, mut client, stream) = request(&sized(10));
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    driver.settle();
    let new = ServerOptions {
        body_timeout_ms: 3_000,
        keep_alive_timeout_ms: 9_000,
        max_connections: 1,
        head: HeadLimits {
            target_size: 5,
            ..Default::default()
        },
        proxy_protocol: ProxyProtocol::Required,
        ..options()
    };
    assert!(driver.engine.reload_server(server, &new));
    // The clock that runs keeps its deadline; the next byte starts one by the new time.
    driver.advance(1_999);
    client.send("x");
    driver.settle();
    driver.advance(2_999);
    client.send("123456789");
    driver.settle();
    answer(&mut driver.engine, stream, b"").unwrap();
    driver.quiet(&mut [&mut client]);
    assert_eq!(client.answers(&[])[0].field("keep-alive").as_deref(), Some("timeout=9"));
    driver.advance(9_999);
    assert!(!client.is_over());
    // One connection is allowed now, and there is one; how connections begin has not changed.
    let addr = driver.engine.server_address(server).unwrap();
    let mut second = Client::send_to(addr, GET);
    driver.run_until(&mut [&mut second], |_, clients| clients[0].is_over());
    assert_eq!(second.answers(&[])[0].status, 503);
    client.send("GET /5678 HTTP/1.1\r\nHost: a\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    answer(&mut driver.engine, stream, b"").unwrap();
    client.send("GET /56789 HTTP/1.1\r\nHost: a\r\n\r\n");
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    assert_eq!(client.answers(&[])[2].status, 414);
    assert!(!driver.engine.reload_server(f64::NAN, &new));
}

#[test]
fn a_connection_that_is_never_idle_takes_new_limits_of_the_head_too() {
    let (mut driver, server, mut client, stream) = request(&[GET, "GET /"].concat());
    let new = ServerOptions {
        head: HeadLimits {
            target_size: 5,
            ..Default::default()
        },
        ..options()
    };
    driver.engine.reload_server(server, &new);
    client.send("23456 HTTP/1.1\r\nHost: a\r\n\r\n");
    answer(&mut driver.engine, stream, b"").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    assert_eq!(client.answers(&[])[1].status, 414);
}
