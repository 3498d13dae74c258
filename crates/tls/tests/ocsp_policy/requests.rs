//! What is asked of a responder, and which one.

use crate::support::{ca, leaf};
use millrace_testkit::contexts::NAME;
use millrace_testkit::pki::Wish;
use millrace_testkit::pki::ocsp::{self, AD_OCSP};
use millrace_tls::{OCSP_NONCE_MAX, OCSP_NONCE_MIN, OcspHash, ocsp_issuer, ocsp_request, ocsp_urls};
use x509_cert::der::Decode;

#[test]
fn a_request_names_the_certificate_and_carries_the_nonce() {
    for (hash, arcs, length) in [
        (OcspHash::Sha1, "1.3.14.3.2.26", 20),
        (OcspHash::Sha256, "2.16.840.1.101.3.4.2.1", 32),
    ] {
        let nonce = [9; OCSP_NONCE_MIN];
        let request = ocsp_request(&leaf().certificate, ca().certificate(), hash, Some(&nonce)).expect("a pair");
        let parsed = x509_ocsp::OcspRequest::from_der(&request).expect("DER");
        let tbs = &parsed.tbs_request;
        assert_eq!(parsed.nonce().expect("a nonce").0.as_bytes(), nonce);
        assert!(tbs.request_list.len() == 1 && parsed.optional_signature.is_none());
        let id = &tbs.request_list[0].req_cert;
        assert_eq!(id.hash_algorithm.oid.to_string(), arcs);
        assert_eq!(id.serial_number.as_bytes(), [3, 0xe8]);
        assert_eq!(
            (
                id.issuer_name_hash.as_bytes().len(),
                id.issuer_key_hash.as_bytes().len()
            ),
            (length, length)
        );
        let plain = ocsp_request(&leaf().certificate, ca().certificate(), hash, None).expect("a pair");
        assert!(x509_ocsp::OcspRequest::from_der(&plain).expect("DER").nonce().is_none());
    }
    let of = |nonce: usize| {
        ocsp_request(
            &leaf().certificate,
            ca().certificate(),
            OcspHash::Sha1,
            Some(&vec![1; nonce]),
        )
    };
    assert!(of(OCSP_NONCE_MAX).is_ok());
    assert!(of(OCSP_NONCE_MIN - 1).is_err() && of(OCSP_NONCE_MAX + 1).is_err());
    assert!(ocsp_request(&leaf().certificate, b"text", OcspHash::Sha1, None).is_err());
}

#[test]
fn the_responders_and_the_issuer_come_out_of_the_chain() {
    const CA_ISSUERS: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 48, 2];
    let with = |entries: &[(&[u64], &[u8])]| {
        let leaf = ca().issue(&Wish {
            extensions: vec![ocsp::access(entries)],
            ..Wish::new(&[NAME])
        });
        ocsp_urls(&leaf.certificate)
    };
    let long = [b"http://", &[b'a'; 2042][..]].concat();
    assert_eq!(
        with(&[
            (CA_ISSUERS, b"http://ca.test/ca.der"),
            (AD_OCSP, b"http://ocsp.test/a?b"),
            (AD_OCSP, b"HTTPS://ocsp.test"),
            (AD_OCSP, b"ldap://ocsp.test"),
            (AD_OCSP, b"file:///etc/passwd"),
            (AD_OCSP, b"http://ocsp.test/\r\nX: y"),
            (AD_OCSP, b"http://ocsp.test/\xe9"),
            (AD_OCSP, &long),
            (AD_OCSP, b"http"),
            (AD_OCSP, b""),
        ]),
        ["http://ocsp.test/a?b", "HTTPS://ocsp.test"]
    );
    assert_eq!(with(&[(AD_OCSP, &b"http://a.test"[..]); 20]).len(), 8);
    assert!(ocsp_urls(&leaf().certificate).is_empty() && ocsp_urls(b"text").is_empty());

    let below = ca().intermediate("intermediate CA", None);
    let deep = below.issue(&Wish::new(&[NAME]));
    let chain: [&[u8]; 4] = [&deep.certificate, b"text", ca().certificate(), below.certificate()];
    assert_eq!(ocsp_issuer(chain), Some(below.certificate()));
    assert_eq!(ocsp_issuer([&deep.certificate[..], ca().certificate()]), None);
    assert_eq!(ocsp_issuer(std::iter::empty()), None);
    let own = Wish::new(&[NAME]).self_signed();
    assert_eq!(
        ocsp_issuer([&own.certificate[..]]),
        None,
        "a certificate is no issuer of itself in a chain of one"
    );
}
