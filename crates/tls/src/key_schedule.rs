//! The key schedule of TLS 1.3 (RFC 8446 §7.1): HKDF over HMACs whose key is prepared once.
//!
//! Several keys are expanded from every secret. rustls' provider hands each expansion to aws-lc as a whole, so that the
//! secret is extracted and the key of the HMAC is hashed anew every time: half of all blocks that a handshake hashes.
//! Here it is aws-lc's HMAC with its state after the key kept, and that of an absent salt, with which every schedule
//! begins, for the process.

use std::sync::LazyLock;

use aws_lc_rs::hmac::{self, Algorithm, Context};
use rustls::crypto::aws_lc_rs::ALL_CIPHER_SUITES;
use rustls::crypto::hash::HashAlgorithm;
use rustls::crypto::hmac::Tag;
use rustls::crypto::tls13::{Hkdf, HkdfExpander, OkmBlock, OutputLengthError};
use rustls::{SupportedCipherSuite, Tls13CipherSuite};

/// What labels and transcripts of TLS come to with a counter, as a rule.
const USUAL_INFO: usize = 128;

/// The most that an HMAC gives here.
const LONGEST_OUTPUT: usize = 48;

/// An HMAC with its key.
struct Keyed(hmac::Key);

impl Keyed {
    fn sign(&self, before: &[u8], info: &[&[u8]], number: u8) -> hmac::Tag {
        // What comes before is secret and must not stay in a buffer; where a hash suffices, there is nothing.
        if !before.is_empty() {
            return self.sign_in_parts(before, info, number);
        }
        let mut whole = [0; USUAL_INFO];
        let mut length = 0;
        for part in info.iter().copied().chain([&[number][..]]) {
            let Some(place) = whole.get_mut(length..length + part.len()) else {
                return self.sign_in_parts(before, info, number);
            };
            place.copy_from_slice(part);
            length += part.len();
        }
        hmac::sign(&self.0, &whole[..length])
    }

    fn sign_in_parts(&self, before: &[u8], info: &[&[u8]], number: u8) -> hmac::Tag {
        let mut context = Context::with_key(&self.0);
        context.update(before);
        info.iter().for_each(|part| context.update(part));
        context.update(&[number]);
        context.sign()
    }
}

impl HkdfExpander for Keyed {
    fn expand_slice(&self, info: &[&[u8]], output: &mut [u8]) -> Result<(), OutputLengthError> {
        if output.len() > 255 * self.hash_len() {
            return Err(OutputLengthError);
        }
        let mut before: Option<hmac::Tag> = None;
        for (number, chunk) in (1..=u8::MAX).zip(output.chunks_mut(self.hash_len())) {
            let term = self.sign(before.as_ref().map_or(&[], AsRef::as_ref), info, number);
            chunk.copy_from_slice(&term.as_ref()[..chunk.len()]);
            before = Some(term);
        }
        Ok(())
    }

    fn expand_block(&self, info: &[&[u8]]) -> OkmBlock {
        OkmBlock::new(self.sign(&[], info, 1).as_ref())
    }

    fn hash_len(&self) -> usize {
        self.0.algorithm().digest_algorithm().output_len
    }
}

/// HKDF (RFC 5869) with one hash function.
struct Schedule {
    algorithm: Algorithm,
    /// The HMAC of an absent salt, which stands for zeros.
    without_salt: LazyLock<hmac::Key>,
}

impl Schedule {
    fn keyed(&self, key: &[u8]) -> Keyed {
        Keyed(hmac::Key::new(self.algorithm, key))
    }

    fn extract(&self, salt: Option<&[u8]>, secret: &[u8]) -> Box<dyn HkdfExpander> {
        let extracted = match salt {
            Some(salt) => hmac::sign(&self.keyed(salt).0, secret),
            None => hmac::sign(&self.without_salt, secret),
        };
        Box::new(self.keyed(extracted.as_ref()))
    }
}

impl Hkdf for Schedule {
    fn extract_from_zero_ikm(&self, salt: Option<&[u8]>) -> Box<dyn HkdfExpander> {
        self.extract(
            salt,
            &[0; LONGEST_OUTPUT][..self.algorithm.digest_algorithm().output_len],
        )
    }

    fn extract_from_secret(&self, salt: Option<&[u8]>, secret: &[u8]) -> Box<dyn HkdfExpander> {
        self.extract(salt, secret)
    }

    fn expander_for_okm(&self, okm: &OkmBlock) -> Box<dyn HkdfExpander> {
        Box::new(self.keyed(okm.as_ref()))
    }

    fn hmac_sign(&self, key: &OkmBlock, message: &[u8]) -> Tag {
        Tag::new(hmac::sign(&self.keyed(key.as_ref()).0, message).as_ref())
    }
}

static HKDF_SHA256: Schedule = Schedule {
    algorithm: hmac::HMAC_SHA256,
    without_salt: LazyLock::new(|| hmac::Key::new(hmac::HMAC_SHA256, &[])),
};
static HKDF_SHA384: Schedule = Schedule {
    algorithm: hmac::HMAC_SHA384,
    without_salt: LazyLock::new(|| hmac::Key::new(hmac::HMAC_SHA384, &[])),
};

/// The provider's suites in its order, those of TLS 1.3 with this key schedule.
static SUITES: LazyLock<Vec<SupportedCipherSuite>> = LazyLock::new(|| {
    ALL_CIPHER_SUITES
        .iter()
        .map(|suite| with_key_schedule(*suite))
        .collect()
});

fn with_key_schedule(suite: SupportedCipherSuite) -> SupportedCipherSuite {
    let SupportedCipherSuite::Tls13(given) = suite else {
        return suite;
    };
    let hkdf = match given.common.hash_provider.algorithm() {
        HashAlgorithm::SHA256 => &HKDF_SHA256,
        HashAlgorithm::SHA384 => &HKDF_SHA384,
        _ => return suite,
    };
    // Kept for as long as the process lives, once.
    SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
        common: rustls::crypto::CipherSuiteCommon { ..given.common },
        hkdf_provider: hkdf,
        ..*given
    })))
}

/// Every cipher suite, in the order of preference.
pub(crate) fn suites() -> &'static [SupportedCipherSuite] {
    &SUITES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provided(algorithm: HashAlgorithm) -> &'static dyn Hkdf {
        let found = ALL_CIPHER_SUITES.iter().find_map(|suite| match suite {
            SupportedCipherSuite::Tls13(suite) if suite.common.hash_provider.algorithm() == algorithm => Some(suite),
            _ => None,
        });
        found.expect("the provider has one").hkdf_provider
    }

    /// RFC 5869 §A.1, HKDF-SHA256.
    #[test]
    fn it_expands_what_rfc_5869_expands() {
        let salt: Vec<u8> = (0..13).collect();
        let info: Vec<u8> = (0xf0..0xfa).collect();
        let mut okm = [0; 42];
        let expander = HKDF_SHA256.extract_from_secret(Some(&salt), &[0x0b; 22]);
        expander.expand_slice(&[&info], &mut okm).expect("short enough");
        let hex: String = okm.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        );
    }

    #[test]
    fn every_way_to_a_key_gives_what_the_providers_gives() {
        for (algorithm, ours) in [
            (HashAlgorithm::SHA256, &HKDF_SHA256),
            (HashAlgorithm::SHA384, &HKDF_SHA384),
        ] {
            let theirs = provided(algorithm);
            let long = [7; 300];
            let same = |ours: &dyn HkdfExpander, theirs: &dyn HkdfExpander| {
                assert_eq!(ours.hash_len(), theirs.hash_len());
                let info: [&[u8]; 3] = [b"tls13 ", b"", b"context"];
                // Around what is signed in one piece, with what comes before it and without.
                for length in (0..4).chain(USUAL_INFO - 60..USUAL_INFO + 4).chain([300]) {
                    let info = [info[0], &long[..length], info[2]];
                    assert_eq!(ours.expand_block(&info).as_ref(), theirs.expand_block(&info).as_ref());
                    let (mut one, mut other) = ([0; 100], [0; 100]);
                    ours.expand_slice(&info, &mut one).expect("short enough");
                    theirs.expand_slice(&info, &mut other).expect("short enough");
                    assert_eq!(one, other);
                }
                let mut much = vec![0; 255 * ours.hash_len() + 1];
                assert!(ours.expand_slice(&info, &mut much).is_err());
            };
            for salt in [None, Some(&b""[..]), Some(&b"salt"[..]), Some(&long[..])] {
                same(&*ours.extract_from_zero_ikm(salt), &*theirs.extract_from_zero_ikm(salt));
                let (one, other) = (
                    ours.extract_from_secret(salt, b"secret"),
                    theirs.extract_from_secret(salt, b"secret"),
                );
                same(&*one, &*other);
                let okm = one.expand_block(&[b"label"]);
                same(&*ours.expander_for_okm(&okm), &*theirs.expander_for_okm(&okm));
                let (one, other) = (ours.hmac_sign(&okm, b"message"), theirs.hmac_sign(&okm, b"message"));
                assert_eq!(one.as_ref(), other.as_ref());
            }
        }
    }

    #[test]
    fn every_suite_of_the_provider_is_there_in_its_order_with_this_schedule() {
        let names = |suites: &[SupportedCipherSuite]| suites.iter().map(|suite| suite.suite()).collect::<Vec<_>>();
        assert_eq!(names(suites()), names(ALL_CIPHER_SUITES));
        let replaced = suites().iter().zip(ALL_CIPHER_SUITES);
        let replaced = replaced.filter(|(ours, theirs)| match (ours, theirs) {
            (SupportedCipherSuite::Tls13(ours), SupportedCipherSuite::Tls13(theirs)) => !std::ptr::eq(*ours, *theirs),
            _ => false,
        });
        assert_eq!(replaced.count(), 3, "all three of TLS 1.3");
    }
}
