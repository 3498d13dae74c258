//! Requests that are refused before the host saw them: told to a host that asks, and to no other.

use millrace_engine::error::Code;
use millrace_engine::{EventKind, GateOptions, GateRate, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, echo_target};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn options() -> ServerOptions {
    ServerOptions {
        headers_timeout_ms: 1_000,
        max_body_size: 10,
        ..Default::default()
    }
}

/// The fields of each line.
fn taken(driver: &mut Driver) -> Vec<Vec<String>> {
    let lines = driver.engine.take_refusals();
    let fields = |line: &str| line.split('\t').map(str::to_owned).collect();
    lines.lines().map(fields).collect()
}

#[test]
fn malformed_requests_limits_and_deadlines_are_told_with_code_status_and_client() {
    let large = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n";
    for (bytes, code, status, limit) in [
        ("nonsense\r\n\r\n", Code::HttpInvalidRequestLine, 400, ["", ""]),
        (large, Code::HttpBodyTooLarge, 413, ["10", "11"]),
        ("GET / HT", Code::HeadersTimeout, 408, ["1000", "1000"]),
    ] {
        let mut driver = Driver::new();
        driver.stop_clock();
        let (_, addr) = driver.listen(options());
        driver.engine.hear_refusals(true);
        let mut client = Client::send_to(addr, bytes);
        driver.quiet(&mut [&mut client]);
        driver.advance(1_000);
        driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
        assert_eq!(driver.count(EventKind::Refused), 1);
        let lines = taken(&mut driver);
        let expected = [&code.id().to_string(), &status.to_string(), "127.0.0.1"];
        assert_eq!((lines.len(), &lines[0][1..4]), (1, &expected.map(str::to_owned)[..]));
        assert_eq!(lines[0][5..], limit.map(str::to_owned));
        assert_eq!(client.answers(&[])[0].status, status);
    }
}

#[test]
fn a_rate_limit_tells_of_the_client_that_a_balancer_names() {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(options());
    let rate = GateRate {
        prefix: "/".to_owned(),
        by_client: true,
        requests: 1,
        interval_ms: 60_000,
        burst: 1,
    };
    let gate = GateOptions {
        trust_proxy: vec!["127.0.0.1".to_owned()],
        rates: vec![rate],
        ..Default::default()
    };
    driver.engine.set_gate(server, &gate).unwrap();
    driver.engine.hear_refusals(true);
    driver.on_event(echo_target);
    let request = GET.replace("\r\n\r\n", "\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n");
    let mut client = Client::send_to(addr, request.repeat(2));
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 2);
    let lines = taken(&mut driver);
    assert_eq!(lines[0][2..5], ["429", "203.0.113.9", "0"]);
}

#[test]
fn what_a_handler_has_seen_is_its_own_to_tell_and_nothing_is_made_for_nobody() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(options());
    driver.engine.hear_refusals(true);
    let mut client = Client::send_to(addr, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    client.send("no chunk\r\n");
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    assert_eq!(client.answers(&[])[0].status, 400);
    assert_eq!(
        (driver.count(EventKind::Aborted), driver.count(EventKind::Refused)),
        (1, 0)
    );

    driver.engine.hear_refusals(false);
    let mut client = Client::send_to(addr, "nonsense\r\n\r\n");
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    assert_eq!(
        (driver.count(EventKind::Refused), driver.engine.take_refusals()),
        (0, String::new())
    );
}
