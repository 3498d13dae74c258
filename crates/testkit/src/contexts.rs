//! TLS contexts at the time of the tests: of servers that a CA of theirs vouches for, and of clients that trust it.

use std::sync::Arc;

use millrace_tls::{ClientContext, ClientOptions, Clock, Identity, ServerContext, ServerOptions, Trust, TrustOptions};

use crate::pki::{Authority, Leaf, NOW, Wish};

/// The name of a [`Site`]'s server.
pub const NAME: &str = "server.test";

/// A clock that stands at [`NOW`].
pub fn clock() -> Clock {
    Clock::manual(NOW)
}

/// A certificate and its key, as a server or a client shows it.
///
/// # Panics
/// When they do not belong together.
pub fn identity(leaf: &Leaf) -> Identity {
    Identity::new(&leaf.certificate, &leaf.key).expect("a good certificate")
}

/// Trust in these CAs and in what these CRLs say of their certificates.
///
/// # Panics
/// When one of them is not usable.
pub fn trust_in(ca: &[&[u8]], crls: &[Vec<u8>]) -> Arc<Trust> {
    let options = TrustOptions {
        ca: ca.iter().map(|der| der.to_vec()).collect(),
        crls: crls.to_vec(),
        ..TrustOptions::default()
    };
    Arc::new(Trust::new(&options).expect("good CAs and CRLs"))
}

/// A server with these identities.
///
/// # Panics
/// When the options are refused.
pub fn server_with(identities: Vec<Identity>, change: impl FnOnce(&mut ServerOptions)) -> Arc<ServerContext> {
    let mut options = ServerOptions {
        identities,
        clock: clock(),
        ..ServerOptions::default()
    };
    change(&mut options);
    ServerContext::new(options).expect("a good configuration")
}

/// A client with this trust.
///
/// # Panics
/// When the options are refused.
pub fn client_with(trust: Arc<Trust>, change: impl FnOnce(&mut ClientOptions)) -> Arc<ClientContext> {
    let mut options = ClientOptions {
        clock: clock(),
        ..ClientOptions::new(trust)
    };
    change(&mut options);
    ClientContext::new(options).expect("a good configuration")
}

/// A CA, and the certificate for [`NAME`] that it has issued.
pub struct Site {
    /// The CA.
    pub ca: Authority,
    /// The certificate.
    pub leaf: Leaf,
}

impl Site {
    /// A site whose CA has this name.
    pub fn new(ca: &str) -> Self {
        let ca = Authority::new(ca);
        let leaf = ca.issue(&Wish::new(&[NAME]));
        Self { ca, leaf }
    }

    /// Trust in its CA.
    pub fn trust(&self) -> Arc<Trust> {
        trust_in(&[self.ca.certificate()], &[])
    }

    /// Its server.
    pub fn server(&self, change: impl FnOnce(&mut ServerOptions)) -> Arc<ServerContext> {
        server_with(vec![identity(&self.leaf)], change)
    }

    /// A client of it.
    pub fn client(&self, change: impl FnOnce(&mut ClientOptions)) -> Arc<ClientContext> {
        client_with(self.trust(), change)
    }
}
