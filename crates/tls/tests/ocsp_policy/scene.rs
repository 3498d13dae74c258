//! Certificates with their staples, and sessions that show them.

use crate::support::{ca, client, link};
use millrace_testkit::contexts::{NAME, identity, server_with};
use millrace_testkit::pki::ocsp::{self, Answer, Response, Says};
use millrace_testkit::pki::{Leaf, Wish};
use millrace_testkit::tls::Link;
use millrace_tls::{OcspPolicy, TlsEngine, TlsFacts, TlsSession, TlsVersion};

/// A certificate that demands a staple.
pub fn demanding() -> Leaf {
    ca().issue(&Wish {
        extensions: vec![ocsp::must_staple()],
        serial: 1001,
        ..Wish::new(&[NAME])
    })
}

pub fn saying(leaf: &Leaf, says: Says) -> Vec<u8> {
    let answer = Answer {
        says,
        ..Answer::good(&leaf.certificate, ca().certificate())
    };
    Response::with(vec![answer]).signed_by(ca())
}

/// A session for each version, with this certificate, staple and policy.
pub fn links(leaf: &Leaf, staple: Option<Vec<u8>>, policy: OcspPolicy) -> Vec<Link<TlsSession>> {
    [TlsVersion::Tls12, TlsVersion::Tls13]
        .into_iter()
        .map(|version| {
            let shown = identity(leaf).with_ocsp(staple.clone());
            let server = server_with(vec![shown], |options| options.max_version = version);
            link(&client(|options| options.ocsp = policy), &server)
        })
        .collect()
}

pub fn facts(link: &Link<TlsSession>) -> TlsFacts {
    let facts = link.client.session.facts();
    facts.unwrap_or_else(|| panic!("refused: {:?}", link.client.error))
}
