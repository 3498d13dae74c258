//! Hosts and endpoints, and how SOCKS5 writes them (RFC 1928 §5).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use millrace_error::{Code, Error};
use millrace_head::check_host;

use crate::collect::Measure;

/// The longest name: one byte holds its length on the wire.
pub const MAX_NAME: usize = 255;

const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// A host: an address, or a name that somebody resolves later.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// An address of either family.
    Address(IpAddr),
    /// A name of 1 to 255 bytes, each of which may stand in a URL's host: never one that reads as an address.
    Name(Box<str>),
}

impl Host {
    /// Reads a name or an address without brackets; `None` where it is neither.
    ///
    /// What reads as an address becomes one, so that no rule about addresses can be walked around by spelling.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.is_empty() || text.len() > MAX_NAME {
            return None;
        }
        let text = std::str::from_utf8(text).ok()?;
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Self::Address(address));
        }
        let is_name = !text.contains([':', '[']) && check_host(text.as_bytes()).is_ok();
        is_name.then(|| Self::Name(text.into()))
    }

    /// The address, unless it is a name.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Name(_) => None,
        }
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        Self::Address(address)
    }
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// The host.
    pub host: Host,
    /// The port; 0 stands for "not known" where a proxy reports one.
    pub port: u16,
}

impl Endpoint {
    /// `0.0.0.0:0`: what a proxy reports that does not tell its address.
    pub const UNSPECIFIED: Self = Self {
        host: Host::Address(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        port: 0,
    };

    /// An endpoint from a host's text (see [`Host::parse`]) and a port.
    ///
    /// [`Code::ProxyTargetInvalid`] where the text is no host. Port 0 is let pass: UDP ASSOCIATE may send it.
    pub fn new(host: &[u8], port: u16) -> Result<Self, Error> {
        let host = Host::parse(host).ok_or(Error::new(Code::ProxyTargetInvalid))?;
        Ok(Self { host, port })
    }

    /// The endpoint of a checked authority: `name:port`, `1.2.3.4:port`, `[v6]:port`.
    pub(crate) fn from_authority(authority: &[u8]) -> Option<Self> {
        let colon = authority.iter().rposition(|&b| b == b':')?;
        let (host, port) = (&authority[..colon], &authority[colon + 1..]);
        let port = std::str::from_utf8(port).ok()?.parse().ok()?;
        let host = match host {
            [b'[', inner @ .., b']'] => inner,
            plain => plain,
        };
        Some(Self {
            host: Host::parse(host)?,
            port,
        })
    }

    /// The address to use where a proxy reports an unspecified one: the proxy's own, with the port reported.
    ///
    /// RFC 1928 §6 has the client send its datagrams to BND.ADDR; proxies that listen on every address write
    /// `0.0.0.0` or `::` there.
    pub fn or_address_of(&self, proxy: IpAddr) -> Self {
        match &self.host {
            Host::Address(address) if address.is_unspecified() => Self {
                host: Host::Address(proxy),
                port: self.port,
            },
            _ => self.clone(),
        }
    }

    /// Whether it has the form of a target: a port, and a name that every kind of proxy can carry.
    pub(crate) fn is_target(&self) -> bool {
        let host = match &self.host {
            Host::Address(_) => true,
            Host::Name(name) => Host::parse(name.as_bytes()).as_ref() == Some(&self.host),
        };
        host && self.port != 0
    }

    /// Appends ATYP, address and port (RFC 1928 §5). A name is at most 255 bytes by the contract of [`Host`].
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match &self.host {
            Host::Address(IpAddr::V4(address)) => {
                out.push(IPV4);
                out.extend_from_slice(&address.octets());
            }
            Host::Address(IpAddr::V6(address)) => {
                out.push(IPV6);
                out.extend_from_slice(&address.octets());
            }
            Host::Name(name) => {
                let name = &name.as_bytes()[..name.len().min(MAX_NAME)];
                out.extend_from_slice(&[NAME, name.len() as u8]);
                out.extend_from_slice(name);
            }
        }
        out.extend_from_slice(&self.port.to_be_bytes());
    }

    /// Reads ATYP, address and port that are whole: `bytes` ends with the port.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (&kind, rest) = bytes.split_first()?;
        let (host, port) = rest.split_at_checked(rest.len().checked_sub(2)?)?;
        let host = match kind {
            IPV4 => Host::Address(<[u8; 4]>::try_from(host).ok()?.into()),
            IPV6 => Host::Address(<[u8; 16]>::try_from(host).ok()?.into()),
            NAME => Host::parse(host.get(1..)?)?,
            _ => return None,
        };
        let port = u16::from_be_bytes(port.try_into().ok()?);
        Some(Self { host, port })
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self {
            host: Host::Address(address.ip()),
            port: address.port(),
        }
    }
}

/// As an authority: IPv6 in brackets.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
            Host::Address(address) => write!(f, "{address}:{}", self.port),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

/// How long ATYP, address and port are, from ATYP on; `Err(())` for an unknown type or a name of length 0.
pub(crate) fn measure(bytes: &[u8]) -> Result<Measure, ()> {
    match bytes {
        [] => Ok(Measure::AtLeast(1)),
        [IPV4, ..] => Ok(Measure::Whole(1 + 4 + 2)),
        [IPV6, ..] => Ok(Measure::Whole(1 + 16 + 2)),
        [NAME] => Ok(Measure::AtLeast(2)),
        [NAME, 0, ..] => Err(()),
        [NAME, length, ..] => Ok(Measure::Whole(2 + usize::from(*length) + 2)),
        _ => Err(()),
    }
}

/// Whether an address type is one that RFC 1928 defines.
pub(crate) fn is_known_type(kind: u8) -> bool {
    matches!(kind, IPV4 | NAME | IPV6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_an_address_where_it_reads_as_one() {
        for (text, address) in [
            ("1.2.3.4", "1.2.3.4"),
            ("::1", "::1"),
            ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
        ] {
            assert_eq!(
                Host::parse(text.as_bytes()),
                Some(Host::Address(address.parse().unwrap())),
                "{text}"
            );
        }
        for text in ["a", "example.com", "a_b", "1.2.3", "0x7f.1", "xn--a.", "a%20b"] {
            assert_eq!(Host::parse(text.as_bytes()), Some(Host::Name(text.into())), "{text}");
        }
    }

    #[test]
    fn refuses_names_that_could_be_read_as_something_else() {
        let refused = [
            "",
            "a b",
            "a:1",
            "[::1]",
            "a/b",
            "u@a",
            "a\r\nb",
            "a\0b",
            "caf\u{e9}",
            "fe80::1%eth0",
            "a#b",
            "a%zz",
        ];
        for text in refused {
            assert_eq!(Host::parse(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(Host::parse(b"caf\xe9"), None);
    }

    #[test]
    fn a_name_of_255_bytes_is_a_name_and_one_of_256_is_not() {
        assert!(Host::parse(&[b'a'; 255]).is_some());
        assert!(Host::parse(&[b'a'; 256]).is_none());
    }

    #[test]
    fn every_endpoint_survives_its_wire_form() {
        for (host, port) in [("1.2.3.4", 80), ("2001:db8::1", 443), ("example.com", 65_535), ("a", 0)] {
            let endpoint = Endpoint::new(host.as_bytes(), port).expect("a host");
            let mut wire = Vec::new();
            endpoint.write(&mut wire);
            assert_eq!(measure(&wire), Ok(Measure::Whole(wire.len())));
            assert_eq!(Endpoint::read(&wire), Some(endpoint.clone()));
            for end in 0..wire.len() {
                assert_ne!(Endpoint::read(&wire[..end]), Some(endpoint.clone()), "cut at {end}");
            }
            if port != 0 {
                assert_eq!(
                    Endpoint::from_authority(endpoint.to_string().as_bytes()),
                    Some(endpoint)
                );
            }
        }
    }

    #[test]
    fn an_unspecified_bound_address_means_the_proxys_own() {
        let proxy: IpAddr = "192.0.2.7".parse().unwrap();
        for unspecified in ["0.0.0.0:9", "[::]:9"] {
            let bound = Endpoint::from_authority(unspecified.as_bytes()).unwrap();
            assert_eq!(bound.or_address_of(proxy).to_string(), "192.0.2.7:9");
        }
        let bound = Endpoint::from_authority(b"198.51.100.1:9").unwrap();
        assert_eq!(bound.or_address_of(proxy), bound);
    }
}
