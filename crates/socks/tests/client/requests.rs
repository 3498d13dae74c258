//! What each kind writes, what it is not asked for, and the limits of what it says.

use crate::support::{code, config, connected, sent, text, with_password};
use millrace_error::Code;
use millrace_socks::{Client, ClientConfig, ClientEvent, Command, Credentials, Endpoint, Host, Kind};

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
fn a_bound_address_may_be_a_name() {
    for command in [Command::Connect, Command::UdpAssociate] {
        let mut config = config(Kind::Socks5);
        config.command = command;
        let mut client = connected(config);
        sent(&mut client);
        client.handle_bytes(b"\x05\x00");
        sent(&mut client);
        let event = client.handle_bytes(b"\x05\x00\x00\x03\x0arelay.test\x10\x00").event;
        assert_eq!(event, ClientEvent::Open);
        let bound = client.bound().expect("where it is bound");
        assert_eq!(bound.to_string(), "relay.test:4096");
        // A name is no unspecified address: it stands.
        assert_eq!(bound.or_address_of("192.0.2.1".parse().expect("an address")), *bound);
    }
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
