//! What is trusted beside a CA: pins, a certificate that is listed itself, any certificate when that is asked for.

use crate::support;
use crate::support::trust;
use crate::support::{ca, chained, established, leaf};
use crate::verdict::{accepted, judged, refused};
use millrace_error::Code;
use millrace_testkit::contexts::{NAME, identity, trust_in};
use millrace_testkit::pki::{Authority, NOW, Wish};
use millrace_tls::{ClientOptions, Pins, TlsEngine, Trust, TrustOptions};
use std::sync::Arc;

#[test]
fn a_self_signed_certificate_that_is_listed_as_trusted_is_judged_by_time_and_name() {
    for make in [Wish::self_signed, Wish::self_signed_ca] {
        let of = |wish: &Wish| {
            let leaf = make(wish);
            let trust = trust_in(&[&leaf.certificate], &[]);
            (identity(&leaf), move |options: &mut ClientOptions| {
                options.trust = Arc::clone(&trust)
            })
        };
        let (shown, trusting) = of(&Wish::new(&[NAME]));
        accepted(judged(shown.clone(), NAME, &trusting));
        refused(
            judged(shown, "other.test", &trusting),
            Code::TlsWrongHost,
            "bad_certificate",
            &[],
        );
        let (late, trusting) = of(&Wish {
            not_after: NOW - 1,
            ..Wish::new(&[NAME])
        });
        refused(
            judged(late, NAME, &trusting),
            Code::TlsCertificateExpired,
            "certificate_expired",
            &[],
        );
        let (early, trusting) = of(&Wish {
            not_before: NOW + 1,
            ..Wish::new(&[NAME])
        });
        refused(
            judged(early, NAME, &trusting),
            Code::TlsCertificateNotYetValid,
            "certificate_expired",
            &[],
        );
    }
}

fn pinned(pins: &[&str], report_only: bool) -> impl Fn(&mut ClientOptions) + use<> {
    let pins = Pins::parse(pins.iter().copied(), report_only).expect("good pins");
    move |options| options.pins = pins.clone()
}

fn pin(certificate: &[u8]) -> String {
    Pins::of(certificate).expect("a key")
}

#[test]
fn a_pin_matches_the_servers_key_its_intermediate_or_its_root() {
    let below = ca().intermediate("intermediate CA", None);
    let leaf = below.issue(&Wish::new(&[NAME]));
    let shown = || chained(&leaf, &[below.certificate()]);
    for certificate in [&leaf.certificate[..], below.certificate(), ca().certificate()] {
        accepted(judged(
            shown(),
            NAME,
            pinned(&[&pin(certificate), &pin(&support::leaf().certificate)], false),
        ));
    }
    let wrong = pin(&support::leaf().certificate);
    let links = judged(shown(), NAME, pinned(&[&wrong], false));
    refused(links, Code::TlsPinMismatch, "access_denied", &[&pin(&leaf.certificate)]);
}

#[test]
fn a_pinned_certificate_that_is_only_sent_along_does_not_count() {
    let pinned_ca = Authority::new("pinned CA");
    let pinned_leaf = pinned_ca.issue(&Wish::new(&[NAME]));
    let shown = chained(leaf(), &[&pinned_leaf.certificate, pinned_ca.certificate()]);
    let pins = [pin(&pinned_leaf.certificate), pin(pinned_ca.certificate())];
    let links = judged(shown, NAME, pinned(&[&pins[0], &pins[1]], false));
    refused(links, Code::TlsPinMismatch, "access_denied", &[]);
}

#[test]
fn pins_that_only_report_let_pass_and_say_so() {
    let wrong = pin(ca().issue(&Wish::new(&["x.test"])).certificate.as_slice());
    for link in judged(identity(leaf()), NAME, pinned(&[&wrong], true)) {
        let facts = link.client.session.facts().expect("established");
        assert_eq!(facts.authorization_error.expect("reported").code, Code::TlsPinMismatch);
    }
}

#[test]
fn accepting_any_certificate_reports_what_is_wrong_and_keeps_strict_pins() {
    let own = Wish::new(&[NAME]).self_signed();
    let any = |options: &mut ClientOptions| options.dangerously_accept_any_certificate = true;
    for link in judged(identity(&own), "other.test", any) {
        let facts = link.client.session.facts().expect("established");
        assert_eq!(facts.authorization_error.expect("reported").code, Code::TlsSelfSigned);
    }
    accepted(judged(identity(leaf()), NAME, any));
    let with_pin = |pin: &str| {
        let pin = pinned(&[pin], false);
        move |options: &mut ClientOptions| {
            any(options);
            pin(options);
        }
    };
    for link in judged(identity(&own), NAME, with_pin(&pin(&own.certificate))) {
        assert!(established(&link));
    }
    let links = judged(identity(&own), NAME, with_pin(&pin(&leaf().certificate)));
    refused(links, Code::TlsPinMismatch, "access_denied", &[]);
}

#[test]
fn trust_needs_at_least_one_usable_ca() {
    let new = |ca: &[&[u8]], skip_unusable_ca| {
        Trust::new(&TrustOptions {
            ca: ca.iter().map(|bytes| bytes.to_vec()).collect(),
            skip_unusable_ca,
            ..TrustOptions::default()
        })
    };
    let broken = &ca().certificate()[..40];
    assert!(new(&[], false).is_err() && new(&[], true).is_err());
    assert!(new(&[broken], true).is_err());
    assert!(new(&[ca().certificate(), broken], false).is_err());
    assert_eq!(
        new(&[ca().certificate(), broken], true).expect("one is good").skipped(),
        1
    );
    let both = support::pem("CERTIFICATE", ca().certificate()) + &support::pem("CERTIFICATE", &leaf().certificate);
    assert!(new(&[both.as_bytes()], false).is_ok());
    assert!(Arc::strong_count(&trust()) == 1);
}
