//! No clock of the client runs while it is we who take our time.

use crate::support::{GET, OK, POST, dies_at, listen, options, timeouts};
use millrace_engine::error::Code;
use millrace_engine::{Chunk, EventKind, RequestLimits, ServerOptions};
use millrace_testkit::driver::answer;

#[test]
fn the_clients_clocks_stand_still_while_nobody_reads() {
    let (mut driver, _, mut client) = listen(options());
    client.send(POST);
    client.send("abc");
    let stream = driver.expect(EventKind::Request).stream();
    driver.settle();
    driver.advance(100_000);
    assert_eq!(driver.count(EventKind::Aborted), 0);
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    driver.settle();
    driver.events.clear();
    dies_at(&mut driver, &mut client, 2_000);
    assert_eq!(driver.expect(EventKind::Aborted).code(), Some(Code::BodyTimeout));
}

#[test]
fn the_clients_clocks_stand_still_while_its_request_waits_for_its_turn() {
    let (mut driver, _, mut client) = listen(options());
    client.send(GET);
    client.send(POST);
    let first = driver.expect(EventKind::Request).stream();
    driver.settle();
    driver.advance(100_000);
    answer(&mut driver.engine, first, b"").unwrap();
    let second = driver.expect(EventKind::Request).stream();
    driver.engine.collect(second, -1.0).unwrap();
    driver.settle();
    dies_at(&mut driver, &mut client, 2_000);
    assert_eq!(driver.expect(EventKind::Aborted).code(), Some(Code::BodyTimeout));
    assert_eq!(client.answers(&[])[1].status, 408);
}

#[test]
fn a_slow_handler_has_all_the_time_it_wants() {
    let (mut driver, _, mut client) = listen(options());
    client.send(GET);
    let stream = driver.expect(EventKind::Request).stream();
    driver.settle();
    driver.advance(10_000_000);
    answer(&mut driver.engine, stream, b"at last").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
}

#[test]
fn a_live_transfer_is_not_cut_by_a_connection_lifetime() {
    // An answer of a byte a second, for longer than all the clocks of its connection together; nobody waits for room.
    let (mut driver, server, mut client) = listen(ServerOptions {
        min_receive_rate: 240,
        min_send_rate: 240,
        ..options()
    });
    client.send(GET);
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.respond_head(stream, &OK).unwrap();
    for _ in 0..100 {
        driver.advance(1_000);
        driver.engine.write(stream, Chunk::Bytes(b"x")).unwrap();
        driver.quiet(&mut [&mut client]);
    }
    driver.engine.end(stream, b"", false).unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    assert_eq!(client.answers(&[])[0].body.len(), 100);

    // An upload that may take its time: no clock but its own.
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    let own = RequestLimits {
        request_timeout_ms: Some(0),
        ..Default::default()
    };
    driver.engine.set_limits(stream, &own).unwrap();
    driver.engine.collect(stream, -1.0).unwrap();
    for _ in 0..100 {
        driver.advance(1_000);
        client.send([b'x'; 500]);
        driver.settle();
    }
    assert_eq!(driver.expect(EventKind::Collected).value.len(), 50_000);
    answer(&mut driver.engine, stream, b"").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 2);
    assert_eq!(timeouts(&mut driver, server), [0; 5]);
}

#[test]
fn requests_on_one_connection_share_one_timer() {
    let (mut driver, _, mut client) = listen(options());
    for round in 1..=100 {
        client.send(POST);
        let stream = driver.expect(EventKind::Request).stream();
        driver.engine.collect(stream, -1.0).unwrap();
        driver.advance(1);
        assert_eq!(driver.engine.census().timers, 1);
        client.send("123456789");
        driver.expect(EventKind::Collected);
        answer(&mut driver.engine, stream, b"").unwrap();
        driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == round);
        assert_eq!(driver.engine.census().timers, 1);
    }
}
