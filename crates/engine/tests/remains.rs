//! SPEC §11: after any error no descriptor, buffer, stream or timer remains. One test: it counts the descriptors of the
//! process.

use millrace_engine::buffer::PinId;
use millrace_engine::error::Code;
use millrace_engine::{
    Chunk, EventKind, GateOptions, GateRate, HeadLimits, ProxyProtocol, RequestLimits, Respond, ServerOptions,
    memory_held,
};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, Happened, OK, TestEngine, Values, answer};

/// What the client does once its bytes are sent.
enum Then {
    /// Reads, and leaves the rest to the server.
    Waits,
    /// Does not read.
    Stops,
    /// Sends more, once its request is known.
    Sends(&'static str),
    /// Goes away with a reset.
    Resets,
    /// Ends its side.
    Ends,
}

/// A way to fail: what is sent to which server, and what comes of it.
struct Case {
    name: &'static str,
    bytes: String,
    then: Then,
    options: ServerOptions,
    gate: Option<GateOptions>,
    /// The statuses that the client gets.
    statuses: &'static [u16],
    /// What the handler is told, if it is told of an error.
    code: Option<Code>,
}

fn options() -> ServerOptions {
    ServerOptions {
        headers_timeout_ms: 1_000,
        body_timeout_ms: 20_000,
        write_timeout_ms: 3_000,
        keep_alive_timeout_ms: 4_000,
        max_body_size: 100,
        min_send_rate: 0,
        upgrades: true,
        connects: true,
        head: HeadLimits {
            target_size: 50,
            header_size: 500,
            ..Default::default()
        },
        ..Default::default()
    }
}

fn case(name: &'static str, bytes: impl Into<String>, statuses: &'static [u16], code: Option<Code>) -> Case {
    Case {
        name,
        bytes: bytes.into(),
        then: Then::Waits,
        options: options(),
        gate: None,
        statuses,
        code,
    }
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
}

fn chunked(target: &str, body: &str) -> String {
    format!("POST {target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}")
}

fn upload(target: &str) -> String {
    format!("POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome")
}

/// Does to a request what its path says.
fn handle(engine: &mut TestEngine, _: &mut Values, event: &Happened) {
    let stream = event.stream();
    match event.kind {
        EventKind::Request => {
            // What a call answers does not matter here: what stays behind does.
            let _ = match event.target() {
                "/read" => engine.grant(stream, f64::INFINITY),
                "/collect" => engine.collect(stream, 10.0),
                "/stalls" => {
                    let change = RequestLimits {
                        body_timeout_ms: Some(100),
                        ..Default::default()
                    };
                    engine.grant(stream, 1e9).and(engine.set_limits(stream, &change))
                }
                "/late" => {
                    let change = RequestLimits {
                        request_timeout_ms: Some(100),
                        ..Default::default()
                    };
                    engine.grant(stream, 1e9).and(engine.set_limits(stream, &change))
                }
                "/large" => answer(engine, stream, &vec![b'x'; 16 << 20]),
                "/detached" => engine.respond(stream, &OK, Chunk::Pin { pin: PinId(9), len: 9 }, true),
                "/shrunk" => {
                    let file = std::fs::File::open("/dev/null").unwrap();
                    let part = Chunk::File {
                        file,
                        offset: 0,
                        len: 100_000,
                    };
                    engine.respond(stream, &OK, part, true)
                }
                "/begun" => engine
                    .respond_head(stream, &OK)
                    .and(engine.write(stream, Chunk::Bytes(b"half")).map(drop)),
                "/short" => {
                    let head = Respond {
                        block: b"Content-Length\09\0",
                        ..OK
                    };
                    let _ = engine.respond_head(stream, &head);
                    assert!(engine.end(stream, b"", false).is_err());
                    engine.destroy(stream);
                    Ok(())
                }
                "/destroy" => {
                    engine.destroy(stream);
                    Ok(())
                }
                "/panic" => {
                    engine.plant_panic(stream);
                    engine.grant(stream, 1.0)
                }
                "/wait" => Ok(()),
                _ => answer(engine, stream, b"ok"),
            };
        }
        EventKind::Upgrade | EventKind::Connect => {
            let _ = engine.grant(stream, 1e9);
            let _ = engine.write(stream, Chunk::Bytes(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"));
        }
        // Its handler gives up.
        EventKind::Left => {
            engine.destroy(stream);
        }
        EventKind::BodyFailed => {
            let head = Respond { status: 413, ..OK };
            let _ = engine.respond(stream, &head, Chunk::Bytes(b""), false);
        }
        _ => {}
    }
}

fn cases() -> Vec<Case> {
    let then = |case: Case, then: Then| Case { then, ..case };
    let with = |case: Case, options: ServerOptions| Case { options, ..case };
    let gated = |case: Case, gate: GateOptions| Case {
        gate: Some(gate),
        ..case
    };
    let rate = GateRate {
        prefix: "/".into(),
        by_client: true,
        requests: 1,
        interval_ms: 1_000_000,
        burst: 1,
    };
    let raw = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
    let mut all = vec![
        case("no HTTP", "nonsense\r\n\r\n", &[400], None),
        case(
            "a bad request behind a good one",
            get("/") + "?\r\n\r\n",
            &[200, 400],
            None,
        ),
        case(
            "a bad request behind one that waits",
            get("/wait") + "?\r\n\r\n",
            &[],
            None,
        ),
        case("a target too long", get(&format!("/{}", "t".repeat(50))), &[414], None),
        case(
            "a head too large",
            format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "v".repeat(500)),
            &[431],
            None,
        ),
        case(
            "another expectation",
            "GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n",
            &[417],
            None,
        ),
        case(
            "another coding",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            &[501],
            None,
        ),
        case("another version", "GET / HTTP/9.9\r\nHost: a\r\n\r\n", &[505], None),
        case(
            "a declared body too large",
            "POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n",
            &[413],
            None,
        ),
        then(
            case(
                "a chunked body too large",
                chunked("/read", ""),
                &[413],
                Some(Code::HttpBodyTooLarge),
            ),
            Then::Sends(concat!(
                "71\r\n",
                "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
                "and the rest."
            )),
        ),
        case(
            "a collected body too large",
            "POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n01234567890",
            &[413],
            Some(Code::CollectedTooLarge),
        ),
        case(
            "a bad chunk",
            chunked("/read", "x\r\n"),
            &[400],
            Some(Code::HttpInvalidChunk),
        ),
        case(
            "extensions too large",
            chunked("/read", &format!("1;{}", "e".repeat(5_000))),
            &[400],
            Some(Code::HttpChunkExtensionsTooLarge),
        ),
        case(
            "trailers too large",
            chunked("/read", &format!("0\r\nX: {}", "v".repeat(20_000))),
            &[431],
            Some(Code::HttpTrailersTooLarge),
        ),
        case("headersTimeout, nothing", "", &[], None),
        case("headersTimeout, half a head", "GET / HT", &[408], None),
        case("bodyTimeout", upload("/stalls"), &[408], Some(Code::BodyTimeout)),
        case("requestTimeout", upload("/late"), &[408], Some(Code::RequestTimeout)),
        case("minReceiveRate", upload("/read"), &[408], Some(Code::ReceiveRate)),
        then(case("writeTimeout", get("/large"), &[], None), Then::Stops),
        with(
            then(case("minSendRate", get("/large"), &[], None), Then::Stops),
            ServerOptions {
                min_send_rate: 1 << 40,
                write_timeout_ms: 60_000,
                ..options()
            },
        ),
        case("keepAliveTimeout", get("/"), &[200], None),
        then(case("a FIN within a head", "GET / HT", &[400], None), Then::Ends),
        then(
            case(
                "a FIN within a body",
                upload("/read"),
                &[400],
                Some(Code::HttpIncompleteMessage),
            ),
            Then::Ends,
        ),
        then(
            case(
                "a FIN while the handler works",
                get("/begun"),
                &[200],
                Some(Code::Destroyed),
            ),
            Then::Ends,
        ),
        then(
            case(
                "the handler destroys a half-read request",
                upload("/destroy"),
                &[],
                Some(Code::Destroyed),
            ),
            Then::Waits,
        ),
        case(
            "an answer too short",
            get("/short"),
            &[],
            Some(Code::HttpResponseBodyMismatch),
        ),
        case("a detached buffer", get("/detached"), &[], Some(Code::BufferDetached)),
        case("a file that shrank", get("/shrunk"), &[], Some(Code::FileTruncated)),
        then(
            case("a panic", upload("/panic"), &[], Some(Code::Bug)),
            Then::Sends("more"),
        ),
        with(
            case("maxConnections", "", &[503], None),
            ServerOptions {
                max_connections: 0,
                ..options()
            },
        ),
        gated(
            case("maxConnectionsPerIp", "", &[503], None),
            GateOptions {
                max_connections_per_client: Some(0),
                ..Default::default()
            },
        ),
        gated(
            case("deny", "", &[403], None),
            GateOptions {
                deny: vec!["127.0.0.0/8".into()],
                ..Default::default()
            },
        ),
        gated(
            case("rateLimits", get("/") + &upload("/read"), &[200, 429], None),
            GateOptions {
                rates: vec![rate],
                ..Default::default()
            },
        ),
        with(
            case("a bad PROXY head", "PROXY nonsense\r\n", &[], None),
            ServerOptions {
                proxy_protocol: ProxyProtocol::Required,
                ..options()
            },
        ),
        then(
            case("a tunnel that is reset", raw, &[], Some(Code::ConnectionReset)),
            Then::Resets,
        ),
    ];
    for (name, bytes, code) in [
        ("a reset before a byte", String::new(), None),
        ("a reset within a head", "GET / HT".into(), None),
        ("a reset within a body", upload("/read"), Some(Code::ConnectionReset)),
        (
            "a reset within a body that nobody reads",
            upload("/wait"),
            Some(Code::ConnectionReset),
        ),
        (
            "a reset while the handler works",
            get("/wait"),
            Some(Code::ConnectionReset),
        ),
        ("a reset within an answer", get("/begun"), Some(Code::ConnectionReset)),
        (
            "a reset with answers owed",
            get("/wait") + &get("/") + &get("/begun"),
            Some(Code::ConnectionReset),
        ),
    ] {
        all.push(then(case(name, bytes, &[], code), Then::Resets));
    }
    all
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// Makes it fail, and looks at what is left.
fn run(case: Case) {
    let name = case.name;
    let mut driver = Driver::new();
    driver.stop_clock();
    let (server, addr) = driver.listen(case.options);
    if let Some(gate) = &case.gate {
        driver.engine.set_gate(server, gate).unwrap();
    }
    driver.on_event(handle);
    let (before, open) = (driver.engine.census(), descriptors());

    let mut client = match case.then {
        Then::Stops => Client::connect_narrow(addr, 4096),
        _ => Client::connect(addr),
    };
    client.reading = !matches!(case.then, Then::Stops);
    client.send(&case.bytes);
    driver.quiet(&mut [&mut client]);
    let mut client = Some(client);
    match (&case.then, &mut client) {
        (Then::Resets, client) => client.take().unwrap().reset(),
        (Then::Ends, Some(client)) => client.finish(),
        (Then::Sends(more), Some(client)) => client.send(more),
        _ => {}
    }
    // Every clock runs out, lingering included.
    for _ in 0..80 {
        match &mut client {
            Some(client) => driver.quiet(&mut [client]),
            None => driver.settle(),
        }
        driver.advance(100);
    }
    let failed = |event: &&Happened| matches!(event.kind, EventKind::Aborted | EventKind::BodyFailed);
    let code = driver.events.iter().find(failed).and_then(Happened::code);
    assert_eq!(code, case.code, "{name}: {:?}", driver.events);
    let raw = driver.events.iter().any(|event| event.kind == EventKind::Upgrade);
    if let Some(client) = &client {
        let statuses: Vec<u16> = client.answers(&[]).iter().map(|answer| answer.status).collect();
        assert!(
            raw || !client.reading || statuses == case.statuses,
            "{name}: {statuses:?}"
        );
    }
    drop(client);
    driver.settle();
    assert_eq!(driver.engine.census(), before, "{name}");
    assert_eq!(descriptors(), open, "{name}: descriptors");
    assert_eq!(memory_held(), 0, "{name}: memory");
    let stats = driver.engine.server_stats(server).unwrap();
    assert_eq!((stats.active, stats.requests_active), (0, 0), "{name}");
}

#[test]
fn after_any_error_no_descriptor_buffer_stream_or_timer_remains() {
    for case in cases() {
        run(case);
    }
}
