//! The server as its driver sees it: decisions that come later, replies in every protocol, commands out of place.

use millrace_error::{Code, Error};
use millrace_socks::{Command, Endpoint, Protocol, Reply, Server, ServerConfig, ServerEvent};

const AUTH: ServerConfig = ServerConfig {
    auth: true,
    udp: true,
    limits: LIMITS,
};
const OPEN: ServerConfig = ServerConfig {
    auth: false,
    udp: true,
    limits: LIMITS,
};
const LIMITS: millrace_http1::Limits = millrace_http1::Limits {
    target_size: 1_024,
    header_size: 4_096,
    header_fields: 32,
    chunk_extensions: 16,
    trailers: 16,
};

fn sent(server: &mut Server) -> Vec<u8> {
    server.poll_output().map(|output| output.to_vec()).unwrap_or_default()
}

const SOCKS4: &[u8] = b"\x04\x01\x00\x50\x01\x02\x03\x04me\0";
const SOCKS5: &[u8] = b"\x05\x01\x00\x05\x01\x00\x01\x01\x02\x03\x04\x00\x50";
const HTTP: &[u8] = b"CONNECT 1.2.3.4:80 HTTP/1.1\r\nHost: a\r\n\r\n";
const PASSWORD: &[u8] = b"\x05\x01\x02\x01\x05alice\x01x";
const HTTP_PASSWORD: &[u8] = b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic YWxpY2U6eA==\r\n\r\n";

fn asked(input: &[u8]) -> Server {
    let mut server = Server::new(OPEN);
    let step = server.handle_bytes(input);
    assert_eq!((step.event, step.consumed), (ServerEvent::Request, input.len()));
    sent(&mut server);
    server
}

#[test]
fn the_first_byte_tells_the_protocol() {
    for byte in 0..=255u8 {
        let expected = match byte {
            4 => Some(Protocol::Socks4),
            5 => Some(Protocol::Socks5),
            b'\r' | b'\n' => Some(Protocol::Http),
            _ if byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte) => Some(Protocol::Http),
            _ => None,
        };
        assert_eq!(Protocol::sniff(byte), expected, "{byte}");
    }
}

#[test]
fn every_reply_has_its_bytes_in_every_protocol() {
    let http =
        |status: &str| format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").into_bytes();
    let socks5 = |code: u8| vec![5, code, 0, 1, 0, 0, 0, 0, 0, 0];
    let rows = [
        (Reply::GeneralFailure, 1, "502 Bad Gateway"),
        (Reply::Forbidden, 2, "403 Forbidden"),
        (Reply::NetworkUnreachable, 3, "502 Bad Gateway"),
        (Reply::HostUnreachable, 4, "502 Bad Gateway"),
        (Reply::ConnectionRefused, 5, "502 Bad Gateway"),
        (Reply::TimedOut, 6, "504 Gateway Timeout"),
    ];
    for (reply, code, status) in rows {
        let expected = [
            (SOCKS4, vec![0, 91, 0, 0, 0, 0, 0, 0]),
            (SOCKS5, socks5(code)),
            (HTTP, http(status)),
        ];
        for (input, bytes) in expected {
            let mut server = asked(input);
            server.reply(&reply).expect("a reply is due");
            assert_eq!(sent(&mut server), bytes, "{reply:?}");
            assert_eq!(server.handle_bytes(b"more").event, ServerEvent::Close);
        }
    }
}

#[test]
fn a_grant_tells_the_bound_address() {
    let rows: &[(&str, &[u8], &[u8])] = &[
        (
            "1.2.3.4:80",
            b"\0\x5a\0\x50\x01\x02\x03\x04",
            b"\x05\0\0\x01\x01\x02\x03\x04\0\x50",
        ),
        (
            "[::1]:80",
            b"\0\x5a\0\x50\0\0\0\0",
            b"\x05\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x50",
        ),
        ("a:80", b"\0\x5a\0\x50\0\0\0\0", b"\x05\0\0\x03\x01a\0\x50"),
    ];
    for (bound, socks4, socks5) in rows {
        let (host, port) = bound.rsplit_once(':').expect("a port");
        let host = host.trim_matches(['[', ']']);
        let bound = Endpoint::new(host.as_bytes(), port.parse().expect("a port")).expect("a host");
        for (input, expected) in [(SOCKS4, *socks4), (SOCKS5, *socks5), (HTTP, b"HTTP/1.1 200 OK\r\n\r\n")] {
            let mut server = asked(input);
            server.reply(&Reply::Granted(bound.clone())).expect("a reply is due");
            assert_eq!(sent(&mut server), expected);
            let step = server.handle_bytes(b"tunnel");
            assert_eq!((step.event, step.consumed), (ServerEvent::Open, 0));
        }
    }
}

#[test]
fn nothing_is_read_while_a_decision_is_due() {
    for input in [PASSWORD, HTTP_PASSWORD] {
        let mut server = Server::new(AUTH);
        let step = server.handle_bytes(input);
        assert_eq!((step.event, step.consumed), (ServerEvent::Credentials, input.len()));
        let credentials = server.credentials().expect("credentials");
        assert_eq!(
            (credentials.username(), credentials.password()),
            (&b"alice"[..], &b"x"[..])
        );
        for _ in 0..3 {
            let step = server.handle_bytes(b"more");
            assert_eq!((step.event, step.consumed), (ServerEvent::Wait, 0));
        }
        assert_eq!(
            server.handle_end(),
            ServerEvent::Wait,
            "a client may end its side and wait"
        );
        server.auth_decision(true).expect("a decision is due");
        assert!(server.credentials().is_none());
    }
}

#[test]
fn accepted_credentials_lead_to_the_request_and_refused_ones_to_the_end() {
    let mut server = Server::new(AUTH);
    server.handle_bytes(PASSWORD);
    server.auth_decision(true).expect("a decision is due");
    assert_eq!(sent(&mut server), b"\x05\x02\x01\x00");
    assert_eq!(server.handle_bytes(&SOCKS5[3..]).event, ServerEvent::Request);

    let mut server = Server::new(AUTH);
    server.handle_bytes(PASSWORD);
    server.auth_decision(false).expect("a decision is due");
    assert_eq!(sent(&mut server), b"\x05\x02\x01\x01");
    assert_eq!(server.handle_bytes(&SOCKS5[3..]).event, ServerEvent::Close);

    let mut server = Server::new(AUTH);
    server.handle_bytes(HTTP_PASSWORD);
    server.auth_decision(true).expect("a decision is due");
    assert_eq!(server.handle_bytes(b"").event, ServerEvent::Request);
    assert_eq!(server.request().expect("a request").target.to_string(), "a:80");

    let mut server = Server::new(AUTH);
    server.handle_bytes(HTTP_PASSWORD);
    server.auth_decision(false).expect("a decision is due");
    let answer = String::from_utf8(sent(&mut server)).expect("ASCII");
    assert!(answer.starts_with("HTTP/1.1 407 ") && answer.contains("Proxy-Authenticate: Basic realm="));
    assert!(
        answer.contains("Connection: close"),
        "a refused CONNECT ends its connection: {answer}"
    );
    assert_eq!(server.handle_bytes(HTTP_PASSWORD).event, ServerEvent::Close);
}

#[test]
fn the_user_id_of_socks4_is_shown_beside_the_request_and_then_gone() {
    let mut server = asked(SOCKS4);
    let credentials = server.credentials().expect("a user id");
    assert_eq!((credentials.username(), credentials.password()), (&b"me"[..], &b""[..]));
    server.reply(&Reply::Forbidden).expect("a reply is due");
    assert!(server.credentials().is_none());
}

#[test]
fn udp_associate_is_asked_for_where_it_is_served() {
    let mut server = Server::new(OPEN);
    let step = server.handle_bytes(b"\x05\x01\x00\x05\x03\x00\x01\0\0\0\0\0\0");
    assert_eq!(step.event, ServerEvent::Request);
    let request = server.request().expect("a request");
    assert_eq!(
        (request.command, &request.target),
        (Command::UdpAssociate, &Endpoint::UNSPECIFIED)
    );
}

#[test]
fn a_request_to_forward_leaves_its_head_and_body_to_the_driver() {
    let mut server = Server::new(OPEN);
    let input = b"POST http://a/x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
    let step = server.handle_bytes(input);
    assert_eq!(
        (step.event, &input[step.consumed..]),
        (ServerEvent::Forward, &b"body"[..])
    );
    assert!(
        server.reply(&Reply::Forbidden).is_err(),
        "a request to forward is answered by HTTP"
    );
    let mut parser = server.into_parser().expect("a parser");
    assert_eq!(parser.head().target(), b"http://a/x");
    let body = millrace_http1::Event::Body { start: 0, end: 4 };
    assert_eq!(parser.handle_bytes(b"body").event, body);
    assert!(asked(HTTP).into_parser().is_none());
}

#[test]
fn a_command_out_of_place_changes_nothing() {
    let open = || {
        let mut server = asked(SOCKS5);
        server
            .reply(&Reply::Granted(Endpoint::UNSPECIFIED))
            .expect("a reply is due");
        server
    };
    let closed = || {
        let mut server = asked(SOCKS5);
        server.reply(&Reply::Forbidden).expect("a reply is due");
        server
    };
    let failed = || {
        let mut server = Server::new(OPEN);
        server.handle_bytes(b"\xff");
        server
    };
    let deciding = || {
        let mut server = Server::new(AUTH);
        server.handle_bytes(PASSWORD);
        server
    };
    let greeting = || {
        let mut server = Server::new(OPEN);
        server.handle_bytes(b"\x05");
        server
    };
    // A state, whether it takes a decision, whether it takes a reply.
    let rows: [(&str, &dyn Fn() -> Server, bool, bool); 7] = [
        ("first", &|| Server::new(OPEN), false, false),
        ("greeting", &greeting, false, false),
        ("deciding", &deciding, true, false),
        ("replying", &|| asked(SOCKS5), false, true),
        ("open", &open, false, false),
        ("closing", &closed, false, false),
        ("failed", &failed, false, false),
    ];
    for (name, make, decision, reply) in rows {
        let before = make().handle_bytes(b"").event;
        let mut server = make();
        sent(&mut server);
        assert_eq!(server.auth_decision(true).is_ok(), decision, "{name}");
        if !decision {
            assert_eq!(
                (server.handle_bytes(b"").event, sent(&mut server)),
                (before, vec![]),
                "{name}"
            );
        }
        let mut server = make();
        sent(&mut server);
        match server.reply(&Reply::Forbidden) {
            Ok(()) => assert!(reply, "{name}"),
            Err(illegal) => {
                assert!(!reply, "{name}");
                assert_eq!(illegal.rule, "a reply answers the event Request");
                assert_eq!(
                    (server.handle_bytes(b"").event, sent(&mut server)),
                    (before, vec![]),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn a_client_that_leaves_is_told_apart_from_one_that_waits() {
    assert_eq!(Server::new(OPEN).handle_end(), ServerEvent::Close);
    for begun in [&b"\x05"[..], b"\x04\x01", b"CONN", b"\x05\x01\x00\x05"] {
        let mut server = Server::new(OPEN);
        server.handle_bytes(begun);
        let closed = ServerEvent::Error(Error::new(Code::ConnectionClosed));
        assert_eq!(server.handle_end(), closed);
        assert_eq!(server.handle_bytes(b"x").event, closed);
    }
    assert_eq!(asked(SOCKS5).handle_end(), ServerEvent::Wait);
}

#[test]
fn the_head_of_a_connect_is_taken_up_to_its_limits() {
    for (fields, expected) in [(31, true), (32, false)] {
        let input = format!("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n{}\r\n", "x: y\r\n".repeat(fields));
        let mut server = Server::new(OPEN);
        let event = server.handle_bytes(input.as_bytes()).event;
        assert_eq!(
            event == ServerEvent::Request,
            expected,
            "{fields} fields and Host: {event:?}"
        );
        if !expected {
            assert!(sent(&mut server).starts_with(b"HTTP/1.1 431 "));
        }
    }
}
