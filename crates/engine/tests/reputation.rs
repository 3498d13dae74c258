//! Reputation at the door: what a client did wrong decides how its next connection enters. Off unless asked.

use millrace_engine::error::Code;
use millrace_engine::{EventKind, GateOptions, ProxyProtocol, ReputationOptions, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, echo_target};
use std::net::SocketAddr;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const RULES: ReputationOptions = ReputationOptions {
    delay_at: 10.0,
    refuse_at: 20.0,
    delay_ms: 500,
    half_life_ms: 60_000,
    clients: 100,
};

fn listen(options: ServerOptions, gate: GateOptions) -> (Driver, f64, SocketAddr) {
    let mut driver = Driver::new();
    driver.stop_clock();
    let (server, addr) = driver.listen(options);
    driver.engine.set_gate(server, &gate).unwrap();
    driver.on_event(echo_target);
    (driver, server, addr)
}

fn judged() -> GateOptions {
    GateOptions {
        reputation: Some(RULES),
        ..Default::default()
    }
}

/// One client after the other sends these bytes and is answered with this status.
fn answered(driver: &mut Driver, addr: SocketAddr, times: usize, bytes: &str, status: u16) {
    for _ in 0..times {
        let mut client = Client::send_to(addr, bytes);
        driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
        assert_eq!(client.answers(&[])[0].status, status);
    }
}

#[test]
fn a_client_is_served_then_delayed_then_refused_at_the_thresholds_and_served_again_when_they_have_faded() {
    let (mut driver, server, addr) = listen(ServerOptions::default(), judged());
    // Five points each: 5, then 10, which is the threshold.
    answered(&mut driver, addr, 1, "nonsense\r\n\r\n", 400);
    answered(&mut driver, addr, 1, GET, 200);
    answered(&mut driver, addr, 1, "nonsense\r\n\r\n", 400);
    for _ in 0..2 {
        let mut delayed = Client::send_to(addr, "nonsense\r\n\r\n");
        driver.quiet(&mut [&mut delayed]);
        driver.advance(499);
        driver.quiet(&mut [&mut delayed]);
        assert_eq!(delayed.received, b"", "a millisecond early");
        driver.advance(1);
        driver.run_until(&mut [&mut delayed], |_, clients| clients[0].complete() == 1);
        assert_eq!(delayed.answers(&[])[0].status, 400);
    }
    // A second has faded a little of 20; one more makes up for it.
    let mut delayed = Client::send_to(addr, "nonsense\r\n\r\n");
    driver.quiet(&mut [&mut delayed]);
    driver.advance(500);
    driver.run_until(&mut [&mut delayed], |_, clients| clients[0].complete() == 1);
    answered(&mut driver, addr, 3, GET, 503);
    let stats = driver.engine.server_stats(server).unwrap();
    assert_eq!(
        (stats.refused, stats.errors),
        (3, 5),
        "what is refused at the door adds nothing"
    );
    // Less than 25 points: a quarter is below the first threshold.
    driver.advance(2 * 60_000);
    answered(&mut driver, addr, 1, GET, 200);
}

#[test]
fn a_delayed_connection_has_its_clocks_from_then_on_and_is_closed_when_its_client_leaves() {
    let options = ServerOptions {
        headers_timeout_ms: 1_000,
        ..Default::default()
    };
    let (mut driver, server, addr) = listen(options, judged());
    answered(&mut driver, addr, 2, "nonsense\r\n\r\n", 400);
    let mut slow = Client::send_to(addr, "GET / HT");
    let gone = Client::send_to(addr, GET);
    driver.quiet(&mut [&mut slow]);
    gone.reset();
    driver.run_until(&mut [], |driver, _| driver.engine.census().connections == 1);
    driver.advance(500);
    driver.quiet(&mut [&mut slow]);
    driver.advance(999);
    driver.quiet(&mut [&mut slow]);
    assert_eq!(slow.received, b"");
    driver.advance(1);
    driver.run_until(&mut [&mut slow], |_, clients| clients[0].complete() == 1);
    assert_eq!(slow.answers(&[])[0].status, 408);
    drop(slow);
    driver.run_until(&mut [], |driver, _| driver.engine.census().connections == 0);
    assert_eq!(driver.engine.server_stats(server).unwrap().active, 0);
}

#[test]
fn a_delayed_connection_does_not_hold_up_a_server_that_closes() {
    let (mut driver, server, addr) = listen(ServerOptions::default(), judged());
    answered(&mut driver, addr, 2, "nonsense\r\n\r\n", 400);
    let mut delayed = Client::send_to(addr, GET);
    driver.quiet(&mut [&mut delayed]);
    assert!(driver.engine.close_server(server));
    driver.quiet(&mut [&mut delayed]);
    driver.advance(200);
    driver.expect_with(EventKind::ServerClosed, &mut [&mut delayed]);
}

#[test]
fn a_limit_and_a_deadline_cost_one_point_and_a_refusal_at_the_door_none() {
    let options = ServerOptions {
        headers_timeout_ms: 1_000,
        max_body_size: 10,
        ..Default::default()
    };
    let gate = GateOptions {
        reputation: Some(ReputationOptions {
            delay_at: 3.0,
            refuse_at: 3.0,
            half_life_ms: u64::from(u32::MAX),
            ..RULES
        }),
        max_connections_per_client: Some(2),
        ..Default::default()
    };
    let (mut driver, _, addr) = listen(options, gate);
    let large = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n";
    answered(&mut driver, addr, 1, large, 413);
    driver.run_until(&mut [], |driver, _| driver.engine.census().connections == 0);
    let held: Vec<Client> = (0..2).map(|_| Client::connect(addr)).collect();
    driver.settle();
    // Past `maxConnectionsPerIp`.
    answered(&mut driver, addr, 5, GET, 503);
    drop(held);
    driver.run_until(&mut [], |driver, _| driver.engine.census().connections == 0);
    answered(&mut driver, addr, 1, GET, 200);
    let mut late = Client::send_to(addr, "GET / HT");
    driver.quiet(&mut [&mut late]);
    driver.advance(1_000);
    driver.run_until(&mut [&mut late], |_, clients| clients[0].complete() == 1);
    answered(&mut driver, addr, 1, GET, 200);
    answered(&mut driver, addr, 1, large, 413);
    // Three points, less what has faded of them in a second of so long a half-life: one more is past the threshold.
    answered(&mut driver, addr, 1, large, 413);
    answered(&mut driver, addr, 1, GET, 503);
}

#[test]
fn a_client_that_a_proxy_head_names_is_refused_for_itself_and_nobody_else_is() {
    let options = ServerOptions {
        proxy_protocol: ProxyProtocol::Required,
        ..Default::default()
    };
    let (mut driver, _, addr) = listen(options, judged());
    let from = |client: &str, rest: &str| format!("PROXY TCP4 {client} 192.0.2.1 5 80\r\n{rest}");
    answered(&mut driver, addr, 4, &from("198.51.100.1", "nonsense\r\n\r\n"), 400);
    answered(&mut driver, addr, 1, &from("198.51.100.1", GET), 503);
    answered(&mut driver, addr, 1, &from("198.51.100.2", GET), 200);
}

#[test]
fn a_balancer_is_not_blamed_for_its_clients() {
    let gate = GateOptions {
        trust_proxy: vec!["127.0.0.1".to_owned()],
        ..judged()
    };
    let (mut driver, _, addr) = listen(ServerOptions::default(), gate);
    answered(&mut driver, addr, 20, "nonsense\r\n\r\n", 400);
    answered(&mut driver, addr, 1, GET, 200);
}

#[test]
fn a_gate_that_is_set_anew_with_the_same_rules_keeps_the_scores_and_without_them_forgets() {
    let (mut driver, server, addr) = listen(ServerOptions::default(), judged());
    answered(&mut driver, addr, 2, "nonsense\r\n\r\n", 400);
    driver.engine.set_gate(server, &judged()).unwrap();
    let mut delayed = Client::send_to(addr, GET);
    driver.quiet(&mut [&mut delayed]);
    assert_eq!(delayed.received, b"");
    driver.engine.set_gate(server, &GateOptions::default()).unwrap();
    answered(&mut driver, addr, 30, "nonsense\r\n\r\n", 400);
    answered(&mut driver, addr, 1, GET, 200);
    let wrong = GateOptions {
        reputation: Some(ReputationOptions {
            delay_at: 30.0,
            ..RULES
        }),
        ..Default::default()
    };
    let refused = driver.engine.set_gate(server, &wrong).unwrap_err();
    assert_eq!(refused.code, Code::InvalidArgument);
}
