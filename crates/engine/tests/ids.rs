//! Late calls with old ids reach nobody; junk ids are coded results.

use millrace_engine::error::Code;
use millrace_engine::{Chunk, EventKind, Respond, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, OK, TestEngine, answer};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Every command that takes a stream, with an id that names none.
fn all_commands_refuse(engine: &mut TestEngine, id: f64) {
    assert_eq!(
        engine
            .respond(id, &OK, Chunk::Bytes(b"stranger"), true)
            .unwrap_err()
            .code,
        Code::StaleId
    );
    assert_eq!(engine.respond_head(id, &OK).unwrap_err().code, Code::StaleId);
    assert_eq!(
        engine.write(id, Chunk::Bytes(b"stranger")).unwrap_err().code,
        Code::StaleId
    );
    assert_eq!(engine.end(id, b"", true).unwrap_err().code, Code::StaleId);
    assert_eq!(engine.informational(id, 103, b"").unwrap_err().code, Code::StaleId);
    assert_eq!(engine.grant(id, 1.0).unwrap_err().code, Code::StaleId);
    assert_eq!(engine.collect(id, 1.0).unwrap_err().code, Code::StaleId);
    assert_eq!(engine.discard(id, 1.0).unwrap_err().code, Code::StaleId);
    assert!(!engine.destroy(id) && !engine.plant_panic(id) && engine.address(id).is_none());
}

#[test]
fn a_late_write_never_reaches_the_exchange_that_took_its_slot() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let mut old: Vec<f64> = Vec::new();
    let mut slots = std::collections::HashSet::new();
    for round in 0..100 {
        // Half of the exchanges end well, half are cut.
        let mut client = Client::send_to(addr, GET);
        let request = driver.expect(EventKind::Request);
        slots.insert(request.id.slot());
        for id in &old {
            all_commands_refuse(&mut driver.engine, *id);
        }
        if round % 2 == 0 {
            answer(&mut driver.engine, request.stream(), b"mine").unwrap();
            driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
            assert_eq!(client.answers(&[])[0].text(), "mine");
        } else {
            client.reset();
            driver.expect(EventKind::Aborted);
        }
        old.push(request.stream());
    }
    assert!(slots.len() < 5, "slots were not reused: the test shows nothing");
}

#[test]
fn a_second_answer_and_a_write_out_of_order_are_misuse() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let mut client = Client::send_to(addr, GET);
    let stream = driver.expect(EventKind::Request).stream();
    assert_eq!(
        driver.engine.write(stream, Chunk::Bytes(b"x")).unwrap_err().code,
        Code::InvalidState
    );
    assert_eq!(
        driver.engine.end(stream, b"", false).unwrap_err().code,
        Code::InvalidState
    );
    driver.engine.respond_head(stream, &OK).unwrap();
    assert_eq!(
        answer(&mut driver.engine, stream, b"").unwrap_err().code,
        Code::HttpHeadersSent
    );
    assert_eq!(
        driver.engine.informational(stream, 103, b"").unwrap_err().code,
        Code::HttpHeadersSent
    );
    driver.engine.end(stream, b"", false).unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
}

#[test]
fn a_head_that_is_refused_leaves_the_exchange_as_it_was() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let mut client = Client::send_to(addr, GET);
    let stream = driver.expect(EventKind::Request).stream();
    for block in [
        &b"X\0a\r\nY: b\0"[..],
        b"Bad name\0v\0",
        b"Content-Length\x009\0",
        b"odd",
    ] {
        assert!(
            driver
                .engine
                .respond(stream, &Respond { block, ..OK }, Chunk::Bytes(b"1"), false)
                .is_err()
        );
    }
    driver.quiet(&mut [&mut client]);
    assert_eq!(client.received, b"");
    answer(&mut driver.engine, stream, b"fine").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    assert_eq!(client.answers(&[])[0].text(), "fine");
}

#[test]
fn junk_for_an_id_is_a_coded_result() {
    let mut driver = Driver::new();
    let (server, _) = driver.listen(ServerOptions::default());
    for junk in [
        0.0,
        -1.0,
        0.5,
        f64::NAN,
        f64::INFINITY,
        9e15,
        1e300,
        2097152.0 * 7.0 + 3.0,
    ] {
        all_commands_refuse(&mut driver.engine, junk);
        assert!(!driver.engine.close_server(junk) && !driver.engine.force_server(junk));
        assert!(driver.engine.server_stats(junk).is_none() && driver.engine.server_address(junk).is_none());
    }
    assert!(driver.engine.server_stats(server).is_some());
}

#[test]
fn a_stream_that_is_complete_and_read_late_does_not_take_its_connection_along() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let mut client = Client::send_to(addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok");
    let first = driver.expect(EventKind::Request).stream();
    driver.settle();
    driver.engine.grant(first, 0.0).unwrap();
    answer(&mut driver.engine, first, b"1").unwrap();
    // Complete, but for the two bytes that nobody has been given yet.
    driver.engine.destroy(first);
    client.send(GET);
    let second = driver.expect(EventKind::Request).stream();
    answer(&mut driver.engine, second, b"2").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 2);
}
