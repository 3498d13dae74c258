//! Our own lateness: what is in the socket when we come counts as having come in time.

use crate::support::{GET, POST, dies_at, listen, options, timeouts};
use millrace_engine::{EventKind, ProxyProtocol, ServerOptions};
use millrace_testkit::driver::answer;

#[test]
fn a_request_that_we_are_late_to_serve_is_served_and_not_taken_for_silence() {
    let (mut driver, server, mut client) = listen(ServerOptions {
        max_pipelined: 1,
        ..options()
    });
    client.send(GET.repeat(2));
    let stream = driver.expect(EventKind::Request).stream();
    answer(&mut driver.engine, stream, b"").unwrap();
    driver.engine.flush(&mut driver.host);
    // The second request waits for the next turn, and that is a long time coming.
    driver.advance(60_000);
    let stream = driver.expect(EventKind::Request).stream();
    answer(&mut driver.engine, stream, b"").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 2);
    assert_eq!(timeouts(&mut driver, server), [0, 0, 0, 0, 0]);
    dies_at(&mut driver, &mut client, 5_000);
}

#[test]
fn what_is_in_the_socket_when_we_come_late_counts_as_in_time() {
    let (mut driver, server, mut client) = listen(options());
    client.send(POST);
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.collect(stream, -1.0).unwrap();
    driver.settle();
    // The loop was blocked; the client has sent all in time.
    client.send("123456789");
    driver.advance(60_000);
    assert_eq!(driver.expect(EventKind::Collected).value, b"123456789");
    answer(&mut driver.engine, stream, b"").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    client.send(GET);
    driver.advance(60_000);
    let stream = driver.expect(EventKind::Request).stream();
    answer(&mut driver.engine, stream, b"").unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 2);
    assert_eq!(timeouts(&mut driver, server), [0; 5]);
}

#[test]
fn half_a_head_in_the_socket_when_we_come_late_is_still_cut() {
    for proxy_protocol in [ProxyProtocol::Off, ProxyProtocol::Required] {
        let (mut driver, server, mut client) = listen(ServerOptions {
            proxy_protocol,
            ..options()
        });
        client.send(if proxy_protocol == ProxyProtocol::Off {
            "GET / HT"
        } else {
            "PROXY UN"
        });
        driver.advance(60_000);
        driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
        assert_eq!(timeouts(&mut driver, server), [1, 0, 0, 0, 0]);
    }
}

#[test]
fn a_request_that_is_late_and_still_arrives_is_cut() {
    let (mut driver, server, mut client) = listen(options());
    client.send(format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
        64 << 20
    ));
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.grant(stream, f64::INFINITY).unwrap();
    for _ in 0..5 {
        client.send(vec![b'x'; 1 << 20]);
        driver.advance(1_001);
    }
    client.send(vec![b'x'; 1 << 20]);
    driver.advance(1);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    assert_eq!(timeouts(&mut driver, server), [0, 0, 1, 0, 0]);
}
