//! Cipher suites and versions by name.

use rustls::{CipherSuite, SupportedCipherSuite, SupportedProtocolVersion, version};

use crate::TlsError;
use crate::key_schedule::suites;

/// Suite, its name in OpenSSL and so in Node, its name at IANA; in the order of preference.
const NAMES: &[(CipherSuite, &str, &str)] = &[
    (
        CipherSuite::TLS13_AES_256_GCM_SHA384,
        "TLS_AES_256_GCM_SHA384",
        "TLS_AES_256_GCM_SHA384",
    ),
    (
        CipherSuite::TLS13_AES_128_GCM_SHA256,
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_128_GCM_SHA256",
    ),
    (
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_CHACHA20_POLY1305_SHA256",
    ),
    (
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    ),
    (
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    ),
    (
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    ),
    (
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        "ECDHE-RSA-AES256-GCM-SHA384",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    ),
    (
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        "ECDHE-RSA-AES128-GCM-SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    ),
    (
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        "ECDHE-RSA-CHACHA20-POLY1305",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    ),
];

/// The names that [`select`] knows, as Node says them.
pub fn cipher_names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(_, openssl, _)| *openssl)
}

/// The suite's name in OpenSSL.
pub(crate) fn name(suite: CipherSuite) -> &'static str {
    NAMES
        .iter()
        .find(|(known, ..)| *known == suite)
        .map_or("unknown", |(_, openssl, _)| openssl)
}

/// The suites with these names, OpenSSL's or IANA's in any case, in this order; without names, all.
///
/// # Errors
/// A name that is none; the detail has the list of those that are.
pub(crate) fn select(names: &[String]) -> Result<Vec<SupportedCipherSuite>, TlsError> {
    if names.is_empty() {
        return Ok(suites().to_vec());
    }
    let mut chosen: Vec<SupportedCipherSuite> = Vec::new();
    for name in names {
        let row = NAMES
            .iter()
            .find(|(_, openssl, iana)| name.eq_ignore_ascii_case(openssl) || name.eq_ignore_ascii_case(iana));
        let suite = row.and_then(|(suite, ..)| suites().iter().find(|known| known.suite() == *suite));
        let Some(suite) = suite else {
            let known: Vec<&str> = cipher_names().collect();
            let shown = crate::error::bounded(name, 64);
            return Err(TlsError::configuration(format!(
                "{shown} is no cipher suite; expected {}",
                known.join(", ")
            )));
        };
        if !chosen.contains(suite) {
            chosen.push(*suite);
        }
    }
    Ok(chosen)
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl TlsVersion {
    /// The name that Node has for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        }
    }
}

/// The versions from `min` to `max`.
pub(crate) fn versions(min: TlsVersion, max: TlsVersion) -> Result<Vec<&'static SupportedProtocolVersion>, TlsError> {
    match (min, max) {
        (TlsVersion::Tls12, TlsVersion::Tls13) => Ok(vec![&version::TLS13, &version::TLS12]),
        (TlsVersion::Tls12, TlsVersion::Tls12) => Ok(vec![&version::TLS12]),
        (TlsVersion::Tls13, TlsVersion::Tls13) => Ok(vec![&version::TLS13]),
        (TlsVersion::Tls13, TlsVersion::Tls12) => Err(TlsError::configuration(
            "minVersion is TLSv1.3 and maxVersion is TLSv1.2",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_of_the_provider_has_a_name_and_is_found_by_both() {
        assert_eq!(NAMES.len(), suites().len());
        for (suite, openssl, iana) in NAMES {
            for name in [*openssl, *iana, &openssl.to_lowercase()] {
                let found = select(&[name.to_owned()]).expect("a known name");
                assert_eq!(found.iter().map(|found| found.suite()).collect::<Vec<_>>(), [*suite]);
            }
        }
    }

    #[test]
    fn a_wrong_name_is_refused_with_the_right_ones() {
        let error = select(&["ECDHE-RSA-AES256-SHA".to_owned()]).expect_err("CBC is not supported");
        let words = error.detail().expect("it has words");
        assert!(words.contains("ECDHE-RSA-AES256-SHA is no cipher suite"), "{words}");
        for name in cipher_names() {
            assert!(words.contains(name), "{name} is missing in {words}");
        }
    }

    #[test]
    fn a_suite_named_twice_is_offered_once_and_the_order_is_kept() {
        let names = [
            "TLS_AES_128_GCM_SHA256",
            "TLS_AES_256_GCM_SHA384",
            "tls_aes_128_gcm_sha256",
        ];
        let found = select(&names.map(str::to_owned)).expect("known names");
        let found: Vec<&str> = found.iter().map(|suite| name(suite.suite())).collect();
        assert_eq!(found, ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"]);
    }
}
