//! A panic costs its own connection and nothing else.

use millrace_engine::error::Code;
use millrace_engine::{EventKind, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, answer, echo_target};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn a_panic_ends_its_connection_as_a_bug_and_the_others_live() {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(ServerOptions::default());
    let mut victim = Client::send_to(addr, [GET, GET].concat());
    let first = driver.expect(EventKind::Request);
    let second = driver.expect(EventKind::Request);
    let mut other = Client::send_to(addr, GET);
    let bystander = driver.expect(EventKind::Request).stream();
    assert!(driver.engine.plant_panic(first.stream()));
    victim.send("x");
    let aborted: Vec<_> = (0..2).map(|_| driver.expect(EventKind::Aborted)).collect();
    assert_eq!((aborted[0].id, aborted[1].id), (first.id, second.id));
    assert!(aborted.iter().all(|event| event.code() == Some(Code::Bug)));
    driver.run_until(&mut [&mut victim], |_, clients| clients[0].is_over());
    assert!(
        victim.broken.is_some(),
        "a connection that we broke must not end as if nothing were"
    );
    answer(&mut driver.engine, bystander, b"alive").unwrap();
    driver.run_until(&mut [&mut other], |_, clients| clients[0].complete() == 1);
    driver.on_event(echo_target);
    let mut next = Client::send_to(addr, GET);
    driver.run_until(&mut [&mut next], |_, clients| clients[0].complete() == 1);
    let stats = driver.engine.server_stats(server).unwrap();
    assert_eq!((stats.active, stats.requests_active), (2, 0));
    driver.settle();
    assert_eq!(
        (driver.engine.census().connections, driver.engine.census().buffers),
        (2, 0)
    );
}

#[test]
fn a_panic_of_a_connection_that_goes_on_by_itself_is_confined_too() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let _client = Client::send_to(addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.plant_panic(stream);
    driver.engine.grant(stream, 1.0).unwrap();
    assert_eq!(driver.expect(EventKind::Aborted).code(), Some(Code::Bug));
    driver.assert_no_connection_left();
}

#[test]
fn poisoning_by_stream_ends_its_connection() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let mut client = Client::send_to(addr, GET);
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.poison_stream(stream);
    assert_eq!(driver.expect(EventKind::Aborted).code(), Some(Code::Bug));
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    driver.engine.poison_stream(stream);
}
