//! Who may come in, and how often: address rules, connection caps and rate limits of one server.
//!
//! Who the client is: the peer's address, the one that a PROXY head names, or, behind a balancer of `trustProxy`, the
//! one of its Forwarded fields, which hold for a request and not for the connection. So a connection of a balancer has
//! no client of its own: it counts towards `maxConnections` alone, and so does one whose PROXY head has not come. The
//! address rules ask for the client of each of its requests.

use crate::connection::flag as conn;
use crate::engine::Engine;
use crate::id::Id;
use crate::memory;
use crate::options::ProxyProtocol;
use crate::server::forwarded;
pub use millrace_admission::ReputationOptions;
use millrace_admission::{
    Admission, ClientKey, ConnectionCaps, Connections, Decision, Network, NetworkSet, Rate, RateKey, RateLimits,
    RateRule, Refused, Reputation, Rules, Scope, Verdict,
};
use millrace_error::{Code, Error, Kind};
use std::net::IpAddr;

/// How many clients one rate limit knows at once; past that the one that has been away longest is forgotten.
const CLIENTS: usize = 65_536;

/// A rate limit that is checked on the head.
#[derive(Clone, Debug)]
pub struct GateRate {
    /// The paths it covers; begins with `/`.
    pub prefix: String,
    /// A bucket for each client, else one for the route.
    pub by_client: bool,
    /// So many requests …; none: somebody else counts, and it only takes part in which prefix is the longest.
    pub requests: u64,
    /// … in so many milliseconds.
    pub interval_ms: u64,
    /// How many may come at once.
    pub burst: u64,
}

/// What a gate goes by.
#[derive(Clone, Debug, Default)]
pub struct GateOptions {
    /// Simultaneous connections.
    pub max_connections: Option<u64>,
    /// Simultaneous connections of one client.
    pub max_connections_per_client: Option<u32>,
    /// Who is let in. Not empty: nobody else is.
    pub allow: Vec<String>,
    /// Who is not let in; the longest network of both lists decides.
    pub deny: Vec<String>,
    /// Whose Forwarded fields are believed.
    pub trust_proxy: Vec<String>,
    /// Rate limits.
    pub rates: Vec<GateRate>,
    /// What a client's behaviour so far means for its next connection; `None`: nothing.
    pub reputation: Option<ReputationOptions>,
    /// The name under which the threads of the process share caps and rates; `None`: each has its own.
    pub scope: Option<String>,
}

/// The gate of one server.
pub(crate) struct Gate {
    caps: ConnectionCaps,
    connections: Connections,
    rules: Option<Rules>,
    trusted: Option<NetworkSet>,
    rates: Option<RateLimits>,
    reputation: Option<(ReputationOptions, Box<Reputation>)>,
}

/// How a connection enters.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Entered {
    /// Its flags.
    pub flags: u32,
    /// For how long nothing of it is read, in ms.
    pub delay_ms: u64,
}

/// The points that an error costs its client, by whose fault it is: bytes that are no HTTP or no TLS 5; a limit, a rate, a
/// deadline that passed 1. What was refused at the door costs nothing, or who keeps knocking would stay out for ever; and
/// an idle connection that ends is no offence.
fn points(code: Code) -> f64 {
    match code {
        Code::ClientDenied | Code::ClientConnectionsLimit | Code::ConnectionsLimit => 0.0,
        Code::ClientReputation | Code::MemoryLimit | Code::KeepAliveTimeout => 0.0,
        code => match code.kind() {
            Kind::Protocol => 5.0,
            Kind::Limit | Kind::Timeout => 1.0,
            _ => 0.0,
        },
    }
}

impl Gate {
    /// One that only counts, and refuses past a total.
    pub fn with_total(max_connections: u64) -> Self {
        let caps = ConnectionCaps {
            total: Some(max_connections),
            per_client: None,
        };
        Self {
            caps,
            connections: Connections::new(caps, Scope::Thread),
            rules: None,
            trusted: None,
            rates: None,
            reputation: None,
        }
    }

    fn set(&mut self, options: &GateOptions, fresh: bool) -> Result<(), Error> {
        let networks = |list: &[String]| {
            list.iter()
                .map(|text| text.parse())
                .collect::<Result<Vec<Network>, _>>()
        };
        let (allow, deny) = (networks(&options.allow)?, networks(&options.deny)?);
        let trusted = networks(&options.trust_proxy)?;
        let scope = options.scope.as_deref().map_or(Scope::Thread, Scope::Process);
        let rates = options.rates.iter().map(|rate| {
            let key = match (rate.requests, rate.by_client) {
                (0, _) => RateKey::Elsewhere,
                (_, true) => RateKey::Client,
                (_, false) => RateKey::Route,
            };
            let interval_ns = rate.interval_ms.saturating_mul(1_000_000);
            Ok(RateRule {
                prefix: &rate.prefix,
                key,
                rate: Rate::new(rate.requests.max(1), interval_ns, rate.burst)?,
            })
        });
        let rates = rates.collect::<Result<Vec<_>, Error>>()?;
        let rates = match rates.is_empty() {
            true => None,
            false => Some(RateLimits::new(&rates, CLIENTS, scope)?),
        };
        let caps = ConnectionCaps {
            total: options.max_connections,
            per_client: options.max_connections_per_client,
        };
        // Scores that go by the same rules are kept.
        if self.reputation.as_ref().map(|(options, _)| *options) != options.reputation {
            let fresh = |options| Ok::<_, Error>((options, Box::new(Reputation::new(options)?)));
            self.reputation = options.reputation.map(fresh).transpose()?;
        }
        self.caps = caps;
        // Before there are connections the counts may change their scope and the buckets their rates; after that only
        // the caps and lists do.
        if fresh {
            self.connections = Connections::new(caps, scope);
            self.rates = rates;
        } else {
            self.connections.set_caps(caps);
        }
        let otherwise = if allow.is_empty() {
            Decision::Allow
        } else {
            Decision::Deny
        };
        let ruled = !allow.is_empty() || !deny.is_empty();
        self.rules = ruled.then(|| Rules::new(allow, deny, otherwise));
        self.trusted = (!trusted.is_empty()).then(|| NetworkSet::new(trusted));
        Ok(())
    }

    /// Changes the cap on connections in all.
    pub fn set_total(&mut self, max_connections: u64) {
        self.caps.total = Some(max_connections);
        self.connections.set_caps(self.caps);
    }

    /// Whether the Forwarded fields of a peer are believed.
    fn trusts(&self, peer: Option<IpAddr>) -> bool {
        self.trusted
            .as_ref()
            .is_some_and(|trusted| peer.is_some_and(|peer| trusted.contains(peer)))
    }

    fn decide(&self, client: Option<IpAddr>) -> Result<(), Error> {
        match (&self.rules, client) {
            (Some(rules), Some(client)) if rules.decide(client) == Decision::Deny => Err(Code::ClientDenied.into()),
            _ => Ok(()),
        }
    }

    /// What a client's behaviour so far says about this connection: for how long it waits.
    fn judge(&self, client: Option<IpAddr>, now_ms: u64) -> Result<u64, Error> {
        let (Some((options, reputation)), Some(client)) = (&self.reputation, client) else {
            return Ok(0);
        };
        let client = ClientKey::of_address(client);
        match reputation.judge(client, now_ms) {
            Admission::Allow => Ok(0),
            Admission::Delay(delay_ms) => Ok(delay_ms),
            Admission::Refuse => {
                let (limit, seen) = (options.refuse_at as u64, reputation.score(client, now_ms) as u64);
                Err(Error::limit(Code::ClientReputation, limit, seen))
            }
        }
    }

    /// What a connection did wrong counts against its client.
    pub fn blame(&mut self, peer: Option<IpAddr>, code: Code, now_ms: u64) {
        if self.reputation.is_none() || self.trusts(peer) {
            return;
        }
        let points = points(code);
        if let (Some((_, reputation)), Some(client), true) = (&mut self.reputation, peer, points > 0.0) {
            reputation.record(ClientKey::of_address(client), points, now_ms);
        }
    }

    /// A connection from this address is there; says whether it is counted for a client of its own, and for how long it
    /// waits.
    fn enter(&mut self, peer: Option<IpAddr>, named_later: bool, now_ms: u64) -> Result<(bool, u64), Error> {
        let mut delay_ms = 0;
        if !named_later && !self.trusts(peer) {
            self.decide(peer)?;
            delay_ms = self.judge(peer, now_ms)?;
        }
        let client = peer
            .filter(|_| !named_later && !self.trusts(peer))
            .map(ClientKey::of_address);
        self.connections.acquire(client).map_err(refusal)?;
        Ok((client.is_some(), delay_ms))
    }

    /// A PROXY head has named the client of a connection that entered without one. It is refused or served: bytes of it
    /// have been read, so there is nothing left to delay.
    fn name(&mut self, client: IpAddr, now_ms: u64) -> Result<(), Error> {
        self.decide(Some(client))?;
        self.judge(Some(client), now_ms)?;
        self.connections.name(ClientKey::of_address(client)).map_err(refusal)
    }

    /// A connection that entered is gone; `client` where it was counted for one.
    pub fn leave(&mut self, client: Option<IpAddr>) {
        self.connections.release(client.map(ClientKey::of_address));
    }

    /// Whether anything of it depends on a request: without trusted peers and rates, nothing does.
    #[inline]
    pub fn judges_requests(&self) -> bool {
        self.trusted.is_some() || self.rates.is_some()
    }

    /// Whether a request may come in on a trusted peer's connection, which nobody has judged yet; others have been.
    pub fn admit(&self, peer: Option<IpAddr>, forwarded: Option<IpAddr>) -> Result<(), Error> {
        if self.rules.is_none() || !self.trusts(peer) {
            return Ok(());
        }
        self.decide(forwarded.or(peer))
    }

    /// The client that a trusted peer's fields name.
    pub fn forwarded(&self, peer: Option<IpAddr>, block: &[u8]) -> Option<IpAddr> {
        if !self.trusts(peer) {
            return None;
        }
        let trusted = self.trusted.as_ref()?;
        forwarded::client(block, |address| trusted.contains(address))
    }

    /// Whether a request may go on; after so many seconds it might, otherwise.
    pub fn check(&mut self, target: &[u8], client: Option<IpAddr>, now_ns: u64) -> Result<(), u64> {
        let Some(rates) = &mut self.rates else { return Ok(()) };
        match rates.check(path_of(target), client.map(ClientKey::of_address), now_ns) {
            Verdict::Pass => Ok(()),
            Verdict::Refuse { retry_after_ms, .. } => Err(millrace_admission::retry_after_seconds(retry_after_ms)),
        }
    }
}

fn refusal(refused: Refused) -> Error {
    let (code, limit) = match refused {
        Refused::Total(limit) => (Code::ConnectionsLimit, limit),
        Refused::PerClient(limit) => (Code::ClientConnectionsLimit, limit),
        // The book of clients could not grow.
        Refused::OutOfMemory => return Code::ConnectionsLimit.into(),
    };
    Error::limit(code, limit.value, limit.seen)
}

/// The path of a request target: of an absolute-form one, what follows the authority (RFC 9112 §3.2.2).
fn path_of(target: &[u8]) -> &[u8] {
    if target.first() == Some(&b'/') {
        return target;
    }
    let Some(scheme) = target.windows(3).position(|three| three == b"://") else {
        return target;
    };
    let rest = &target[scheme + 3..];
    match rest.iter().position(|byte| matches!(byte, b'/' | b'?')) {
        Some(place) if rest[place] == b'/' => &rest[place..],
        _ => b"/",
    }
}

impl<V: Copy> Engine<V> {
    /// Sets the gate of a server; before it has connections also who shares its counts.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where a network, a prefix or a rate is none; the gate is then as it was.
    pub fn set_gate(&mut self, id: f64, options: &GateOptions) -> Result<(), Error> {
        let server = Id::from_f64(id)
            .and_then(|id| self.servers.get_mut(id))
            .ok_or(Code::StaleId)?;
        let fresh = server.stats.accepted == 0;
        server.gate.set(options, fresh)
    }

    /// Whether a connection may enter, and how.
    pub(crate) fn enter(&mut self, server: Id, peer: Option<IpAddr>) -> Result<Entered, Error> {
        if self.memory.is_full() {
            return Err(memory::refusal());
        }
        let server = self.servers.get_mut(server).ok_or(Code::StaleId)?;
        let named_later = server.options.proxy_protocol != ProxyProtocol::Off;
        let (counted, delay_ms) = server.gate.enter(peer, named_later, self.now_ms)?;
        let flags = if counted { conn::CLIENT_COUNTED } else { 0 };
        Ok(Entered { flags, delay_ms })
    }

    /// What a connection did wrong counts against its client, where anybody asks for that.
    pub(crate) fn blame(&mut self, id: Id, code: Code) {
        if let Some((slot, peer)) = self.connections.get(id).map(|found| (found.server, found.peer)) {
            if let Some(server) = self.servers.at_mut(slot) {
                server.gate.blame(peer.addr().map(|addr| addr.ip()), code, self.now_ms);
            }
        }
    }

    /// The PROXY head of a connection has come, or was absent where it may be: now its client is known.
    pub(crate) fn name_client(&mut self, id: Id) -> Result<(), Error> {
        let Some(connection) = self.connections.get_mut(id) else {
            return Ok(());
        };
        let Some(client) = connection.peer.addr().map(|addr| addr.ip()) else {
            return Ok(());
        };
        if let Some(server) = self.servers.at_mut(connection.server) {
            if !server.gate.trusts(Some(client)) {
                server.gate.name(client, self.now_ms)?;
                connection.flags |= conn::CLIENT_COUNTED;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_every_form_of_target() {
        for (target, path) in [
            ("/a?b", "/a?b"),
            ("*", "*"),
            ("http://a", "/"),
            ("http://a?q", "/"),
            ("http://a/b?c", "/b?c"),
            ("HTTPS://a:1/", "/"),
        ] {
            assert_eq!(path_of(target.as_bytes()), path.as_bytes(), "{target}");
        }
    }
}
