//! What is on its way to a closing server is still served.

use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;

use millrace_engine::{EventKind, ListenOn, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, echo_target};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const FAREWELL_MS: u64 = 100;
const LEAVE_MS: u64 = 250;

/// A closing server with a client that has had an answer and one that has sent nothing, on a stopped clock.
fn closing() -> (Driver, Client, Client) {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(ServerOptions::default());
    driver.on_event(echo_target);
    let mut kept = Client::send_to(addr, GET);
    driver.run_until(&mut [&mut kept], |_, clients| clients[0].complete() == 1);
    let mut fresh = Client::connect(addr);
    driver.settle();
    driver.stop_clock();
    driver.engine.close_server(server);
    driver.quiet(&mut [&mut kept, &mut fresh]);
    (driver, kept, fresh)
}

#[test]
fn an_idle_connection_may_bring_a_request_until_its_time_is_over() {
    let (mut driver, mut kept, mut fresh) = closing();
    driver.advance(FAREWELL_MS - 1);
    driver.quiet(&mut [&mut kept, &mut fresh]);
    assert!(!kept.is_over() && !fresh.is_over());
    kept.send(GET);
    fresh.send(GET);
    driver.run_until(&mut [&mut kept, &mut fresh], |_, clients| {
        clients.iter().all(|client| client.is_over())
    });
    for client in [&kept, &fresh] {
        assert!(client.ended && client.broken.is_none());
        assert!(!client.answers(&[]).last().expect("an answer").keep_alive);
    }
    assert_eq!((kept.complete(), fresh.complete()), (2, 1));
    drop((kept, fresh));
    assert_eq!(driver.expect(EventKind::ServerClosed).a, 2);
}

#[test]
fn an_idle_connection_that_brings_none_is_closed_in_time() {
    let (mut driver, mut kept, mut fresh) = closing();
    driver.advance(FAREWELL_MS);
    driver.run_until(&mut [&mut kept, &mut fresh], |_, clients| {
        clients.iter().all(|client| client.is_over())
    });
    assert!(kept.ended && fresh.ended && kept.broken.is_none() && fresh.broken.is_none());
    let closed = driver.expect(EventKind::ServerClosed);
    assert_eq!((closed.a, closed.b), (0, 0));
    assert_eq!(driver.engine.census().timers, 0);
}

#[test]
fn half_a_head_is_not_idle() {
    let (mut driver, mut kept, mut fresh) = closing();
    fresh.send(&GET[..5]);
    driver.quiet(&mut [&mut kept, &mut fresh]);
    driver.advance(FAREWELL_MS + 1);
    driver.run_until(&mut [&mut kept, &mut fresh], |_, clients| clients[0].is_over());
    assert!(!fresh.is_over());
    fresh.send(&GET[5..]);
    driver.run_until(&mut [&mut fresh], |_, clients| clients[0].is_over());
    assert_eq!((fresh.complete(), fresh.ended), (1, true));
}

fn listen_shared(driver: &mut Driver, addr: SocketAddr) -> (f64, SocketAddr) {
    let on = ListenOn::Tcp {
        addr,
        reuse_port: true,
        ipv6_only: false,
    };
    let options = ServerOptions::default();
    let id = driver.engine.listen(&on, 511, options).expect("a free port").as_f64();
    (id, driver.engine.server_address(id).expect("it is bound"))
}

#[test]
fn the_listener_of_a_shared_port_stays_for_handshakes_that_have_begun_and_then_closes() {
    let mut driver = Driver::new();
    let (server, addr) = listen_shared(&mut driver, ([127, 0, 0, 1], 0).into());
    driver.on_event(echo_target);
    driver.stop_clock();
    let mut waiting = Client::send_to(addr, GET);
    driver.engine.close_server(server);
    driver.run_until(&mut [&mut waiting], |_, clients| clients[0].is_over());
    assert_eq!((waiting.complete(), waiting.ended), (1, true));
    drop(waiting);
    driver.settle();
    driver.advance(LEAVE_MS - 1);
    assert!(driver.engine.server_address(server).is_some(), "it listens no more");
    // Closing twice changes nothing.
    driver.engine.close_server(server);
    driver.settle();
    assert_eq!(driver.count(EventKind::ServerClosed), 0);
    driver.advance(1);
    assert_eq!(driver.expect(EventKind::ServerClosed).a, 1);
    assert!(TcpStream::connect(addr).is_err());
    assert_eq!(driver.engine.next_deadline(), None);
}

#[test]
fn a_driver_that_rests_is_told_of_the_time_for_which_the_listener_stays() {
    let mut driver = Driver::new();
    let (server, _) = listen_shared(&mut driver, ([127, 0, 0, 1], 0).into());
    driver.settle();
    assert!(!driver.engine.has_work() && driver.engine.next_deadline().is_none());
    driver.engine.close_server(server);
    assert!(driver.engine.has_work() && driver.engine.next_deadline().is_some());
    driver.settle();
    assert!(!driver.engine.has_work());
    driver.expect(EventKind::ServerClosed);
}

#[test]
fn force_does_not_wait_for_handshakes() {
    let mut driver = Driver::new();
    let (server, _) = listen_shared(&mut driver, ([127, 0, 0, 1], 0).into());
    driver.engine.close_server(server);
    driver.engine.force_server(server);
    driver.expect(EventKind::ServerClosed);
    assert_eq!(driver.engine.next_deadline(), None);
}

#[test]
fn a_socket_file_that_was_handed_over_stays() {
    let path = std::env::temp_dir().join(format!("millrace-farewell-{}", std::process::id()));
    let mut driver = Driver::new();
    let mut listen = |path| {
        driver
            .engine
            .listen(&ListenOn::Unix(path), 16, ServerOptions::default())
    };
    let first = listen(path.clone()).expect("a free path").as_f64();
    let fd = driver.engine.hand_over(first).expect("it listens");
    assert!(fd >= 0 && driver.engine.hand_over(0.5).is_none());
    driver.engine.close_server(first);
    driver.settle();
    assert!(path.exists() && driver.engine.hand_over(first).is_none());
    // Nobody has taken it, so a next server may.
    assert!(UnixStream::connect(&path).is_err());
    let next = driver
        .engine
        .listen(&ListenOn::Unix(path.clone()), 16, ServerOptions::default());
    driver.engine.close_server(next.expect("a stale path").as_f64());
    driver.settle();
    assert!(!path.exists());
}
