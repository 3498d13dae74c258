//! The address of one end of a connection, in few bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The address of one end of a connection, in 20 bytes: one is kept per connection.
///
/// An IPv4 address that a dual-stack socket shows mapped into IPv6 (`::ffff:a.b.c.d`) is held as what it is. The scope
/// and flow label of an IPv6 address are not held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Peer {
    /// An IPv4 address and port.
    V4(Ipv4Addr, u16),
    /// An IPv6 address and port.
    V6(Ipv6Addr, u16),
    /// A Unix socket, named or not.
    Unix,
    /// Nothing is known, or a family that we do not use.
    #[default]
    Unknown,
}

const _: () = assert!(size_of::<Peer>() <= 20);

impl Peer {
    /// From an IPv6 address that may be a mapped IPv4 address.
    pub(crate) fn v6(ip: Ipv6Addr, port: u16) -> Self {
        ip.to_ipv4_mapped().map_or(Self::V6(ip, port), |ip| Self::V4(ip, port))
    }

    /// Address and port; `None` for what has none.
    pub fn addr(&self) -> Option<SocketAddr> {
        match *self {
            Self::V4(ip, port) => Some((ip, port).into()),
            Self::V6(ip, port) => Some((IpAddr::V6(ip).to_canonical(), port).into()),
            Self::Unix | Self::Unknown => None,
        }
    }
}

impl From<SocketAddr> for Peer {
    fn from(addr: SocketAddr) -> Self {
        match addr {
            SocketAddr::V4(addr) => Self::V4(*addr.ip(), addr.port()),
            SocketAddr::V6(addr) => Self::v6(*addr.ip(), addr.port()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_the_address_it_was_made_from() {
        for text in ["127.0.0.1:80", "0.0.0.0:0", "[::1]:65535", "[2001:db8::7]:443"] {
            let addr: SocketAddr = text.parse().expect("an address");
            assert_eq!(Peer::from(addr).addr(), Some(addr));
        }
    }

    #[test]
    fn shows_a_mapped_address_as_ipv4() {
        let mapped: SocketAddr = "[::ffff:192.0.2.1]:8080".parse().expect("an address");
        let plain: SocketAddr = "192.0.2.1:8080".parse().expect("an address");
        assert_eq!(Peer::from(mapped), Peer::from(plain));
        let SocketAddr::V6(v6) = mapped else {
            panic!("an IPv6 address")
        };
        assert_eq!(Peer::V6(*v6.ip(), 8080).addr(), Some(plain));
    }

    #[test]
    fn has_no_address_without_a_network() {
        assert_eq!((Peer::Unix.addr(), Peer::default().addr()), (None, None));
    }
}
