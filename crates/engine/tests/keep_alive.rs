//! Connections that serve one request after the other, and those that do not.

use millrace_engine::{EventKind, ListenOn, Respond, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, answer, echo_target};

const GET: &str = "GET /one HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn serves_many_requests_on_one_connection() {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(ServerOptions::default());
    driver.on_event(echo_target);
    let mut client = Client::connect(addr);
    for n in 0..50 {
        client.send(format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n"));
        driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == n + 1);
    }
    let answers = client.answers(&[]);
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!((answer.status, answer.text()), (200, format!("/{n}")));
        assert!(answer.keep_alive);
        assert_eq!(answer.field("keep-alive").as_deref(), Some("timeout=65"));
        assert!(answer.field("date").is_some_and(|date| date.ends_with(" GMT")));
    }
    let stats = driver.engine.server_stats(server).unwrap();
    assert_eq!(
        (stats.accepted, stats.active, stats.requests, stats.requests_active),
        (1, 1, 50, 0)
    );
    assert_eq!(stats.responses, [0, 50, 0, 0, 0]);
    assert_eq!(stats.sent, client.received.len() as u64);
    assert_eq!(stats.latency.data().count(), 50);
    assert_eq!(driver.engine.census().streams, 0);
    assert_eq!(driver.engine.census().buffers, 0, "an idle connection holds no buffer");
}

#[test]
fn closes_after_a_request_that_says_close_and_after_http_1_0() {
    for request in [
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
    ] {
        let mut driver = Driver::new();
        let (_, addr) = driver.listen(ServerOptions::default());
        driver.on_event(echo_target);
        let mut client = Client::send_to(addr, request);
        driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
        assert!(client.ended, "{client:?}");
        let answers = client.answers(&[]);
        assert_eq!((answers.len(), answers[0].text()), (1, "/".into()));
        assert_eq!(answers[0].field("connection").as_deref(), Some("close"));
        driver.settle();
        assert_eq!(
            (driver.engine.census().connections, driver.engine.census().timers),
            (0, 0)
        );
    }
}

#[test]
fn keeps_an_http_1_0_connection_that_asks_for_it() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    driver.on_event(echo_target);
    let request = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    let mut client = Client::send_to(addr, request);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    client.send(request);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 2);
    assert!(
        client
            .answers(&[])
            .iter()
            .all(|answer| answer.field("connection").as_deref() == Some("keep-alive"))
    );
}

#[test]
fn the_last_request_that_a_connection_may_carry_says_close() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions {
        max_requests_per_connection: 2,
        ..Default::default()
    });
    driver.on_event(echo_target);
    let mut client = Client::send_to(addr, GET);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    // The third comes while the second is answered: it is not served, and it does not cost the second its answer.
    client.send(GET);
    client.send(GET);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    let answers = client.answers(&[]);
    assert_eq!(
        answers.iter().map(|answer| answer.keep_alive).collect::<Vec<_>>(),
        [true, false]
    );
    assert!(client.ended);
}

#[test]
fn an_answer_that_says_close_ends_the_connection_and_survives_what_the_client_still_sends() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let mut client = Client::send_to(addr, GET);
    let request = driver.expect(EventKind::Request);
    client.send(GET);
    let head = Respond {
        status: 200,
        reason: b"Fine",
        block: b"Connection\0close\0",
    };
    driver
        .engine
        .respond(request.stream(), &head, millrace_engine::Chunk::Bytes(b"bye"), true)
        .unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    assert!(client.ended, "{client:?}");
    assert!(client.received.starts_with(b"HTTP/1.1 200 Fine\r\n"));
    assert_eq!(client.answers(&[])[0].text(), "bye");
    assert_eq!(driver.count(EventKind::Finished), 1);
}

#[test]
fn serves_a_unix_socket_and_removes_its_file_when_it_closes() {
    let path = std::env::temp_dir().join(format!("millrace-keep-alive-{}", std::process::id()));
    let mut driver = Driver::new();
    let server = driver
        .engine
        .listen(&ListenOn::Unix(path.clone()), 16, ServerOptions::default())
        .unwrap();
    driver.on_event(echo_target);
    let mut client = Client::connect_unix(&path);
    client.send(GET);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    client.send(GET);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 2);
    driver.engine.close_server(server.as_f64());
    assert!(!path.exists());
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    driver.expect(EventKind::ServerClosed);
}

#[test]
fn empty_lines_between_requests_are_passed_over_however_they_are_cut() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    driver.on_event(echo_target);
    let mut client = Client::connect(addr);
    for round in 0..2 {
        for piece in ["\r", "\n", "\r", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"] {
            client.send(piece);
            driver.settle();
        }
        driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == round + 1);
    }
    assert!(client.answers(&[]).iter().all(|answer| answer.status == 200));
}

#[test]
fn half_an_empty_line_on_one_connection_does_not_reach_another() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    driver.on_event(echo_target);
    let mut rude = Client::send_to(addr, "\r");
    driver.quiet(&mut [&mut rude]);
    let mut client = Client::send_to(addr, GET);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    assert_eq!(client.answers(&[])[0].status, 200);
    rude.send("\n");
    rude.send(GET);
    driver.run_until(&mut [&mut rude], |_, clients| clients[0].complete() == 1);
    assert_eq!(rude.answers(&[])[0].status, 200);
}

#[test]
fn the_next_request_may_come_before_the_body_of_the_last_was_read() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let mut client = Client::send_to(addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    let request = driver.expect(EventKind::Request);
    answer(&mut driver.engine, request.stream(), b"early").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    client.send("llo");
    client.send(GET);
    let second = driver.expect(EventKind::Request);
    assert_eq!(second.target(), "/one");
    answer(&mut driver.engine, second.stream(), b"").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 2);
    assert!(client.answers(&[]).iter().all(|answer| answer.keep_alive));
}
