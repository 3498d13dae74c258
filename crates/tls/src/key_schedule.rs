//! The key schedule of TLS 1.3 (RFC 8446 §7.1): HKDF over HMACs whose key is hashed once.
//!
//! Several keys are expanded from every secret. rustls' provider hands each expansion to aws-lc as a whole, so that the
//! secret is extracted and the key of the HMAC is hashed anew every time: half of all blocks that a handshake hashes.
//! Here the two states after the key are kept. They are `sha2`'s, not aws-lc's: the blocks cost the same, but a state of
//! aws-lc's HMAC is three contexts that are set up, copied and wiped for each of the forty signatures of a handshake.

use std::sync::LazyLock;

use rustls::crypto::aws_lc_rs::ALL_CIPHER_SUITES;
use rustls::crypto::hash::HashAlgorithm;
use rustls::crypto::hmac::Tag;
use rustls::crypto::tls13::{Hkdf, HkdfExpander, OkmBlock, OutputLengthError};
use rustls::{SupportedCipherSuite, Tls13CipherSuite};
use sha2::digest::block_api::BlockSizeUser;
use sha2::digest::{Digest, Output};
use sha2::{Sha256, Sha384};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A hash function whose states are wiped when they are dropped.
trait Hash: Digest + BlockSizeUser + Clone + ZeroizeOnDrop + Send + Sync + 'static {}

impl Hash for Sha256 {}
impl Hash for Sha384 {}

/// The longest block of a hash function here.
const LONGEST_BLOCK: usize = 128;
/// The longest output.
const LONGEST_OUTPUT: usize = 48;

/// HMAC (RFC 2104) with its key: what both hashes have come to behind the padded key.
struct Keyed<H> {
    inner: H,
    outer: H,
}

impl<H: Hash> Keyed<H> {
    fn new(key: &[u8]) -> Self {
        let mut block = Zeroizing::new([0; LONGEST_BLOCK]);
        let block = &mut block[..H::block_size()];
        if key.len() <= block.len() {
            block[..key.len()].copy_from_slice(key);
        } else {
            let mut hashed = H::digest(key);
            block[..hashed.len()].copy_from_slice(&hashed);
            hashed.zeroize();
        }
        let with_pad = |block: &mut [u8], pad: u8| {
            block.iter_mut().for_each(|byte| *byte ^= pad);
            H::new_with_prefix(block)
        };
        let inner = with_pad(block, 0x36);
        // What was put on is taken off again.
        let outer = with_pad(block, 0x36 ^ 0x5c);
        Self { inner, outer }
    }

    fn sign<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> Output<H> {
        let mut inner = self.inner.clone();
        parts.into_iter().for_each(|part| inner.update(part));
        let mut hashed = inner.finalize();
        let signature = self.outer.clone().chain_update(&hashed).finalize();
        hashed.zeroize();
        signature
    }
}

impl<H: Hash> HkdfExpander for Keyed<H> {
    fn expand_slice(&self, info: &[&[u8]], output: &mut [u8]) -> Result<(), OutputLengthError> {
        if output.len() > 255 * self.hash_len() {
            return Err(OutputLengthError);
        }
        let mut term = Output::<H>::default();
        for (number, chunk) in (1..=u8::MAX).zip(output.chunks_mut(self.hash_len())) {
            let before = (number > 1).then_some(&term[..]);
            let parts = before.into_iter().chain(info.iter().copied());
            term = self.sign(parts.chain([&[number][..]]));
            chunk.copy_from_slice(&term[..chunk.len()]);
        }
        term.zeroize();
        Ok(())
    }

    fn expand_block(&self, info: &[&[u8]]) -> OkmBlock {
        let mut term = self.sign(info.iter().copied().chain([&[1][..]]));
        let block = OkmBlock::new(&term);
        term.zeroize();
        block
    }

    fn hash_len(&self) -> usize {
        <H as Digest>::output_size()
    }
}

/// HKDF (RFC 5869).
struct Schedule<H: 'static> {
    /// The HMAC of a salt that is absent, which stands for zeros: every schedule begins with it.
    without_salt: LazyLock<Keyed<H>>,
}

impl<H: Hash> Schedule<H> {
    const fn new() -> Self {
        Self {
            without_salt: LazyLock::new(|| Keyed::new(&[])),
        }
    }

    fn extract(&self, salt: Option<&[u8]>, secret: &[u8]) -> Box<dyn HkdfExpander> {
        let mut extracted = match salt {
            Some(salt) => Keyed::<H>::new(salt).sign([secret]),
            None => self.without_salt.sign([secret]),
        };
        let expander = Keyed::<H>::new(&extracted);
        extracted.zeroize();
        Box::new(expander)
    }
}

impl<H: Hash> Hkdf for Schedule<H> {
    fn extract_from_zero_ikm(&self, salt: Option<&[u8]>) -> Box<dyn HkdfExpander> {
        self.extract(salt, &[0; LONGEST_OUTPUT][..<H as Digest>::output_size()])
    }

    fn extract_from_secret(&self, salt: Option<&[u8]>, secret: &[u8]) -> Box<dyn HkdfExpander> {
        self.extract(salt, secret)
    }

    fn expander_for_okm(&self, okm: &OkmBlock) -> Box<dyn HkdfExpander> {
        Box::new(Keyed::<H>::new(okm.as_ref()))
    }

    fn hmac_sign(&self, key: &OkmBlock, message: &[u8]) -> Tag {
        Tag::new(&Keyed::<H>::new(key.as_ref()).sign([message]))
    }
}

static HKDF_SHA256: Schedule<Sha256> = Schedule::new();
static HKDF_SHA384: Schedule<Sha384> = Schedule::new();

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
    let hkdf: &'static dyn Hkdf = match given.common.hash_provider.algorithm() {
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
        let ours: [(_, &dyn Hkdf); 2] = [
            (HashAlgorithm::SHA256, &HKDF_SHA256),
            (HashAlgorithm::SHA384, &HKDF_SHA384),
        ];
        // Around the lengths of a block, and keys that are hashed because they are longer.
        let long = [7; 300];
        let salts = [0, 1, 47, 48, 63, 64, 65, 127, 128, 129, 300].map(|length| Some(&long[..length]));
        for (algorithm, ours) in ours {
            let theirs = provided(algorithm);
            let same = |ours: &dyn HkdfExpander, theirs: &dyn HkdfExpander| {
                assert_eq!(ours.hash_len(), theirs.hash_len());
                let info: [&[u8]; 3] = [b"tls13 ", b"", b"context"];
                assert_eq!(ours.expand_block(&info).as_ref(), theirs.expand_block(&info).as_ref());
                let (mut one, mut other) = ([0; 100], [0; 100]);
                ours.expand_slice(&info, &mut one).expect("short enough");
                theirs.expand_slice(&info, &mut other).expect("short enough");
                assert_eq!(one, other);
                let mut much = vec![0; 255 * ours.hash_len() + 1];
                assert!(ours.expand_slice(&info, &mut much).is_err());
            };
            for salt in salts.into_iter().chain([None]) {
                same(&*ours.extract_from_zero_ikm(salt), &*theirs.extract_from_zero_ikm(salt));
                let (one, other) = (
                    ours.extract_from_secret(salt, b"secret"),
                    theirs.extract_from_secret(salt, b"secret"),
                );
                same(&*one, &*other);
                let okm = one.expand_block(&[b"label"]);
                same(&*ours.expander_for_okm(&okm), &*theirs.expander_for_okm(&okm));
            }
            let okm = ours.extract_from_secret(None, b"secret").expand_block(&[b"label"]);
            for length in 0..long.len() {
                let [one, other] = [ours, theirs].map(|hkdf| hkdf.hmac_sign(&okm, &long[..length]));
                assert_eq!(one.as_ref(), other.as_ref(), "{length} bytes");
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
