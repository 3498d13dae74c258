//! Sessions that are resumed, and those that must not be.

mod support;

use std::sync::Arc;

use millrace_error::Code;
use millrace_testkit::contexts::{NAME, clock, identity, server_with, trust_in};
use millrace_testkit::pki::{Authority, DAY, NOW, Wish};
use millrace_testkit::tls::{Cut, End, Link};
use millrace_tls::{
    ClientAuth, ClientContext, Clock, ROTATION_INTERVAL_S, SESSION_TIMEOUT_S, ServerContext, ServerOptions,
    TicketSecret, TlsEngine, TlsEvent, TlsSession, TlsVersion,
};
use support::{ca, client, established, leaf, link, link_to, required, server, trust};

const VERSIONS: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];

/// Whether the next connection resumes a session; both sides must agree on it.
fn resumes(client: &Arc<ClientContext>, server: &Arc<ServerContext>) -> bool {
    let link = link(client, server);
    assert!(established(&link), "{:?} {:?}", link.client.error, link.server.error);
    let of = |session: &TlsSession| session.facts().expect("established").resumed;
    let (ours, theirs) = (of(&link.client.session), of(&link.server.session));
    assert_eq!(ours, theirs);
    ours
}

fn pair(
    version: TlsVersion,
    change: impl FnOnce(&mut ServerOptions),
) -> (Arc<ClientContext>, Arc<ServerContext>, Clock) {
    let clock = clock();
    let server = server(|options| {
        options.max_version = version;
        options.clock = clock.clone();
        change(options);
    });
    (client(|options| options.clock = clock.clone()), server, clock)
}

#[test]
fn sessions_are_resumed_by_ticket_and_by_cache() {
    for version in VERSIONS {
        for tickets in [true, false] {
            let (client, server, _) = pair(version, |options| options.tickets = tickets);
            assert!(!resumes(&client, &server));
            assert!(resumes(&client, &server), "{version:?} tickets {tickets}");
            assert!(resumes(&client, &server), "{version:?} tickets {tickets}, again");
        }
        let (client, server, _) = pair(version, |options| {
            options.tickets = false;
            options.session_cache_size = 0;
        });
        assert!(
            !resumes(&client, &server) && !resumes(&client, &server),
            "there is nothing to resume by"
        );
    }
}

#[test]
fn a_session_is_resumed_until_its_timeout() {
    for version in VERSIONS {
        for tickets in [true, false] {
            let (client, server, clock) = pair(version, |options| options.tickets = tickets);
            assert!(!resumes(&client, &server));
            clock.set(NOW + u64::from(SESSION_TIMEOUT_S) - 1);
            assert!(resumes(&client, &server), "{version:?} tickets {tickets}");
            let (client, server, clock) = pair(version, |options| options.tickets = tickets);
            assert!(!resumes(&client, &server));
            clock.set(NOW + u64::from(SESSION_TIMEOUT_S));
            assert!(!resumes(&client, &server), "{version:?} tickets {tickets}, too late");
        }
    }
}

#[test]
fn tickets_survive_one_rotation_and_not_two() {
    for version in VERSIONS {
        for (rotations, good) in [(1, true), (2, false)] {
            let (client, server, _) = pair(version, |_| {});
            assert!(!resumes(&client, &server));
            for _ in 0..rotations {
                server.rotate_tickets(None).expect("random bytes");
            }
            assert_eq!(resumes(&client, &server), good, "{version:?} after {rotations}");
        }
    }
}

#[test]
fn keys_that_rotate_by_themselves_keep_fresh_tickets_good() {
    let (client, server, clock) = pair(TlsVersion::Tls13, |_| {});
    clock.set(NOW + ROTATION_INTERVAL_S - 1);
    assert!(!resumes(&client, &server));
    clock.set(NOW + ROTATION_INTERVAL_S + 1);
    // The first connection after the interval rotates when it seals its own tickets.
    assert!(!resumes(
        &support::client(|options| options.clock = clock.clone()),
        &server
    ));
    assert!(resumes(&client, &server));
}

#[test]
fn a_fleet_with_one_secret_resumes_each_others_sessions() {
    let secret = |byte| TicketSecret::new(&[byte; 48]).expect("48 bytes");
    for version in VERSIONS {
        let (client, one, _) = pair(version, |options| options.ticket_keys = Some(secret(1)));
        let (_, two, _) = pair(version, |options| options.ticket_keys = Some(secret(1)));
        let (_, other, _) = pair(version, |options| options.ticket_keys = Some(secret(2)));
        assert!(!resumes(&client, &one));
        assert!(resumes(&client, &two), "{version:?}");
        assert!(!resumes(&client, &other), "{version:?}");

        // The fleet rotates to a new secret; a member that has not yet been told gives way to the grace key.
        assert!(resumes(&client, &other));
        other.rotate_tickets(Some(&secret(1))).expect("good");
        assert!(resumes(&client, &other), "the key before is the grace key");
        assert!(resumes(&client, &one), "the new key is the fleet's");
    }
}

#[test]
fn a_ticket_is_only_for_the_name_that_it_was_given_to() {
    let two = ca().issue(&Wish::new(&["two.test"]));
    let server = server_with(vec![identity(leaf()), identity(&two)], |_| {});
    let client = client(|_| {});
    assert!(!resumes(&client, &server));
    let link = link_to("two.test", &client, &server, Cut::Whole);
    assert!(!link.client.session.facts().expect("established").resumed);
}

#[test]
fn replacing_certificates_and_protocols_keeps_sessions() {
    for version in VERSIONS {
        for tickets in [true, false] {
            let (client, server, _) = pair(version, |options| options.tickets = tickets);
            assert!(!resumes(&client, &server));
            let next = ca().issue(&Wish::new(&[NAME]));
            server
                .update(|options| {
                    options.identities = vec![identity(&next)];
                    options.alpn = vec![b"h2".to_vec()];
                })
                .expect("good");
            assert!(resumes(&client, &server), "{version:?} tickets {tickets}");
        }
    }
}

#[test]
fn a_change_of_what_clients_are_judged_by_ends_their_sessions() {
    let person = ca().issue(&Wish::new(&["person.test"]));
    let other_ca = Authority::new("another CA");
    type Change = fn(&mut ServerOptions, &Authority);
    let changes: [(&str, Change); 3] = [
        ("a CRL", |options, _| {
            let crl = ca().crl(&[5], NOW + DAY);
            options.client_auth = ClientAuth::Required(trust_in(&[ca().certificate()], &[crl]));
        }),
        ("a CA", |options, other| {
            options.client_auth = ClientAuth::Required(trust_in(&[ca().certificate(), other.certificate()], &[]));
        }),
        ("the mode", |options, _| {
            options.client_auth = ClientAuth::DangerouslyOptional(trust())
        }),
    ];
    for version in VERSIONS {
        for tickets in [true, false] {
            for (what, change) in changes {
                let (client, server, _) = pair(version, |options| {
                    options.tickets = tickets;
                    options.client_auth = required();
                });
                client
                    .update(|options| options.identity = Some(identity(&person)))
                    .expect("good");
                assert!(!resumes(&client, &server));
                server.update(|_| {}).expect("good");
                assert!(resumes(&client, &server), "nothing changed");
                server.update(|options| change(options, &other_ca)).expect("good");
                assert!(!resumes(&client, &server), "{version:?} tickets {tickets}: {what}");
            }
        }
    }
}

#[test]
fn a_resumed_session_still_knows_its_peer_and_what_is_wrong_with_it() {
    for version in VERSIONS {
        let own = Wish::new(&[NAME]).self_signed();
        let server = server_with(vec![identity(&own)], |options| {
            options.max_version = version;
            options.client_auth = ClientAuth::DangerouslyOptional(trust());
        });
        let client = client(|options| {
            options.dangerously_accept_any_certificate = true;
            options.identity = Some(identity(&own));
        });
        for resumed in [false, true] {
            let link = link(&client, &server);
            for session in [&link.client.session, &link.server.session] {
                let facts = session.facts().expect("established");
                assert_eq!(
                    (facts.resumed, facts.peer_certificates),
                    (resumed, vec![own.certificate.clone()])
                );
                assert_eq!(facts.authorization_error.expect("reported").code, Code::TlsSelfSigned);
            }
        }
    }
}

#[test]
fn a_client_whose_rules_change_forgets_its_sessions() {
    let (client, server, _) = pair(TlsVersion::Tls13, |_| {});
    assert!(!resumes(&client, &server));
    client.reload_crls(&[ca().crl(&[], NOW + DAY)]).expect("good");
    assert!(!resumes(&client, &server));
    let none = support::client(|options| options.sessions = 0);
    assert!(!resumes(&none, &server) && !resumes(&none, &server));
}

#[test]
fn a_handshake_that_is_under_way_keeps_the_configuration_that_it_began_with() {
    for version in VERSIONS {
        let next = ca().issue(&Wish::new(&[NAME]));
        let (client, server, _) = pair(version, |_| {});
        let mut link = Link::new(client.connect(NAME).expect("a name"), server.accept(), Cut::Whole);
        let hello = link.client.take_ciphertext();
        link.server.give(&hello);
        server
            .update(|options| options.identities = vec![identity(&next)])
            .expect("good");
        let mut late = Link::new(client.connect(NAME).expect("a name"), server.accept(), Cut::Whole);
        late.run();
        link.run();
        let shown = |link: &Link<TlsSession>| link.client.session.facts().expect("established").peer_certificates;
        assert_eq!(shown(&link), std::slice::from_ref(&leaf().certificate));
        assert_eq!(shown(&late), std::slice::from_ref(&next.certificate));
    }
}

#[test]
fn reloading_under_load_fails_no_handshake_and_mixes_no_certificates() {
    let leaves: Vec<_> = (0..4).map(|_| ca().issue(&Wish::new(&[NAME]))).collect();
    let (_, server, _) = pair(TlsVersion::Tls13, |_| {});
    std::thread::scope(|scope| {
        let reloading = scope.spawn(|| {
            for round in 0..200 {
                let next = identity(&leaves[round % leaves.len()]);
                server.update(|options| options.identities = vec![next]).expect("good");
                server.rotate_tickets(None).expect("random bytes");
            }
        });
        let client = client(|_| {});
        let mut handshakes = 0;
        while !reloading.is_finished() || handshakes < 20 {
            // The signature over the handshake fails when certificate and key are of two configurations.
            assert!(established(&link(&client, &server)));
            handshakes += 1;
        }
    });
}

#[test]
fn a_bad_update_changes_nothing() {
    let (client, server, _) = pair(TlsVersion::Tls13, |_| {});
    assert!(!resumes(&client, &server));
    let error = server
        .update(|options| options.ciphers = vec!["RC4-MD5".to_owned()])
        .expect_err("no suite");
    assert!(error.to_string().contains("RC4-MD5"), "{error}");
    server
        .update(|options| options.identities.clear())
        .expect_err("no certificate");
    assert!(resumes(&client, &server));
}

fn early_pair() -> (Arc<ClientContext>, Arc<ServerContext>) {
    let (client, server, _) = pair(TlsVersion::Tls13, |options| options.max_early_data = 1_000);
    client.update(|options| options.early_data = true).expect("good");
    (client, server)
}

#[test]
fn early_data_arrives_apart_and_first_when_it_is_allowed() {
    for cut in [Cut::Whole, Cut::Bytes, Cut::Random(3)] {
        let (client, server) = early_pair();
        assert!(!resumes(&client, &server));
        let mut link = Link::new(client.connect(NAME).expect("a name"), server.accept(), cut);
        assert_eq!(link.client.session.seal_early(b"GET / early").expect("a client"), 11);
        link.run();
        assert_eq!(link.server.early_data, b"GET / early");
        link.send_up(b"late");
        assert_eq!(link.server.plaintext, b"late");
        for session in [&link.client.session, &link.server.session] {
            assert!(session.facts().expect("established").early_data);
        }
        assert_eq!(link.client.events, [TlsEvent::Established]);
    }
}

#[test]
fn early_data_stops_at_what_the_server_allows() {
    let (client, server) = early_pair();
    assert!(!resumes(&client, &server));
    let mut link = Link::new(client.connect(NAME).expect("a name"), server.accept(), Cut::Whole);
    assert_eq!(link.client.session.seal_early(&[7; 1_001]).expect("a client"), 1_000);
    assert_eq!(link.client.session.seal_early(&[7]).expect("a client"), 0);
    link.run();
    assert_eq!(link.server.early_data, [7; 1_000]);
}

#[test]
fn replayed_early_data_is_not_taken() {
    let (client, server) = early_pair();
    assert!(!resumes(&client, &server));
    let mut link = Link::new(client.connect(NAME).expect("a name"), server.accept(), Cut::Whole);
    link.client.session.seal_early(b"pay").expect("a client");
    let recorded = link.client.take_ciphertext();
    link.server.give(&recorded);
    assert_eq!(link.server.early_data, b"pay");
    let mut replayed = End::new(server.accept());
    replayed.give(&recorded);
    assert!(replayed.early_data.is_empty() && replayed.plaintext.is_empty());
    assert!(replayed.session.facts().is_none());
}

#[test]
fn early_data_that_is_refused_is_said_to_be() {
    let (client, server) = early_pair();
    assert!(!resumes(&client, &server));
    // Another server behind the same name, which knows no such session.
    let (_, other) = early_pair();
    let mut link = Link::new(client.connect(NAME).expect("a name"), other.accept(), Cut::Whole);
    link.client.session.seal_early(b"lost").expect("a client");
    link.run();
    assert_eq!(link.client.events, [TlsEvent::Established, TlsEvent::EarlyDataRefused]);
    assert!(link.server.early_data.is_empty() && !link.client.session.facts().expect("established").early_data);
    link.send_up(b"again");
    assert_eq!(link.server.plaintext, b"again");
}

#[test]
fn without_the_option_no_early_data_is_sent_or_taken() {
    let (client, server, _) = pair(TlsVersion::Tls13, |_| {});
    client.update(|options| options.early_data = true).expect("good");
    assert!(!resumes(&client, &server));
    let mut session = client.connect(NAME).expect("a name");
    assert_eq!(
        session.seal_early(b"no").expect("a client"),
        0,
        "the server's ticket allows none"
    );
    let error = server.accept().seal_early(b"no").expect_err("a server has none");
    assert_eq!(error.code, Code::InvalidState);
}
