//! Our client and our server on a simulated link: any cut, any delay of a decision, any order of operations.

use std::collections::VecDeque;

use millrace_error::Code;
use millrace_socks::{
    Client, ClientConfig, ClientEvent, Command, Credentials, Endpoint, Kind, Reply, Server, ServerConfig, ServerEvent,
    State, TRANSITIONS,
};
use proptest::prelude::*;

/// What the tunnel carries each way, of which the first bytes may travel with the handshake's last.
const TO_TARGET: &[u8] = b"\x05\x00 the first bytes of the tunnel, there";
const TO_CLIENT: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n the first bytes of the tunnel, and back";

#[derive(Clone, Debug)]
struct Scene {
    kind: Kind,
    tls: bool,
    udp: bool,
    credentials: Option<bool>,
    auth: bool,
    at_once: bool,
    target: Endpoint,
    reply: Reply,
}

fn scenes() -> impl Strategy<Value = Scene> {
    let kinds = prop_oneof![
        Just(Kind::Socks4),
        Just(Kind::Socks4a),
        Just(Kind::Socks5),
        Just(Kind::Socks5h),
        Just(Kind::Connect),
    ];
    let hosts = prop_oneof![
        any::<[u8; 4]>().prop_map(|ip| std::net::IpAddr::from(ip).to_string()),
        any::<[u8; 16]>().prop_map(|ip| std::net::IpAddr::from(ip).to_string()),
        "[a-z][a-z0-9-]{0,254}",
    ];
    let replies = prop_oneof![
        4 => Just(Reply::Granted(Endpoint::UNSPECIFIED)),
        1 => Just(Reply::Forbidden),
        1 => Just(Reply::ConnectionRefused),
        1 => Just(Reply::TimedOut),
    ];
    let switches = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let all = (kinds, hosts, 1..=u16::MAX, replies, switches, any::<Option<bool>>());
    all.prop_map(
        |(kind, host, port, reply, (tls, udp, auth, at_once), credentials)| Scene {
            kind,
            tls,
            udp,
            credentials,
            auth,
            at_once,
            target: Endpoint::new(host.as_bytes(), port).expect("a host"),
            reply,
        },
    )
}

fn config(scene: &Scene) -> ClientConfig {
    let mut config = ClientConfig::new(scene.kind, scene.target.clone());
    config.tls = scene.tls;
    config.basic_at_once = scene.at_once;
    config.command = if scene.udp {
        Command::UdpAssociate
    } else {
        Command::Connect
    };
    let password: &[u8] = if matches!(scene.kind, Kind::Socks4 | Kind::Socks4a) {
        b""
    } else {
        b"x"
    };
    config.credentials = scene
        .credentials
        .map(|right| Credentials::new(if right { b"alice" } else { b"mallory" }, password));
    config
}

/// Both ends and what travels between them.
struct Link {
    scene: Scene,
    client: Client,
    server: Server,
    to_server: VecDeque<u8>,
    to_client: VecDeque<u8>,
    /// Arrived and not consumed.
    at_server: Vec<u8>,
    at_client: Vec<u8>,
    due: Option<ServerEvent>,
    asked: Option<Endpoint>,
    server_open: bool,
    server_over: bool,
    dials: usize,
    end: Option<ClientEvent>,
}

impl Link {
    fn new(scene: Scene, client: Client) -> Self {
        let config = ServerConfig {
            auth: scene.auth,
            udp: true,
            ..ServerConfig::default()
        };
        let mut link = Self {
            client,
            server: Server::new(config),
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            at_server: Vec::new(),
            at_client: Vec::new(),
            due: None,
            asked: None,
            server_open: false,
            server_over: false,
            dials: 0,
            end: None,
            scene,
        };
        link.dial();
        link
    }

    fn dial(&mut self) {
        self.dials += 1;
        self.server = Server::new(ServerConfig {
            auth: self.scene.auth,
            udp: true,
            ..ServerConfig::default()
        });
        self.to_server.clear();
        self.to_client.clear();
        self.at_server.clear();
        self.at_client.clear();
        (self.due, self.server_over) = (None, false);
        self.client.connected().expect("it waits for its connection");
        if self.scene.tls {
            self.client.secured().expect("TLS has begun");
        }
        self.poll_client();
    }

    fn poll_client(&mut self) {
        while let Some(output) = self.client.poll_output() {
            self.to_server.extend(output.iter());
        }
    }

    fn poll_server(&mut self) {
        while let Some(output) = self.server.poll_output() {
            self.to_client.extend(output.iter());
        }
    }

    fn deliver_to_server(&mut self, count: usize) {
        let count = count.min(self.to_server.len());
        self.at_server.extend(self.to_server.drain(..count));
        self.drive_server();
    }

    fn drive_server(&mut self) {
        while self.due.is_none() && !self.server_open && !self.server_over {
            let step = self.server.handle_bytes(&self.at_server);
            self.poll_server();
            if !matches!(step.event, ServerEvent::Error(_)) {
                self.at_server.drain(..step.consumed);
            }
            match step.event {
                ServerEvent::NeedMore => {
                    assert!(self.at_server.is_empty());
                    return;
                }
                ServerEvent::Credentials | ServerEvent::Request => self.due = Some(step.event),
                ServerEvent::Open => {
                    self.server_open = true;
                    self.to_client.extend(TO_CLIENT);
                }
                ServerEvent::Close | ServerEvent::Error(_) => self.server_over = true,
                ServerEvent::Wait | ServerEvent::Forward => panic!("{:?} without reason", step.event),
            }
        }
    }

    fn decide(&mut self) {
        match self.due.take() {
            Some(ServerEvent::Credentials) => {
                let right = self
                    .server
                    .credentials()
                    .is_some_and(|known| known.username() == b"alice");
                self.server.auth_decision(right).expect("a decision is due");
            }
            Some(_) => {
                self.asked = Some(self.server.request().expect("a request").target.clone());
                self.server.reply(&self.scene.reply).expect("a reply is due");
            }
            None => {
                assert!(self.server.auth_decision(true).is_err());
                assert!(self.server.reply(&Reply::Forbidden).is_err());
                return;
            }
        }
        self.poll_server();
        self.drive_server();
    }

    fn deliver_to_client(&mut self, count: usize) {
        let count = count.min(self.to_client.len());
        self.at_client.extend(self.to_client.drain(..count));
        while self.end.is_none() {
            let step = self.client.handle_bytes(&self.at_client);
            self.poll_client();
            self.at_client.drain(..step.consumed);
            match step.event {
                ClientEvent::NeedMore => break,
                ClientEvent::Send => {}
                ClientEvent::DialAgain => return self.dial(),
                ClientEvent::Open => {
                    self.end = Some(step.event);
                    self.to_server.extend(TO_TARGET);
                }
                ClientEvent::Error(_) => self.end = Some(step.event),
            }
        }
        // The server has closed and everything that it sent has arrived.
        if self.end.is_none() && self.server_over && self.to_client.is_empty() {
            match self.client.handle_end() {
                ClientEvent::DialAgain => self.dial(),
                event => self.end = Some(event),
            }
        }
    }

    fn finish(&mut self) {
        for _ in 0..64 {
            self.deliver_to_server(usize::MAX);
            if self.due.is_some() {
                self.decide();
            }
            self.deliver_to_client(usize::MAX);
        }
    }
}

/// Whether the table leads from one state to the other, in any number of moves.
fn leads(from: State, to: State) -> bool {
    let mut reached = vec![from];
    let mut at = 0;
    while let Some(&state) = reached.get(at) {
        for (_, _, next) in TRANSITIONS.iter().filter(|(origin, ..)| *origin == state) {
            if !reached.contains(next) {
                reached.push(*next);
            }
        }
        at += 1;
    }
    reached.contains(&to)
}

/// How the scene must end, by the rules.
fn expected(scene: &Scene) -> Result<(), Code> {
    let socks4 = matches!(scene.kind, Kind::Socks4 | Kind::Socks4a);
    let http = scene.kind == Kind::Connect;
    if scene.auth {
        match scene.credentials {
            _ if socks4 => return Err(Code::Socks4Rejected),
            None if http => return Err(Code::ProxyAuthenticationRequired),
            None => return Err(Code::SocksNoAcceptableMethod),
            Some(false) if http => return Err(Code::ProxyAuthenticationRequired),
            Some(false) => return Err(Code::SocksAuthenticationRefused),
            Some(true) => {}
        }
    }
    match scene.reply {
        Reply::Granted(_) => Ok(()),
        _ if socks4 => Err(Code::Socks4Rejected),
        _ if http => Err(Code::ProxyStatus),
        Reply::Forbidden => Err(Code::SocksForbidden),
        Reply::ConnectionRefused => Err(Code::SocksConnectionRefused),
        _ => Err(Code::SocksTtlExpired),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn client_and_server_agree_however_the_link_cuts(
        scene in scenes(),
        operations in prop::collection::vec((0..3u8, 1..40usize), 0..60),
    ) {
        let Ok(client) = Client::new(config(&scene)) else {
            // A kind that cannot be asked for this; its rows are in the client's own tests.
            return Ok(());
        };
        let mut link = Link::new(scene.clone(), client);
        for (operation, count) in operations {
            let before = link.client.state();
            match operation {
                0 => link.deliver_to_server(count),
                1 => link.deliver_to_client(count),
                _ => link.decide(),
            }
            let after = link.client.state();
            prop_assert!(leads(before, after), "{before:?} to {after:?}");
            prop_assert!(!link.server_open || link.asked.is_some(), "open without a request");
        }
        link.finish();
        prop_assert!(link.dials <= 4);
        match (expected(&scene), link.end) {
            (Ok(()), Some(ClientEvent::Open)) => {
                prop_assert_eq!(link.asked.as_ref(), Some(&scene.target));
                prop_assert!(link.server_open);
                prop_assert_eq!(&link.at_client[..], TO_CLIENT);
                let tunnel: Vec<u8> = link.at_server.iter().chain(&link.to_server).copied().collect();
                prop_assert_eq!(&tunnel[..], TO_TARGET);
            }
            (Err(code), Some(ClientEvent::Error(error))) => prop_assert_eq!(code, error.code),
            (expected, end) => prop_assert!(false, "expected {expected:?}, got {end:?}"),
        }
    }

    #[test]
    fn a_cancelled_handshake_says_nothing_more(
        scene in scenes(),
        operations in prop::collection::vec((0..3u8, 1..40usize), 0..20),
    ) {
        let Ok(client) = Client::new(config(&scene)) else { return Ok(()) };
        let mut link = Link::new(scene, client);
        for (operation, count) in operations {
            match operation {
                0 => link.deliver_to_server(count),
                1 => link.deliver_to_client(count),
                _ => link.decide(),
            }
        }
        let over = link.client.state().is_over();
        prop_assert_eq!(link.client.cancel().is_ok(), !over);
        if !over {
            prop_assert!(link.client.poll_output().is_none());
            let event = link.client.handle_bytes(b"\x05\x00").event;
            prop_assert_eq!(event, ClientEvent::Error(Code::ProxyCancelled.into()));
            prop_assert_eq!(link.client.state(), State::Cancelled);
        }
    }
}
