//! Bodies of requests, by each consumer.

use crate::support::listen;
use millrace_engine::error::Code;
use millrace_engine::{Chunk, EventKind, Respond, request};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, answer};

/// The Body events up to BodyEnd, joined, and the trailers.
fn body(driver: &mut Driver, client: &mut Client, stream: f64) -> (Vec<u8>, Vec<u8>) {
    driver.run_until(&mut [client], |driver, _| driver.count(EventKind::BodyEnd) == 1);
    let mut bytes = Vec::new();
    loop {
        let event = driver.events.pop_front().expect("BodyEnd was seen");
        assert_eq!(event.stream(), stream);
        match event.kind {
            EventKind::Body => {
                assert_eq!(event.a as usize, event.value.len());
                bytes.extend(event.value);
            }
            EventKind::BodyEnd => return (bytes, event.value),
            other => panic!("{other:?} within a body"),
        }
    }
}

#[test]
fn javascript_gets_a_sized_body_as_far_as_its_credit_goes() {
    let (mut driver, mut client) = listen();
    let sent: Vec<u8> = (0..600_000).map(|n| n as u8).collect();
    client.send(format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
        sent.len()
    ));
    client.send(&sent);
    let request = driver.expect_with(EventKind::Request, &mut [&mut client]);
    assert_eq!(request.flags & request::HAS_BODY, request::HAS_BODY);
    driver.quiet(&mut [&mut client]);
    assert!(driver.events.is_empty(), "a body that nobody asked for was given");
    let mut got = 0;
    while got < sent.len() {
        driver.engine.grant(request.stream(), 1.0).unwrap();
        driver.quiet(&mut [&mut client]);
        let bytes: usize = driver
            .events
            .iter()
            .filter(|e| e.kind == EventKind::Body)
            .map(|e| e.value.len())
            .sum();
        assert!(bytes > 0 && bytes <= 128 * 1024, "{bytes} bytes for a credit of 1");
        for event in driver.events.drain(..).filter(|e| e.kind == EventKind::Body) {
            assert_eq!(event.value, sent[got..got + event.value.len()]);
            got += event.value.len();
        }
    }
    answer(&mut driver.engine, request.stream(), b"").unwrap_or_else(|error| panic!("{error}"));
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    assert!(client.answers(&[])[0].keep_alive);
    driver.settle();
    assert_eq!((driver.engine.census().streams, driver.engine.census().buffers), (0, 0));
}

#[test]
fn javascript_gets_a_chunked_body_with_its_trailers_whatever_the_cuts() {
    let text = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nA: b\r\n\r\n";
    for size in [1, 7, text.len()] {
        let (mut driver, mut client) = listen();
        for piece in text.as_bytes().chunks(size) {
            client.send(piece);
            driver.settle();
        }
        let request = driver.expect(EventKind::Request);
        driver.engine.grant(request.stream(), f64::INFINITY).unwrap();
        let (bytes, trailers) = body(&mut driver, &mut client, request.stream());
        assert_eq!(
            (bytes.as_slice(), trailers.as_slice()),
            (&b"hello world"[..], &b"A\0b\0"[..])
        );
        answer(&mut driver.engine, request.stream(), b"ok").unwrap();
        driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    }
}

#[test]
fn collects_a_body_whole_also_an_empty_one() {
    for (chunks, whole) in [("3\r\nabc\r\n2\r\nde\r\n", &b"abcde"[..]), ("", b"")] {
        let (mut driver, mut client) = listen();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        let request = driver.expect(EventKind::Request);
        driver.engine.collect(request.stream(), 5.0).unwrap();
        client.send(chunks);
        driver.settle();
        assert_eq!(driver.count(EventKind::Collected), 0);
        client.send("0\r\n\r\n");
        assert_eq!(driver.expect(EventKind::Collected).value, whole);
        answer(&mut driver.engine, request.stream(), b"").unwrap();
        driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
        driver.settle();
        assert_eq!((driver.engine.census().streams, driver.engine.census().buffers), (0, 0));
    }
}

#[test]
fn a_body_past_the_collecting_limit_fails_alone_and_the_answer_is_still_ours() {
    let (mut driver, mut client) = listen();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
    let request = driver.expect(EventKind::Request);
    driver.engine.collect(request.stream(), 5.0).unwrap();
    client.send("def");
    let failed = driver.expect(EventKind::BodyFailed);
    assert_eq!(
        (failed.code(), failed.a, failed.b),
        (Some(Code::CollectedTooLarge), 5, 6)
    );
    let head = Respond {
        status: 413,
        reason: b"",
        block: b"",
    };
    driver
        .engine
        .respond(request.stream(), &head, Chunk::Bytes(b"much"), false)
        .unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    assert_eq!(client.answers(&[])[0].status, 413);
    driver.settle();
    assert_eq!((driver.engine.census().streams, driver.engine.census().buffers), (0, 0));
}

#[test]
fn a_discarded_body_keeps_the_connection_within_its_limit() {
    let (mut driver, mut client) = listen();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
    let request = driver.expect(EventKind::Request);
    driver.engine.discard(request.stream(), 3.0).unwrap();
    client.send("def");
    driver.settle();
    answer(&mut driver.engine, request.stream(), b"").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    assert!(client.answers(&[])[0].keep_alive);
    client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(driver.expect(EventKind::Request).target(), "/next");
}

#[test]
fn an_answer_before_an_unread_body_arrives_whole_however_much_the_client_sends() {
    for last in ["", "Connection: close\r\n"] {
        let (mut driver, mut client) = listen();
        let large = vec![b'r'; 3_000_000];
        client.reading = false;
        client.send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\n{last}Content-Length: 100000\r\n\r\n"
        ));
        let request = driver.expect(EventKind::Request);
        answer(&mut driver.engine, request.stream(), &large).unwrap();
        client.send(vec![b'u'; 100_000]);
        driver.quiet(&mut [&mut client]);
        client.reading = true;
        driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
        assert_eq!(
            client.answers(&[])[0].body.len(),
            large.len(),
            "{last:?} {:?}",
            client.broken
        );
    }
}

#[test]
fn a_reader_that_is_slower_than_its_answer_gets_the_rest_of_the_body() {
    let (mut driver, mut client) = listen();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.grant(stream, 1.0).unwrap();
    answer(&mut driver.engine, stream, b"early").unwrap();
    client.send("hello");
    let (bytes, _) = body(&mut driver, &mut client, stream);
    assert_eq!(bytes, b"hello");
    driver.settle();
    assert_eq!(driver.engine.census().streams, 0);
}
