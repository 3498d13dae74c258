//! Bodies of requests, by each consumer, and of answers, by each framing.

use millrace_engine::buffer::PinId;
use millrace_engine::error::Code;
use millrace_engine::{Chunk, EventKind, Respond, ServerOptions, request};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, answer};

const OK: Respond<'static> = Respond {
    status: 200,
    reason: b"",
    block: b"",
};

fn listen() -> (Driver, Client) {
    listen_with(ServerOptions::default())
}

fn listen_with(options: ServerOptions) -> (Driver, Client) {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(options);
    (driver, Client::connect(addr))
}

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
fn says_100_continue_when_the_body_is_wanted_and_not_before() {
    let (mut driver, mut client) = listen();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    let request = driver.expect(EventKind::Request);
    assert_ne!(request.flags & request::EXPECTS_CONTINUE, 0);
    driver.quiet(&mut [&mut client]);
    assert_eq!(client.received, b"");
    driver.engine.collect(request.stream(), -1.0).unwrap();
    driver.run_until(&mut [&mut client], |_, clients| !clients[0].received.is_empty());
    assert_eq!(client.received, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.send("ok");
    assert_eq!(driver.expect(EventKind::Collected).value, b"ok");
    answer(&mut driver.engine, request.stream(), b"").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    assert!(client.answers(&[])[1].keep_alive);
}

#[test]
fn says_100_continue_also_to_a_request_that_waits_behind_another() {
    let (mut driver, mut client) = listen();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    let first = driver.expect(EventKind::Request);
    let second = driver.expect(EventKind::Request);
    driver.engine.collect(second.stream(), -1.0).unwrap();
    driver.quiet(&mut [&mut client]);
    assert_eq!(client.received, b"", "an interim answer went ahead of one that is owed");
    answer(&mut driver.engine, first.stream(), b"").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].answers(&[]).len() == 2);
    assert_eq!(client.answers(&[])[1].status, 100);
    client.send("ok");
    assert_eq!(driver.expect(EventKind::Collected).value, b"ok");
}

#[test]
fn a_final_answer_without_reading_an_expected_body_closes() {
    let (mut driver, mut client) = listen();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    let request = driver.expect(EventKind::Request);
    let head = Respond {
        status: 403,
        reason: b"",
        block: b"",
    };
    driver
        .engine
        .respond(request.stream(), &head, Chunk::Bytes(b"no"), false)
        .unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    let answers = client.answers(&[]);
    assert_eq!(
        (answers.len(), answers[0].status, answers[0].keep_alive, client.ended),
        (1, 403, false, true)
    );
}

#[test]
fn an_expectation_that_is_not_known_gets_417() {
    let (mut driver, mut client) = listen();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 2\r\n\r\n");
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    assert_eq!((client.answers(&[])[0].status, client.ended), (417, true));
    assert_eq!(driver.count(EventKind::Request), 0);
}

#[test]
fn streams_an_answer_chunked_with_trailers_and_by_length() {
    let (mut driver, mut client) = listen();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.informational(stream, 103, b"Link\0</a>\0").unwrap();
    driver.engine.respond_head(stream, &OK).unwrap();
    for piece in [&b"one"[..], b"", b"two"] {
        assert!(driver.engine.write(stream, Chunk::Bytes(piece)).unwrap());
        driver.settle();
    }
    driver.engine.end(stream, b"T\0u\0", true).unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    let answers = client.answers(&[]);
    assert_eq!(
        (answers[0].status, answers[1].text(), &answers[1].trailers[..]),
        (103, "onetwo".into(), &b"T\0u\0"[..])
    );
    assert_eq!(driver.engine.end(stream, b"", false).unwrap_err().code, Code::StaleId);

    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    let head = Respond {
        block: b"Content-Length\x004\0",
        ..OK
    };
    driver.engine.respond_head(stream, &head).unwrap();
    driver.engine.write(stream, Chunk::Bytes(b"abc")).unwrap();
    let over = driver.engine.write(stream, Chunk::Bytes(b"de")).unwrap_err();
    assert_eq!(over.code, Code::HttpResponseBodyMismatch);
    driver.engine.write(stream, Chunk::Bytes(b"d")).unwrap();
    driver.engine.end(stream, b"", false).unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 2);
    assert_eq!(client.answers(&[])[2].text(), "abcd");
}

#[test]
fn an_answer_shorter_than_its_length_is_cut_and_told() {
    let (mut driver, mut client) = listen();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    driver
        .engine
        .respond_head(
            stream,
            &Respond {
                block: b"Content-Length\x004\0",
                ..OK
            },
        )
        .unwrap();
    driver.engine.write(stream, Chunk::Bytes(b"abc")).unwrap();
    let error = driver.engine.end(stream, b"", false).unwrap_err();
    assert_eq!(error.code, Code::HttpResponseBodyMismatch);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    assert_eq!(client.complete(), 0);
    assert_eq!(
        driver.expect(EventKind::Aborted).code(),
        Some(Code::HttpResponseBodyMismatch)
    );
}

#[test]
fn an_http_1_0_client_gets_a_stream_until_the_close() {
    let (mut driver, mut client) = listen();
    client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.informational(stream, 103, b"Link\0</a>\0").unwrap();
    driver.engine.respond_head(stream, &OK).unwrap();
    driver.engine.write(stream, Chunk::Bytes(b"abc")).unwrap();
    driver.settle();
    driver.engine.end(stream, b"", false).unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    let answers = client.answers(&[]);
    assert_eq!(
        (answers.len(), answers[0].text(), answers[0].complete, client.ended),
        (1, "abc".into(), true, true)
    );
    assert!(!client.received.windows(7).any(|window| window == b"chunked"));
}

#[test]
fn a_stream_until_the_close_that_fails_does_not_look_complete() {
    let (mut driver, mut client) = listen();
    client.send("GET / HTTP/1.0\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.respond_head(stream, &OK).unwrap();
    driver.engine.write(stream, Chunk::Bytes(b"abc")).unwrap();
    driver.quiet(&mut [&mut client]);
    assert!(driver.engine.destroy(stream));
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    assert!(client.broken.is_some(), "a cut body ended like a whole one");
}

#[test]
fn head_204_and_304_have_no_body_whatever_is_written() {
    for (method, status, length) in [("HEAD", 200, Some("4")), ("GET", 204, None), ("GET", 304, None)] {
        for streamed in [false, true] {
            let (mut driver, mut client) = listen();
            client.send(format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n"));
            let stream = driver.expect(EventKind::Request).stream();
            let head = Respond { status, ..OK };
            driver.host.pins.insert(7, b"body".to_vec());
            let pin = Chunk::Pin { pin: PinId(7), len: 4 };
            if streamed {
                driver.engine.respond_head(stream, &head).unwrap();
                assert!(driver.engine.write(stream, pin).unwrap());
                driver.engine.end(stream, b"", true).unwrap();
            } else {
                driver.engine.respond(stream, &head, pin, true).unwrap();
            }
            driver.expect_with(EventKind::Finished, &mut [&mut client]);
            driver.quiet(&mut [&mut client]);
            let answers = client.answers(&[0]);
            assert_eq!(
                (answers.len(), answers[0].status, answers[0].keep_alive),
                (1, status, true)
            );
            assert!(
                client.received.ends_with(b"\r\n\r\n"),
                "{}",
                client.received.escape_ascii()
            );
            if !streamed {
                assert_eq!(answers[0].field("content-length").as_deref(), length);
            }
            assert_eq!(driver.released, [PinId(7)]);
        }
    }
}

#[test]
fn pinned_chunks_are_sent_and_released_and_a_detached_one_ends_the_exchange() {
    let (mut driver, mut client) = listen();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    driver.host.pins.insert(1, vec![b'p'; 50_000]);
    driver
        .engine
        .respond(
            stream,
            &OK,
            Chunk::Pin {
                pin: PinId(1),
                len: 50_000,
            },
            false,
        )
        .unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    assert_eq!(
        (client.answers(&[])[0].body.len(), &driver.released[..]),
        (50_000, &[PinId(1)][..])
    );
    let stream = driver.expect(EventKind::Request).stream();
    driver
        .engine
        .respond(
            stream,
            &OK,
            Chunk::Pin {
                pin: PinId(2),
                len: 50_000,
            },
            true,
        )
        .unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    assert_eq!(driver.expect(EventKind::Aborted).code(), Some(Code::BufferDetached));
    assert_eq!(driver.released, [PinId(1), PinId(2)]);
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
