//! Whom to trust: CA certificates and CRLs.

use std::cmp::Reverse;
use std::sync::Arc;

use aws_lc_rs::digest::{self, SHA256};
use pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{CertificateError, client::VerifierBuilderError};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};

use crate::crl::{self, CrlFacts};
use crate::x509::{Issuer, Parts};
use crate::{TlsError, certificate, der, pem, words};

/// What [`Trust::new`] is made of.
#[derive(Clone, Debug, Default)]
pub struct TrustOptions {
    /// CA certificates, each PEM (one or more) or DER.
    pub ca: Vec<Vec<u8>>,
    /// Whether a CA certificate that cannot be used is passed over, as in a system's store, instead of refused.
    pub skip_unusable_ca: bool,
    /// CRLs, each PEM (one or more) or DER. With any, every certificate of a chain must be covered by one. Of several
    /// for the same certificates the newest counts.
    pub crls: Vec<Vec<u8>>,
    /// Whether only the peer's own certificate is held against the CRLs, and not those of the CAs above it.
    pub crl_end_entity_only: bool,
    /// Whether a certificate that no CRL covers is let pass.
    pub allow_unknown_revocation: bool,
    /// Whether a CRL past its nextUpdate still counts.
    pub allow_expired_crls: bool,
}

/// CA certificates and CRLs, parsed. Immutable and shared; a reload makes a new one.
#[derive(Clone, Debug)]
pub struct Trust {
    roots: Arc<RootCertStore>,
    /// The CA certificates as they were given, in order to know one that is shown as a server's own.
    ca: Arc<[CertificateDer<'static>]>,
    /// The newest first.
    crls: Arc<[CertificateRevocationListDer<'static>]>,
    crl_facts: Arc<[CrlFacts]>,
    skipped: usize,
    crl_end_entity_only: bool,
    allow_unknown_revocation: bool,
    allow_expired_crls: bool,
}

/// A builder of rustls' that judges revocation as a [`Trust`] says: the two for servers and for clients have the same
/// methods and no trait.
macro_rules! with_revocation {
    ($trust:expr, $builder:expr) => {{
        let mut builder = $builder.with_crls($trust.crls.iter().cloned());
        if $trust.allow_unknown_revocation {
            builder = builder.allow_unknown_revocation_status();
        }
        if !$trust.allow_expired_crls {
            builder = builder.enforce_revocation_expiration();
        }
        if $trust.crl_end_entity_only {
            builder = builder.only_check_end_entity_revocation();
        }
        builder
    }};
}

impl Trust {
    /// Reads what is trusted.
    ///
    /// # Errors
    /// Nothing to trust, or a certificate or CRL that is malformed: a first load fails closed, and a reload that
    /// fails leaves its context as it was.
    pub fn new(options: &TrustOptions) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        let (mut ca, mut skipped) = (Vec::new(), 0);
        for bytes in &options.ca {
            for certificate in pem::certificates(bytes)? {
                match roots.add(certificate.clone()) {
                    Ok(()) => ca.push(certificate),
                    Err(_) if options.skip_unusable_ca => skipped += 1,
                    Err(error) => {
                        let facts = certificate::describe(&certificate);
                        return Err(TlsError::configuration(format!(
                            "a CA certificate cannot be used: {}; {facts}",
                            words::of_error(&error)
                        )));
                    }
                }
            }
        }
        if ca.is_empty() {
            return Err(TlsError::configuration("there is no CA certificate to trust"));
        }
        let trust = Self {
            roots: Arc::new(roots),
            ca: ca.into(),
            crls: Arc::default(),
            crl_facts: Arc::default(),
            skipped,
            crl_end_entity_only: options.crl_end_entity_only,
            allow_unknown_revocation: options.allow_unknown_revocation,
            allow_expired_crls: options.allow_expired_crls,
        };
        trust.with_crls(&options.crls)
    }

    /// The same with other CRLs.
    ///
    /// # Errors
    /// A CRL that is malformed or of a kind that is not supported, with what and whose it is.
    pub fn with_crls(&self, crls: &[Vec<u8>]) -> Result<Self, TlsError> {
        let mut read = Vec::new();
        for (source, bytes) in crls.iter().enumerate() {
            for crl in pem::crls(bytes)? {
                read.push((crl::read(&crl, source)?, crl));
            }
        }
        // webpki takes the first that covers a certificate.
        read.sort_by_key(|(facts, _)| Reverse(facts.this_update));
        let (facts, parsed): (Vec<_>, Vec<_>) = read.into_iter().unzip();
        Ok(Self {
            crls: parsed.into(),
            crl_facts: facts.into(),
            ..self.clone()
        })
    }

    /// What the CRLs say of themselves, the newest first.
    pub fn crl_facts(&self) -> &[CrlFacts] {
        &self.crl_facts
    }

    pub(crate) fn crls(&self) -> &[CertificateRevocationListDer<'static>] {
        &self.crls
    }

    /// Who has issued a certificate: a CA that was sent along or is trusted, whose name it bears and whose key has
    /// signed it. It says nothing about whether that CA is trusted.
    pub(crate) fn issuer_of(&self, certificate: &Parts<'_>, intermediates: &[CertificateDer<'_>]) -> Option<Issuer> {
        /// How many keys are tried; each costs a signature, and whoever sends the chain chooses the names in it.
        const TRIES: usize = 8;
        let name = der::content(certificate.issuer)?;
        let sent = intermediates
            .iter()
            .filter_map(|each| Parts::new(each))
            .filter(|parts| parts.subject == certificate.issuer)
            .map(|parts| Issuer::of(&parts));
        let anchors = self.roots.roots.iter().filter(|anchor| anchor.subject.as_ref() == name);
        let trusted = anchors.map(|anchor| Issuer {
            name: certificate.issuer.to_vec(),
            spki: der::wrap(der::SEQUENCE, &anchor.subject_public_key_info),
        });
        sent.take(TRIES)
            .chain(trusted.take(TRIES))
            .find(|issuer| issuer.has_issued(certificate))
    }

    /// How many CA certificates were passed over.
    pub const fn skipped(&self) -> usize {
        self.skipped
    }

    /// A digest of all that decides whom to trust.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        let mut context = digest::Context::new(&SHA256);
        let mut add = |bytes: &[u8]| {
            context.update(&(bytes.len() as u64).to_be_bytes());
            context.update(bytes);
        };
        add(&[
            u8::from(self.allow_unknown_revocation),
            u8::from(self.allow_expired_crls),
            u8::from(self.crl_end_entity_only),
        ]);
        add(&(self.ca.len() as u64).to_be_bytes());
        self.ca.iter().for_each(|certificate| add(certificate));
        self.crls.iter().for_each(|crl| add(crl));
        // SHA-256 has 32 bytes.
        context.finish().as_ref().try_into().expect("32 bytes")
    }

    pub(crate) fn server_verifier(&self, provider: Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::clone(&self.roots), provider);
        with_revocation!(self, builder).build().map_err(refused)
    }

    pub(crate) fn client_verifier(
        &self,
        provider: Arc<CryptoProvider>,
        required: bool,
    ) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::clone(&self.roots), provider);
        let mut builder = with_revocation!(self, builder);
        if !required {
            builder = builder.allow_unauthenticated();
        }
        builder.build().map_err(refused)
    }

    /// Whether there is a path to a trusted CA that `accept` takes, names and revocation aside.
    pub(crate) fn path_to(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
        accept: &dyn Fn(&VerifiedPath<'_>) -> Result<(), webpki::Error>,
    ) -> bool {
        let usage = KeyUsage::server_auth();
        let algorithms = webpki::ALL_VERIFICATION_ALGS;
        let Ok(parsed) = EndEntityCert::try_from(end_entity) else {
            return false;
        };
        parsed
            .verify_for_usage(
                algorithms,
                &self.roots.roots,
                intermediates,
                now,
                usage,
                None,
                Some(accept),
            )
            .is_ok()
    }

    /// Judges a certificate that is itself one of the CA certificates given, byte for byte.
    ///
    /// webpki refuses a CA as a server's certificate, but `openssl req -x509` makes exactly that and Node takes it:
    /// whoever lists the very certificate as trusted has said all there is to say but its time and its name.
    pub(crate) fn judge_listed(
        &self,
        certificate: &CertificateDer<'_>,
        name: Option<&ServerName<'_>>,
        now: UnixTime,
    ) -> Option<Result<(), CertificateError>> {
        if !self.ca.iter().any(|known| known == certificate) {
            return None;
        }
        let Some((not_before, not_after)) = certificate::validity(certificate) else {
            return Some(Err(CertificateError::BadEncoding));
        };
        Some(if now.as_secs() < not_before {
            Err(CertificateError::NotValidYet)
        } else if now.as_secs() > not_after {
            Err(CertificateError::Expired)
        } else {
            let parsed = EndEntityCert::try_from(certificate).ok();
            let is_for = |name| parsed.is_some_and(|parsed| parsed.verify_is_valid_for_subject_name(name).is_ok());
            match name {
                Some(name) if !is_for(name) => Err(CertificateError::NotValidForName),
                _ => Ok(()),
            }
        })
    }
}

fn refused(error: VerifierBuilderError) -> TlsError {
    let why = match &error {
        VerifierBuilderError::InvalidCrl(reason) => words::of_crl(reason),
        other => other.to_string(),
    };
    TlsError::configuration(format!("what is trusted cannot be used: {why}"))
}
