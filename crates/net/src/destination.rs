//! The order in which the addresses of a name are tried: sorted by RFC 6724 §6, then families in turn by RFC 8305 §4.
//!
//! RFC 6724 says rules 3, 4 and 7 · we skip them · because nothing but a netlink dump tells which source address is
//! deprecated, whose home it is, or what is tunnelled, and the system minds the first two when it chooses the source.
//! RFC 6724 says rule 9 for both families · we apply it to IPv6 · because with IPv4 it undoes the rotation by which
//! name servers spread load, and a long common prefix there says nothing about distance.

use std::cmp::Reverse;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};

/// Sorts by RFC 6724 §6: what this host can reach best comes first; equals keep their order. Asks the system for the
/// source address of each, with one socket and no packet.
pub fn sort_destinations(destinations: &mut [SocketAddr]) {
    if destinations.len() > 1 {
        sort_by_source(destinations, source_of);
    }
}

/// [`sort_destinations`] with the source addresses of `source`; `None`: the destination cannot be reached.
pub fn sort_by_source(destinations: &mut [SocketAddr], mut source: impl FnMut(SocketAddr) -> Option<IpAddr>) {
    destinations.sort_by_cached_key(|to| Rank::of(to.ip(), source(*to)));
}

/// Lets the families take turns (RFC 8305 §4, with a First Address Family Count of 1), beginning with that of the first
/// address; within a family the order stays.
pub fn interleave(destinations: &mut Vec<SocketAddr>) {
    let Some(first) = destinations.first().map(SocketAddr::is_ipv6) else {
        return;
    };
    let (ours, others): (Vec<_>, Vec<_>) = destinations.drain(..).partition(|to| to.is_ipv6() == first);
    let mut others = others.into_iter();
    for to in ours {
        destinations.push(to);
        destinations.extend(others.next());
    }
    destinations.extend(others);
}

/// The address that the system would send from: that of a UDP socket which is connected and says nothing.
fn source_of(to: SocketAddr) -> Option<IpAddr> {
    let socket = Socket::new(Domain::for_address(to), Type::DGRAM.cloexec(), Some(Protocol::UDP)).ok()?;
    socket.connect(&to.into()).ok()?;
    Some(socket.local_addr().ok()?.as_socket()?.ip())
}

/// What RFC 6724 compares, rule by rule; the least comes first. A key rather than a comparison: an order by keys is
/// total whatever the addresses are.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// Rule 1.
    unreachable: bool,
    /// Rule 2.
    other_scope: bool,
    /// Rule 5.
    other_label: bool,
    /// Rule 6.
    precedence: Reverse<u8>,
    /// Rule 8.
    scope: u8,
    /// Rule 9; 0 for IPv4, whose precedence is its own, so that the families are never compared by it.
    common_prefix: Reverse<u32>,
}

impl Rank {
    fn of(to: IpAddr, from: Option<IpAddr>) -> Self {
        let policy = Policy::of(to);
        let scope = scope_of(to);
        Self {
            unreachable: from.is_none(),
            other_scope: from.is_some_and(|from| scope_of(from) != scope),
            other_label: from.is_some_and(|from| Policy::of(from).label != policy.label),
            precedence: Reverse(policy.precedence),
            scope,
            common_prefix: Reverse(from.map_or(0, |from| common_prefix(to, from))),
        }
    }
}

/// A row of the default policy table (RFC 6724 §2.1).
struct Policy {
    prefix: u128,
    length: u32,
    precedence: u8,
    label: u8,
}

/// The longest prefix that matches counts, so they are in the order of their lengths.
const POLICIES: [Policy; 9] = [
    policy(Ipv6Addr::LOCALHOST, 128, 50, 0),
    policy(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, 35, 4),
    policy(Ipv6Addr::UNSPECIFIED, 96, 1, 3),
    policy(Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, 5, 5),
    policy(Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, 30, 2),
    policy(Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16, 1, 12),
    policy(Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, 1, 11),
    policy(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, 3, 13),
    policy(Ipv6Addr::UNSPECIFIED, 0, 40, 1),
];

const fn policy(prefix: Ipv6Addr, length: u32, precedence: u8, label: u8) -> Policy {
    Policy {
        prefix: prefix.to_bits(),
        length,
        precedence,
        label,
    }
}

impl Policy {
    fn of(address: IpAddr) -> &'static Self {
        let bits = mapped(address).to_bits();
        let last = &POLICIES[POLICIES.len() - 1];
        POLICIES
            .iter()
            .find(|row| (row.prefix ^ bits).leading_zeros() >= row.length)
            .unwrap_or(last)
    }
}

/// IPv4 addresses stand in the table as IPv4-mapped ones.
fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

const LINK_LOCAL: u8 = 0x2;
const SITE_LOCAL: u8 = 0x5;
const GLOBAL: u8 = 0xe;

/// RFC 6724 §3.1 and §3.2: loopback counts as link-local, private IPv4 addresses as global.
fn scope_of(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(address) if address.is_loopback() || address.is_link_local() => LINK_LOCAL,
        IpAddr::V4(_) => GLOBAL,
        IpAddr::V6(address) => match address.segments()[0] {
            _ if address.is_loopback() => LINK_LOCAL,
            first if first & 0xff00 == 0xff00 => (first & 0xf) as u8,
            first if first & 0xffc0 == 0xfe80 => LINK_LOCAL,
            first if first & 0xffc0 == 0xfec0 => SITE_LOCAL,
            _ => address
                .to_ipv4_mapped()
                .map_or(GLOBAL, |address| scope_of(address.into())),
        },
    }
}

/// Bits in common, up to the length of the source's prefix (RFC 6724 §2.2), which is taken to be 64.
fn common_prefix(to: IpAddr, from: IpAddr) -> u32 {
    match (to, from) {
        (IpAddr::V6(to), IpAddr::V6(from)) => (to.to_bits() ^ from.to_bits()).leading_zeros().min(64),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts
            .iter()
            .map(|text| SocketAddr::new(text.parse().expect("an address"), 80))
            .collect()
    }

    /// Sorts the destinations, given with their sources; `-` is none.
    fn sorted(pairs: &[(&str, &str)]) -> Vec<SocketAddr> {
        let mut destinations = addresses(&pairs.iter().map(|(to, _)| *to).collect::<Vec<_>>());
        let sources: Vec<_> = destinations
            .iter()
            .copied()
            .zip(pairs.iter().map(|(_, from)| *from))
            .collect();
        sort_by_source(&mut destinations, |to| {
            let (_, from) = sources.iter().find(|(one, _)| *one == to).expect("given above");
            from.parse().ok()
        });
        destinations
    }

    /// Each example both ways round: the order of the answer must not matter.
    #[test]
    fn sorts_the_examples_of_rfc_6724_section_10_2() {
        let examples = [
            // Matching scope.
            [("2001:db8:1::1", "2001:db8:1::2"), ("198.51.100.121", "169.254.13.78")],
            [("198.51.100.121", "198.51.100.117"), ("2001:db8:1::1", "fe80::1")],
            // Higher precedence.
            [("2001:db8:1::1", "2001:db8:1::2"), ("10.1.2.3", "10.1.2.4")],
            // Smaller scope. (The next two need a home address and a deprecated one, which we cannot see.)
            [("fe80::1", "fe80::2"), ("2001:db8:1::1", "2001:db8:1::2")],
            // Longest match.
            [
                ("2001:db8:1::1", "2001:db8:1::2"),
                ("2001:db8:3ffe::1", "2001:db8:3f44::2"),
            ],
            // Matching label.
            [
                ("2002:c633:6401::1", "2002:c633:6401::2"),
                ("2001:db8:1::1", "2002:c633:6401::2"),
            ],
            // Higher precedence.
            [
                ("2001:db8:1::1", "2001:db8:1::2"),
                ("2002:c633:6401::1", "2002:c633:6401::2"),
            ],
        ];
        for [first, second] in examples {
            let wanted = addresses(&[first.0, second.0]);
            assert_eq!(sorted(&[first, second]), wanted);
            assert_eq!(sorted(&[second, first]), wanted);
        }
    }

    #[test]
    fn puts_what_has_no_source_last_and_leaves_equals_in_their_order() {
        let pairs = [
            ("2001:db8::1", "-"),
            ("192.0.2.9", "10.0.0.1"),
            ("192.0.2.1", "10.0.0.1"),
            ("::1", "-"),
        ];
        // Of those that cannot be reached, precedence decides.
        assert_eq!(
            sorted(&pairs),
            addresses(&["192.0.2.9", "192.0.2.1", "::1", "2001:db8::1"])
        );
    }

    #[test]
    fn takes_a_unique_local_address_after_ipv4_and_a_mapped_one_as_ipv4() {
        let pairs = [
            ("fd00::1", "2001:db8::9"),
            ("::ffff:127.0.0.1", "::ffff:127.0.0.1"),
            ("192.0.2.1", "10.0.0.1"),
        ];
        assert_eq!(sorted(&pairs), addresses(&["::ffff:127.0.0.1", "192.0.2.1", "fd00::1"]));
        assert_eq!(
            [
                scope_of("ff05::1".parse().unwrap()),
                scope_of("fec0::1".parse().unwrap())
            ],
            [5, SITE_LOCAL]
        );
    }

    #[test]
    fn lets_families_take_turns_beginning_with_the_first() {
        let mut list = addresses(&["2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1", "192.0.2.2"]);
        interleave(&mut list);
        let wanted = ["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "2001:db8::3"];
        assert_eq!(list, addresses(&wanted));
        let mut list = addresses(&["192.0.2.1", "192.0.2.2", "192.0.2.3", "::1"]);
        interleave(&mut list);
        assert_eq!(list, addresses(&["192.0.2.1", "::1", "192.0.2.2", "192.0.2.3"]));
        interleave(&mut Vec::new());
    }

    #[test]
    fn asks_the_system_which_address_it_would_send_from() {
        assert_eq!(source_of(addresses(&["127.0.0.1"])[0]), "127.0.0.1".parse().ok());
        // A broadcast address may not be connected to: it has no source, and is tried last.
        let mut list = addresses(&["255.255.255.255", "127.0.0.1"]);
        sort_destinations(&mut list);
        assert_eq!(list, addresses(&["127.0.0.1", "255.255.255.255"]));
    }

    proptest! {
        #[test]
        fn neither_loses_nor_invents_an_address(raw in prop::collection::vec((any::<u128>(), any::<bool>()), 0..40)) {
            let mut list: Vec<SocketAddr> = raw
                .iter()
                .map(|(bits, v6)| {
                    let ip = if *v6 { IpAddr::V6((*bits).into()) } else { IpAddr::V4((*bits as u32).into()) };
                    SocketAddr::new(ip, 1)
                })
                .collect();
            let mut before = list.clone();
            sort_by_source(&mut list, |to| (to.port() == 1 && to.is_ipv4()).then(|| to.ip()));
            interleave(&mut list);
            let shorter = list.iter().filter(|to| to.is_ipv6()).count().min(list.iter().filter(|to| to.is_ipv4()).count());
            for pair in list.windows(2).take((2 * shorter).saturating_sub(1)) {
                prop_assert!(pair[0].is_ipv6() != pair[1].is_ipv6());
            }
            list.sort();
            before.sort();
            prop_assert_eq!(list, before);
        }
    }
}
