//! The round trip of a 407.

use crate::support::{CHALLENGE, connected, sent, text, with_password};
use millrace_error::{Code, Error};
use millrace_socks::{Client, ClientEvent, Kind, State};

#[test]
fn no_password_goes_out_before_the_proxy_asks_unless_it_is_wanted_at_once() {
    let mut client = connected(with_password(Kind::Connect));
    assert!(!text(&mut client).contains("Authorization"));
    let mut config = with_password(Kind::Connect);
    config.basic_at_once = true;
    let mut client = connected(config);
    assert!(text(&mut client).contains("Proxy-Authorization: Basic YWxpY2U6b3BlbnNlc2FtZQ==\r\n"));
}

#[test]
fn the_strongest_challenge_is_answered() {
    let rows = [
        ("Basic realm=x", "Basic "),
        ("Basic realm=x, Digest realm=x, nonce=n, qop=auth", "Digest "),
        ("Digest realm=x, nonce=n, algorithm=SHA-1, Basic realm=x", "Basic "),
        (
            "Digest realm=x, nonce=n, Digest realm=x, nonce=n, algorithm=SHA-256, qop=auth",
            "algorithm=SHA-256",
        ),
        (
            "Digest realm=x, nonce=n, algorithm=SHA-512-256, qop=auth, Digest realm=x, nonce=n, algorithm=SHA-256, qop=auth",
            "algorithm=SHA-512-256",
        ),
    ];
    for (challenge, expected) in rows {
        let mut client = connected(with_password(Kind::Connect));
        sent(&mut client);
        let head = format!("HTTP/1.1 407 No\r\nProxy-Authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(
            client.handle_bytes(head.as_bytes()).event,
            ClientEvent::Send,
            "{challenge}"
        );
        let request = text(&mut client);
        assert!(request.contains(expected), "{challenge}: {request}");
    }
}

#[test]
fn basic_at_once_that_is_refused_is_followed_by_digest_but_not_by_basic() {
    for (challenge, event) in [
        ("Digest realm=x, nonce=n", ClientEvent::Send),
        (
            "Basic realm=x",
            ClientEvent::Error(Error::new(Code::ProxyAuthenticationRequired)),
        ),
    ] {
        let mut config = with_password(Kind::Connect);
        config.basic_at_once = true;
        let mut client = connected(config);
        let head = format!("HTTP/1.1 407 No\r\nProxy-Authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(client.handle_bytes(head.as_bytes()).event, event);
    }
}

#[test]
fn the_body_of_a_407_is_read_away_before_the_second_request() {
    let mut client = connected(with_password(Kind::Connect));
    sent(&mut client);
    assert_eq!(client.handle_bytes(CHALLENGE).event, ClientEvent::NeedMore);
    assert_eq!(client.state(), State::Auth);
    assert_eq!(client.handle_bytes(b"bod").event, ClientEvent::NeedMore);
    assert!(client.poll_output().is_none());
    assert_eq!(client.handle_bytes(b"y").event, ClientEvent::Send);
    assert!(text(&mut client).contains("Proxy-Authorization: Basic "));
    assert_eq!(client.handle_bytes(b"HTTP/1.1 200 OK\r\n\r\n").event, ClientEvent::Open);
}

/// A 407 whose body comes in one piece, and what the client makes of it.
fn after_407(fields: &str, body: usize) -> ClientEvent {
    let mut client = connected(with_password(Kind::Connect));
    sent(&mut client);
    let head = format!("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\n{fields}\r\n");
    client
        .handle_bytes(&[head.as_bytes(), &vec![b'x'; body]].concat())
        .event
}

#[test]
fn a_407_that_cannot_be_read_away_has_the_proxy_dialled_again() {
    assert_eq!(
        after_407("Connection: close\r\nContent-Length: 0\r\n", 0),
        ClientEvent::DialAgain
    );
    assert_eq!(after_407("", 0), ClientEvent::DialAgain); // a body that only the end delimits
    assert_eq!(after_407("Content-Length: 65536\r\n", 65_536), ClientEvent::Send);
    assert_eq!(after_407("Content-Length: 65537\r\n", 0), ClientEvent::DialAgain);
    let chunk = |size: usize| {
        let mut client = connected(with_password(Kind::Connect));
        sent(&mut client);
        let head = format!(
            "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nTransfer-Encoding: chunked\r\n\r\n{size:x}\r\n{}\r\n0\r\n\r\n",
            "x".repeat(size)
        );
        client.handle_bytes(head.as_bytes()).event
    };
    assert_eq!(chunk(65_536), ClientEvent::Send);
    assert_eq!(chunk(65_537), ClientEvent::DialAgain);
}

#[test]
fn a_connection_dialled_again_begins_with_the_credentials() {
    for tls in [false, true] {
        let mut config = with_password(Kind::Connect);
        config.tls = tls;
        let mut client = Client::new(config).expect("a client");
        for round in 0..2 {
            client.connected().expect("it waits for its connection");
            if tls {
                assert!(client.poll_output().is_none(), "nothing goes out before TLS is done");
                client.secured().expect("TLS has begun");
            }
            assert_eq!(text(&mut client).contains("Proxy-Authorization"), round == 1);
            if round == 0 {
                let head = b"HTTP/1.0 407 No\r\nProxy-Authenticate: Basic\r\n\r\nbody";
                let step = client.handle_bytes(head);
                assert_eq!((step.event, step.consumed), (ClientEvent::DialAgain, head.len()));
                assert_eq!(client.state(), State::Connecting);
            }
        }
        assert_eq!(client.handle_bytes(b"HTTP/1.1 200 OK\r\n\r\n").event, ClientEvent::Open);
    }
}

#[test]
fn a_proxy_that_closes_around_its_407_is_dialled_again() {
    // Within the body, and instead of an answer to the second request.
    for body in [&b"bo"[..], b"body"] {
        let mut client = connected(with_password(Kind::Connect));
        client.handle_bytes(CHALLENGE);
        client.handle_bytes(body);
        assert_eq!(client.handle_end(), ClientEvent::DialAgain);
        client.connected().expect("it waits for its connection");
        assert!(text(&mut client).contains("Proxy-Authorization"));
        assert_eq!(client.handle_end(), ClientEvent::Error(Error::new(Code::ProxyClosed)));
    }
    // Within the answer to the second request.
    let mut client = connected(with_password(Kind::Connect));
    client.handle_bytes(CHALLENGE);
    client.handle_bytes(b"body");
    client.handle_bytes(b"HTTP");
    assert_eq!(client.handle_end(), ClientEvent::Error(Error::new(Code::ProxyClosed)));
}

#[test]
fn a_proxy_that_always_wants_another_connection_is_given_up() {
    let mut client = Client::new(with_password(Kind::Connect)).expect("a client");
    let stale =
        b"HTTP/1.1 407 No\r\nConnection: close\r\nProxy-Authenticate: Digest realm=x, nonce=n, stale=true\r\n\r\n";
    let mut dials = 0;
    let last = loop {
        client.connected().expect("it waits for its connection");
        dials += 1;
        match client.handle_bytes(stale).event {
            ClientEvent::DialAgain => {}
            other => break other,
        }
    };
    assert_eq!(last, ClientEvent::Error(Error::new(Code::ProxyAuthenticationRequired)));
    assert_eq!(dials, 4);
}
