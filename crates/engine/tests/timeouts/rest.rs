//! Connections without a request: idle ones, and those that linger after the last.

use crate::support::{GET, dies_at, listen, options, timeouts};
use millrace_engine::EventKind;
use millrace_testkit::driver::answer;

#[test]
fn an_idle_connection_is_closed_in_silence_a_second_after_the_advertised_time() {
    let (mut driver, server, mut client) = listen(options());
    for round in 1..=3 {
        client.send(GET);
        let stream = driver.expect(EventKind::Request).stream();
        answer(&mut driver.engine, stream, b"").unwrap();
        driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == round);
        assert_eq!(client.answers(&[])[0].field("keep-alive").as_deref(), Some("timeout=4"));
        if round < 3 {
            driver.advance(4_999);
        }
    }
    let length = client.received.len();
    dies_at(&mut driver, &mut client, 5_000);
    assert_eq!((client.received.len(), client.ended), (length, true));
    assert_eq!(timeouts(&mut driver, server), [0, 0, 0, 0, 1]);
}

#[test]
fn empty_lines_do_not_lengthen_an_idle_connection() {
    let (mut driver, _, mut client) = listen(options());
    client.send(GET);
    let stream = driver.expect(EventKind::Request).stream();
    answer(&mut driver.engine, stream, b"").unwrap();
    driver.quiet(&mut [&mut client]);
    driver.advance(3_000);
    client.send("\r\n");
    driver.settle();
    dies_at(&mut driver, &mut client, 2_000);
}

#[test]
fn a_lingering_connection_is_closed_after_two_seconds() {
    let (mut driver, _, mut client) = listen(options());
    client.send("nonsense\r\n\r\n");
    driver.quiet(&mut [&mut client]);
    assert_eq!((client.answers(&[])[0].status, client.ended), (400, true));
    assert_eq!(driver.engine.census().connections, 1);
    driver.advance(1_999);
    assert_eq!(driver.engine.census().connections, 1);
    driver.advance(1);
    assert_eq!(
        (driver.engine.census().connections, driver.engine.census().timers),
        (0, 0)
    );
}

#[test]
fn a_client_that_was_cut_by_a_deadline_is_lingered_for_half_a_second_however_it_drips() {
    let (mut driver, _, mut client) = listen(options());
    client.send("GET / HTTP/1.1\r\n");
    driver.settle();
    driver.advance(1_000);
    driver.quiet(&mut [&mut client]);
    assert_eq!((client.answers(&[])[0].status, client.ended), (408, true));
    driver.advance(499);
    client.send("X");
    driver.settle();
    assert_eq!(driver.engine.census().connections, 1);
    driver.advance(1);
    let census = driver.engine.census();
    assert_eq!((census.connections, census.timers), (0, 0));
}

#[test]
fn a_bad_request_behind_a_slow_answer_gets_one_answer_whenever_that_comes() {
    let (mut driver, _, mut client) = listen(options());
    client.send(GET);
    client.send("nonsense\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    driver.settle();
    driver.advance(100_000);
    answer(&mut driver.engine, stream, b"").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    let statuses: Vec<u16> = client.answers(&[]).iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 400]);
}
