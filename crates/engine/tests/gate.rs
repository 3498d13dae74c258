//! Who may come in and how often: caps, address lists, balancers, rate limits.

use millrace_engine::{EventKind, GateOptions, GateRate, ProxyProtocol, ServerOptions};
use millrace_error::Code;
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, echo_target};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn list(networks: &[&str]) -> Vec<String> {
    networks.iter().map(|text| (*text).to_owned()).collect()
}

/// A server behind a gate, with a handler that answers everything.
fn gated(options: ServerOptions, gate: &GateOptions) -> (Driver, f64, std::net::SocketAddr) {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(options);
    driver.engine.set_gate(server, gate).unwrap();
    driver.on_event(echo_target);
    (driver, server, addr)
}

/// The status of the first answer to these bytes.
fn status(driver: &mut Driver, addr: std::net::SocketAddr, bytes: &str) -> (Client, u16) {
    let mut client = Client::send_to(addr, bytes);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() >= 1);
    let status = client.answers(&[])[0].status;
    (client, status)
}

#[test]
fn a_client_at_its_cap_is_refused_and_one_that_left_makes_room() {
    let gate = GateOptions {
        max_connections_per_client: Some(2),
        ..Default::default()
    };
    let (mut driver, server, addr) = gated(ServerOptions::default(), &gate);
    let (first, one) = status(&mut driver, addr, GET);
    let (_second, two) = status(&mut driver, addr, GET);
    let (mut third, three) = status(&mut driver, addr, GET);
    assert_eq!((one, two, three), (200, 200, 503));
    driver.run_until(&mut [&mut third], |_, clients| clients[0].is_over());
    drop(first);
    driver.run_until(&mut [], |driver, _| driver.engine.census().connections == 1);
    assert_eq!(status(&mut driver, addr, GET).1, 200);
    let stats = driver.engine.server_stats(server).unwrap();
    assert_eq!((stats.accepted, stats.refused), (3, 1));
}

#[test]
fn the_longest_network_of_both_lists_decides_and_an_allow_list_refuses_the_rest() {
    for (allow, deny, expected) in [
        (list(&[]), list(&["127.0.0.0/8"]), 403),
        (list(&["127.0.0.1"]), list(&["127.0.0.0/8"]), 200),
        (list(&["10.0.0.0/8"]), list(&[]), 403),
        (list(&["127.0.0.0/16"]), list(&[]), 200),
        (list(&["127.0.0.1"]), list(&["127.0.0.1"]), 403),
    ] {
        let gate = GateOptions {
            allow: allow.clone(),
            deny: deny.clone(),
            ..Default::default()
        };
        let (mut driver, _, addr) = gated(ServerOptions::default(), &gate);
        assert_eq!(status(&mut driver, addr, GET).1, expected, "{allow:?} {deny:?}");
    }
}

#[test]
fn a_network_that_is_none_changes_nothing() {
    let mut driver = Driver::new();
    let (server, _) = driver.listen(ServerOptions::default());
    let gate = GateOptions {
        deny: list(&["127.0.0.0/33"]),
        ..Default::default()
    };
    let error = driver.engine.set_gate(server, &gate).unwrap_err();
    assert_eq!(error.code, Code::InvalidArgument);
}

#[test]
fn behind_a_trusted_balancer_the_forwarded_client_is_told_and_limited() {
    let rate = GateRate {
        prefix: "/".into(),
        by_client: true,
        requests: 1,
        interval_ms: 60_000,
        burst: 1,
    };
    let gate = GateOptions {
        trust_proxy: list(&["127.0.0.1"]),
        max_connections_per_client: Some(1),
        rates: vec![rate],
        ..Default::default()
    };
    let (mut driver, _, addr) = gated(ServerOptions::default(), &gate);
    driver.no_handler();
    let from = |client: &str| format!("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {client}\r\n\r\n");
    // Two connections of the balancer: it is no client, so no cap of one applies.
    let _first = Client::send_to(addr, from("192.0.2.1"));
    let seen = driver.expect(EventKind::Request).stream();
    let remote = driver.engine.address(seen).unwrap().remote.unwrap();
    assert_eq!(remote.ip().to_string(), "192.0.2.1");
    driver.on_event(echo_target);
    let (_, other) = status(&mut driver, addr, &from("198.51.100.9, 192.0.2.2"));
    let (_, again) = status(&mut driver, addr, &from("192.0.2.1"));
    assert_eq!((other, again), (200, 429));
}

#[test]
fn behind_a_trusted_balancer_the_lists_judge_the_forwarded_client_of_each_request() {
    for (allow, deny, [named, other, nobody]) in [
        (list(&[]), list(&["192.0.2.0/24"]), [403, 200, 200]),
        (list(&["192.0.2.0/24"]), list(&[]), [200, 403, 403]),
        // The balancer is itself where it names nobody.
        (list(&[]), list(&["127.0.0.0/8"]), [200, 200, 403]),
    ] {
        let gate = GateOptions {
            trust_proxy: list(&["127.0.0.1"]),
            allow: allow.clone(),
            deny: deny.clone(),
            ..Default::default()
        };
        let (mut driver, server, addr) = gated(ServerOptions::default(), &gate);
        let from = |client: &str| format!("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {client}\r\n\r\n");
        // One connection for all: the next request may be another client's.
        let all = [&from("192.0.2.1"), &from("198.51.100.1"), GET].concat();
        let mut client = Client::send_to(addr, all);
        driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 3);
        let answers = client.answers(&[]);
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [named, other, nobody], "{allow:?} {deny:?}");
        assert!(answers.iter().all(|answer| answer.field("retry-after").is_none()));
        let refused = statuses.iter().filter(|status| **status == 403).count() as u64;
        let stats = driver.engine.server_stats(server).unwrap();
        assert_eq!((stats.errors, stats.requests, stats.refused), (refused, 3 - refused, 0));
    }
}

#[test]
fn fields_of_a_stranger_are_not_believed() {
    let gate = GateOptions {
        trust_proxy: list(&["10.0.0.0/8"]),
        ..Default::default()
    };
    let (mut driver, _, addr) = gated(ServerOptions::default(), &gate);
    driver.no_handler();
    let _client = Client::send_to(addr, "GET / HTTP/1.1\r\nHost: a\r\nForwarded: for=192.0.2.1\r\n\r\n");
    let seen = driver.expect(EventKind::Request).stream();
    let remote = driver.engine.address(seen).unwrap().remote.unwrap();
    assert_eq!(remote.ip().to_string(), "127.0.0.1");
}

#[test]
fn the_client_that_a_proxy_head_names_is_counted_and_not_the_balancer() {
    let options = ServerOptions {
        proxy_protocol: ProxyProtocol::Required,
        ..Default::default()
    };
    let gate = GateOptions {
        max_connections_per_client: Some(1),
        deny: list(&["203.0.113.0/24"]),
        ..Default::default()
    };
    let (mut driver, _, addr) = gated(options, &gate);
    let from = |client: &str| format!("PROXY TCP4 {client} 127.0.0.1 5000 80\r\n{GET}");
    let (first, one) = status(&mut driver, addr, &from("192.0.2.1"));
    let (_other, two) = status(&mut driver, addr, &from("192.0.2.2"));
    let (_, three) = status(&mut driver, addr, &from("192.0.2.1"));
    let (_, four) = status(&mut driver, addr, &from("203.0.113.9"));
    assert_eq!((one, two, three, four), (200, 200, 503, 403));
    drop(first);
    driver.run_until(&mut [], |driver, _| driver.engine.census().connections <= 1);
    assert_eq!(status(&mut driver, addr, &from("192.0.2.1")).1, 200);
}

#[test]
fn a_rate_limit_holds_at_its_burst_and_keeps_the_connection_where_no_body_follows() {
    let rate = GateRate {
        prefix: "/api".into(),
        by_client: false,
        requests: 2,
        interval_ms: 10_000,
        burst: 2,
    };
    let gate = GateOptions {
        rates: vec![rate],
        ..Default::default()
    };
    let (mut driver, server, addr) = gated(ServerOptions::default(), &gate);
    driver.stop_clock();
    let request = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    let all = ["/api", "/api/x", "/api?y", "http://a/api", "/other"]
        .map(request)
        .concat();
    let mut client = Client::send_to(addr, all);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 5);
    let answers = client.answers(&[]);
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 429, 429, 200]);
    assert_eq!(answers[2].field("retry-after").as_deref(), Some("5"));
    driver.advance(4_999);
    client.send(request("/api"));
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 6);
    assert_eq!(client.answers(&[])[5].status, 429);
    driver.advance(2);
    client.send(request("/api"));
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 7);
    assert_eq!(client.answers(&[])[6].status, 200);
    assert_eq!(driver.engine.server_stats(server).unwrap().rate_limited, 3);

    client.send("POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 8);
    assert_eq!(client.answers(&[])[7].status, 429);
    assert_eq!(client.answers(&[])[7].field("connection").as_deref(), Some("close"));
}

#[test]
fn servers_of_one_scope_share_their_caps() {
    let gate = GateOptions {
        max_connections: Some(2),
        scope: Some("gate-test".into()),
        ..Default::default()
    };
    let (mut one, _, first) = gated(ServerOptions::default(), &gate);
    let (mut two, _, second) = gated(ServerOptions::default(), &gate);
    let (_a, a) = status(&mut one, first, GET);
    let (b_client, b) = status(&mut two, second, GET);
    assert_eq!((a, b), (200, 200));
    assert_eq!(status(&mut one, first, GET).1, 503);
    // A thread that ends gives back what it held.
    drop(two);
    drop(b_client);
    assert_eq!(status(&mut one, first, GET).1, 200);
}
