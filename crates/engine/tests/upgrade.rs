//! Upgrades and CONNECT: raw bytes both ways, left-over bytes, half-close.

use millrace_engine::{Chunk, EventKind, ListenOn, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, echo_target};

const UPGRADE: &str = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\n";
const CONNECT: &str = "CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n";

fn listen() -> (Driver, f64, Client) {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(ServerOptions {
        upgrades: true,
        connects: true,
        ..Default::default()
    });
    (driver, server, Client::connect(addr))
}

fn bytes(driver: &mut Driver) -> Vec<u8> {
    driver.settle();
    driver
        .events
        .iter()
        .filter(|event| event.kind == EventKind::Body)
        .flat_map(|event| event.value.clone())
        .collect()
}

fn nothing_is_left(driver: &mut Driver, server: f64) {
    driver.assert_no_connection_left();
    assert_eq!(driver.engine.server_stats(server).unwrap().requests_active, 0);
}

#[test]
fn a_tunnel_carries_left_over_bytes_and_both_directions_and_ends_by_halves() {
    for (head, kind, target) in [
        (UPGRADE, EventKind::Upgrade, "/chat"),
        (CONNECT, EventKind::Connect, "b:443"),
    ] {
        let (mut driver, server, mut client) = listen();
        client.send(format!("{head}left over"));
        let request = driver.expect(kind);
        assert_eq!((request.target(), &request.extra[..]), (target, &b"left over"[..]));
        let stream = request.stream();
        client.send(" more");
        driver.settle();
        assert!(driver.events.is_empty(), "bytes without credit");
        driver.engine.grant(stream, f64::INFINITY).unwrap();
        assert_eq!(bytes(&mut driver), b" more");
        assert!(
            driver
                .engine
                .write(stream, Chunk::Bytes(b"HTTP/1.1 200 OK\r\n\r\n"))
                .unwrap()
        );
        driver.engine.write(stream, Chunk::Bytes(b"hello")).unwrap();
        driver.run_until(&mut [&mut client], |_, clients| clients[0].received.ends_with(b"hello"));
        // The client ends its half; ours goes on.
        client.finish();
        driver.expect(EventKind::BodyEnd);
        driver.engine.write(stream, Chunk::Bytes(b" again")).unwrap();
        driver.run_until(&mut [&mut client], |_, clients| {
            clients[0].received.ends_with(b" again")
        });
        assert!(!client.is_over());
        driver.engine.end(stream, b"", true).unwrap();
        driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
        assert!(client.ended);
        driver.expect(EventKind::Finished);
        assert_eq!(driver.count(EventKind::Aborted), 0);
        nothing_is_left(&mut driver, server);
    }
}

#[test]
fn our_half_may_end_first() {
    let (mut driver, server, mut client) = listen();
    client.send(UPGRADE);
    let stream = driver.expect(EventKind::Upgrade).stream();
    driver.engine.write(stream, Chunk::Bytes(b"bye")).unwrap();
    driver.engine.end(stream, b"", false).unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    assert_eq!((&client.received[..], client.ended), (&b"bye"[..], true));
    assert!(driver.engine.write(stream, Chunk::Bytes(b"x")).is_err());
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    client.send("the client's last words");
    client.finish();
    driver.expect(EventKind::Body);
    driver.expect(EventKind::BodyEnd);
    nothing_is_left(&mut driver, server);
}

#[test]
fn a_slow_reader_gets_what_was_said_before_both_halves_ended() {
    let (mut driver, server, mut client) = listen();
    client.send(UPGRADE);
    let stream = driver.expect(EventKind::Upgrade).stream();
    driver.engine.end(stream, b"", false).unwrap();
    driver.settle();
    let words: Vec<u8> = (0..200_000).map(|n| (n / 3) as u8).collect();
    client.send(&words);
    driver.quiet(&mut [&mut client]);
    client.finish();
    driver.quiet(&mut [&mut client]);
    assert!(driver.events.is_empty());
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    driver.run_until(&mut [&mut client], |driver, _| driver.count(EventKind::BodyEnd) == 1);
    assert!(bytes(&mut driver) == words);
    nothing_is_left(&mut driver, server);
}

#[test]
fn a_unix_peer_that_closes_at_once_is_heard_to_its_last_byte() {
    let path = std::env::temp_dir().join(format!("millrace-upgrade-{}", std::process::id()));
    let mut driver = Driver::new();
    let options = ServerOptions {
        upgrades: true,
        ..Default::default()
    };
    let server = driver
        .engine
        .listen(&ListenOn::Unix(path.clone()), 16, options)
        .unwrap();
    let mut client = Client::connect_unix(&path);
    client.send(UPGRADE);
    let stream = driver.expect(EventKind::Upgrade).stream();
    client.send("last words");
    drop(client);
    driver.quiet(&mut []);
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    driver.run_until(&mut [], |driver, _| driver.count(EventKind::BodyEnd) == 1);
    assert_eq!(bytes(&mut driver), b"last words");
    driver.engine.end(stream, b"", false).unwrap();
    nothing_is_left(&mut driver, server.as_f64());
}

#[test]
fn a_tunnel_has_back_pressure_both_ways() {
    let (mut driver, _, mut client) = listen();
    client.send(UPGRADE);
    let stream = driver.expect(EventKind::Upgrade).stream();
    let piece = vec![b'p'; 1 << 20];
    let mut sent = 0;
    while client.unsent() == 0 && sent < 64 {
        client.send(&piece);
        sent += 1;
        driver.quiet(&mut [&mut client]);
    }
    assert!(sent < 64, "a tunnel that nobody reads takes everything");
    client.reading = false;
    let mut room = true;
    for _ in 0..64 {
        room &= driver.engine.write(stream, Chunk::Bytes(&piece)).unwrap();
        driver.settle();
    }
    assert!(!room);
    client.reading = true;
    driver.expect_with(EventKind::Drain, &mut [&mut client]);
}

#[test]
fn tunnels_have_no_deadline() {
    let mut driver = Driver::new();
    driver.stop_clock();
    let (_, addr) = driver.listen(ServerOptions {
        upgrades: true,
        ..Default::default()
    });
    let mut client = Client::send_to(addr, UPGRADE);
    let stream = driver.expect(EventKind::Upgrade).stream();
    driver.settle();
    driver.advance(10_000_000);
    driver.engine.write(stream, Chunk::Bytes(b"still here")).unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].received == b"still here");
}

#[test]
fn an_upgrade_waits_for_the_answers_before_it() {
    let (mut driver, _, mut client) = listen();
    client.send(format!("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n{UPGRADE}rest"));
    let first = driver.expect(EventKind::Request).stream();
    driver.settle();
    assert!(driver.events.is_empty());
    millrace_testkit::driver::answer(&mut driver.engine, first, b"one").unwrap();
    assert_eq!(driver.expect(EventKind::Upgrade).extra, b"rest");
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
}

#[test]
fn where_nobody_upgrades_the_field_is_ignored_and_connect_gets_405() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    driver.on_event(echo_target);
    let mut client = Client::send_to(addr, UPGRADE);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    assert_eq!(client.answers(&[])[0].text(), "/chat");
    client.send(CONNECT);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    let answers = client.answers(&[]);
    assert_eq!((answers[1].status, client.ended), (405, true));
    assert!(
        answers[1]
            .field("allow")
            .is_some_and(|allow| allow.starts_with("GET, "))
    );
}

#[test]
fn a_reset_ends_a_tunnel_once() {
    let (mut driver, server, mut client) = listen();
    client.send(UPGRADE);
    let stream = driver.expect(EventKind::Upgrade).stream();
    client.reading = false;
    driver
        .engine
        .write(stream, Chunk::Bytes(&vec![b'x'; 16 << 20]))
        .unwrap();
    driver.engine.end(stream, b"", true).unwrap();
    driver.settle();
    client.reset();
    driver.expect(EventKind::Aborted);
    assert_eq!(
        driver.count(EventKind::Aborted) + driver.count(EventKind::Finished),
        0,
        "told twice"
    );
    nothing_is_left(&mut driver, server);
}
