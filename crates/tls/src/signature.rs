//! Signatures over bytes, by the algorithms that certificates may be signed with.

use pki_types::SubjectPublicKeyInfoDer;
use webpki::{ALL_VERIFICATION_ALGS, Error, RawPublicKeyEntity};
use x509_cert::der::Tag;

use crate::der::Items;

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignatureFault {
    /// The algorithm is not one that is trusted (SHA-1, MD5, DSA), or the key is of another kind or too small.
    Unsupported,
    /// It is not the key's signature of these bytes.
    Wrong,
}

/// Checks a signature by an AlgorithmIdentifier and a SubjectPublicKeyInfo, both whole.
pub(crate) fn verify(spki: &[u8], algorithm: &[u8], message: &[u8], signature: &[u8]) -> Result<(), SignatureFault> {
    let spki = SubjectPublicKeyInfoDer::from(spki);
    let key = RawPublicKeyEntity::try_from(&spki).map_err(|_| SignatureFault::Unsupported)?;
    let mut content = Items::new(algorithm).ok_or(SignatureFault::Unsupported)?;
    let wanted = content.take(Tag::Sequence).ok_or(SignatureFault::Unsupported)?.value;
    let mut result = Err(SignatureFault::Unsupported);
    // One identifier can stand for several kinds of key (ecdsa-with-SHA256 for each curve).
    for each in ALL_VERIFICATION_ALGS {
        if each.signature_alg_id().as_ref() == wanted {
            match key.verify_signature(*each, message, signature) {
                Ok(()) => return Ok(()),
                Err(Error::InvalidSignatureForPublicKey) => result = Err(SignatureFault::Wrong),
                Err(_) => {}
            }
        }
    }
    result
}
