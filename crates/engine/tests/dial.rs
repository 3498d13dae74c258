//! Connections that we begin: the race of addresses (RFC 8305), proxies on the way, and what is left of either.

use millrace_engine::net::ListenTcp;
use millrace_engine::net::socket::{listen_tcp, local_addr, set_linger_zero};
use millrace_engine::socks_core::{ClientConfig, Credentials, Endpoint, Kind};
use millrace_engine::{Chunk, Dial, EventKind, Hop, ServerKind, ServerOptions, dialled};
use millrace_error::Code;
use millrace_testkit::driver::{Driver, Happened, dial_to as to};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};

fn through(proxy: SocketAddr, kind: Kind, credentials: Option<Credentials>) -> Dial {
    let host: &[u8] = if kind.takes_names() {
        b"target.test"
    } else {
        b"192.0.2.1"
    };
    let mut handshake = ClientConfig::new(kind, Endpoint::new(host, 443).expect("a target"));
    handshake.credentials = credentials;
    Dial {
        hops: vec![Hop { tls: None, handshake }],
        ..to(&[proxy])
    }
}

/// A port on which nobody listens.
fn closed() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound")
}

/// A listener whose queue is full: what is sent to it is dropped, as by a filter.
struct BlackHole {
    _listener: OwnedFd,
    _queued: Vec<TcpStream>,
    addr: SocketAddr,
}

impl BlackHole {
    fn new() -> Self {
        let listener = listen_tcp(&ListenTcp {
            addr: ([127, 0, 0, 1], 0).into(),
            backlog: 0,
            reuse_port: false,
            ipv6_only: false,
        })
        .expect("a port");
        let addr = local_addr(listener.as_raw_fd()).expect("bound").addr().expect("TCP");
        let queued = vec![TcpStream::connect(addr).expect("one has room")];
        Self {
            _listener: listener,
            _queued: queued,
            addr,
        }
    }
}

fn failed(driver: &mut Driver) -> Happened {
    driver.run_until(&mut [], |driver, _| driver.count(EventKind::DialFailed) == 1);
    driver.expect(EventKind::DialFailed)
}

fn code(event: &Happened) -> Option<Code> {
    Code::from_id((event.flags & 0xfff) as u16)
}

#[test]
fn an_address_that_refuses_is_followed_by_the_next_at_once() {
    let good = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = good.local_addr().expect("bound");
    let mut driver = Driver::new();
    driver.stop_clock();
    let stream = driver.engine.dial(&to(&[closed(), closed(), addr])).expect("begun");
    driver.run_until(&mut [], |driver, _| driver.count(EventKind::Dialled) == 1);
    let peer = driver.engine.address(stream.as_f64()).expect("it lives").remote;
    assert_eq!(peer, Some(addr));
    driver.engine.destroy(stream.as_f64());
    driver.settle();
    driver.events.clear();
    driver.assert_nothing_left();
}

#[test]
fn an_address_that_does_not_answer_is_followed_after_250_ms_and_closed_when_another_has_won() {
    let hole = BlackHole::new();
    let good = TcpListener::bind("127.0.0.1:0").expect("a port");
    good.set_nonblocking(true).expect("it can");
    let addr = good.local_addr().expect("bound");
    let mut driver = Driver::new();
    driver.stop_clock();
    let stream = driver.engine.dial(&to(&[hole.addr, addr])).expect("begun");
    driver.settle();
    driver.advance(249);
    assert!(good.accept().is_err(), "a millisecond early");
    assert_eq!((driver.count(EventKind::Dialled), attempts(hole.addr)), (0, 1));
    driver.advance(1);
    driver.run_until(&mut [], |driver, _| driver.count(EventKind::Dialled) == 1);
    assert_eq!(attempts(hole.addr), 0, "the loser is closed");
    let peer = driver.engine.address(stream.as_f64()).expect("it lives").remote;
    assert_eq!(peer, Some(addr));
    driver.engine.destroy(stream.as_f64());
    driver.settle();
    driver.assert_nothing_left();
}

#[test]
fn a_first_address_that_answers_late_still_wins_when_the_second_is_dead_too() {
    let (hole, other) = (BlackHole::new(), BlackHole::new());
    let mut driver = Driver::new();
    driver.stop_clock();
    driver.engine.dial(&to(&[hole.addr, other.addr])).expect("begun");
    driver.advance(4_999);
    assert_eq!(
        driver.count(EventKind::DialFailed),
        0,
        "no attempt is given up before a winner"
    );
    driver.advance(1);
    let event = failed(&mut driver);
    assert_eq!(code(&event), Some(Code::ConnectTimeout));
    assert_eq!((event.a, event.b), (5_000, 5_000));
    driver.settle();
    driver.assert_nothing_left();
}

#[test]
fn addresses_that_all_fail_are_all_told_and_the_first_speaks_for_them() {
    let (one, two) = (closed(), closed());
    let mut driver = Driver::new();
    match driver.engine.dial(&to(&[one, two])) {
        // The loopback refuses at once.
        Err(error) => assert_eq!(error.errno, Some(111)),
        Ok(_) => {
            let event = failed(&mut driver);
            let text = String::from_utf8(event.value.clone()).expect("text");
            let line = |addr: SocketAddr| format!("{} {} 111", addr.ip(), addr.port());
            assert_eq!((event.a, text), (111, format!("{}\n{}", line(one), line(two))));
        }
    }
    driver.settle();
    driver.assert_nothing_left();
}

#[test]
fn addresses_that_come_later_are_tried_in_their_turn() {
    let hole = BlackHole::new();
    let good = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = good.local_addr().expect("bound");
    let mut driver = Driver::new();
    driver.stop_clock();
    let begun = driver.engine.dial(&Dial {
        more: true,
        ..to(&[hole.addr])
    });
    let stream = begun.expect("begun").as_f64();
    driver.advance(100);
    assert!(driver.engine.add_addresses(stream, &[addr]));
    driver.advance(149);
    assert_eq!(driver.count(EventKind::Dialled), 0, "a millisecond early");
    driver.advance(1);
    driver.run_until(&mut [], |driver, _| driver.count(EventKind::Dialled) == 1);
    assert_eq!(driver.engine.address(stream).expect("it lives").remote, Some(addr));
    assert!(!driver.engine.add_addresses(stream, &[addr]), "it is open");
    driver.engine.destroy(stream);
    driver.settle();
    driver.assert_nothing_left();
}

#[test]
fn where_all_have_failed_those_to_come_are_waited_for() {
    let good = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = good.local_addr().expect("bound");
    for (rest, opens) in [(vec![addr], true), (vec![], false)] {
        let mut driver = Driver::new();
        driver.stop_clock();
        let refused = closed();
        let begun = driver.engine.dial(&Dial {
            more: true,
            ..to(&[refused])
        });
        let stream = begun.expect("more may come").as_f64();
        driver.advance(1_000);
        assert!(driver.events.is_empty(), "{:?}", driver.events);
        assert!(driver.engine.add_addresses(stream, &rest));
        if opens {
            driver.run_until(&mut [], |driver, _| driver.count(EventKind::Dialled) == 1);
            driver.engine.destroy(stream);
        } else {
            let event = failed(&mut driver);
            let line = format!("{} {} 111", refused.ip(), refused.port());
            assert_eq!((event.a, event.value), (111, line.into_bytes()));
        }
        driver.settle();
        driver.assert_nothing_left();
    }
}

#[test]
fn a_dial_that_is_destroyed_leaves_no_attempt() {
    let (hole, other) = (BlackHole::new(), BlackHole::new());
    let mut driver = Driver::new();
    driver.stop_clock();
    let stream = driver.engine.dial(&to(&[hole.addr, other.addr])).expect("begun");
    driver.advance(300);
    assert_eq!((attempts(hole.addr), attempts(other.addr)), (1, 1));
    driver.engine.destroy(stream.as_f64());
    driver.settle();
    assert_eq!((attempts(hole.addr), attempts(other.addr)), (0, 0));
    driver.assert_nothing_left();
}

/// How many connections to an address are under way: sent, and not answered.
fn attempts(to: SocketAddr) -> usize {
    const SYN_SENT: &str = "02";
    let port = format!(":{:04X}", to.port());
    let table = std::fs::read_to_string("/proc/net/tcp").expect("proc");
    let rows = table.lines().map(|row| row.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row.len() > 3 && row[2].ends_with(&port) && row[3] == SYN_SENT)
        .count()
}

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
