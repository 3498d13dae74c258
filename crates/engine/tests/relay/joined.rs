//! Two clients whose tunnels are joined.

use millrace_engine::{EventKind, RelayOptions, ServerKind, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, Happened};

/// A relay between two clients.
pub struct Joined {
    pub driver: Driver,
    pub server: f64,
    pub streams: [f64; 2],
    pub clients: [Client; 2],
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Tcp,
    Unix,
}

impl Joined {
    /// Two tunnels, not joined yet.
    pub fn apart(kinds: [Kind; 2]) -> Self {
        let mut driver = Driver::new();
        let options = ServerOptions {
            kind: ServerKind::Raw,
            ..Default::default()
        };
        let (server, addr) = driver.listen(options);
        let (_, path) = driver.listen_unix(options);
        let mut tunnel = |kind| {
            let client = match kind {
                Kind::Tcp => Client::connect(addr),
                Kind::Unix => Client::connect_unix(&path),
            };
            (driver.expect(EventKind::Accepted).stream(), client)
        };
        let ((a, one), (b, other)) = (tunnel(kinds[0]), tunnel(kinds[1]));
        Self {
            driver,
            server,
            streams: [a, b],
            clients: [one, other],
        }
    }

    pub fn join(&mut self, options: RelayOptions) {
        let [a, b] = self.streams;
        self.driver.engine.relay(a, b, options).expect("two open tunnels");
    }

    pub fn new(options: RelayOptions) -> Self {
        let mut joined = Self::apart([Kind::Tcp; 2]);
        joined.join(options);
        joined
    }

    /// Makes turns until the clients have what the condition wants.
    pub fn run_until(&mut self, done: impl Fn(&Client, &Client) -> bool) {
        let [one, other] = &mut self.clients;
        self.driver
            .run_until(&mut [one, other], |_, clients| done(clients[0], clients[1]));
    }

    pub fn quiet(&mut self) {
        let [one, other] = &mut self.clients;
        self.driver.quiet(&mut [one, other]);
    }

    pub fn ended(&mut self) -> Happened {
        let [one, other] = &mut self.clients;
        let ended = self.driver.expect_with(EventKind::RelayEnded, &mut [one, other]);
        assert_eq!(ended.stream(), self.streams[0]);
        ended
    }

    pub fn nothing_is_left(&mut self) {
        self.driver.assert_no_connection_left();
        let stats = self.driver.engine.server_stats(self.server).expect("it lives");
        // An end of a relay had opened, so it is no connection that did not.
        assert_eq!((stats.requests_active, stats.active, stats.errors), (0, 0, 0));
        for kind in [
            EventKind::Body,
            EventKind::BodyEnd,
            EventKind::Aborted,
            EventKind::Finished,
        ] {
            assert_eq!(self.driver.count(kind), 0, "{kind:?}");
        }
    }
}

pub const NONE: RelayOptions = RelayOptions {
    idle_ms: 0,
    total_ms: 0,
};

pub fn pattern(len: usize, seed: u8) -> Vec<u8> {
    pattern_from(0, len, seed)
}

pub fn pattern_from(from: usize, len: usize, seed: u8) -> Vec<u8> {
    (from..from + len)
        .map(|at| ((at.wrapping_mul(2_654_435_761) >> 13) as u8) ^ seed)
        .collect()
}
