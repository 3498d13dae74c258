//! Raw listeners: a tunnel for each connection, once what it passes through is open.

use millrace_engine::error::Code;
use millrace_engine::{Chunk, EventKind, GateOptions, ProxyProtocol, ServerKind, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::Driver;

fn options() -> ServerOptions {
    ServerOptions {
        kind: ServerKind::Raw,
        ..Default::default()
    }
}

#[test]
fn a_connection_is_a_tunnel_before_it_says_anything() {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(options());
    let mut client = Client::connect(addr);
    let accepted = driver.expect(EventKind::Accepted);
    assert_eq!((accepted.flags, accepted.b), (0, 0));
    let stream = accepted.stream();
    driver.engine.write(stream, Chunk::Bytes(b"220 hello")).unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].received == b"220 hello");
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    client.send("GET / HTTP/1.1\r\n\r\n");
    assert_eq!(driver.expect(EventKind::Body).value, b"GET / HTTP/1.1\r\n\r\n");
    client.finish();
    driver.expect(EventKind::BodyEnd);
    driver.engine.end(stream, b"", true).unwrap();
    driver.expect(EventKind::Finished);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    assert!(client.ended);
    let stats = driver.engine.server_stats(server).unwrap();
    assert_eq!(
        (stats.accepted, stats.requests, stats.requests_active, stats.active),
        (1, 1, 0, 0)
    );
    assert_eq!((stats.received, stats.sent, stats.errors), (18, 9, 0));
    driver.assert_no_connection_left();
}

#[test]
fn a_proxy_head_goes_before_the_tunnel_however_it_is_cut() {
    let head = b"PROXY TCP4 203.0.113.9 127.0.0.1 4711 80\r\nrest";
    for cut in 0..head.len() {
        let mut driver = Driver::new();
        let (_, addr) = driver.listen(ServerOptions {
            proxy_protocol: ProxyProtocol::Required,
            ..options()
        });
        let mut client = Client::connect(addr);
        client.send(&head[..cut]);
        driver.quiet(&mut [&mut client]);
        client.send(&head[cut..]);
        let stream = driver.expect(EventKind::Accepted).stream();
        let remote = driver.engine.address(stream).unwrap().remote.unwrap();
        assert_eq!(remote.to_string(), "203.0.113.9:4711");
        driver.engine.grant(stream, f64::INFINITY).unwrap();
        let mut bytes = Vec::new();
        while bytes.len() < 4 {
            bytes.extend(driver.expect(EventKind::Body).value);
        }
        assert_eq!(bytes, b"rest", "cut at {cut}");
        driver.engine.destroy(stream);
        driver.assert_no_connection_left();
    }
}

#[test]
fn what_does_not_open_is_closed_without_an_answer_and_counted() {
    let mut driver = Driver::new();
    driver.stop_clock();
    let (server, addr) = driver.listen(ServerOptions {
        proxy_protocol: ProxyProtocol::Required,
        headers_timeout_ms: 1_000,
        ..options()
    });
    let mut wrong = Client::connect(addr);
    wrong.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    driver.run_until(&mut [&mut wrong], |_, clients| clients[0].is_over());
    let mut silent = Client::connect(addr);
    driver.quiet(&mut [&mut silent]);
    driver.advance(999);
    driver.quiet(&mut [&mut silent]);
    assert!(!silent.is_over());
    driver.advance(1);
    driver.run_until(&mut [&mut silent], |_, clients| clients[0].is_over());
    assert_eq!((wrong.received.len(), silent.received.len()), (0, 0));
    assert_eq!(driver.count(EventKind::Accepted), 0);
    assert_eq!(driver.engine.server_stats(server).unwrap().errors, 2);
    driver.assert_no_connection_left();
}

#[test]
fn one_that_may_not_enter_is_closed_without_a_byte() {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(options());
    let gate = GateOptions {
        max_connections: Some(1),
        ..Default::default()
    };
    driver.engine.set_gate(server, &gate).unwrap();
    let mut first = Client::connect(addr);
    let stream = driver.expect(EventKind::Accepted).stream();
    let mut second = Client::connect(addr);
    driver.run_until(&mut [&mut first, &mut second], |_, clients| clients[1].is_over());
    assert!(second.received.is_empty() && !first.is_over());
    assert_eq!(driver.engine.server_stats(server).unwrap().refused, 1);
    driver.engine.destroy(stream);
    driver.assert_no_connection_left();
}

#[test]
fn closing_waits_for_its_tunnels_and_force_cuts_them() {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(options());
    let mut clients = [Client::connect(addr), Client::connect(addr)];
    let streams: Vec<f64> = (0..2).map(|_| driver.expect(EventKind::Accepted).stream()).collect();
    driver.engine.close_server_after(server, 0);
    driver.settle();
    assert_eq!(driver.count(EventKind::ServerClosed), 0);
    driver.engine.grant(streams[0], f64::INFINITY).unwrap();
    driver.engine.end(streams[0], b"", false).unwrap();
    clients.iter_mut().for_each(Client::finish);
    driver.expect(EventKind::BodyEnd);
    driver.settle();
    assert_eq!(driver.count(EventKind::ServerClosed), 0);
    driver.engine.force_server(server);
    let aborted = driver.expect(EventKind::Aborted);
    assert_eq!(
        (aborted.stream(), aborted.code()),
        (streams[1], Some(Code::ServerClosed))
    );
    let closed = driver.expect(EventKind::ServerClosed);
    assert_eq!((closed.a, closed.b), (1, 1));
    driver.assert_no_connection_left();
}
