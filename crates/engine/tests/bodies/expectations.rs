//! Clients that wait for 100 Continue.

use crate::support::listen;
use millrace_engine::{Chunk, EventKind, Respond, request};
use millrace_testkit::driver::answer;

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
