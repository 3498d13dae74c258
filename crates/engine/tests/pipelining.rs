//! Pipelined requests: answered in order, dispatched early only where RFC 9112 §9.3.2 lets them.

use millrace_engine::{Chunk, EventKind, Respond, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, OK, answer, echo_target};

fn get(n: usize) -> String {
    format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n")
}

fn post(n: usize) -> String {
    format!("POST /{n} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok")
}

#[test]
fn answers_a_thousand_pipelined_requests_in_order() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    driver.on_event(echo_target);
    let mut client = Client::send_to(addr, (0..1000).map(get).collect::<String>());
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1000);
    for (n, answer) in client.answers(&[]).iter().enumerate() {
        assert_eq!(answer.text(), format!("/{n}"));
    }
    assert_eq!(driver.engine.census().buffers, 0);
}

#[test]
fn answers_given_in_any_order_leave_in_the_order_of_the_requests() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let mut client = Client::send_to(addr, (0..5).map(get).collect::<String>());
    let streams: Vec<f64> = (0..5).map(|_| driver.expect(EventKind::Request).stream()).collect();
    for n in [3, 1, 4] {
        answer(&mut driver.engine, streams[n], format!("/{n}").as_bytes()).unwrap();
    }
    driver.quiet(&mut [&mut client]);
    assert_eq!(
        client.received, b"",
        "an answer went ahead of one that is owed before it"
    );
    // The first is streamed; the second stands complete behind it.
    driver.engine.respond_head(streams[0], &OK).unwrap();
    driver.engine.write(streams[0], Chunk::Bytes(b"/")).unwrap();
    driver.quiet(&mut [&mut client]);
    assert_eq!(client.complete(), 0);
    driver.engine.write(streams[0], Chunk::Bytes(b"0")).unwrap();
    driver.engine.end(streams[0], b"", true).unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 2);
    assert_eq!(driver.expect(EventKind::Finished).stream(), streams[0]);
    answer(&mut driver.engine, streams[2], b"/2").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 5);
    let texts: Vec<String> = client.answers(&[]).iter().map(|answer| answer.text()).collect();
    assert_eq!(texts, ["/0", "/1", "/2", "/3", "/4"]);
}

#[test]
fn an_unsafe_request_waits_for_the_answers_before_it_and_holds_those_behind_it() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let mut client = Client::send_to(addr, [get(0), get(1), post(2), get(3), post(4)].concat());
    let first = driver.expect(EventKind::Request).stream();
    let second = driver.expect(EventKind::Request).stream();
    driver.settle();
    assert_eq!(
        driver.count(EventKind::Request),
        0,
        "POST went ahead of two owed answers"
    );
    answer(&mut driver.engine, second, b"/1").unwrap();
    driver.settle();
    assert_eq!(driver.count(EventKind::Request), 0, "POST went ahead of an owed answer");
    answer(&mut driver.engine, first, b"/0").unwrap();
    for n in 2..5 {
        let request = driver.expect(EventKind::Request);
        assert_eq!(request.target(), format!("/{n}"));
        driver.settle();
        assert_eq!(
            driver.count(EventKind::Request),
            0,
            "a request went ahead of an unsafe one's answer"
        );
        answer(&mut driver.engine, request.stream(), request.target().as_bytes()).unwrap();
    }
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 5);
    let texts: Vec<String> = client.answers(&[]).iter().map(|answer| answer.text()).collect();
    assert_eq!(texts, ["/0", "/1", "/2", "/3", "/4"]);
}

#[test]
fn no_more_than_max_pipelined_requests_are_dispatched_ahead() {
    for most in [1, 4] {
        let mut driver = Driver::new();
        let (_, addr) = driver.listen(ServerOptions {
            max_pipelined: most,
            ..Default::default()
        });
        let mut client = Client::send_to(addr, (0..10).map(get).collect::<String>());
        driver.run_until(&mut [], |driver, _| driver.count(EventKind::Request) == most);
        driver.settle();
        assert_eq!(driver.count(EventKind::Request), most);
        for n in 0..10 {
            let request = driver.expect(EventKind::Request);
            assert_eq!(request.target(), format!("/{n}"));
            answer(&mut driver.engine, request.stream(), request.target().as_bytes()).unwrap();
            driver.settle();
            assert_eq!(driver.count(EventKind::Request), most.min(9 - n));
        }
        driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 10);
    }
}

#[test]
fn requests_behind_the_last_one_are_not_served_and_its_answer_arrives() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    driver.on_event(echo_target);
    let last = "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let mut client = Client::send_to(addr, [&get(0), last, &get(1), &get(2)].concat());
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    assert!(client.ended);
    let texts: Vec<String> = client.answers(&[]).iter().map(|answer| answer.text()).collect();
    assert_eq!(texts, ["/0", "/last"]);
    assert_eq!(driver.count(EventKind::Request), 2);
}

#[test]
fn an_answer_that_says_close_is_the_last_and_aborts_those_owed_behind_it() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let mut client = Client::send_to(addr, (0..4).map(get).collect::<String>());
    let streams: Vec<f64> = (0..4).map(|_| driver.expect(EventKind::Request).stream()).collect();
    answer(&mut driver.engine, streams[3], b"/3").unwrap();
    answer(&mut driver.engine, streams[0], b"/0").unwrap();
    let head = Respond {
        status: 200,
        reason: b"",
        block: b"Connection\0close\0",
    };
    driver
        .engine
        .respond(streams[1], &head, Chunk::Bytes(b"/1"), false)
        .unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    let texts: Vec<String> = client.answers(&[]).iter().map(|answer| answer.text()).collect();
    assert_eq!((texts, client.ended), (vec!["/0".into(), "/1".into()], true));
    let aborted: Vec<f64> = driver
        .events
        .iter()
        .filter(|event| event.kind == EventKind::Aborted)
        .map(|event| event.stream())
        .collect();
    assert_eq!(aborted, [streams[2], streams[3]]);
    client.finish();
    driver.assert_no_connection_left();
}

#[test]
fn an_answer_that_waits_for_its_turn_survives_the_end_of_its_request() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let mut client = Client::send_to(
        addr,
        format!("{}GET /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n", get(0)),
    );
    let first = driver.expect(EventKind::Request).stream();
    let second = driver.expect(EventKind::Request).stream();
    driver.engine.collect(second, -1.0).unwrap();
    answer(&mut driver.engine, second, b"/1").unwrap();
    client.send("ok");
    driver.expect(EventKind::Collected);
    driver.settle();
    answer(&mut driver.engine, first, b"/0").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 2);
    assert_eq!(client.answers(&[])[1].text(), "/1");
}

#[test]
fn a_client_that_pipelines_and_does_not_read_stops_being_read() {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(ServerOptions::default());
    let body = vec![b'x'; 8 * 1024];
    driver.on_event(move |engine, _, event| {
        if event.kind == EventKind::Request {
            answer(engine, event.stream(), &body).unwrap();
        }
    });
    let mut client = Client::connect_narrow(addr, 4096);
    client.reading = false;
    client.send((0..20_000).map(get).collect::<String>());
    driver.quiet(&mut [&mut client]);
    let requests = driver.engine.server_stats(server).unwrap().requests;
    let sent = driver.engine.server_stats(server).unwrap().sent;
    assert!(requests < 2_000, "{requests} requests were answered that nobody reads");
    let waiting = requests * 8_300 - sent.min(requests * 8_300);
    assert!(waiting < 2 << 20, "{waiting} bytes wait");
    // It reads now: everything comes.
    client.reading = true;
    driver.run_until(&mut [&mut client], |driver, _| {
        driver.engine.server_stats(server).unwrap().requests == 20_000
    });
}
