//! Every command and input in every state.

use crate::support::{connected, sent, with_password};
use millrace_error::{Code, Error};
use millrace_socks::{Client, ClientEvent, Kind, State};

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
