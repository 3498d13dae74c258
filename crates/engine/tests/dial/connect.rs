//! HTTP proxies that want to be dialled again, and how long proxies took.

use crate::support::through;
use millrace_engine::socks_core::{Credentials, Kind};
use millrace_engine::{EventKind, dialled};
use millrace_testkit::driver::{Driver, dial_to as to};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// Of a proxy that wants credentials, on another connection.
const REFUSAL: &[u8] =
    b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// What a peer is asked, up to the end of the head.
fn read_head(driver: &mut Driver, socket: &mut TcpStream) -> String {
    socket.set_nonblocking(true).expect("it can");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        driver.turn();
        let mut bytes = [0; 1024];
        if let Ok(count) = socket.read(&mut bytes) {
            head.extend_from_slice(&bytes[..count]);
        }
    }
    String::from_utf8(head).expect("text")
}

#[test]
fn a_proxy_that_closes_after_its_407_is_dialled_again_with_credentials() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("bound");
    let mut driver = Driver::new();
    let credentials = Some(Credentials::new(b"alice", b"secret"));
    let ours = driver
        .engine
        .dial(&through(addr, Kind::Connect, credentials))
        .expect("begun");
    let head = |driver: &mut Driver| {
        let (mut socket, _) = listener.accept().expect("connected");
        let said = read_head(driver, &mut socket);
        (socket, said)
    };
    let (mut first, said) = head(&mut driver);
    assert!(!said.contains("Proxy-Authorization"), "{said}");
    first.write_all(REFUSAL).expect("it is open");
    drop(first);
    // The next is in the queue as soon as the engine has read that.
    driver.settle();
    let (mut second, said) = head(&mut driver);
    assert!(
        said.contains("Proxy-Authorization: Basic YWxpY2U6c2VjcmV0\r\n"),
        "{said}"
    );
    second
        .write_all(b"HTTP/1.1 200 OK\r\n\r\nfirst words")
        .expect("it is open");
    driver.run_until(&mut [], |driver, _| driver.count(EventKind::Dialled) == 1);
    driver.engine.grant(ours.as_f64(), 1e6).expect("it lives");
    driver.run_until(&mut [], |driver, _| driver.count(EventKind::Body) == 1);
    assert_eq!(driver.expect(EventKind::Body).value, b"first words");
    driver.engine.destroy(ours.as_f64());
    driver.settle();
    driver.assert_nothing_left();
}

#[test]
fn a_tunnel_tells_how_long_its_proxy_took_dials_again_included() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("bound");
    let mut driver = Driver::new();
    driver.stop_clock();
    let credentials = Some(Credentials::new(b"alice", b"secret"));
    let dial = through(addr, Kind::Connect, credentials);
    let ours = driver.engine.dial(&dial).expect("begun");
    let (mut first, _) = listener.accept().expect("connected");
    driver.settle();
    driver.advance(30);
    first.write_all(REFUSAL).expect("it is open");
    drop(first);
    driver.settle();
    let (mut second, _) = listener.accept().expect("connected");
    driver.settle();
    driver.advance_ns(12_500_000);
    second.write_all(b"HTTP/1.1 200 OK\r\n\r\n").expect("it is open");
    let event = driver.expect(EventKind::Dialled);
    assert_eq!((event.flags, event.a, event.b), (dialled::PROXY, 42_500_000, 0));
    driver.engine.destroy(ours.as_f64());
    driver.settle();
    driver.assert_nothing_left();
}

#[test]
fn a_plain_connection_has_no_handshakes() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("bound");
    let mut driver = Driver::new();
    let ours = driver.engine.dial(&to(&[addr])).expect("begun");
    let event = driver.expect(EventKind::Dialled);
    assert_eq!((event.flags, event.a, event.b), (0, 0, 0));
    driver.engine.destroy(ours.as_f64());
    driver.settle();
}

#[test]
fn two_proxies_that_close_after_their_407_are_each_asked_without_credentials_once() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("bound");
    let mut driver = Driver::new();
    let mut dial = through(addr, Kind::Connect, Some(Credentials::new(b"alice", b"secret")));
    let second = through(addr, Kind::Connect, Some(Credentials::new(b"bob", b"hidden")));
    dial.hops.extend(second.hops);
    let ours = driver.engine.dial(&dial).expect("begun");
    fn asks(driver: &mut Driver, socket: &mut TcpStream) -> &'static str {
        let said = read_head(driver, socket);
        match said.split("Proxy-Authorization: Basic ").nth(1) {
            Some(of) if of.starts_with("YWxpY2U6c2VjcmV0") => "alice",
            Some(of) if of.starts_with("Ym9iOmhpZGRlbg==") => "bob",
            Some(_) => "a stranger",
            None => "nobody",
        }
    }
    // What each connection hears and answers; the last answer opens the tunnel.
    let connections: [&[(&str, bool)]; 3] = [
        &[("nobody", false)],
        &[("alice", true), ("nobody", false)],
        &[("alice", true), ("bob", true)],
    ];
    let mut kept = Vec::new();
    for talk in connections {
        let (mut socket, _) = listener.accept().expect("connected");
        for (who, granted) in talk {
            assert_eq!(asks(&mut driver, &mut socket), *who);
            let answer: &[u8] = match granted {
                true => b"HTTP/1.1 200 OK\r\n\r\n",
                false => REFUSAL,
            };
            socket.write_all(answer).expect("it is open");
        }
        kept.push(socket);
        driver.settle();
    }
    driver.run_until(&mut [], |driver, _| driver.count(EventKind::Dialled) == 1);
    driver.engine.destroy(ours.as_f64());
    driver.settle();
    driver.assert_nothing_left();
}
