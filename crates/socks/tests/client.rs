//! The client as its driver sees it: commands and inputs in every state, limits, the round trip of a 407.

use millrace_error::{Code, Error};
use millrace_socks::{Client, ClientConfig, ClientEvent, Command, Credentials, Endpoint, Host, Kind, State};

const TARGET: &str = "192.0.2.9";

fn config(kind: Kind) -> ClientConfig {
    ClientConfig::new(kind, Endpoint::new(TARGET.as_bytes(), 443).expect("an address"))
}

fn with_password(kind: Kind) -> ClientConfig {
    let mut config = config(kind);
    config.credentials = Some(Credentials::new(b"alice", b"opensesame"));
    config
}

fn sent(client: &mut Client) -> Vec<u8> {
    client.poll_output().map(|output| output.to_vec()).unwrap_or_default()
}

fn text(client: &mut Client) -> String {
    String::from_utf8(sent(client)).expect("ASCII")
}

fn code(result: Result<Client, Error>) -> Option<Code> {
    result.err().map(|error| error.code)
}

fn connected(config: ClientConfig) -> Client {
    let mut client = Client::new(config).expect("a client");
    client.connected().expect("a new client waits for its connection");
    client
}

const CHALLENGE: &[u8] = b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 4\r\n\r\n";

/// A client of SOCKS5, or of HTTP where SOCKS5 has no such way, that stands in a state.
fn client_in(state: State) -> Client {
    let mut config = with_password(Kind::Socks5);
    config.tls = state == State::Tls;
    let mut client = Client::new(config).expect("a client");
    if state == State::Connecting {
        return client;
    }
    client.connected().expect("it waits for its connection");
    let steps: &[&[u8]] = match state {
        State::Tls | State::Greeting | State::Connecting => &[],
        State::Auth => &[b"\x05\x02"],
        State::Request => &[b"\x05\x00"],
        State::Open => &[b"\x05\x00", b"\x05\x00\x00\x01\0\0\0\0\0\0"],
        State::Failed => &[b"\x05\xff"],
        State::Cancelled => {
            client.cancel().expect("a handshake that goes on");
            &[]
        }
    };
    for step in steps {
        client.poll_output();
        client.handle_bytes(step);
    }
    assert_eq!(client.state(), state);
    client
}

/// What each input does in each state; `-`: refused, and nothing has changed.
const INPUTS: &str = "
               connected secured  cancel    nothing    garbage   end
    Connecting Greeting  -        Cancelled Connecting Failed    Failed
    Tls        -         Greeting Cancelled Tls        Failed    Failed
    Greeting   -         -        Cancelled Greeting   Failed    Failed
    Auth       -         -        Cancelled Auth       Failed    Failed
    Request    -         -        Cancelled Request    Failed    Failed
    Open       -         -        -         Open       Open      Open
    Failed     -         -        -         Failed     Failed    Failed
    Cancelled  -         -        -         Cancelled  Cancelled Cancelled
";

#[test]
fn every_state_takes_every_input_as_drawn() {
    let mut rows = INPUTS.lines().filter(|line| !line.trim().is_empty());
    let inputs: Vec<&str> = rows.next().expect("a head").split_whitespace().collect();
    let mut seen = 0;
    for (row, state) in rows.zip(State::ALL) {
        let mut words = row.split_whitespace();
        assert_eq!(words.next(), Some(format!("{state:?}").as_str()));
        for (word, input) in words.zip(&inputs) {
            let mut client = client_in(state);
            let legal = match *input {
                "connected" => client.connected(),
                "secured" => client.secured(),
                "cancel" => client.cancel(),
                "nothing" => {
                    client.handle_bytes(b"");
                    Ok(())
                }
                "garbage" => {
                    client.handle_bytes(b"\xee\xee");
                    Ok(())
                }
                _ => {
                    client.handle_end();
                    Ok(())
                }
            };
            let after = match &legal {
                Ok(()) => format!("{:?}", client.state()),
                Err(illegal) => {
                    assert!(!illegal.rule.is_empty() && client.state() == state);
                    "-".into()
                }
            };
            assert_eq!(after, word, "{state:?}: {input}");
            seen += 1;
        }
    }
    assert_eq!(seen, 8 * 6);
}

#[test]
fn a_handshake_that_is_over_says_the_same_again() {
    let ends = [
        (
            State::Failed,
            ClientEvent::Error(Error::new(Code::SocksNoAcceptableMethod)),
        ),
        (State::Cancelled, ClientEvent::Error(Error::new(Code::ProxyCancelled))),
        (State::Open, ClientEvent::Open),
    ];
    for (state, event) in ends {
        let mut client = client_in(state);
        assert_eq!(client.handle_bytes(b"x").event, event);
        assert_eq!(client.handle_end(), event);
        assert_eq!(client.handle_bytes(b"x").event, event);
    }
}

#[test]
fn what_is_pending_is_dropped_when_the_handshake_is_cancelled() {
    let mut client = connected(with_password(Kind::Socks5));
    sent(&mut client);
    assert_eq!(client.handle_bytes(b"\x05\x02").event, ClientEvent::Send);
    client.cancel().expect("it goes on");
    assert!(client.poll_output().is_none());
}

#[test]
fn every_kind_writes_its_request() {
    let name = || Endpoint::new(b"example.com", 443).expect("a name");
    let v6 = || Endpoint::new(b"2001:db8::1", 443).expect("an address");
    let request = |kind: Kind, target: Endpoint| {
        let mut client = connected(ClientConfig::new(kind, target));
        let mut out = sent(&mut client);
        if matches!(kind, Kind::Socks5 | Kind::Socks5h) {
            assert_eq!(out, b"\x05\x01\x00");
            client.handle_bytes(b"\x05\x00");
            out = sent(&mut client);
        }
        out.escape_ascii().to_string()
    };
    let v4 = || config(Kind::Socks4).target;
    let rows = [
        (Kind::Socks4, v4(), r"\x04\x01\x01\xbb\xc0\x00\x02\t\x00"),
        (Kind::Socks4a, v4(), r"\x04\x01\x01\xbb\xc0\x00\x02\t\x00"),
        (
            Kind::Socks4a,
            name(),
            r"\x04\x01\x01\xbb\x00\x00\x00\x01\x00example.com\x00",
        ),
        (Kind::Socks5, v4(), r"\x05\x01\x00\x01\xc0\x00\x02\t\x01\xbb"),
        (Kind::Socks5h, name(), r"\x05\x01\x00\x03\x0bexample.com\x01\xbb"),
        (
            Kind::Socks5,
            v6(),
            r"\x05\x01\x00\x04 \x01\r\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\xbb",
        ),
        (
            Kind::Connect,
            name(),
            r"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
        ),
        (
            Kind::Connect,
            v6(),
            r"CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n",
        ),
    ];
    for (kind, target, expected) in rows {
        assert_eq!(request(kind, target), expected, "{kind:?}");
    }
}

#[test]
fn a_kind_is_asked_for_nothing_that_it_cannot_do() {
    let refused = |kind: Kind, host: &str, command: Command| {
        let mut config = ClientConfig::new(kind, Endpoint::new(host.as_bytes(), 443).expect("a host"));
        config.command = command;
        code(Client::new(config))
    };
    let unsupported = Some(Code::ProxyTargetUnsupported);
    let rows = [
        (Kind::Socks4, "a", Command::Connect, unsupported),
        (Kind::Socks5, "a", Command::Connect, unsupported),
        (Kind::Socks4, "::1", Command::Connect, unsupported),
        (Kind::Socks4a, "::1", Command::Connect, unsupported),
        (Kind::Socks4, "0.0.0.1", Command::Connect, unsupported),
        (Kind::Socks4a, "0.0.0.255", Command::Connect, unsupported),
        (Kind::Socks4, "1.2.3.4", Command::UdpAssociate, unsupported),
        (Kind::Connect, "1.2.3.4", Command::UdpAssociate, unsupported),
        (Kind::Socks4a, "a", Command::Connect, None),
        (Kind::Socks5h, "::1", Command::Connect, None),
        (Kind::Socks5, "1.2.3.4", Command::UdpAssociate, None),
        (Kind::Socks4, "0.0.0.0", Command::Connect, None),
    ];
    for (kind, host, command, expected) in rows {
        assert_eq!(refused(kind, host, command), expected, "{kind:?} {host} {command:?}");
    }
}

#[test]
fn a_target_has_a_port_and_a_name_that_cannot_be_read_as_something_else() {
    for name in ["", "a b", "1.2.3.4", "a\r\nb", &"n".repeat(256)] {
        let target = Endpoint {
            host: Host::Name(name.into()),
            port: 443,
        };
        let refused = code(Client::new(ClientConfig::new(Kind::Socks5h, target)));
        assert_eq!(refused, Some(Code::ProxyTargetInvalid), "{name:?}");
    }
    for (port, expected) in [(0, Some(Code::ProxyTargetInvalid)), (1, None), (65_535, None)] {
        let target = Endpoint::new("n".repeat(255).as_bytes(), port).expect("a name");
        for kind in [Kind::Socks4a, Kind::Socks5h, Kind::Connect] {
            assert_eq!(code(Client::new(ClientConfig::new(kind, target.clone()))), expected);
        }
    }
}

#[test]
fn credentials_are_taken_up_to_their_limit_and_not_past_it() {
    let refused = |kind: Kind, username: &[u8], password: &[u8]| {
        let mut config = config(kind);
        config.credentials = Some(Credentials::new(username, password));
        code(Client::new(config)) == Some(Code::ProxyCredentialsInvalid)
    };
    let rows: &[(Kind, usize, usize, bool)] = &[
        (Kind::Socks5, 255, 255, false),
        (Kind::Socks5, 1, 0, false),
        (Kind::Socks5, 0, 1, true),
        (Kind::Socks5, 256, 1, true),
        (Kind::Socks5, 1, 256, true),
        (Kind::Socks4, 0, 0, false),
        (Kind::Socks4, 255, 0, false),
        (Kind::Socks4, 256, 0, true),
        (Kind::Socks4, 1, 1, true),
        (Kind::Connect, 0, 0, false),
        (Kind::Connect, 4_000, 4_000, false),
    ];
    for &(kind, username, password, expected) in rows {
        let got = refused(kind, &vec![b'u'; username], &vec![b'p'; password]);
        assert_eq!(got, expected, "{kind:?} {username} {password}");
    }
    assert!(refused(Kind::Socks4, b"a\0b", b""));
    assert!(!refused(Kind::Socks5, b"a\0:b", b"\r\n"));
    for (username, password) in [
        (&b"a:b"[..], &b""[..]),
        (b"a\r\nb", b""),
        (b"a", b"\n"),
        (b"a", b"\x7f"),
        (b"a\0", b""),
    ] {
        assert!(refused(Kind::Connect, username, password));
    }
}

#[test]
fn the_longest_user_name_and_password_go_out_whole() {
    let mut config = config(Kind::Socks5);
    config.credentials = Some(Credentials::new(&[b'u'; 255], &[b'p'; 255]));
    let mut client = connected(config);
    sent(&mut client);
    client.handle_bytes(b"\x05\x02");
    let expected = [&b"\x01\xff"[..], &[b'u'; 255], b"\xff", &[b'p'; 255]].concat();
    assert_eq!(sent(&mut client), expected);
}

#[test]
fn an_empty_password_is_sent_with_length_0() {
    let mut config = config(Kind::Socks5);
    config.credentials = Some(Credentials::new(b"u", b""));
    let mut client = connected(config);
    sent(&mut client);
    client.handle_bytes(b"\x05\x02");
    assert_eq!(sent(&mut client), b"\x01\x01u\x00");
}

#[test]
fn udp_associate_reports_the_relay() {
    let mut config = ClientConfig::new(Kind::Socks5, Endpoint::UNSPECIFIED);
    config.command = Command::UdpAssociate;
    let mut client = connected(config);
    sent(&mut client);
    client.handle_bytes(b"\x05\x00");
    assert_eq!(sent(&mut client), b"\x05\x03\x00\x01\0\0\0\0\0\0");
    assert_eq!(
        client.handle_bytes(b"\x05\x00\x00\x01\0\0\0\0\x10\x00").event,
        ClientEvent::Open
    );
    let relay = client
        .bound()
        .expect("a relay")
        .or_address_of("192.0.2.1".parse().expect("an address"));
    assert_eq!(relay.to_string(), "192.0.2.1:4096");
}

#[test]
fn the_callers_fields_go_out_and_its_host_stands() {
    let mut config = config(Kind::Connect);
    config.headers = b"User-Agent\0millrace\0Host\0other:1\0".to_vec().into();
    let mut client = connected(config);
    let expected = "CONNECT 192.0.2.9:443 HTTP/1.1\r\nUser-Agent: millrace\r\nHost: other:1\r\n\r\n";
    assert_eq!(text(&mut client), expected);
}

#[test]
fn fields_that_no_connect_may_have_are_refused_before_anything_is_sent() {
    for headers in [
        &b"a b\0c\0"[..],
        b"a\0b\r\nc\0",
        b"Content-Length\x005\0",
        b"Transfer-Encoding\0gzip\0",
        b"a",
    ] {
        let mut config = config(Kind::Connect);
        config.headers = headers.to_vec().into();
        assert!(code(Client::new(config)).is_some(), "{}", headers.escape_ascii());
    }
    let mut config = with_password(Kind::Connect);
    config.headers = b"proxy-authorization\0Bearer x\0".to_vec().into();
    assert_eq!(code(Client::new(config)), Some(Code::InvalidArgument));
}

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
