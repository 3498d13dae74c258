//! Limits, at them and one past: the refusal arrives although the client still sends.

use millrace_engine::error::Code;
use millrace_engine::{EventKind, HeadLimits, RequestLimits, Respond, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, answer, echo_target};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn one_connection_past_the_limit_gets_503_and_room_is_made_by_a_close() {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(ServerOptions {
        max_connections: 2,
        ..Default::default()
    });
    driver.on_event(echo_target);
    let mut inside: Vec<Client> = (0..2).map(|_| Client::send_to(addr, GET)).collect();
    for client in &mut inside {
        driver.run_until(&mut [client], |_, clients| clients[0].complete() == 1);
    }
    let mut outside = Client::connect(addr);
    outside.send(GET);
    driver.run_until(&mut [&mut outside], |_, clients| clients[0].is_over());
    let answers = outside.answers(&[]);
    assert_eq!(
        (
            answers[0].status,
            answers[0].field("retry-after").as_deref(),
            outside.ended
        ),
        (503, Some("1"), true)
    );
    let stats = driver.engine.server_stats(server).unwrap();
    assert_eq!((stats.accepted, stats.active, stats.refused), (2, 2, 1));
    drop((inside.pop(), outside));
    driver.settle();
    assert_eq!(driver.engine.server_stats(server).unwrap().active, 1);
    let mut next = Client::send_to(addr, GET);
    driver.run_until(&mut [&mut next], |_, clients| clients[0].complete() == 1);
    assert_eq!(next.answers(&[])[0].status, 200);
}

#[test]
fn a_body_at_the_limit_passes_declared_or_chunked() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions {
        max_body_size: 10,
        ..Default::default()
    });
    for text in [
        "Content-Length: 10\r\n\r\n0123456789",
        "Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n",
    ] {
        let mut client = Client::send_to(addr, format!("POST / HTTP/1.1\r\nHost: a\r\n{text}"));
        let stream = driver.expect(EventKind::Request).stream();
        driver.engine.collect(stream, -1.0).unwrap();
        assert_eq!(driver.expect(EventKind::Collected).value, b"0123456789");
        answer(&mut driver.engine, stream, b"").unwrap();
        driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    }
}

#[test]
fn a_body_past_the_limit_gets_413_while_the_client_still_sends() {
    for chunked in [false, true] {
        let mut driver = Driver::new();
        let (server, addr) = driver.listen(ServerOptions {
            max_body_size: 10,
            ..Default::default()
        });
        let mut client = Client::connect(addr);
        if chunked {
            client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n");
            let stream = driver.expect(EventKind::Request).stream();
            driver.engine.grant(stream, f64::INFINITY).unwrap();
            client.send("0123456789");
            driver.settle();
            assert_eq!(client.received.len(), 0);
        } else {
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
        }
        // As much as a lingering close drains, in small pieces, before the client looks.
        for _ in 0..15 {
            client.send([b'x'; 4096]);
            driver.settle();
        }
        driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
        let answers = client.answers(&[]);
        assert_eq!(
            (answers[0].status, answers[0].keep_alive, client.ended),
            (413, false, true),
            "{chunked}"
        );
        assert_eq!(driver.engine.server_stats(server).unwrap().errors, 1);
        if chunked {
            let aborted = driver.expect(EventKind::Aborted);
            assert_eq!(
                (aborted.code(), aborted.a, aborted.b > 10),
                (Some(Code::HttpBodyTooLarge), 10, true)
            );
        } else {
            assert_eq!(driver.count(EventKind::Request), 0);
        }
        client.finish();
        driver.settle();
        assert_eq!(driver.engine.census().connections, 0);
    }
}

/// A server whose bodies may have 10 bytes, and a client that sends a chunked body of `size` with the head; `whole` with
/// its end and another request.
fn unread(size: usize, whole: bool) -> (Driver, f64, Client, f64) {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(ServerOptions {
        max_body_size: 10,
        ..Default::default()
    });
    let head = "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let rest = match whole {
        true => format!("\r\n0\r\n\r\n{}", GET.replace("/ ", "/next ")),
        false => String::new(),
    };
    let client = Client::send_to(addr, format!("{head}{size:x}\r\n{}{rest}", "x".repeat(size)));
    let stream = driver.expect(EventKind::Request).stream();
    driver.settle();
    (driver, server, client, stream)
}

#[test]
fn a_chunked_body_past_the_limit_that_no_handler_reads_gets_413_in_place_of_its_answer() {
    for (size, at_once, status) in [(10, true, 200), (11, true, 413), (10, false, 200), (11, false, 413)] {
        let (mut driver, server, mut client, stream) = unread(size, false);
        if at_once {
            answer(&mut driver.engine, stream, b"mine").unwrap();
        } else {
            let head = Respond {
                status: 200,
                reason: b"",
                block: b"",
            };
            driver.engine.respond_head(stream, &head).unwrap();
            assert_eq!(driver.engine.end(stream, b"", false).is_err(), status == 413);
        }
        driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
        let found = &client.answers(&[])[0];
        assert_eq!((found.status, found.keep_alive), (status, status == 200), "{size}");
        let aborted = driver.events.iter().find(|event| event.kind == EventKind::Aborted);
        let told = aborted.map(|event| (event.code(), event.a, event.b));
        let expected = (status == 413).then_some((Some(Code::HttpBodyTooLarge), 10, 11));
        assert_eq!(told, expected);
        let errors = u64::from(status == 413);
        assert_eq!(driver.engine.server_stats(server).unwrap().errors, errors);
        drop(client);
        driver.run_until(&mut [], |driver, _| driver.engine.census().connections == 0);
        assert_eq!(driver.engine.server_stats(server).unwrap().requests_active, 0);
    }
}

#[test]
fn a_body_past_the_limit_that_came_whole_and_is_not_read_gets_413_in_its_turn_and_the_connection_goes_on() {
    let (mut driver, _, mut client, stream) = unread(11, true);
    let next = driver.expect(EventKind::Request);
    assert_eq!(next.target(), "/next");
    answer(&mut driver.engine, next.stream(), b"mine").unwrap();
    answer(&mut driver.engine, stream, b"never").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 2);
    let answers = client.answers(&[]);
    let found: Vec<_> = answers
        .iter()
        .map(|one| (one.status, one.text(), one.keep_alive))
        .collect();
    assert_eq!(found, [(413, String::new(), true), (200, "mine".to_owned(), true)]);
    assert_eq!(driver.expect(EventKind::Aborted).code(), Some(Code::HttpBodyTooLarge));
    driver.settle();
    assert_eq!(driver.engine.census().streams, 0);
}

#[test]
fn a_limit_that_the_handler_has_raised_holds_for_a_body_that_it_does_not_read() {
    let (mut driver, _, mut client, stream) = unread(11, true);
    let raised = RequestLimits {
        body_size: Some(11),
        ..Default::default()
    };
    driver.engine.set_limits(stream, &raised).unwrap();
    answer(&mut driver.engine, stream, b"mine").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    assert_eq!(client.answers(&[])[0].status, 200);
}

#[test]
fn an_answer_that_is_out_stands_when_the_unread_body_passes_its_limit_and_the_connection_closes() {
    let (mut driver, server, mut client, stream) = unread(10, false);
    answer(&mut driver.engine, stream, b"mine").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    assert!(!client.ended, "within the limit the connection goes on");
    client.send("\r\n1\r\ny\r\n0\r\n\r\n");
    client.send(GET);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].ended);
    let statuses: Vec<u16> = client.answers(&[]).iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200], "one answer, and no second request was read");
    assert_eq!(driver.engine.server_stats(server).unwrap().errors, 1);
}

#[test]
fn a_lingering_close_drains_64_kib_and_no_more() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let mut client = Client::send_to(addr, "nonsense\r\n\r\n");
    driver.quiet(&mut [&mut client]);
    assert!(client.ended);
    client.send(vec![b'x'; 64 * 1024]);
    driver.settle();
    assert_eq!(driver.engine.census().connections, 1);
    client.send("y");
    driver.settle();
    assert_eq!(driver.engine.census().connections, 0);
}

#[test]
fn heads_at_their_limits_pass_and_one_past_are_refused_with_their_status() {
    let head = HeadLimits {
        target_size: 20,
        header_size: 60,
        header_fields: 3,
        ..Default::default()
    };
    let target = |n: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "t".repeat(n - 1));
    let fields = |n: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(n - 1));
    // "Host: a" and CRLF are 9 bytes, "X: " and CRLF 5.
    let size = |n: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "v".repeat(n - 14));
    let rows = [
        (target(20), 200),
        (target(21), 414),
        (fields(3), 200),
        (fields(4), 431),
        (size(60), 200),
        (size(61), 431),
    ];
    for (text, status) in rows {
        let mut driver = Driver::new();
        let (_, addr) = driver.listen(ServerOptions {
            head,
            ..Default::default()
        });
        driver.on_event(echo_target);
        let mut client = Client::send_to(addr, &text);
        driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
        assert_eq!(client.answers(&[])[0].status, status, "{text}");
    }
}

#[test]
fn two_empty_lines_before_a_request_pass_and_a_third_gets_400() {
    for (lines, status) in [(2, 200), (3, 400)] {
        for behind in [0, 1] {
            let mut driver = Driver::new();
            let (_, addr) = driver.listen(ServerOptions::default());
            driver.on_event(echo_target);
            let text = [GET.repeat(behind), "\r\n".repeat(lines), GET.to_owned()].concat();
            let mut client = Client::send_to(addr, text);
            driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == behind + 1);
            assert_eq!(
                client.answers(&[])[behind].status,
                status,
                "{lines} lines behind {behind}"
            );
        }
    }
}

/// What a chunked request gets whose body is `x` and the rest as given, and the code of the abort, if any.
fn chunked(rest: &str) -> (u16, Option<Code>, u64, u64) {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions {
        head: HeadLimits {
            header_fields: 5,
            ..Default::default()
        },
        ..Default::default()
    });
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut client = Client::send_to(addr, head);
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.collect(stream, -1.0).unwrap();
    client.send(rest);
    driver.quiet(&mut [&mut client]);
    if driver.count(EventKind::Collected) == 1 {
        answer(&mut driver.engine, stream, b"").unwrap();
        driver.quiet(&mut [&mut client]);
    }
    let aborted = driver.events.iter().find(|event| event.kind == EventKind::Aborted);
    let (code, value, seen) = aborted.map_or((None, 0, 0), |event| (event.code(), event.a, event.b));
    (client.answers(&[])[0].status, code, value, seen)
}

#[test]
fn chunk_extensions_at_4_kib_of_a_body_pass_and_one_byte_more_gets_400() {
    // `;` and a name, in two chunks: the limit is one of the whole body.
    let of = |size: usize| {
        let half = size / 2;
        let ext = |size: usize| format!(";{}", "e".repeat(size - 1));
        format!("1{}\r\nx\r\n0{}\r\n\r\n", ext(half), ext(size - half))
    };
    assert_eq!(chunked(&of(4096)), (200, None, 0, 0));
    assert_eq!(
        chunked(&of(4097)),
        (400, Some(Code::HttpChunkExtensionsTooLarge), 4096, 4097)
    );
}

#[test]
fn a_trailer_section_at_16_kib_passes_and_one_byte_more_gets_431() {
    // `X: ` and CRLF are 5 bytes.
    let of = |size: usize| format!("1\r\nx\r\n0\r\nX: {}\r\n\r\n", "v".repeat(size - 5));
    assert_eq!(chunked(&of(16_384)), (200, None, 0, 0));
    let (status, code, value, seen) = chunked(&of(16_385));
    assert_eq!(
        (status, code, value, seen),
        (431, Some(Code::HttpTrailersTooLarge), 16_384, 16_385)
    );
}

#[test]
fn as_many_trailer_fields_as_header_fields_pass_and_one_more_gets_431() {
    let of = |count: usize| format!("1\r\nx\r\n0\r\n{}\r\n", "X: v\r\n".repeat(count));
    assert_eq!(chunked(&of(5)), (200, None, 0, 0));
    assert_eq!(chunked(&of(6)), (431, Some(Code::HttpTooManyFields), 5, 6));
}

#[test]
fn an_interim_answer_after_the_final_head_is_misuse() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let mut client = Client::send_to(addr, GET);
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.informational(stream, 102, b"").unwrap();
    let head = Respond {
        status: 200,
        reason: b"",
        block: b"",
    };
    driver.engine.respond_head(stream, &head).unwrap();
    for status in [100, 102, 103] {
        let refused = driver.engine.informational(stream, status, b"").unwrap_err();
        assert_eq!(refused.code, Code::HttpHeadersSent);
    }
    driver.engine.end(stream, b"", false).unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    let statuses: Vec<u16> = client.answers(&[]).iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [102, 200]);
}
