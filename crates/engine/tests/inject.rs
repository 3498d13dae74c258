//! Requests without a socket, through the same parser, streams and serializer.

use millrace_engine::error::Code;
use millrace_engine::{Chunk, EventKind, Injection, ListenOn, Respond, ServerOptions};
use millrace_testkit::driver::{Driver, Happened, answer};

fn nowhere() -> (Driver, f64) {
    let mut driver = Driver::new();
    driver.stop_clock();
    let server = driver
        .engine
        .listen(&ListenOn::Nowhere, 0, ServerOptions::default())
        .unwrap();
    (driver, server.as_f64())
}

fn injection<'a>(method: &'a str, body: Option<&'a [u8]>) -> Injection<'a> {
    Injection {
        method: method.as_bytes(),
        target: b"/in?x=1",
        block: b"Host\0a\0",
        body,
    }
}

fn injected(driver: &mut Driver) -> Happened {
    let event = driver.expect(EventKind::Injected);
    driver.assert_no_connection_left();
    event
}

#[test]
fn answers_get_post_and_head() {
    for (method, body) in [
        ("GET", None),
        ("POST", Some(&b"in"[..])),
        ("HEAD", None),
        ("POST", None),
    ] {
        let (mut driver, server) = nowhere();
        let client = driver.engine.inject(server, &injection(method, body)).unwrap();
        let request = driver.expect(EventKind::Request);
        assert_eq!(request.target(), "/in?x=1");
        assert_eq!(driver.engine.address(request.stream()).unwrap().remote, None);
        if let Some(body) = body {
            driver.engine.collect(request.stream(), -1.0).unwrap();
            assert_eq!(driver.expect(EventKind::Collected).value, body);
        }
        answer(&mut driver.engine, request.stream(), b"out").unwrap();
        let event = injected(&mut driver);
        assert_eq!((event.id, event.a, event.target()), (client, 200, "OK"));
        let fields = &event.value[event.b as usize..];
        assert!(millrace_head_has(fields, "content-length", "3"));
        assert_eq!(event.extra, if method == "HEAD" { &b""[..] } else { b"out" });
    }
}

fn millrace_head_has(block: &[u8], name: &str, value: &str) -> bool {
    millrace_engine::head::fields(block).any(|(n, v)| n.eq_ignore_ascii_case(name.as_bytes()) && v == value.as_bytes())
}

#[test]
fn collects_a_chunked_answer_after_early_hints() {
    let (mut driver, server) = nowhere();
    driver.engine.inject(server, &injection("GET", None)).unwrap();
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.informational(stream, 103, b"Link\0</a>\0").unwrap();
    driver
        .engine
        .respond_head(
            stream,
            &Respond {
                status: 404,
                reason: b"Gone fishing",
                block: b"X\0y\0",
            },
        )
        .unwrap();
    for _ in 0..3 {
        driver.engine.write(stream, Chunk::Bytes(&[b'c'; 100_000])).unwrap();
        driver.settle();
    }
    driver.engine.end(stream, b"", true).unwrap();
    driver.expect(EventKind::Finished);
    let event = injected(&mut driver);
    assert_eq!(
        (event.a, event.target(), event.extra.len()),
        (404, "Gone fishing", 300_000)
    );
}

#[test]
fn an_answer_before_a_large_body_is_read_comes_whole() {
    let (mut driver, server) = nowhere();
    driver
        .engine
        .inject(server, &injection("PUT", Some(&[b'x'; 500_000])))
        .unwrap();
    let request = driver.expect(EventKind::Request);
    answer(&mut driver.engine, request.stream(), b"enough").unwrap();
    assert_eq!(injected(&mut driver).extra, b"enough");
}

#[test]
fn a_destroyed_exchange_aborts_the_injection() {
    let (mut driver, server) = nowhere();
    let client = driver.engine.inject(server, &injection("GET", None)).unwrap();
    let request = driver.expect(EventKind::Request);
    driver.engine.destroy(request.stream());
    let aborted: Vec<_> = (0..2).map(|_| driver.expect(EventKind::Aborted)).collect();
    assert_eq!((aborted[0].id, aborted[1].id), (request.id, client));
    assert!(aborted.iter().all(|event| event.code() == Some(Code::Destroyed)));
}

#[test]
fn many_injections_run_side_by_side_with_a_budget() {
    let (mut driver, server) = nowhere();
    driver.on_event(millrace_testkit::driver::echo_target);
    let clients: Vec<_> = (0..500)
        .map(|_| driver.engine.inject(server, &injection("GET", None)).unwrap())
        .collect();
    driver.run_until(&mut [], |driver, _| driver.count(EventKind::Injected) == 500);
    let mut told: Vec<_> = driver
        .events
        .iter()
        .filter(|e| e.kind == EventKind::Injected)
        .map(|e| e.id)
        .collect();
    told.sort_by_key(|id| id.as_u64());
    let mut asked = clients;
    asked.sort_by_key(|id| id.as_u64());
    assert_eq!(told, asked);
    assert_eq!(driver.engine.server_stats(server).unwrap().active, 0);
}

#[test]
fn malformed_requests_and_closing_servers_are_refused() {
    let (mut driver, server) = nowhere();
    let bad = [
        Injection {
            block: b"",
            ..injection("GET", None)
        },
        Injection {
            target: b"no slash",
            ..injection("GET", None)
        },
        Injection {
            block: b"Host\0a\0X\0a\r\nb\0",
            ..injection("GET", None)
        },
    ];
    for request in bad {
        assert!(driver.engine.inject(server, &request).is_err());
    }
    assert!(driver.engine.close_server(server));
    assert!(driver.engine.inject(server, &injection("GET", None)).is_err());
    driver.expect(EventKind::ServerClosed);
    assert_eq!(
        driver.engine.inject(server, &injection("GET", None)).unwrap_err().code,
        Code::StaleId
    );
}
