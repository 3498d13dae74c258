//! Sessions that come about: what is agreed on, and what goes through them.

mod agreement;
mod certificates;
mod clients;
mod configuration;
mod sealing;
#[path = "../support/mod.rs"]
mod support;

use millrace_testkit::tls::{Cut, Link};
use millrace_tls::{TlsEngine, TlsFacts, TlsSession};

const CUTS: [Cut; 4] = [Cut::Whole, Cut::Bytes, Cut::Random(1), Cut::Random(2)];

fn facts(link: &Link<TlsSession>) -> (TlsFacts, TlsFacts) {
    let of = |session: &TlsSession, error: &Option<_>| {
        session.facts().unwrap_or_else(|| panic!("not established: {error:?}"))
    };
    (
        of(&link.client.session, &link.client.error),
        of(&link.server.session, &link.server.error),
    )
}

fn shown(link: &Link<TlsSession>) -> Vec<u8> {
    facts(link).0.peer_certificates[0].clone()
}
