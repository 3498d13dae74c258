//! What the tests of this crate share: a CA, contexts with the tests' time, links.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod ocsp;

use std::sync::{Arc, OnceLock};

use millrace_testkit::contexts::{NAME, Site};
use millrace_testkit::pki::{Authority, Leaf};
use millrace_testkit::tls::{Cut, Link};
use millrace_tls::{
    ClientAuth, ClientContext, ClientOptions, Identity, ServerContext, ServerOptions, TlsSession, Trust,
};

fn site() -> &'static Site {
    static SITE: OnceLock<Site> = OnceLock::new();
    SITE.get_or_init(|| Site::new("millrace test CA"))
}

/// The CA of a test binary.
pub fn ca() -> &'static Authority {
    &site().ca
}

/// A certificate for [`NAME`].
pub fn leaf() -> &'static Leaf {
    &site().leaf
}

pub fn chained(leaf: &Leaf, others: &[&[u8]]) -> Identity {
    let pem: String = std::iter::once(leaf.certificate.as_slice())
        .chain(others.iter().copied())
        .map(|der| pem("CERTIFICATE", der))
        .collect();
    Identity::new(pem.as_bytes(), &leaf.key).expect("a good chain")
}

/// RFC 7468.
pub fn pem(label: &str, der: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for (index, group) in der.chunks(3).enumerate() {
        if index % 16 == 0 && index > 0 {
            text.push('\n');
        }
        let bits = (0..3).fold(0_u32, |bits, at| {
            bits << 8 | u32::from(group.get(at).copied().unwrap_or(0))
        });
        for place in 0..4 {
            let digit = char::from(DIGITS[(bits >> (18 - 6 * place)) as usize & 63]);
            text.push(if place <= group.len() { digit } else { '=' });
        }
    }
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

pub fn trust() -> Arc<Trust> {
    site().trust()
}

pub fn server(change: impl FnOnce(&mut ServerOptions)) -> Arc<ServerContext> {
    site().server(change)
}

pub fn client(change: impl FnOnce(&mut ClientOptions)) -> Arc<ClientContext> {
    site().client(change)
}

/// A link on which the handshake has run as far as it goes.
pub fn link_to(name: &str, client: &Arc<ClientContext>, server: &Arc<ServerContext>, cut: Cut) -> Link<TlsSession> {
    let mut link = Link::new(client.connect(name).expect("a name"), server.accept(), cut);
    link.run();
    link
}

pub fn link(client: &Arc<ClientContext>, server: &Arc<ServerContext>) -> Link<TlsSession> {
    link_to(NAME, client, server, Cut::Whole)
}

/// Asks for client certificates from the tests' CA.
pub fn required() -> ClientAuth {
    ClientAuth::Required(trust())
}

pub fn established(link: &Link<TlsSession>) -> bool {
    use millrace_tls::TlsEngine;
    link.client.session.facts().is_some() && link.server.session.facts().is_some()
}
