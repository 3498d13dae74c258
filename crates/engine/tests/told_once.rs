//! Plain TCP connections of which the poller tells once: whatever else comes with the bytes, nothing is left lying.

use millrace_engine::net::RECEIVE_BUFFER_SIZE;
use millrace_engine::{EventKind, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, echo_target};
use proptest::prelude::*;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// What the reader of a tunnel has been given.
fn given(driver: &mut Driver) -> Vec<u8> {
    let bodies = driver.events.iter_mut().filter(|event| event.kind == EventKind::Body);
    bodies.flat_map(|event| std::mem::take(&mut event.value)).collect()
}

#[test]
fn bytes_behind_urgent_data_are_read_without_another_that_announces_them() {
    let (mut driver, mut client, stream) = Driver::with_tunnel();
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    driver.settle();
    client.send("before");
    client.send_urgent();
    client.send("behind");
    driver.run_until(&mut [&mut client], |driver, _| driver.count(EventKind::Body) >= 2);
    driver.settle();
    assert_eq!(String::from_utf8(given(&mut driver)).unwrap(), "beforebehind");
    driver.engine.destroy(stream);
    driver.assert_no_connection_left();
}

#[test]
fn a_request_with_urgent_data_in_its_midst_is_answered() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    driver.on_event(echo_target);
    let mut client = Client::connect(addr);
    client.send(&GET[..20]);
    client.send_urgent();
    client.send(&GET[20..]);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    drop(client);
    driver.assert_no_connection_left();
}

#[test]
fn reads_that_fill_the_buffer_to_the_byte_leave_nothing_behind() {
    for length in [
        RECEIVE_BUFFER_SIZE / 2,
        RECEIVE_BUFFER_SIZE - 1,
        RECEIVE_BUFFER_SIZE,
        RECEIVE_BUFFER_SIZE + 1,
        2 * RECEIVE_BUFFER_SIZE,
    ] {
        let (mut driver, mut client, stream) = Driver::with_tunnel();
        driver.engine.grant(stream, f64::INFINITY).unwrap();
        driver.settle();
        client.send(vec![b'x'; length]);
        let mut had = 0;
        driver.run_until(&mut [&mut client], |driver, _| {
            had += given(driver).len();
            had == length
        });
        client.finish();
        driver.run_until(&mut [&mut client], |driver, _| driver.count(EventKind::BodyEnd) == 1);
        driver.engine.destroy(stream);
        driver.assert_no_connection_left();
    }
}

#[test]
fn more_than_a_read_takes_is_read_when_all_of_it_has_come_before() {
    let (mut driver, mut client, stream) = Driver::with_tunnel();
    let piece = vec![b'x'; RECEIVE_BUFFER_SIZE / 2 - 1];
    // The window of a reader that keeps up grows, so that all of what follows fits into it.
    for _ in 0..100 {
        driver.engine.grant(stream, piece.len() as f64).unwrap();
        client.send(&piece);
        let mut had = 0;
        driver.run_until(&mut [&mut client], |driver, _| {
            had += given(driver).len();
            had == piece.len()
        });
    }
    let much = 3 * RECEIVE_BUFFER_SIZE + 1;
    client.send(vec![b'y'; much]);
    driver.quiet(&mut [&mut client]);
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    let mut had = 0;
    driver.run_until(&mut [&mut client], |driver, _| {
        had += given(driver).len();
        had == much
    });
    driver.engine.destroy(stream);
    driver.assert_no_connection_left();
}

#[test]
fn a_reader_that_comes_late_gets_what_was_told_before_it_came() {
    let (mut driver, mut client, stream) = Driver::with_tunnel();
    driver.engine.grant(stream, 1.0).unwrap();
    driver.settle();
    // Two reads: the second finds no credit, and is told of again when there is some.
    client.send("one");
    driver.expect(EventKind::Body);
    client.send("two");
    driver.settle();
    driver.events.clear();
    driver.engine.grant(stream, 100.0).unwrap();
    driver.expect(EventKind::Body);
    driver.engine.destroy(stream);
    driver.assert_no_connection_left();
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Send(usize),
    Urgent,
    Grant(u64),
    Turn,
    Settle,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..200usize).prop_map(Step::Send),
        1 => (1..200_000usize).prop_map(Step::Send),
        1 => Just(Step::Urgent),
        2 => (1..100_000u64).prop_map(Step::Grant),
        3 => Just(Step::Turn),
        1 => Just(Step::Settle),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn whatever_comes_in_whatever_order_every_byte_is_read_and_then_the_end(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let (mut driver, mut client, stream) = Driver::with_tunnel();
        let (mut sent, mut had, mut urgent) = (0, 0, false);
        for step in steps {
            match step {
                Step::Send(count) => {
                    client.send(vec![b'x'; count]);
                    sent += count;
                }
                // Once: a second one makes an ordinary byte of the first.
                Step::Urgent if client.unsent() == 0 && !urgent => {
                    client.send_urgent();
                    urgent = true;
                }
                Step::Urgent => {}
                Step::Grant(count) => driver.engine.grant(stream, count as f64).unwrap(),
                Step::Turn => driver.turn(),
                Step::Settle => driver.quiet(&mut [&mut client]),
            }
            had += given(&mut driver).len();
        }
        driver.engine.grant(stream, f64::INFINITY).unwrap();
        driver.run_until(&mut [&mut client], |_, clients| clients[0].unsent() == 0);
        client.finish();
        driver.run_until(&mut [&mut client], |driver, _| driver.count(EventKind::BodyEnd) == 1);
        had += given(&mut driver).len();
        prop_assert_eq!(had, sent);
        driver.engine.destroy(stream);
        driver.assert_no_connection_left();
    }
}
