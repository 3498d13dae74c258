//! Sets of networks, and lists of who is allowed and who is denied.

use std::net::IpAddr;

use crate::cidr::Network;
use crate::prefix_map::PrefixMap;

/// A set of networks, such as the balancers that `trustProxy` names.
///
/// A lookup is a binary search, so thousands of networks cost little more than ten. An IPv4-mapped IPv6 address is its
/// IPv4 address.
#[derive(Clone, Debug)]
pub struct NetworkSet(PrefixMap<()>);

impl NetworkSet {
    /// The union of these networks.
    pub fn new(networks: impl IntoIterator<Item = Network>) -> Self {
        Self(PrefixMap::new(networks.into_iter().map(|network| (network, ()))))
    }

    /// Whether one of the networks holds the address.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.get(address).is_some()
    }
}

impl FromIterator<Network> for NetworkSet {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        Self::new(networks)
    }
}

/// Whether an address may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Allow,
    /// It may not.
    Deny,
}

/// Lists of networks that are allowed and that are denied.
///
/// The longest network that holds an address decides, whatever the order in which the rules were written: `10.1.0.0/16`
/// allowed within `10.0.0.0/8` denied lets `10.1.2.3` in, and the other way round keeps it out. A network that is on
/// both lists is denied. An address on neither list gets the decision named at construction.
#[derive(Clone, Debug)]
pub struct Rules {
    listed: PrefixMap<Decision>,
    otherwise: Decision,
}

impl Rules {
    /// Rules of two lists, and the decision for an address on neither.
    pub fn new(
        allow: impl IntoIterator<Item = Network>,
        deny: impl IntoIterator<Item = Network>,
        otherwise: Decision,
    ) -> Self {
        let allow = allow.into_iter().map(|network| (network, Decision::Allow));
        let deny = deny.into_iter().map(|network| (network, Decision::Deny));
        // Of equal networks the later pair counts, so a denial does.
        let listed = PrefixMap::new(allow.chain(deny));
        Self { listed, otherwise }
    }

    /// Whether the address may come in.
    pub fn decide(&self, address: IpAddr) -> Decision {
        self.listed(address).unwrap_or(self.otherwise)
    }

    /// What the lists say of the address, if it is on one: who is allowed by name may be spared other limits.
    pub fn listed(&self, address: IpAddr) -> Option<Decision> {
        self.listed.get(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(list: &[&str]) -> Vec<Network> {
        list.iter().map(|text| text.parse().expect("a network")).collect()
    }

    fn decide(rules: &Rules, address: &str) -> Decision {
        rules.decide(address.parse().expect("an address"))
    }

    #[test]
    fn the_longest_network_decides() {
        let rules = Rules::new(
            networks(&["10.1.0.0/16", "10.1.2.3", "2001:db8:1::/48"]),
            networks(&["10.0.0.0/8", "10.1.2.0/24", "2001:db8::/32"]),
            Decision::Allow,
        );
        for (address, expected) in [
            ("9.255.255.255", Decision::Allow),
            ("10.0.0.0", Decision::Deny),
            ("10.1.0.0", Decision::Allow),
            ("10.1.2.2", Decision::Deny),
            ("10.1.2.3", Decision::Allow),
            ("10.1.2.4", Decision::Deny),
            ("10.1.255.255", Decision::Allow),
            ("10.2.0.0", Decision::Deny),
            ("10.255.255.255", Decision::Deny),
            ("11.0.0.0", Decision::Allow),
            ("2001:db8::1", Decision::Deny),
            ("2001:db8:1::1", Decision::Allow),
            ("2001:db8:2::1", Decision::Deny),
        ] {
            assert_eq!(decide(&rules, address), expected, "{address}");
        }
    }

    #[test]
    fn a_network_on_both_lists_is_denied_and_one_on_neither_gets_the_default() {
        let both = networks(&["10.0.0.0/8"]);
        for otherwise in [Decision::Allow, Decision::Deny] {
            let rules = Rules::new(both.clone(), both.clone(), otherwise);
            assert_eq!(decide(&rules, "10.0.0.1"), Decision::Deny);
            assert_eq!(decide(&rules, "192.0.2.1"), otherwise);
            assert_eq!(rules.listed("192.0.2.1".parse().expect("an address")), None);
        }
    }

    #[test]
    fn an_empty_set_holds_nothing_and_the_whole_space_everything() {
        let (first, last) = ("0.0.0.0".parse().expect("ok"), "255.255.255.255".parse().expect("ok"));
        let empty = NetworkSet::new([]);
        assert!(!empty.contains(first) && !empty.contains(last));
        let all = NetworkSet::new(networks(&["0.0.0.0/0", "255.255.255.255", "0.0.0.0", "128.0.0.0/1"]));
        assert!(all.contains(first) && all.contains(last));
        assert!(!all.contains("::".parse().expect("an address")));
        let last_v6 = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff".parse().expect("ok");
        assert!(NetworkSet::new(networks(&["::/0", "ffff::/16"])).contains(last_v6));
    }
}
