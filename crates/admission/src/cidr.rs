//! Networks in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use millrace_error::{Code, Error};

/// The family of an address or a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4, also where it is written as IPv4-mapped IPv6.
    V4,
    /// IPv6.
    V6,
}

/// A network: the addresses that share their first bits.
///
/// Written `10.0.0.0/8`, `2001:db8::/32`, or as a bare address, which is the network of that one address. Bits behind
/// the prefix are cleared: `10.1.2.3/8` is `10.0.0.0/8`. A network within `::ffff:0:0/96` is the IPv4 network that it
/// maps (RFC 4291 §2.5.5.2), as a mapped address is its IPv4 address; `::/0` is all of IPv6 and nothing of IPv4.
/// Zones (`fe80::1%eth0`), prefixes with a sign or a leading zero, and octets with a leading zero are refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    family: Family,
    /// At most 32 for IPv4, 128 for IPv6.
    prefix: u8,
    /// The first address; an IPv4 address is in the low 32 bits.
    bits: u128,
}

impl Network {
    /// The network of the addresses that share the first `prefix` bits with `address`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where the prefix is longer than an address of that family.
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self, Error> {
        let (family, bits, prefix) = match address {
            IpAddr::V4(address) => (Family::V4, u128::from(address.to_bits()), prefix),
            IpAddr::V6(address) => match address.to_ipv4_mapped() {
                // A shorter prefix reaches beyond the mapped addresses and stays IPv6.
                Some(mapped) if (96..=128).contains(&prefix) => (Family::V4, u128::from(mapped.to_bits()), prefix - 96),
                _ => (Family::V6, address.to_bits(), prefix),
            },
        };
        let width = width(family);
        if u32::from(prefix) > width {
            return Err(Code::InvalidArgument.into());
        }
        let network = Self { family, prefix, bits };
        let bits = bits & !network.host_mask();
        Ok(Self { bits, ..network })
    }

    /// Its family.
    pub fn family(&self) -> Family {
        self.family
    }

    /// How many bits the addresses share.
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether the address is in it. An IPv4-mapped IPv6 address is its IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (family, bits) = match address.to_canonical() {
            IpAddr::V4(address) => (Family::V4, u128::from(address.to_bits())),
            IpAddr::V6(address) => (Family::V6, address.to_bits()),
        };
        family == self.family && bits & !self.host_mask() == self.bits
    }

    pub(crate) fn first_bits(&self) -> u128 {
        self.bits
    }

    pub(crate) fn last_bits(&self) -> u128 {
        self.bits | self.host_mask()
    }

    /// The bits behind the prefix, within the width of the family.
    fn host_mask(&self) -> u128 {
        let host = width(self.family) - u32::from(self.prefix);
        // A shift by all 128 bits is none in Rust's arithmetic.
        1u128.checked_shl(host).map_or(u128::MAX, |bit| bit - 1)
    }
}

fn width(family: Family) -> u32 {
    match family {
        Family::V4 => 32,
        Family::V6 => 128,
    }
}

impl FromStr for Network {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = || Error::new(Code::InvalidArgument);
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(parse_prefix(prefix).ok_or_else(invalid)?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        Self::new(address, prefix.unwrap_or(whole))
    }
}

/// One to three digits without a sign or a leading zero, which some readers take for octal.
fn parse_prefix(text: &str) -> Option<u8> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.family {
            Family::V4 => write!(f, "{}/{}", Ipv4Addr::from_bits(self.bits as u32), self.prefix),
            Family::V6 => write!(f, "{}/{}", Ipv6Addr::from_bits(self.bits), self.prefix),
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Option<String> {
        text.parse::<Network>().ok().map(|network| network.to_string())
    }

    #[test]
    fn reads_networks_and_bare_addresses_and_clears_host_bits() {
        for (text, expected) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.1.2.3/0", "0.0.0.0/0"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("10.1.2.3/32", "10.1.2.3/32"),
            ("2001:db8::1/32", "2001:db8::/32"),
            ("2001:db8::1", "2001:db8::1/128"),
            ("::1/0", "::/0"),
            ("2001:db8:0:1:ffff::/64", "2001:db8:0:1::/64"),
            ("::ffff:10.1.2.3", "10.1.2.3/32"),
            ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::ffff:0:0/95", "::fffe:0:0/95"),
        ] {
            assert_eq!(written(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_network() {
        for text in [
            "",
            "/",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::/129",
            "::/256",
            "::/999999999999",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "10.0.0.0/08",
            "10.0.0.0/00",
            "10.0.0.0/8/8",
            "10.0.0/8",
            "010.0.0.0/8",
            "10.0.0.0 /8",
            " 10.0.0.0/8",
            "10.0.0.0/8 ",
            "10.0.0.0/255.0.0.0",
            "fe80::1%eth0",
            "[::1]/64",
            "::ffff:10.0.0.0/129",
            "localhost",
            "10.0.0.0/\u{0661}",
        ] {
            assert_eq!(written(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_mapped_address_is_its_ipv4_address() {
        let network: Network = "10.0.0.0/8".parse().expect("a network");
        assert!(network.contains("::ffff:10.200.0.1".parse().expect("an address")));
        assert!(!network.contains("::ffff:11.0.0.0".parse().expect("an address")));
        let all_v6: Network = "::/0".parse().expect("a network");
        assert!(!all_v6.contains("::ffff:10.0.0.1".parse().expect("an address")));
        assert!(all_v6.contains("::1".parse().expect("an address")));
    }
}
