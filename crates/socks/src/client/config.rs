//! What a client's handshake is to reach, and whether its kind of proxy can be asked for that.

use std::net::{IpAddr, Ipv4Addr};

use millrace_error::{Code, Error};
use millrace_http1::Limits;
use zeroize::Zeroizing;

use crate::address::{Endpoint, Host};
use crate::secret::Credentials;
use crate::socks4::MAX_USER_ID;
use crate::{Command, basic};

/// A kind of proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// SOCKS4: IPv4 targets, a user id.
    Socks4,
    /// SOCKS4a: as SOCKS4, and names.
    Socks4a,
    /// SOCKS5 with the target's address.
    Socks5,
    /// SOCKS5 with the target's name, or an address.
    Socks5h,
    /// HTTP CONNECT.
    Connect,
}

impl Kind {
    /// Whether the proxy resolves names; otherwise the target must be an address already.
    pub const fn takes_names(self) -> bool {
        matches!(self, Self::Socks4a | Self::Socks5h | Self::Connect)
    }

    pub(crate) const fn is_socks5(self) -> bool {
        matches!(self, Self::Socks5 | Self::Socks5h)
    }

    pub(crate) const fn is_socks4(self) -> bool {
        matches!(self, Self::Socks4 | Self::Socks4a)
    }
}

/// What a handshake is to reach and by which means.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The kind of the proxy.
    pub kind: Kind,
    /// Whether a TLS handshake with the proxy comes first.
    pub tls: bool,
    /// What is asked for; UDP ASSOCIATE of SOCKS5 alone.
    pub command: Command,
    /// Whom the tunnel leads to. For UDP ASSOCIATE: from where our datagrams will come, [`Endpoint::UNSPECIFIED`] if
    /// that is not known (RFC 1928 §6).
    pub target: Endpoint,
    /// For SOCKS4 the user name is the user id, and there must be no password.
    pub credentials: Option<Credentials>,
    /// Fields of the CONNECT request as a block of `crates/head`; a `Host` given here stands instead of the target's.
    pub headers: Zeroizing<Vec<u8>>,
    /// Sends Basic credentials with the first request instead of waiting for a 407. It saves a round trip and shows
    /// the password to a proxy that would have been content with Digest.
    pub basic_at_once: bool,
    /// Random bytes for the client nonce of Digest, fresh for each handshake.
    pub entropy: [u8; 16],
    /// Limits of the proxy's response head.
    pub limits: Limits,
}

impl ClientConfig {
    /// A CONNECT without credentials, TLS or fields.
    ///
    /// `entropy` stays zero: set it where there are credentials for an HTTP proxy.
    pub fn new(kind: Kind, target: Endpoint) -> Self {
        Self {
            kind,
            tls: false,
            command: Command::Connect,
            target,
            credentials: None,
            headers: Zeroizing::default(),
            basic_at_once: false,
            entropy: [0; 16],
            limits: Limits::default(),
        }
    }

    /// Whether this kind of proxy can be asked for this.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.check_target()?;
        match &self.credentials {
            Some(credentials) if !self.can_carry(credentials) => Err(Error::new(Code::ProxyCredentialsInvalid)),
            _ => Ok(()),
        }
    }

    fn check_target(&self) -> Result<(), Error> {
        let supported = match (&self.target.host, self.kind) {
            (_, kind) if self.command == Command::UdpAssociate && !kind.is_socks5() => false,
            (Host::Name(_), kind) => kind.takes_names(),
            (Host::Address(IpAddr::V6(_)), kind) => !kind.is_socks4(),
            // 0.0.0.1 to 0.0.0.255 say "a name follows" (SOCKS4a).
            (Host::Address(IpAddr::V4(address)), Kind::Socks4 | Kind::Socks4a) => {
                address.octets()[..3] != [0; 3] || *address == Ipv4Addr::UNSPECIFIED
            }
            _ => true,
        };
        if !supported {
            return Err(Error::new(Code::ProxyTargetUnsupported));
        }
        match self.command {
            Command::Connect if !self.target.is_target() => Err(Error::new(Code::ProxyTargetInvalid)),
            _ => Ok(()),
        }
    }

    fn can_carry(&self, credentials: &Credentials) -> bool {
        let (username, password) = (credentials.username(), credentials.password());
        match self.kind {
            Kind::Socks4 | Kind::Socks4a => {
                username.len() <= MAX_USER_ID && !username.contains(&0) && password.is_empty()
            }
            // RFC 1929 §2: 1 to 255 bytes each. Providers exist that want a password of length 0.
            Kind::Socks5 | Kind::Socks5h => (1..=255).contains(&username.len()) && password.len() <= 255,
            Kind::Connect => basic::fits(credentials),
        }
    }
}
