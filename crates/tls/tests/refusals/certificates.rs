//! Certificates that are out of time, of another name or purpose, of nobody that we trust, weak.

use crate::support::{ca, chained, leaf, server};
use crate::verdict::{accepted, defaults, issued, judged, refused};
use millrace_error::Code;
use millrace_testkit::contexts::{NAME, identity};
use millrace_testkit::pki::{Authority, Leaf, NOW, Purpose, Wish};

#[test]
fn an_expired_certificate_is_refused_from_the_second_after_its_end() {
    let ends = |not_after| {
        issued(Wish {
            not_after,
            ..Wish::new(&[NAME])
        })
    };
    let words = [
        "subject \"CN=server.test\"",
        "issuer \"CN=millrace test CA\"",
        "valid from 2026-06-14",
        "to 2026-06-14T23:59:59Z",
    ];
    refused(
        judged(ends(NOW - 1), NAME, defaults),
        Code::TlsCertificateExpired,
        "certificate_expired",
        &words,
    );
    accepted(judged(ends(NOW), NAME, defaults));
}

#[test]
fn a_certificate_is_refused_until_its_time_has_come() {
    let begins = |not_before| {
        issued(Wish {
            not_before,
            ..Wish::new(&[NAME])
        })
    };
    let links = judged(begins(NOW + 1), NAME, defaults);
    refused(
        links,
        Code::TlsCertificateNotYetValid,
        "certificate_expired",
        &["2026-06-15T00:00:01Z"],
    );
    accepted(judged(begins(NOW), NAME, defaults));
}

#[test]
fn an_authority_that_is_shown_as_a_servers_certificate_is_refused_in_words() {
    let authority = issued(Wish {
        is_ca: true,
        ..Wish::new(&[NAME])
    });
    let words = [
        "CN=server.test",
        "it is an authority's certificate and not a server's or client's",
    ];
    refused(
        judged(authority, NAME, defaults),
        Code::TlsBadCertificate,
        "certificate_unknown",
        &words,
    );
}

#[test]
fn an_unknown_ca_and_a_self_signed_certificate_are_told_apart() {
    let other = Authority::new("another CA").issue(&Wish::new(&[NAME]));
    let links = judged(identity(&other), NAME, defaults);
    refused(links, Code::TlsUnknownCa, "unknown_ca", &["issuer \"CN=another CA\""]);
    let own = Wish::new(&[NAME]).self_signed();
    refused(
        judged(identity(&own), NAME, defaults),
        Code::TlsSelfSigned,
        "unknown_ca",
        &["CN=server.test"],
    );
    let own_ca = Wish::new(&[NAME]).self_signed_ca();
    refused(
        judged(identity(&own_ca), NAME, defaults),
        Code::TlsSelfSigned,
        "certificate_unknown",
        &[],
    );
}

#[test]
fn host_names_are_matched_as_rfc_9525_says() {
    let rows: &[(&[&str], &str, bool)] = &[
        (&["a.test"], "a.test", true),
        (&["a.test"], "A.Test", true),
        (&["a.test"], "a.test.", true),
        (&["a.test"], "b.a.test", false),
        (&["a.test"], "xa.test", false),
        (&["*.a.test"], "b.a.test", true),
        (&["*.a.test"], "B.A.TEST", true),
        (&["*.a.test"], "a.test", false),
        (&["*.a.test"], "c.b.a.test", false),
        (&["*.a.test", "c.b.a.test"], "c.b.a.test", true),
        (&["x*.a.test"], "xy.a.test", false),
        (&["b.*.test"], "b.a.test", false),
        (&["127.0.0.1"], "127.0.0.1", true),
        (&["127.0.0.1"], "127.0.0.2", false),
        (&["::1"], "::1", true),
        (&["::1"], "0:0::1", true),
        (&["127.0.0.1"], "localhost", false),
        (&["localhost"], "127.0.0.1", false),
    ];
    for (names, asked, good) in rows {
        let links = judged(issued(Wish::new(names)).with_names(["x.test"]), asked, defaults);
        if *good {
            accepted(links);
        } else {
            refused(links, Code::TlsWrongHost, "bad_certificate", &[]);
        }
    }
}

#[test]
fn names_outside_the_constraints_of_a_ca_are_refused() {
    let limited = ca().intermediate("limited CA", Some("inside.test"));
    let shown = |name: &str| chained(&limited.issue(&Wish::new(&[name])), &[limited.certificate()]);
    accepted(judged(shown("a.inside.test"), "a.inside.test", defaults));
    let links = judged(shown("outside.test"), "outside.test", defaults);
    refused(
        links,
        Code::TlsNameConstraints,
        "certificate_unknown",
        &["issuer \"CN=limited CA\""],
    );
}

#[test]
fn a_chain_without_its_intermediate_is_refused() {
    let below = ca().intermediate("intermediate CA", None);
    let leaf = below.issue(&Wish::new(&[NAME]));
    accepted(judged(chained(&leaf, &[below.certificate()]), NAME, defaults));
    let links = judged(identity(&leaf), NAME, defaults);
    refused(
        links,
        Code::TlsUnknownCa,
        "unknown_ca",
        &["issuer \"CN=intermediate CA\""],
    );
}

#[test]
fn a_certificate_for_another_purpose_is_refused() {
    let wish = Wish {
        purpose: Purpose::Code,
        ..Wish::new(&[NAME])
    };
    let links = judged(issued(wish), NAME, defaults);
    refused(links, Code::TlsWrongPurpose, "unsupported_certificate", &[]);
}

/// DER with a content of more than 127 bytes in the long form of its length.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let mut der = match len {
        0..=127 => vec![tag, len as u8],
        128..=255 => vec![tag, 0x81, len as u8],
        _ => vec![tag, 0x82, (len >> 8) as u8, len as u8],
    };
    der.extend_from_slice(content);
    der
}

/// An RSA public key with an odd modulus of so many bits; nobody has its private key, and nobody needs it.
struct PublicRsa(usize);

impl rcgen::PublicKeyData for PublicRsa {
    fn der_bytes(&self) -> &[u8] {
        // SEQUENCE { INTEGER modulus, INTEGER 65537 }, in memory that lives as long as the tests.
        let modulus = std::iter::once(0).chain((0..self.0 / 8).map(|at| if at == 0 { 0xc5 } else { 0xa7 }));
        let integers = [tagged(0x02, &modulus.collect::<Vec<u8>>()), tagged(0x02, &[1, 0, 1])];
        let der = tagged(0x30, &integers.concat());
        der.leak()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

#[test]
fn an_rsa_key_of_1024_bits_is_refused_as_weak_wherever_it_stands() {
    let weak = ca().issue_for(&Wish::new(&["weak.test"]), &PublicRsa(1024));
    let strong = ca().issue_for(&Wish::new(&["strong.test"]), &PublicRsa(2048));
    let links = judged(chained(leaf(), &[&weak]), NAME, defaults);
    refused(
        links,
        Code::TlsWeakSignature,
        "unsupported_certificate",
        &["CN=weak.test", "1024 bits"],
    );
    accepted(judged(chained(leaf(), &[&strong]), NAME, defaults));
}

#[test]
fn a_hostile_name_is_escaped_in_the_words() {
    let hostile = "evil\r\n\u{1b}[31m\u{202e}";
    let mut wish = Wish::new(&[NAME]);
    wish.names.insert(0, "x.test".to_owned());
    let leaf: Leaf = Authority::new(hostile).issue(&wish);
    for link in judged(identity(&leaf), NAME, defaults) {
        let error = link.client.error.expect("refused").to_string();
        assert!(error.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{error:?}");
    }
    let _ = server(|_| {});
}
