//! CRLs: which are taken, what they say of themselves, and whom they reach.

mod support;

use std::slice;
use std::sync::Arc;

use millrace_error::Code;
use millrace_testkit::contexts::{NAME, identity, server_with};
use millrace_testkit::pki::crl::{Crl, delta, distribution_point, number};
use millrace_testkit::pki::der::{self, extension, tagged};
use millrace_testkit::pki::{Authority, DAY, Leaf, NOW, Wish};
use millrace_tls::{ClientAuth, CrlFacts, Identity, TlsEngine, TlsError, Trust, TrustOptions};
use support::{ca, chained, client, established, leaf, link, pem, required, server};

fn load(crls: &[Vec<u8>]) -> Result<Trust, TlsError> {
    Trust::new(&TrustOptions {
        ca: vec![ca().certificate().to_vec()],
        crls: crls.to_vec(),
        ..TrustOptions::default()
    })
}

fn trusting(change: impl FnOnce(&mut TrustOptions)) -> Arc<Trust> {
    let mut options = TrustOptions {
        ca: vec![ca().certificate().to_vec()],
        ..TrustOptions::default()
    };
    change(&mut options);
    Arc::new(Trust::new(&options).expect("good CAs and CRLs"))
}

/// What a client says of a server that shows this.
fn judged(shown: Identity, trust: &Arc<Trust>) -> Option<Code> {
    let client = client(|options| options.trust = Arc::clone(trust));
    let link = link(&client, &server_with(vec![shown], |_| {}));
    assert_eq!(established(&link), link.client.error.is_none());
    link.client.error.map(|error| error.code)
}

/// What a server says of a client that shows this.
fn judged_client(shown: &Leaf, auth: ClientAuth) -> Option<Code> {
    let server = server(|options| options.client_auth = auth);
    let client = client(|options| options.identity = Some(identity(shown)));
    link(&client, &server).server.error.map(|error| error.code)
}

#[test]
fn a_crl_tells_its_issuer_its_times_and_how_many_it_revokes() {
    let first = Crl::of(&[1, 2, 3]).signed_by(ca());
    let second = Crl {
        this_update: NOW - DAY,
        next_update: Some(NOW + 7 * DAY),
        ..Crl::of(&[])
    }
    .signed_by(&Authority::new("another\u{202e}CA"));
    let facts_in = |newer, older| {
        [
            CrlFacts {
                issuer: "CN=another\\u{202e}CA".to_owned(),
                this_update: NOW - DAY,
                next_update: NOW + 7 * DAY,
                count: 0,
                source: newer,
            },
            CrlFacts {
                issuer: "CN=millrace test CA".to_owned(),
                this_update: NOW - 2 * DAY,
                next_update: NOW + DAY,
                count: 3,
                source: older,
            },
        ]
    };
    let text = (pem("X509 CRL", &first) + &pem("X509 CRL", &second)).into_bytes();
    let rows = [
        (vec![first.clone(), second.clone()], facts_in(1, 0)),
        (vec![second, first], facts_in(0, 1)),
        (vec![text], facts_in(0, 0)),
    ];
    for (crls, facts) in rows {
        assert_eq!(load(&crls).expect("good CRLs").crl_facts(), facts, "the newest first");
        let client = client(|_| {});
        assert_eq!(client.crl_facts(), []);
        client.reload_crls(&crls).expect("good CRLs");
        assert_eq!(client.crl_facts(), facts);
        let server = server(|options| options.client_auth = required());
        server.reload_crls(&crls).expect("good CRLs");
        assert_eq!(server.crl_facts(), facts);
    }
    assert_eq!(server(|_| {}).crl_facts(), []);
    // rcgen writes its times as UTCTime.
    let other = load(&[ca().crl(&[1], NOW + DAY)]).expect("a good CRL");
    assert_eq!(
        (other.crl_facts()[0].this_update, other.crl_facts()[0].count),
        (NOW - 2 * DAY, 1)
    );
}

#[test]
fn what_is_not_supported_is_refused_in_words() {
    let with = |change: &dyn Fn(&mut Crl)| {
        let mut crl = Crl::of(&[1]);
        change(&mut crl);
        crl.signed_by(ca())
    };
    let good = with(&|_| {});
    let point = |fields: &[Vec<u8>]| {
        let point = distribution_point(fields);
        with(&|crl| crl.extensions.push(point.clone()))
    };
    let entry = |one: Vec<u8>| with(&|crl| crl.entries[0].1 = vec![one.clone()]);
    let certificate_issuer = extension(&[2, 5, 29, 29], true, &der::sequence(&[]));
    let rows: Vec<(&str, Vec<u8>, &str)> = vec![
        ("delta", with(&|crl| crl.extensions.push(delta(1))), "a delta CRL"),
        ("indirect", point(&[tagged(0x84, &[0xff])]), "an indirect CRL"),
        ("an entry of another CA", entry(certificate_issuer), "an indirect CRL"),
        ("some reasons", point(&[tagged(0x83, &[1, 0x40])]), "for some reasons"),
        ("attribute certificates", point(&[tagged(0x85, &[0xff])]), "malformed"),
        ("version 1", with(&|crl| crl.version = None), "version 1"),
        ("version 3", with(&|crl| crl.version = Some(2)), "version"),
        ("no nextUpdate", with(&|crl| crl.next_update = None), "no nextUpdate"),
        ("no extensions", with(&|crl| crl.extensions.clear()), "no extensions"),
        (
            "an unknown critical extension",
            with(&|crl| crl.extensions.push(extension(&[1, 2, 3], true, b"?"))),
            "a critical extension that is not known here",
        ),
        (
            "an unknown critical entry extension",
            entry(extension(&[1, 2, 3], true, b"?")),
            "a critical extension that is not known here",
        ),
        (
            "an unknown reason",
            entry(extension(&[2, 5, 29, 21], false, &tagged(0x0a, &[7]))),
            "unsupported revocation reason",
        ),
        (
            "a number of 21 bytes",
            with(&|crl| crl.extensions = vec![extension(&[2, 5, 29, 20], false, &tagged(2, &[1; 21]))]),
            "invalid crl number",
        ),
        ("a byte behind it", [&good[..], &[0]].concat(), "malformed"),
        ("a certificate", ca().certificate().to_vec(), "CRL"),
        (
            "a length beyond all memory",
            [&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..], &good].concat(),
            "malformed",
        ),
        ("text", b"not a CRL".to_vec(), "found none"),
        ("nothing", Vec::new(), "found none"),
    ];
    for (name, bytes, words) in rows {
        let error = load(&[bytes]).expect_err(name);
        assert_eq!(error.code, Code::TlsInvalidConfiguration, "{name}");
        let detail = error.detail().expect("words");
        assert!(detail.contains(words), "{name}: {detail}");
    }
    let error = load(&[with(&|crl| crl.extensions.push(delta(1)))]).expect_err("delta");
    assert!(
        error
            .to_string()
            .contains("the CRL of \"CN=millrace test CA\" cannot be used"),
        "{error}"
    );
    for cut in 1..good.len() {
        assert!(load(&[good[..cut].to_vec()]).is_err(), "cut at {cut}");
    }
    assert!(load(&[good]).is_ok());
    assert!(
        load(&[with(
            &|crl| crl.extensions = vec![number(1), extension(&[1, 2, 3], false, b"?")]
        )])
        .is_ok()
    );
}

#[test]
fn of_several_for_one_issuer_the_newest_counts() {
    let old = Crl {
        this_update: NOW - 9 * DAY,
        next_update: Some(NOW + 9 * DAY),
        ..Crl::of(&[])
    }
    .signed_by(ca());
    let stale = Crl {
        this_update: NOW - 9 * DAY,
        next_update: Some(NOW - DAY),
        ..Crl::of(&[leaf().serial])
    }
    .signed_by(ca());
    let revokes = Crl::of(&[leaf().serial]).signed_by(ca());
    let clears = Crl::of(&[]).signed_by(ca());
    let rows = [
        (&old, &revokes, Some(Code::TlsCertificateRevoked)),
        (&stale, &clears, None),
        (&stale, &revokes, Some(Code::TlsCertificateRevoked)),
    ];
    for (before, newest, expected) in rows {
        for crls in [[before, newest], [newest, before]] {
            let trust = trusting(|options| options.crls = crls.map(Clone::clone).to_vec());
            assert_eq!(judged(identity(leaf()), &trust), expected);
        }
    }
}

#[test]
fn the_whole_chain_is_held_against_them_or_only_its_first() {
    let below = ca().intermediate("intermediate CA", None);
    let deep = below.issue(&Wish::new(&[NAME]));
    let shown = || chained(&deep, &[below.certificate()]);
    let of_root = |serials: &[u64]| Crl::of(serials).signed_by(ca());
    let of_below = |serials: &[u64]| Crl::of(serials).signed_by(&below);
    let revokes_below = Crl {
        entries: vec![(der::fields(below.certificate()).serial.to_vec(), Vec::new())],
        ..Crl::of(&[])
    }
    .signed_by(ca());
    let revoked = Some(Code::TlsCertificateRevoked);
    type Row = (Vec<Vec<u8>>, Option<Code>, Option<Code>);
    let rows: Vec<Row> = vec![
        (vec![of_root(&[]), of_below(&[])], None, None),
        (vec![of_root(&[]), of_below(&[deep.serial])], revoked, revoked),
        (vec![revokes_below.clone(), of_below(&[])], revoked, None),
        (vec![of_below(&[])], Some(Code::TlsRevocationUnknown), None),
        (
            vec![of_root(&[])],
            Some(Code::TlsRevocationUnknown),
            Some(Code::TlsRevocationUnknown),
        ),
    ];
    for (crls, whole, first) in rows {
        for (end_entity_only, expected) in [(false, whole), (true, first)] {
            let trust = trusting(|options| {
                options.crls = crls.clone();
                options.crl_end_entity_only = end_entity_only;
            });
            assert_eq!(judged(shown(), &trust), expected, "end entity only: {end_entity_only}");
        }
    }
}

#[test]
fn clients_and_servers_are_held_against_them_alike() {
    let person = ca().issue(&Wish {
        serial: 7,
        ..Wish::new(&["person.test"])
    });
    let other = Authority::new("another CA");
    let stale = |serials: &[u64]| {
        Crl {
            next_update: Some(NOW - 1),
            ..Crl::of(serials)
        }
        .signed_by(ca())
    };
    let fresh = |serials: &[u64]| Crl::of(serials).signed_by(ca());
    let revoked = Some(Code::TlsCertificateRevoked);
    type Row = (&'static str, Vec<u8>, bool, bool, Option<Code>);
    let rows: Vec<Row> = vec![
        ("not listed", fresh(&[8]), false, false, None),
        ("listed", fresh(&[7]), false, false, revoked),
        ("listed, all allowed", fresh(&[7]), true, true, revoked),
        ("stale", stale(&[]), false, false, Some(Code::TlsCrlExpired)),
        ("stale, allowed", stale(&[]), false, true, None),
        ("listed and stale", stale(&[7]), false, false, Some(Code::TlsCrlExpired)),
        ("listed and stale, allowed", stale(&[7]), false, true, revoked),
        (
            "not covered",
            Crl::of(&[]).signed_by(&other),
            false,
            false,
            Some(Code::TlsRevocationUnknown),
        ),
        (
            "not covered, allowed",
            Crl::of(&[]).signed_by(&other),
            true,
            false,
            None,
        ),
        (
            "of a namesake",
            Crl::of(&[]).signed_by(&Authority::new("millrace test CA")),
            true,
            true,
            Some(Code::TlsRevocationUnknown),
        ),
    ];
    for (name, crl, unknown, expired, expected) in rows {
        let trust = trusting(|options| {
            options.crls = vec![crl.clone()];
            options.allow_unknown_revocation = unknown;
            options.allow_expired_crls = expired;
        });
        let shown = ca().issue(&Wish {
            serial: 7,
            ..Wish::new(&[NAME])
        });
        assert_eq!(judged(identity(&shown), &trust), expected, "a server: {name}");
        assert_eq!(
            judged_client(&person, ClientAuth::Required(Arc::clone(&trust))),
            expected,
            "a client: {name}"
        );
        let server = server(|options| options.client_auth = ClientAuth::DangerouslyOptional(Arc::clone(&trust)));
        let client = client(|options| options.identity = Some(identity(&person)));
        let facts = link(&client, &server).server.session.facts().expect("let pass");
        assert_eq!(
            facts.authorization_error.map(|error| error.code),
            expected,
            "reported: {name}"
        );
    }
}

#[test]
fn a_reload_that_fails_says_that_the_last_good_ones_stay_in_force() {
    let revokes = Crl::of(&[leaf().serial]).signed_by(ca());
    let delta = Crl {
        extensions: vec![number(2), delta(1)],
        ..Crl::of(&[])
    }
    .signed_by(ca());
    let client = client(|_| {});
    client.reload_crls(slice::from_ref(&revokes)).expect("a good CRL");
    let server_ = server(|options| options.client_auth = required());
    server_.reload_crls(&[revokes]).expect("a good CRL");
    let before = (client.crl_facts(), server_.crl_facts());
    for bad in [delta, b"text".to_vec()] {
        for error in [
            client.reload_crls(slice::from_ref(&bad)).expect_err("bad"),
            server_.reload_crls(&[bad]).expect_err("bad"),
        ] {
            assert_eq!(error.code, Code::TlsInvalidConfiguration);
            assert!(
                error.to_string().contains("the CRLs from before stay in force"),
                "{error}"
            );
        }
        assert_eq!((client.crl_facts(), server_.crl_facts()), before);
        let refused = link(&client, &server(|_| {})).client.error.expect("revoked");
        assert_eq!(refused.code, Code::TlsCertificateRevoked);
    }
}
