//! Who a limit is about.

use std::hash::{BuildHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::OnceLock;

use foldhash::quality::RandomState;

/// Who a limit is about: an address, or a name that the caller gave the client (a token, an account).
///
/// An IPv4 address is a client; of IPv6 a whole /64 is, because that is what one customer holds at least (RFC 6177),
/// and whoever holds it can send from each of its 2⁶⁴ addresses. An IPv4-mapped IPv6 address is its IPv4 address. Keys
/// of addresses are exact. A name is hashed to 128 bits under keys that are drawn when the process starts, so two names
/// share a key by chance only, and a name is no longer held than the call takes.
///
/// Keys of addresses and of names do not belong in one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientKey {
    high: u64,
    low: u64,
}

impl ClientKey {
    /// The client at an address.
    pub fn of_address(address: IpAddr) -> Self {
        match address.to_canonical() {
            // The mapped form: its low half is never zero, that of an IPv6 client always is.
            IpAddr::V4(address) => Self {
                high: 0,
                low: 0xffff_0000_0000 | u64::from(address.to_bits()),
            },
            IpAddr::V6(address) => Self {
                high: high(address),
                low: 0,
            },
        }
    }

    /// The client that the caller calls by this name; the same in every thread of the process.
    pub fn of_name(name: &[u8]) -> Self {
        static KEYS: OnceLock<[RandomState; 2]> = OnceLock::new();
        let [high, low] = KEYS.get_or_init(Default::default);
        Self {
            high: high.hash_one(name),
            low: low.hash_one(name),
        }
    }
}

/// Network and subnet of an IPv6 address.
fn high(address: Ipv6Addr) -> u64 {
    (address.to_bits() >> 64) as u64
}

impl Hash for ClientKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(u128::from(self.high) << 64 | u128::from(self.low));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(address: &str) -> ClientKey {
        ClientKey::of_address(address.parse().expect("an address"))
    }

    #[test]
    fn each_ipv4_address_is_a_client_also_when_mapped() {
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
        assert_eq!(key("192.0.2.1"), key("::ffff:192.0.2.1"));
        assert_ne!(key("0.0.0.0"), key("::"));
    }

    #[test]
    fn a_whole_64_of_ipv6_is_one_client() {
        assert_eq!(key("2001:db8:0:1::1"), key("2001:db8:0:1:ffff:ffff:ffff:ffff"));
        assert_ne!(key("2001:db8:0:1::1"), key("2001:db8:0:2::1"));
    }

    #[test]
    fn a_name_has_one_key_in_all_threads() {
        let here = ClientKey::of_name(b"tenant-1");
        let there = std::thread::spawn(|| ClientKey::of_name(b"tenant-1")).join();
        assert_eq!(there.ok(), Some(here));
        assert_ne!(here, ClientKey::of_name(b"tenant-2"));
        assert_ne!(here.high, here.low);
    }
}
