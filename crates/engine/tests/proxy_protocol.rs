//! The PROXY protocol over TCP, optional and required.

use millrace_engine::{EventKind, ProxyProtocol, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, answer};

const GET: &[u8] = b"GET /proxied HTTP/1.1\r\nHost: a\r\n\r\n";
const V1: &[u8] = b"PROXY TCP4 192.0.2.1 192.0.2.2 5000 443\r\n";

fn version_2() -> Vec<u8> {
    let mut head = b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24".to_vec();
    head.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
    head.extend([0; 16]);
    head.extend([0x1f, 0x90, 0, 80]);
    head
}

fn listen(proxy_protocol: ProxyProtocol) -> (Driver, Client) {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions {
        proxy_protocol,
        ..Default::default()
    });
    (driver, Client::connect(addr))
}

#[test]
fn gives_the_address_of_the_client_behind_the_proxy_whatever_the_cuts() {
    for mode in [ProxyProtocol::Optional, ProxyProtocol::Required] {
        for (head, client_address) in [(V1.to_vec(), "192.0.2.1:5000"), (version_2(), "[2001:db8::7]:8080")] {
            for cut in [usize::MAX, 1, 5, head.len()] {
                let (mut driver, mut client) = listen(mode);
                for piece in [&head[..], GET].concat().chunks(cut.min(1000)) {
                    client.send(piece);
                    driver.settle();
                }
                let request = driver.expect(EventKind::Request);
                assert_eq!(request.target(), "/proxied");
                let address = driver.engine.address(request.stream()).unwrap();
                assert_eq!(address.remote, Some(client_address.parse().unwrap()));
                assert!(address.local.unwrap().ip().is_loopback());
                // The head comes once a connection, not once a request.
                answer(&mut driver.engine, request.stream(), b"").unwrap();
                driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
                client.send(GET);
                let request = driver.expect(EventKind::Request);
                assert_eq!(driver.engine.address(request.stream()), Some(address));
            }
        }
    }
}

#[test]
fn a_connection_without_a_head_is_itself_where_that_is_allowed() {
    let (mut driver, mut client) = listen(ProxyProtocol::Optional);
    client.send(GET);
    let request = driver.expect(EventKind::Request);
    assert!(
        driver
            .engine
            .address(request.stream())
            .unwrap()
            .remote
            .unwrap()
            .ip()
            .is_loopback()
    );
}

#[test]
fn a_missing_or_broken_head_closes_without_a_request() {
    for (mode, bytes) in [
        (ProxyProtocol::Required, GET),
        (ProxyProtocol::Optional, b"PROXY TCP9 x\r\n"),
    ] {
        let (mut driver, mut client) = listen(mode);
        client.send(bytes);
        driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
        assert_eq!((client.received.len(), driver.events.len()), (0, 0));
        driver.settle();
        assert_eq!(driver.engine.census().connections, 0);
    }
}

#[test]
fn a_head_where_none_is_expected_is_a_bad_request() {
    let (mut driver, mut client) = listen(ProxyProtocol::Off);
    client.send(V1);
    driver.run_until(&mut [&mut client], |_, clients| clients[0].is_over());
    assert!(matches!(client.answers(&[])[0].status, 400 | 501));
}
