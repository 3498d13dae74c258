//! The rate limits of a server, checked on the head of each request.

use millrace_error::Error;

use crate::bucket::{Rate, Take};
use crate::client_buckets::{ClientBuckets, ScopedBucket};
use crate::client_key::ClientKey;
use crate::routes::{Found, Routes};
use crate::shared::Scope;

/// What has a bucket of its own under a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RateKey {
    /// The route as a whole: one bucket.
    Route,
    /// Each client.
    Client,
    /// Nothing here: somebody else counts. Such a rule takes part only in which prefix is the longest.
    Elsewhere,
}

/// One rate limit.
#[derive(Clone, Copy, Debug)]
pub struct RateRule<'a> {
    /// The paths it covers: this one, and those below it. Begins with `/`.
    pub prefix: &'a str,
    /// What has a bucket of its own.
    pub key: RateKey,
    /// How fast the buckets fill and what they hold.
    pub rate: Rate,
}

/// Whether a request may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It may. Each rule that covers it has been charged one token.
    Pass,
    /// It may not, and no rule has been charged.
    Refuse {
        /// The least number of milliseconds after which it might pass; see [`retry_after_seconds`].
        retry_after_ms: u64,
        /// Which of the rules refused, by its place in the list.
        rule: usize,
    },
}

/// The rate limits of one server.
///
/// Of all prefixes that cover a path, the longest decides, and only its rules are charged; several rules may have the
/// same prefix, and then a request must pass all of them. A prefix ends at a segment's end: `/api` covers `/api`,
/// `/api/` and `/api/v1`, not `/apis`; `/` covers everything. Upper and lower case of ASCII are one. A path with
/// escapes, backslashes, dot segments or empty segments, which routers read in more than one way, falls under the rules
/// of each reading, so that `/x/../login`, `//login` and `/%6Cogin` are no ways round a rule for `/login`.
///
/// A client without an address (a Unix socket) is not subject to rules by client.
///
/// Memory: 48 bytes a client and rule at most, for at most `clients` clients a rule ([`ClientBuckets`]), and a copy of
/// the longest odd path.
#[derive(Debug)]
pub struct RateLimits {
    routes: Routes,
    limits: Vec<Limit>,
}

#[derive(Debug)]
struct Limit {
    rate: Rate,
    buckets: Buckets,
}

#[derive(Debug)]
enum Buckets {
    Route(ScopedBucket),
    Client(ClientBuckets),
    Elsewhere,
}

impl RateLimits {
    /// Limits of these rules, each for at most `clients` clients at a time.
    ///
    /// In process scope the threads that use the same name share the buckets of rules with the same prefix and key, so
    /// a changed list keeps the buckets of what it still names, as long as it is made before the old one is dropped.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where a prefix is not a path.
    pub fn new(rules: &[RateRule<'_>], clients: usize, scope: Scope<'_>) -> Result<Self, Error> {
        let mut routes = Routes::new();
        let mut plain = Vec::with_capacity(rules.len());
        // A rule by client comes first: whoever it refuses should not have charged the route's bucket even for a moment.
        let by_client_first = [RateKey::Client, RateKey::Route, RateKey::Elsewhere];
        for (index, rule) in by_client_first
            .iter()
            .flat_map(|key| rules.iter().enumerate().filter(|(_, rule)| rule.key == *key))
        {
            plain.push((index, routes.add(rule.prefix, index as u32)?));
        }
        plain.sort_unstable_by_key(|(index, _)| *index);
        let mut same = std::collections::HashMap::new();
        let limits = rules.iter().zip(plain).map(|(rule, (_, prefix))| {
            let nth = same
                .entry((prefix.clone(), rule.key))
                .and_modify(|nth| *nth += 1)
                .or_insert(0);
            let prefix = String::from_utf8_lossy(&prefix);
            let name = match scope {
                Scope::Thread => String::new(),
                // NUL cannot be in a path, so no two servers' names and paths run into each other.
                Scope::Process(server) => format!("{server}\0{prefix}\0{nth}"),
            };
            let scope = match scope {
                Scope::Thread => Scope::Thread,
                Scope::Process(_) => Scope::Process(&name),
            };
            let buckets = match rule.key {
                RateKey::Route => Buckets::Route(ScopedBucket::new(scope)),
                RateKey::Client => Buckets::Client(ClientBuckets::new(clients, scope)),
                RateKey::Elsewhere => Buckets::Elsewhere,
            };
            Limit {
                rate: rule.rate,
                buckets,
            }
        });
        let limits = limits.collect();
        Ok(Self { routes, limits })
    }

    /// Charges the rules that cover a path one token each, or none of them.
    ///
    /// `path` is the path of the request target, with or without its query; of an absolute-form target the part behind
    /// the authority. A target that is no path (`*`) falls under the rules for `/`.
    pub fn check(&mut self, path: &[u8], client: Option<ClientKey>, now_ns: u64) -> Verdict {
        let Found { literal, plain } = self.routes.find(path);
        let rules = || literal.iter().chain(plain).map(|rule| *rule as usize);
        for (charged, rule) in rules().enumerate() {
            let retry_after_ms = match self.limits[rule].take(client, now_ns) {
                Take::Taken => continue,
                Take::RetryAfter(ms) => ms,
                Take::Never => unreachable!("every bucket holds at least one token"),
            };
            for rule in rules().take(charged) {
                self.limits[rule].give_back(client);
            }
            return Verdict::Refuse { retry_after_ms, rule };
        }
        Verdict::Pass
    }
}

impl Limit {
    fn take(&mut self, client: Option<ClientKey>, now_ns: u64) -> Take {
        match (&mut self.buckets, client) {
            (Buckets::Route(bucket), _) => bucket.try_take(&self.rate, 1, now_ns),
            (Buckets::Client(buckets), Some(client)) => buckets.try_take(client, &self.rate, 1, now_ns),
            (Buckets::Client(_), None) | (Buckets::Elsewhere, _) => Take::Taken,
        }
    }

    fn give_back(&mut self, client: Option<ClientKey>) {
        match (&mut self.buckets, client) {
            (Buckets::Route(bucket), _) => bucket.give_back(&self.rate, 1),
            (Buckets::Client(buckets), Some(client)) => buckets.give_back(client, &self.rate, 1),
            (Buckets::Client(_), None) | (Buckets::Elsewhere, _) => {}
        }
    }
}

/// A wait as a Retry-After field says it (RFC 9110 §10.2.3): in whole seconds, rounded up, at least 1.
pub fn retry_after_seconds(ms: u64) -> u64 {
    ms.div_ceil(1_000).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_full_table_of_clients_forgets_the_oldest_and_refuses_no_stranger() {
        let rule = RateRule {
            prefix: "/",
            key: RateKey::Client,
            rate: Rate::new(1, 1_000_000_000, 1).expect("a rate"),
        };
        let most = 64;
        let mut limits = RateLimits::new(&[rule], most as usize, Scope::Thread).expect("a path");
        let client = |n: u32| Some(ClientKey::of_address(Ipv4Addr::from_bits(n).into()));
        let passes = |limits: &mut RateLimits, n| limits.check(b"/", client(n), 0) == Verdict::Pass;
        // Far more strangers than it can know: each passes, and whoever is still known is held to its rate.
        for n in 0..10 * most {
            assert!(passes(&mut limits, n), "stranger {n}");
            assert!(!passes(&mut limits, n), "{n} again");
        }
        assert!(passes(&mut limits, 0), "the first has been forgotten");
        assert!(!passes(&mut limits, 10 * most - 1), "the last has not");
    }

    #[test]
    fn where_a_rule_that_counts_elsewhere_has_the_longest_prefix_the_others_are_not_charged() {
        let rule = |prefix, key| RateRule {
            prefix,
            key,
            rate: Rate::new(1, 1_000_000_000, 1).expect("a rate"),
        };
        let rules = [rule("/", RateKey::Route), rule("/a", RateKey::Elsewhere)];
        let mut limits = RateLimits::new(&rules, 64, Scope::Thread).expect("paths");
        let mut passes = |path: &[u8]| limits.check(path, None, 0) == Verdict::Pass;
        assert!(passes(b"/a") && passes(b"/A/b") && passes(b"/a"));
        assert!(passes(b"/"), "nobody has charged it");
        assert!(!passes(b"/b"));
        // A path that routers read in two ways falls under both, and `/` is spent.
        assert!(!passes(b"//a"));
    }
}
