//! What a client says of a server with a certificate, and how a refusal looks.

use crate::support::{ca, client, established, link_to};
use millrace_error::Code;
use millrace_testkit::contexts::{identity, server_with};
use millrace_testkit::pki::Wish;
use millrace_testkit::tls::{Cut, Link};
use millrace_tls::{ClientOptions, Identity, TlsEngine, TlsSession, TlsVersion};

/// A server with this identity, and what a client with these options says of it.
pub fn judged(identity: Identity, name: &str, change: impl Fn(&mut ClientOptions)) -> Vec<Link<TlsSession>> {
    [TlsVersion::Tls12, TlsVersion::Tls13]
        .into_iter()
        .map(|version| {
            let server = server_with(vec![identity.clone()], |options| options.max_version = version);
            link_to(name, &client(&change), &server, Cut::Whole)
        })
        .collect()
}

pub fn refused(links: Vec<Link<TlsSession>>, code: Code, alert: &str, words: &[&str]) {
    for link in links {
        let error = link.client.error.as_ref().expect("the client refuses");
        assert_eq!(error.code, code, "{error}");
        let detail = error.detail().expect("facts");
        for word in words {
            assert!(detail.contains(word), "{word} is missing in {detail}");
        }
        for debug in ["Other", "Error", "Context", "(\"", "{", "["] {
            assert!(!detail.contains(debug), "words for a person: {detail}");
        }
        let told = link.server.error.as_ref().expect("the server is told");
        assert_eq!(
            (told.code, told.alert),
            (Code::TlsAlertReceived, Some(alert)),
            "{code:?}"
        );
        assert!(link.server.plaintext.is_empty() && link.client.session.facts().is_none());
    }
}

pub fn accepted(links: Vec<Link<TlsSession>>) {
    for link in links {
        assert!(established(&link), "{:?}", link.client.error);
        assert_eq!(link.client.session.facts().expect("facts").authorization_error, None);
    }
}

pub fn defaults(_: &mut ClientOptions) {}

pub fn issued(wish: Wish) -> Identity {
    identity(&ca().issue(&wish))
}
