//! Drives the handshakes of `crates/socks` over an input in pieces and records what they find.

use millrace_error::Error;
use millrace_socks::{
    Client, ClientConfig, ClientEvent, Endpoint, ProxyRequest, Reply, Server, ServerConfig, ServerEvent,
};

/// What a handshake found. Bytes are recorded one by one, since where they are cut depends on the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A byte for the peer.
    Sent(u8),
    /// A server has credentials to judge: user name and password.
    Credentials(Vec<u8>, Vec<u8>),
    /// A server was asked.
    Request(ProxyRequest),
    /// The tunnel is open.
    Open,
    /// A server has a request to forward.
    Forward(ProxyRequest),
    /// A byte behind the handshake.
    Rest(u8),
    /// The driver is to dial again.
    DialAgain,
    /// A server refused.
    Close,
    /// An error; nothing comes after.
    Error(Error),
    /// The peer ended its side where that is no error.
    End,
}

/// The bytes that were sent.
pub fn sent(found: &[Found]) -> Vec<u8> {
    let byte = |item: &Found| {
        if let Found::Sent(byte) = item {
            Some(*byte)
        } else {
            None
        }
    };
    found.iter().filter_map(byte).collect()
}

/// The bytes behind the handshake.
pub fn rest(found: &[Found]) -> Vec<u8> {
    let byte = |item: &Found| {
        if let Found::Rest(byte) = item {
            Some(*byte)
        } else {
            None
        }
    };
    found.iter().filter_map(byte).collect()
}

fn put(found: &mut Vec<Found>, item: impl Fn(u8) -> Found, bytes: &[u8]) {
    found.extend(bytes.iter().map(|byte| item(*byte)));
}

/// Runs a client over what a proxy sends; `end`: the proxy then ends its side. It stops at `DialAgain`.
///
/// # Panics
/// When the contract of `Step` is broken.
pub fn run_client(config: ClientConfig, pieces: &[&[u8]], end: bool) -> Vec<Found> {
    let mut found = Vec::new();
    let secure = config.tls;
    let mut client = match Client::new(config) {
        Ok(client) => client,
        Err(error) => return vec![Found::Error(error)],
    };
    client.connected().expect("a new client waits for its connection");
    if secure {
        client.secured().expect("TLS has begun");
    }
    let poll = |client: &mut Client, found: &mut Vec<Found>| {
        while let Some(output) = client.poll_output() {
            put(found, Found::Sent, &output);
        }
    };
    poll(&mut client, &mut found);
    let mut open = false;
    for piece in pieces {
        if open {
            put(&mut found, Found::Rest, piece);
            continue;
        }
        let mut input = *piece;
        let event = loop {
            let step = client.handle_bytes(input);
            poll(&mut client, &mut found);
            match step.event {
                ClientEvent::NeedMore => assert_eq!(step.consumed, input.len(), "NeedMore with bytes left over"),
                ClientEvent::Error(_) => break step.event,
                _ => {}
            }
            input = &input[step.consumed..];
            if step.event != ClientEvent::Send {
                break step.event;
            }
        };
        match event {
            ClientEvent::NeedMore | ClientEvent::Send => {}
            ClientEvent::Open => {
                open = true;
                found.push(Found::Open);
                put(&mut found, Found::Rest, input);
            }
            ClientEvent::DialAgain => {
                found.push(Found::DialAgain);
                return found;
            }
            ClientEvent::Error(error) => {
                let again = client.handle_bytes(b"\x05\x00");
                assert_eq!(again.event, ClientEvent::Error(error), "an error must stay");
                assert_eq!(client.error(), Some(error));
                found.push(Found::Error(error));
                return found;
            }
        }
    }
    if end {
        found.push(match client.handle_end() {
            ClientEvent::NeedMore | ClientEvent::Send | ClientEvent::Open => Found::End,
            ClientEvent::DialAgain => Found::DialAgain,
            ClientEvent::Error(error) => Found::Error(error),
        });
    }
    found
}

/// Runs a server over what a client sends; `end`: the client then ends its side.
///
/// Credentials are right when the user is `alice`. A request is granted from `192.0.2.1:1080`, unless the target's
/// port is one of these: 1 to 6, refused for the six reasons of `Reply` in their order.
///
/// # Panics
/// When the contract of `Step` is broken.
pub fn run_server(config: ServerConfig, pieces: &[&[u8]], end: bool) -> Vec<Found> {
    let mut found = Vec::new();
    let mut server = Server::new(config);
    let mut over = false;
    for piece in pieces {
        let mut input = *piece;
        loop {
            if over {
                put(&mut found, Found::Rest, input);
                break;
            }
            let step = server.handle_bytes(input);
            while let Some(output) = server.poll_output() {
                put(&mut found, Found::Sent, &output);
            }
            assert!(step.consumed <= input.len(), "more consumed than given");
            match step.event {
                ServerEvent::NeedMore => {
                    assert_eq!(step.consumed, input.len(), "NeedMore with bytes left over");
                    break;
                }
                ServerEvent::Credentials => {
                    found.push(judge(&mut server));
                }
                ServerEvent::Request => {
                    found.push(answer(&mut server));
                }
                ServerEvent::Wait => panic!("every command was given"),
                ServerEvent::Open => {
                    over = true;
                    found.push(Found::Open);
                }
                ServerEvent::Forward => {
                    over = true;
                    found.push(Found::Forward(server.request().expect("a request").clone()));
                }
                ServerEvent::Close => {
                    found.push(Found::Close);
                    return found;
                }
                ServerEvent::Error(error) => {
                    let again = server.handle_bytes(b"\x05\x00");
                    assert_eq!(again.event, ServerEvent::Error(error), "an error must stay");
                    assert!(server.poll_output().is_none(), "an error is answered once");
                    assert!(server.credentials().is_none());
                    found.push(Found::Error(error));
                    return found;
                }
            }
            input = &input[step.consumed..];
        }
    }
    if end {
        found.push(match server.handle_end() {
            ServerEvent::Error(error) => Found::Error(error),
            ServerEvent::Close => Found::Close,
            _ => Found::End,
        });
    }
    found
}

fn judge(server: &mut Server) -> Found {
    assert_eq!(
        server.handle_bytes(b"x").event,
        ServerEvent::Wait,
        "credentials wait for a decision"
    );
    let credentials = server.credentials().expect("credentials to judge");
    let item = Found::Credentials(credentials.username().to_vec(), credentials.password().to_vec());
    let accepted = credentials.username() == b"alice";
    server.auth_decision(accepted).expect("a decision is due");
    assert!(server.credentials().is_none(), "credentials are gone once judged");
    item
}

fn answer(server: &mut Server) -> Found {
    assert_eq!(
        server.handle_bytes(b"x").event,
        ServerEvent::Wait,
        "a request waits for a reply"
    );
    let request = server.request().expect("a request").clone();
    let reply = match request.target.port {
        1 => Reply::GeneralFailure,
        2 => Reply::Forbidden,
        3 => Reply::NetworkUnreachable,
        4 => Reply::HostUnreachable,
        5 => Reply::ConnectionRefused,
        6 => Reply::TimedOut,
        _ => Reply::Granted(Endpoint::new(b"192.0.2.1", 1080).expect("an address")),
    };
    server.reply(&reply).expect("a reply is due");
    Found::Request(request)
}
