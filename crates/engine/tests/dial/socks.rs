//! SOCKS on the way, spoken on both sides by us.

use crate::support::{code, failed, through};
use millrace_engine::net::socket::set_linger_zero;
use millrace_engine::socks_core::{Credentials, Endpoint, Kind};
use millrace_engine::{Chunk, EventKind, ServerKind, ServerOptions};
use millrace_error::Code;
use millrace_testkit::driver::Driver;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;

fn proxy(driver: &mut Driver, auth: bool) -> (f64, SocketAddr) {
    driver.listen(ServerOptions {
        kind: ServerKind::Proxy { auth },
        headers_timeout_ms: 3_000,
        ..Default::default()
    })
}

/// Opens a tunnel through a proxy of ours and sends both ways.
fn tunnel(kind: Kind, credentials: Option<Credentials>) {
    use millrace_engine::socks_core::Reply;
    let mut driver = Driver::new();
    let (server, addr) = proxy(&mut driver, credentials.is_some());
    let ours = driver
        .engine
        .dial(&through(addr, kind, credentials.clone()))
        .expect("begun");
    if let Some(credentials) = credentials {
        let shown = driver.expect(EventKind::ProxyCredentials);
        let (user, password) = shown.value.split_at(shown.a as usize);
        assert_eq!((user, password), (credentials.username(), credentials.password()));
        assert!(driver.engine.judge_credentials(shown.stream(), true));
    }
    let asked = driver.expect(EventKind::ProxyRequest);
    let target = if kind.takes_names() { "target.test" } else { "192.0.2.1" };
    let version = if matches!(kind, Kind::Socks4 | Kind::Socks4a) {
        4
    } else {
        5
    };
    assert_eq!(
        String::from_utf8_lossy(&asked.value),
        format!("{version}\0{target}\0443\0")
    );
    assert!(
        driver
            .engine
            .reply_socks(asked.stream(), &Reply::Granted(Endpoint::UNSPECIFIED))
    );
    assert!(
        !driver.engine.reply_socks(asked.stream(), &Reply::Forbidden),
        "it was answered"
    );
    driver.run_until(&mut [], |driver, _| driver.count(EventKind::Dialled) == 1);
    for (from, into) in [(ours.as_f64(), asked.stream()), (asked.stream(), ours.as_f64())] {
        driver.engine.write(from, Chunk::Bytes(b"hello")).expect("it lives");
        driver.engine.grant(into, 1e6).expect("it lives");
        driver.run_until(&mut [], |driver, _| driver.count(EventKind::Body) == 1);
        let body = driver.expect(EventKind::Body);
        assert_eq!((body.stream(), &body.value[..]), (into, &b"hello"[..]));
    }
    driver.engine.end(ours.as_f64(), b"", false).expect("it lives");
    driver.engine.end(asked.stream(), b"", false).expect("it lives");
    driver.run_until(&mut [], |driver, _| driver.engine.census().connections == 0);
    assert_eq!(
        driver.engine.server_stats(server).expect("it listens").requests_active,
        0
    );
    driver.engine.force_server(server);
    driver.settle();
    driver.assert_nothing_left();
}

#[test]
fn every_kind_of_socks_opens_a_tunnel_through_a_proxy_of_ours() {
    for kind in [Kind::Socks4, Kind::Socks4a, Kind::Socks5, Kind::Socks5h] {
        tunnel(kind, None);
    }
    tunnel(Kind::Socks5h, Some(Credentials::new(b"alice", b"secret")));
}

#[test]
fn a_refusal_of_the_proxy_is_told_with_its_code_and_place() {
    use millrace_engine::socks_core::Reply;
    for (reply, expected) in [
        (Reply::GeneralFailure, Code::SocksGeneralFailure),
        (Reply::Forbidden, Code::SocksForbidden),
        (Reply::NetworkUnreachable, Code::SocksNetworkUnreachable),
        (Reply::HostUnreachable, Code::SocksHostUnreachable),
        (Reply::ConnectionRefused, Code::SocksConnectionRefused),
        (Reply::TimedOut, Code::SocksTtlExpired),
    ] {
        let mut driver = Driver::new();
        let (server, addr) = proxy(&mut driver, false);
        driver.engine.dial(&through(addr, Kind::Socks5h, None)).expect("begun");
        let asked = driver.expect(EventKind::ProxyRequest);
        assert!(driver.engine.reply_socks(asked.stream(), &reply));
        let event = failed(&mut driver);
        assert_eq!((code(&event), event.flags >> 12), (Some(expected), 0));
        driver.run_until(&mut [], |driver, _| driver.engine.census().connections == 0);
        assert_eq!(driver.count(EventKind::Aborted), 0);
        assert_eq!(
            driver.engine.server_stats(server).expect("it listens").requests_active,
            0
        );
    }
}

#[test]
fn wrong_credentials_are_refused_and_nothing_is_asked_for() {
    let mut driver = Driver::new();
    let (_, addr) = proxy(&mut driver, true);
    let credentials = Some(Credentials::new(b"alice", b"wrong"));
    driver
        .engine
        .dial(&through(addr, Kind::Socks5, credentials))
        .expect("begun");
    let shown = driver.expect(EventKind::ProxyCredentials);
    assert!(driver.engine.judge_credentials(shown.stream(), false));
    let event = failed(&mut driver);
    assert_eq!(code(&event), Some(Code::SocksAuthenticationRefused));
    driver.run_until(&mut [], |driver, _| driver.engine.census().connections == 0);
    assert_eq!(
        driver.count(EventKind::ProxyRequest) + driver.count(EventKind::Aborted),
        0
    );
}

#[test]
fn a_client_that_leaves_while_we_decide_is_told_and_its_answer_finds_nobody() {
    use millrace_engine::socks_core::Reply;
    let mut driver = Driver::new();
    let (server, addr) = proxy(&mut driver, false);
    let mut client = TcpStream::connect(addr).expect("it listens");
    client
        .write_all(b"\x04\x01\x01\xbb\xc0\x00\x02\x01\x00")
        .expect("it is open");
    let asked = driver.expect(EventKind::ProxyRequest);
    set_linger_zero(client.as_raw_fd()).expect("it is TCP");
    drop(client);
    driver.run_until(&mut [], |driver, _| driver.count(EventKind::Aborted) == 1);
    assert!(!driver.engine.reply_socks(asked.stream(), &Reply::Forbidden));
    driver.run_until(&mut [], |driver, _| driver.engine.census().connections == 0);
    assert_eq!(
        driver.engine.server_stats(server).expect("it listens").requests_active,
        0
    );
}

#[test]
fn a_handshake_that_drips_is_cut_at_its_time() {
    let mut driver = Driver::new();
    driver.stop_clock();
    let (_, addr) = proxy(&mut driver, false);
    let mut client = TcpStream::connect(addr).expect("it listens");
    for byte in [5, 1, 0] {
        client.write_all(&[byte]).expect("it is open");
        driver.settle();
        driver.advance(900);
    }
    driver.advance(299);
    assert_eq!(driver.engine.census().connections, 1, "a millisecond early");
    driver.advance(1);
    assert_eq!(driver.engine.census().connections, 0);
    assert_eq!(driver.engine.census().streams, 0);
    assert_eq!(driver.count(EventKind::Aborted), 0, "nobody knew it");
}

#[test]
fn what_is_no_handshake_is_closed_and_http_is_served() {
    let mut driver = Driver::new();
    let (server, addr) = proxy(&mut driver, false);
    let mut client = TcpStream::connect(addr).expect("it listens");
    client.write_all(b"\x16\x03\x01").expect("it is open");
    driver.run_until(&mut [], |driver, _| {
        let stats = driver.engine.server_stats(server).expect("it listens");
        stats.accepted == 1 && stats.active == 0
    });
    let mut client = TcpStream::connect(addr).expect("it listens");
    client
        .write_all(b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n")
        .expect("it is open");
    let request = driver.expect(EventKind::Request);
    assert_eq!(request.target(), "http://a/");
}

#[test]
fn a_proxy_that_says_nothing_is_given_up_at_its_time() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = silent.local_addr().expect("bound");
    let mut driver = Driver::new();
    driver.stop_clock();
    driver.engine.dial(&through(addr, Kind::Socks5, None)).expect("begun");
    let _accepted = silent.accept().expect("connected");
    driver.settle();
    driver.advance(4_999);
    assert_eq!(driver.count(EventKind::DialFailed), 0, "a millisecond early");
    driver.advance(1);
    let event = failed(&mut driver);
    assert_eq!((code(&event), event.a), (Some(Code::ProxyTimeout), 5_000));
    driver.settle();
    driver.assert_nothing_left();
}
