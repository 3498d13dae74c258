//! TLS under servers and under connections that we begin.

use millrace_engine::tls_core::{ClientContext, ServerContext, TlsEngine};
use millrace_engine::{Chunk, Dial, DialTls, DialTo, EventKind, ServerOptions, dialled};
use millrace_error::Code;
use millrace_testkit::client::{Client, read_answers};
use millrace_testkit::contexts::{NAME, Site};
use millrace_testkit::driver::{Driver, answer, echo_target};
use millrace_testkit::secure::Secure;
use millrace_testkit::tls::End;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, OnceLock};

fn site() -> &'static Site {
    static MADE: OnceLock<Site> = OnceLock::new();
    MADE.get_or_init(|| Site::new("engine tests CA"))
}

fn server_context() -> Arc<ServerContext> {
    site().server(|options| options.alpn = vec![b"http/1.1".to_vec()])
}

fn client_context() -> Arc<ClientContext> {
    site().client(|_| {})
}

fn listen(options: ServerOptions) -> (Driver, f64, SocketAddr) {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(options);
    assert!(driver.engine.set_tls(server, Some(server_context())));
    (driver, server, addr)
}

#[test]
fn requests_over_tls_are_answered_and_an_idle_connection_holds_no_buffer() {
    let (mut driver, server, addr) = listen(ServerOptions::default());
    driver.on_event(echo_target);
    let mut client = Secure::connect(addr, client_context().connect(NAME).expect("a name"));
    client.shake_hands(&mut driver);
    assert_eq!(
        client.end.session.facts().expect("established").cipher,
        "TLS_AES_256_GCM_SHA384"
    );
    for n in 0..5 {
        client.send(format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n"));
        client.run_until(&mut driver, |_, this| this.complete() == n + 1);
    }
    let answers = read_answers(&client.end.plaintext, &[], false);
    assert_eq!(answers[4].text(), "/4");
    driver.settle();
    assert_eq!(driver.engine.census().buffers, 0, "an idle connection holds no buffer");
    let stats = driver.engine.server_stats(server).expect("it lives");
    assert_eq!((stats.accepted, stats.requests, stats.errors), (1, 5, 0));
    client.client.finish();
    client.run_until(&mut driver, |driver, _| driver.engine.census().connections == 0);
    assert_eq!(driver.engine.census().timers, 0);
}

#[test]
fn requests_that_wait_for_their_turn_are_served_though_the_client_has_ended_its_side_behind_them() {
    let (mut driver, server, addr) = listen(ServerOptions::default());
    driver.on_event(echo_target);
    let mut client = Secure::connect(addr, client_context().connect(NAME).expect("a name"));
    client.shake_hands(&mut driver);
    // One that is not safe waits for the answers before it; all of them and the end are in one piece of ciphertext.
    let post = |n: usize| format!("POST /{n} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    let mut bytes = client.end.seal_all((0..4).map(post).collect::<String>().as_bytes());
    client.end.session.close_notify();
    bytes.extend(client.end.take_ciphertext());
    client.client.send(bytes);
    client.run_until(&mut driver, |_, this| this.complete() == 4);
    let answers = read_answers(&client.end.plaintext, &[], false);
    let told: Vec<_> = answers.iter().map(|answer| (answer.status, answer.text())).collect();
    assert_eq!(
        told.iter().map(|(status, _)| *status).collect::<Vec<_>>(),
        [200; 4],
        "{told:?}"
    );
    assert!(told.last().is_some_and(|(_, text)| text.starts_with("/3")), "{told:?}");
    client.run_until(&mut driver, |driver, _| driver.engine.census().connections == 0);
    let stats = driver.engine.server_stats(server).expect("it lives");
    assert_eq!((stats.requests, stats.errors), (4, 0));
}

#[test]
fn a_hello_that_comes_byte_by_byte_is_understood() {
    let (mut driver, _, addr) = listen(ServerOptions::default());
    driver.on_event(echo_target);
    let mut client = Secure::connect(addr, client_context().connect(NAME).expect("a name"));
    for byte in client.end.take_ciphertext() {
        client.client.send([byte]);
        driver.run_until(&mut [&mut client.client], |_, clients| clients[0].unsent() == 0);
        driver.turn();
    }
    client.shake_hands(&mut driver);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    client.run_until(&mut driver, |_, this| this.complete() == 1);
}

#[test]
fn a_handshake_that_stalls_is_cut_at_its_time_and_counted() {
    let (mut driver, server, addr) = listen(ServerOptions {
        tls_handshake_timeout_ms: 1_000,
        ..ServerOptions::default()
    });
    driver.stop_clock();
    for hello in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01"] {
        let before = driver.engine.server_stats(server).expect("it lives").timeouts[7];
        let mut client = Client::send_to(addr, hello);
        driver.quiet(&mut [&mut client]);
        driver.advance(999);
        driver.settle();
        assert!(!client.is_over(), "a millisecond early");
        driver.advance(2);
        driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
        let after = driver.engine.server_stats(server).expect("it lives").timeouts[7];
        assert_eq!(after, before + 1);
    }
    driver.settle();
    assert_eq!(driver.engine.census().connections, 0);
}

#[test]
fn plain_http_on_a_tls_port_is_answered_in_the_clear() {
    let (mut driver, _, addr) = listen(ServerOptions::default());
    let mut client = Client::send_to(addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    driver.run_until(&mut [&mut client], |_, clients| clients[0].ended);
    let answers = client.answers(&[]);
    assert_eq!((answers[0].status, answers[0].complete), (400, true));
    assert_eq!(driver.expect(EventKind::TlsFailed).code(), Some(Code::TlsPlainHttp));
}

#[test]
fn garbage_gets_an_alert_and_the_connection_ends() {
    let (mut driver, _, addr) = listen(ServerOptions::default());
    // A record of the handshake's type with a message that is none.
    let mut client = Client::send_to(addr, b"\x16\x03\x01\x00\x05\xff\x00\x00\x01\x00");
    driver.run_until(&mut [&mut client], |_, clients| clients[0].ended);
    assert_eq!(client.received.first(), Some(&21), "an alert: {:?}", client.received);
    let failed = driver.expect(EventKind::TlsFailed);
    assert_eq!(failed.code(), Some(Code::TlsInvalidMessage), "{failed:?}");
    client.finish();
    driver.run_until(&mut [&mut client], |driver, _| driver.engine.census().connections == 0);
}

#[test]
fn no_more_than_eight_steps_of_handshakes_are_taken_in_a_turn() {
    let (mut driver, _, addr) = listen(ServerOptions::default());
    let mut clients: Vec<Secure> = (0..30)
        .map(|_| Secure::connect(addr, client_context().connect(NAME).expect("a name")))
        .collect();
    driver.settle();
    clients.iter_mut().for_each(Secure::pump);
    for client in &mut clients {
        driver.run_until(&mut [&mut client.client], |_, clients| clients[0].unsent() == 0);
    }
    // By now every hello is there; the first turns took some.
    let answered = |clients: &mut Vec<Secure>| {
        clients
            .iter_mut()
            .filter_map(|client| {
                client.client.exchange();
                (!client.client.received.is_empty()).then_some(())
            })
            .count()
    };
    let mut before = answered(&mut clients);
    for _ in 0..30 {
        driver.turn();
        let now = answered(&mut clients);
        assert!(now - before <= 8, "{before} → {now}");
        before = now;
    }
    assert_eq!(before, 30);
}

#[test]
fn a_large_answer_waits_for_a_slow_reader_and_arrives_whole() {
    let (mut driver, _, addr) = listen(ServerOptions::default());
    let mut client = Secure::connect(addr, client_context().connect(NAME).expect("a name"));
    client.shake_hands(&mut driver);
    client.client.reading = false;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    driver.run_until(&mut [&mut client.client], |driver, _| {
        driver.count(EventKind::Request) == 1
    });
    let stream = driver.expect(EventKind::Request).stream();
    let body: Vec<u8> = (0..20 << 20).map(|n: u32| (n % 251) as u8).collect();
    answer(&mut driver.engine, stream, &body).expect("answered");
    driver.settle();
    driver.settle();
    assert_eq!(driver.count(EventKind::Finished), 0, "its reader has not begun");
    client.client.reading = true;
    client.run_until(&mut driver, |_, this| this.end.plaintext.len() > body.len());
    client.run_until(&mut driver, |_, this| this.complete() == 1);
    assert!(read_answers(&client.end.plaintext, &[], false)[0].body == body);
    driver.settle();
    assert_eq!(driver.engine.census().buffers, 0);
}

fn dial(addr: SocketAddr, servername: &str) -> Dial {
    Dial {
        to: DialTo::Tcp(vec![addr]),
        sorted: false,
        more: false,
        socket: Default::default(),
        hops: Vec::new(),
        tls: Some(DialTls {
            context: client_context(),
            servername: servername.to_owned(),
        }),
        connect_timeout_ms: 5_000,
        tls_timeout_ms: 5_000,
        proxy_timeout_ms: 5_000,
    }
}

#[test]
fn a_connection_that_we_begin_speaks_tls_with_a_server_of_ours() {
    let (mut driver, _, addr) = listen(ServerOptions::default());
    let socket = driver.engine.dial(&dial(addr, NAME)).expect("begun");
    driver.run_until(&mut [], |driver, _| driver.count(EventKind::Dialled) == 1);
    assert_eq!(driver.expect(EventKind::Dialled).id, socket);
    let facts = driver.engine.tls_facts(socket.as_f64()).expect("TLS");
    assert_eq!((facts.resumed, facts.peer_certificates.len()), (false, 1));
    driver.engine.grant(socket.as_f64(), 1e6).expect("it lives");
    let request = b"GET /ours HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    driver
        .engine
        .write(socket.as_f64(), Chunk::Bytes(request))
        .expect("it lives");
    driver.run_until(&mut [], |driver, _| driver.count(EventKind::Request) == 1);
    let stream = driver.expect(EventKind::Request).stream();
    answer(&mut driver.engine, stream, b"hello").expect("answered");
    driver.run_until(&mut [], |driver, _| driver.count(EventKind::BodyEnd) == 1);
    assert!(driver.expect(EventKind::Body).value.ends_with(b"hello"));
    driver.engine.end(socket.as_f64(), b"", false).expect("it lives");
    driver.run_until(&mut [], |driver, _| driver.engine.census().connections == 0);
    assert_eq!(driver.engine.census().streams, 0);
    assert_eq!(driver.count(EventKind::Aborted), 0, "{:?}", driver.events);
}

#[test]
fn a_connection_that_does_not_open_says_why_once() {
    let (mut driver, _, addr) = listen(ServerOptions::default());
    driver.engine.dial(&dial(addr, "other.test")).expect("begun");
    driver.run_until(&mut [], |driver, _| driver.count(EventKind::DialFailed) == 1);
    let failed = driver.expect(EventKind::DialFailed);
    assert_eq!(failed.code(), Some(Code::TlsWrongHost));
    assert!(String::from_utf8_lossy(&failed.value).contains("subject"), "{failed:?}");
    // Nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let nowhere = free.local_addr().expect("bound");
    drop(free);
    if driver.engine.dial(&dial(nowhere, NAME)).is_ok() {
        driver.run_until(&mut [], |driver, _| driver.count(EventKind::DialFailed) == 1);
        assert_eq!(driver.expect(EventKind::DialFailed).a, 111, "ECONNREFUSED");
    }
    driver.run_until(&mut [], |driver, _| driver.engine.census().connections == 0);
    assert_eq!(
        (driver.engine.census().streams, driver.count(EventKind::Aborted)),
        (0, 0)
    );
}

#[test]
fn a_server_that_never_answers_a_hello_is_given_up_at_its_time() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut driver = Driver::new();
    driver.stop_clock();
    let addr = silent.local_addr().expect("bound");
    driver.engine.dial(&dial(addr, NAME)).expect("begun");
    let _accepted = silent.accept().expect("connected");
    driver.settle();
    driver.advance(4_999);
    driver.settle();
    assert_eq!(driver.count(EventKind::DialFailed), 0, "a millisecond early");
    driver.advance(2);
    driver.settle();
    let failed = driver.expect(EventKind::DialFailed);
    assert_eq!((failed.code(), failed.a), (Some(Code::TlsTimeout), 5_000), "{failed:?}");
    driver.settle();
    assert_eq!(driver.engine.census().connections, 0);
}

#[test]
fn a_tunnel_that_is_cut_without_close_notify_is_an_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("bound");
    let mut driver = Driver::new();
    let socket = driver.engine.dial(&dial(addr, NAME)).expect("begun");
    let (stream, _) = listener.accept().expect("connected");
    stream.set_nonblocking(true).expect("a socket");
    let mut far = End::new(server_context().accept());
    let mut stream = stream;
    let mut buffer = [0; 65_536];
    while driver.count(EventKind::Dialled) == 0 {
        use std::io::{Read, Write};
        driver.turn();
        if let Ok(count) = stream.read(&mut buffer) {
            far.give(&buffer[..count]);
        }
        let bytes = far.take_ciphertext();
        stream.write_all(&bytes).expect("room");
    }
    driver.engine.grant(socket.as_f64(), 1e6).expect("it lives");
    drop(stream);
    driver.run_until(&mut [], |driver, _| driver.count(EventKind::Aborted) == 1);
    assert_eq!(driver.expect(EventKind::Aborted).code(), Some(Code::TlsTruncated));
    assert_eq!(driver.engine.census().connections, 0);
}

#[test]
fn a_client_too_many_is_closed_before_its_handshake() {
    let (mut driver, server, addr) = listen(ServerOptions {
        max_connections: 1,
        ..ServerOptions::default()
    });
    let mut first = Secure::connect(addr, client_context().connect(NAME).expect("a name"));
    first.shake_hands(&mut driver);
    let mut second = Secure::connect(addr, client_context().connect(NAME).expect("a name"));
    second.pump();
    driver.run_until(&mut [&mut second.client], |_, clients| clients[0].is_over());
    assert!(second.client.received.is_empty(), "no byte, in the clear or sealed");
    let stats = driver.engine.server_stats(server).expect("it lives");
    assert_eq!((stats.accepted, stats.refused), (1, 1));
}

#[test]
fn a_dial_tells_how_long_tls_took() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut driver = Driver::new();
    driver.stop_clock();
    let dial = dial(listener.local_addr().expect("bound"), NAME);
    let ours = driver.engine.dial(&dial).expect("begun");
    let (mut peer, _) = listener.accept().expect("connected");
    peer.set_nonblocking(true).expect("it can");
    driver.settle();
    driver.advance(25);
    let mut end = End::new(server_context().accept());
    driver.run_until(&mut [], |driver, _| {
        let mut bytes = [0; 4096];
        if let Ok(count) = peer.read(&mut bytes) {
            end.give(&bytes[..count]);
        }
        peer.write_all(&end.take_ciphertext()).expect("it is open");
        driver.count(EventKind::Dialled) == 1
    });
    let event = driver.expect(EventKind::Dialled);
    assert_eq!((event.flags, event.a, event.b), (dialled::TLS, 0, 25_000_000));
    driver.engine.destroy(ours.as_f64());
    driver.settle();
    driver.assert_nothing_left();
}
