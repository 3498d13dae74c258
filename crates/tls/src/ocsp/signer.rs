//! Who may sign a response: the issuer, or a responder that it has issued a certificate for (RFC 6960 §4.2.2.2).

use pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{
    BorrowedCertRevocationList, CertRevocationList, EndEntityCert, Error, ExpirationPolicy, KeyUsage,
    RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy,
};
use x509_cert::der::Tag;

use super::About;
use super::response::Basic;
use super::verdict::OcspFault;
use crate::der::{Items, content};
use crate::signature::{self, SignatureFault};
use crate::x509::Parts;

/// id-kp-OCSPSigning, 1.3.6.1.5.5.7.3.9.
const OCSP_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 9];
/// id-pkix-ocsp-nocheck, 1.3.6.1.5.5.7.48.1.5.
const NO_CHECK: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 48, 1, 5];

/// How many certificates that bear the responder's name are tried; each costs signatures.
const CANDIDATES: usize = 4;

/// Checks that the response is signed by who may sign it.
pub(super) fn check(basic: &Basic<'_>, about: About<'_>, now: u64) -> Result<(), OcspFault> {
    let issuer = about.issuer;
    let mut fault = OcspFault::UnknownSigner;
    if basic.responder.is(&issuer.name, &issuer.spki) {
        match verify(basic, &issuer.spki) {
            Ok(()) => return Ok(()),
            Err(found) => fault = found,
        }
    }
    let mut rest = Items::new(basic.certificates).ok_or(OcspFault::Malformed)?;
    let mut tried = 0;
    while !rest.is_empty() && tried < CANDIDATES {
        let certificate = rest.take(Tag::Sequence).ok_or(OcspFault::Malformed)?.whole;
        let parts = Parts::new(certificate).ok_or(OcspFault::BadSigner)?;
        // The issuer itself was tried above; OpenSSL sends its certificate along.
        if parts.spki == issuer.spki || !basic.responder.is(parts.subject, parts.spki) {
            continue;
        }
        tried += 1;
        match delegate(certificate, &parts, about, now).and_then(|()| verify(basic, parts.spki)) {
            Ok(()) => return Ok(()),
            Err(found) => fault = found,
        }
    }
    Err(fault)
}

fn verify(basic: &Basic<'_>, spki: &[u8]) -> Result<(), OcspFault> {
    signature::verify(spki, basic.algorithm, basic.tbs, basic.signature).map_err(|fault| match fault {
        SignatureFault::Unsupported => OcspFault::WeakSignature,
        SignatureFault::Wrong => OcspFault::WrongSignature,
    })
}

/// Whether the issuer has made it a responder. webpki judges: name, signature, validity, purpose, that it is no CA, and
/// by CRLs whether it is revoked.
fn delegate(certificate: &[u8], parts: &Parts<'_>, about: About<'_>, now: u64) -> Result<(), OcspFault> {
    let (Some(name), Some(spki)) = (content(&about.issuer.name), content(&about.issuer.spki)) else {
        return Err(OcspFault::NoIssuer);
    };
    let anchors = [TrustAnchor {
        subject: name.into(),
        subject_public_key_info: spki.into(),
        name_constraints: None,
    }];
    let no_check = parts.extension(NO_CHECK).map_err(|_| OcspFault::BadSigner)?.is_some();
    let crls = if no_check { Vec::new() } else { crls_of(about, name) };
    let crls: Vec<&CertRevocationList<'_>> = crls.iter().collect();
    // Without a CRL of the issuer there is nothing to ask.
    let revocation = RevocationOptionsBuilder::new(&crls).ok().map(|options| {
        options
            .with_depth(RevocationCheckDepth::EndEntity)
            .with_status_policy(UnknownStatusPolicy::Allow)
            .with_expiration_policy(ExpirationPolicy::Enforce)
            .build()
    });
    let certificate = CertificateDer::from(certificate);
    let parsed = EndEntityCert::try_from(&certificate).map_err(|_| OcspFault::BadSigner)?;
    parsed
        .verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            &[],
            UnixTime::since_unix_epoch(std::time::Duration::from_secs(now)),
            KeyUsage::required(OCSP_SIGNING),
            revocation,
            None,
        )
        .map(|_| ())
        .map_err(|error| match error {
            Error::UnknownIssuer | Error::InvalidSignatureForPublicKey => OcspFault::SignerOfOtherCa,
            Error::CertExpired { .. } | Error::CertNotValidYet { .. } => OcspFault::SignerNotValid,
            Error::RequiredEkuNotFoundContext(_) => OcspFault::SignerNotForOcsp,
            Error::CertRevoked | Error::CrlExpired { .. } => OcspFault::SignerRevoked,
            _ => OcspFault::BadSigner,
        })
}

/// The CRLs of the issuer, by its name without tag and length.
fn crls_of<'a>(about: About<'a>, name: &[u8]) -> Vec<CertRevocationList<'a>> {
    let parsed = about
        .crls
        .iter()
        .filter_map(|crl| BorrowedCertRevocationList::from_der(crl).ok());
    parsed
        .map(CertRevocationList::from)
        .filter(|crl| crl.issuer() == name)
        .collect()
}
