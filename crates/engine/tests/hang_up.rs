//! Clients that go away.

use millrace_engine::error::Code;
use millrace_engine::{Chunk, EventKind, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, OK, answer};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn listen() -> (Driver, f64, std::net::SocketAddr) {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(ServerOptions::default());
    (driver, server, addr)
}

#[test]
fn a_fin_after_the_request_is_told_and_the_answer_is_still_written() {
    let (mut driver, _, addr) = listen();
    let mut client = Client::send_to(addr, GET);
    let request = driver.expect(EventKind::Request);
    client.finish();
    assert_eq!(driver.expect(EventKind::Left).stream(), request.stream());
    answer(&mut driver.engine, request.stream(), b"late").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    assert_eq!((client.answers(&[])[0].text(), client.ended), ("late".into(), true));
    assert_eq!(driver.count(EventKind::Aborted), 0);
    driver.assert_no_connection_left();
}

#[test]
fn a_fin_in_one_piece_with_the_request_is_no_different() {
    let (mut driver, _, addr) = listen();
    let mut client = Client::send_to(addr, GET);
    client.finish();
    let request = driver.expect(EventKind::Request);
    driver.expect(EventKind::Left);
    answer(&mut driver.engine, request.stream(), b"late").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    assert_eq!((client.answers(&[])[0].text(), client.ended), ("late".into(), true));
    driver.assert_no_connection_left();
}

#[test]
fn all_pipelined_requests_before_a_fin_are_answered() {
    let (mut driver, _, addr) = listen();
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
    let mut client = Client::send_to(addr, [GET, post, GET, post, GET].concat());
    client.finish();
    for _ in 0..5 {
        let request = driver.expect(EventKind::Request);
        driver.settle();
        answer(&mut driver.engine, request.stream(), b"").unwrap();
    }
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    assert_eq!((client.complete(), client.ended), (5, true));
    driver.assert_no_connection_left();
}

#[test]
fn a_reset_aborts_the_exchange_at_once() {
    let (mut driver, server, addr) = listen();
    let client = Client::send_to(addr, GET);
    let request = driver.expect(EventKind::Request);
    client.reset();
    let aborted = driver.expect(EventKind::Aborted);
    assert_eq!(
        (aborted.stream(), aborted.code()),
        (request.stream(), Some(Code::ConnectionReset))
    );
    assert_eq!(
        answer(&mut driver.engine, request.stream(), b"").unwrap_err().code,
        Code::StaleId
    );
    assert_eq!(driver.engine.server_stats(server).unwrap().aborted, 1);
    driver.assert_no_connection_left();
}

#[test]
fn a_reset_is_seen_while_reading_is_withheld() {
    let (mut driver, _, addr) = listen();
    let mut client = Client::send_to(addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
    driver.expect(EventKind::Request);
    driver.settle();
    client.exchange();
    client.reset();
    assert_eq!(driver.expect(EventKind::Aborted).code(), Some(Code::ConnectionReset));
    driver.assert_no_connection_left();
}

#[test]
fn a_fin_within_a_request_gets_400_and_aborts_it() {
    for text in ["GET / HT", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"] {
        let (mut driver, _, addr) = listen();
        let mut client = Client::send_to(addr, text);
        driver.settle();
        if let Some(request) = driver.events.pop_front() {
            driver.engine.grant(request.stream(), f64::INFINITY).unwrap();
        }
        client.finish();
        driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
        assert_eq!((client.answers(&[])[0].status, client.ended), (400, true), "{text}");
        let aborted: Vec<_> = driver
            .events
            .iter()
            .filter(|e| e.kind == EventKind::Aborted)
            .map(|e| e.code())
            .collect();
        let expected = if text.starts_with('P') {
            vec![Some(Code::HttpIncompleteMessage)]
        } else {
            vec![]
        };
        assert_eq!(aborted, expected);
        driver.assert_no_connection_left();
    }
}

#[test]
fn a_connection_that_never_speaks_or_has_been_served_ends_in_silence() {
    let (mut driver, _, addr) = listen();
    let mut silent = Client::connect(addr);
    let mut served = Client::send_to(addr, GET);
    let request = driver.expect(EventKind::Request);
    answer(&mut driver.engine, request.stream(), b"").unwrap();
    driver.run_until(&mut [&mut served], |_, clients| clients[0].complete() == 1);
    let length = served.received.len();
    silent.finish();
    served.finish();
    driver.run_until(&mut [&mut silent, &mut served], |_, clients| {
        clients.iter().all(|client| client.is_over())
    });
    assert_eq!((silent.received.len(), served.received.len()), (0, length));
    assert!(driver.events.is_empty());
    driver.assert_no_connection_left();
}

#[test]
fn a_client_that_leaves_an_answer_that_is_queued_whole_is_counted_once_whoever_waits_for_its_end() {
    for (finish, tells) in [(false, 0), (true, 1)] {
        for begun in [false, true] {
            let (mut driver, server, addr) = listen();
            let mut client = Client::connect_narrow(addr, 4096);
            client.reading = false;
            client.send(GET);
            let stream = driver.expect(EventKind::Request).stream();
            if begun {
                driver.engine.respond_head(stream, &OK).unwrap();
                driver.engine.write(stream, Chunk::Bytes(&vec![0; 8 << 20])).unwrap();
                driver.engine.end(stream, b"", finish).unwrap();
            } else {
                let body = vec![0; 8 << 20];
                driver.engine.respond(stream, &OK, Chunk::Bytes(&body), finish).unwrap();
            }
            driver.settle();
            assert_eq!(driver.engine.server_stats(server).unwrap().requests_active, 0);
            client.reset();
            driver.run_until(&mut [], |driver, _| driver.engine.census().connections == 0);
            assert_eq!(driver.engine.server_stats(server).unwrap().aborted, 1);
            assert_eq!(driver.count(EventKind::Aborted), tells);
        }
    }
}

#[test]
fn a_client_that_leaves_an_answer_that_is_being_written_is_counted_once() {
    let (mut driver, server, addr) = listen();
    let mut client = Client::connect_narrow(addr, 4096);
    client.reading = false;
    client.send(GET);
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.respond_head(stream, &OK).unwrap();
    driver.engine.write(stream, Chunk::Bytes(&vec![0; 8 << 20])).unwrap();
    driver.settle();
    client.reset();
    driver.expect(EventKind::Aborted);
    assert_eq!(driver.engine.server_stats(server).unwrap().aborted, 1);
}

#[test]
fn a_reader_that_goes_away_ends_a_blocked_answer() {
    let (mut driver, _, addr) = listen();
    let mut client = Client::connect_narrow(addr, 4096);
    client.reading = false;
    client.send(GET);
    let stream = driver.expect(EventKind::Request).stream();
    driver
        .engine
        .respond(stream, &OK, Chunk::Bytes(&vec![0; 8 << 20]), true)
        .unwrap();
    driver.settle();
    drop(client);
    let aborted = driver.expect(EventKind::Aborted);
    assert_eq!(aborted.stream(), stream);
    assert_eq!(
        driver.count(EventKind::Aborted) + driver.count(EventKind::Finished),
        0,
        "told twice"
    );
    driver.assert_no_connection_left();
}

#[test]
fn an_answer_that_is_cut_while_its_request_still_arrives_is_told_once() {
    let (mut driver, _, addr) = listen();
    let mut client = Client::connect_narrow(addr, 4096);
    client.reading = false;
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    driver
        .engine
        .respond(stream, &OK, Chunk::Bytes(&vec![0; 8 << 20]), true)
        .unwrap();
    driver.settle();
    client.reset();
    driver.expect(EventKind::Aborted);
    driver.settle();
    assert_eq!(driver.count(EventKind::Aborted), 0, "told twice");
    driver.assert_no_connection_left();
}
