//! Bodies of answers, by each framing.

use crate::support::{OK, listen};
use millrace_engine::buffer::PinId;
use millrace_engine::error::Code;
use millrace_engine::{Chunk, EventKind, Respond};

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
