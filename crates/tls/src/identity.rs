//! A certificate with its key, its names and its stapled OCSP response.

use std::fmt;
use std::sync::Arc;

use pki_types::CertificateDer;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use zeroize::Zeroize;

use crate::ocsp::must_staple;
use crate::x509::Parts;
use crate::{Clock, StapleFacts, TlsError, check_staple, pem, words};

/// What a server or a client shows of itself: a chain, the key of its first certificate, and what goes with them.
///
/// It is made once and shared; the private key is only in the crypto library's memory, which wipes it.
#[derive(Clone)]
pub struct Identity {
    key: Arc<CertifiedKey>,
    names: Vec<String>,
    staple: Option<Staple>,
}

/// A response that was checked, with the key it is shown with.
#[derive(Clone)]
struct Staple {
    key: Arc<CertifiedKey>,
    /// From when on it is not shown any more, in seconds since 1970.
    until: u64,
}

impl Identity {
    /// From a chain, its own certificate first, and the private key; each PEM or DER. The names are those of the
    /// certificate (`subjectAltName`).
    ///
    /// # Errors
    /// A chain or key that is malformed, of a kind or size that is not supported, or that do not belong together.
    pub fn new(chain: &[u8], private_key: &[u8]) -> Result<Self, TlsError> {
        let chain = pem::certificates(chain)?;
        let mut private_key = pem::private_key(private_key)?;
        let signer = any_supported_type(&private_key);
        private_key.zeroize();
        let signer = signer.map_err(|error| {
            TlsError::configuration(format!("the private key cannot be used: {}", words::of_error(&error)))
        })?;
        let names = names_of(&chain)?;
        let key = CertifiedKey::new(chain, signer);
        match key.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
            Err(error) => {
                return Err(TlsError::configuration(format!(
                    "the private key does not belong to the certificate: {}",
                    words::of_error(&error)
                )));
            }
        }
        Ok(Self {
            key: Arc::new(key),
            names,
            staple: None,
        })
    }

    /// The same for other server names: whole names and wildcards such as `*.example.com`.
    #[must_use]
    pub fn with_names(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.names = names.into_iter().map(Into::into).collect();
        self
    }

    /// The same with an OCSP response (DER) to staple (RFC 6066 §8), or without one. The response is shown as it is.
    #[must_use]
    pub fn with_ocsp(&self, response: Option<Vec<u8>>) -> Self {
        Self {
            key: Arc::new(with_response(&self.key, response)),
            names: self.names.clone(),
            staple: None,
        }
    }

    /// The same with an OCSP response (DER) that is good for it ([`check_staple`]) and is stapled until its nextUpdate;
    /// from then on none is, unless it is replaced in time.
    ///
    /// # Errors
    /// As [`check_staple`].
    pub fn with_checked_ocsp(
        &self,
        issuer: Option<&[u8]>,
        response: Vec<u8>,
        now: u64,
    ) -> Result<(Self, StapleFacts), TlsError> {
        let facts = check_staple(self, issuer, &response, now)?;
        let staple = Staple {
            key: Arc::new(with_response(&self.key, Some(response))),
            until: facts.next_update,
        };
        let identity = Self {
            key: Arc::new(with_response(&self.key, None)),
            names: self.names.clone(),
            staple: Some(staple),
        };
        Ok((identity, facts))
    }

    /// Whether its certificate demands that a server staples (TLS Feature, RFC 7633): without a good response, clients
    /// that look refuse it.
    pub fn demands_staple(&self) -> bool {
        let own = self.key.cert.first();
        own.and_then(|own| Parts::new(own))
            .is_some_and(|parts| must_staple(&parts))
    }

    /// The server names that it is for.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether it has all names of another, so that it can be shown in its place.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        if other.names.is_empty() {
            return self.names.is_empty();
        }
        let has = |name: &String| self.names.iter().any(|own| own.eq_ignore_ascii_case(name));
        other.names.iter().all(has)
    }

    /// The chain in DER, its own certificate first.
    pub fn chain(&self) -> impl Iterator<Item = &[u8]> {
        self.key.cert.iter().map(AsRef::as_ref)
    }

    pub(crate) fn key(&self) -> &Arc<CertifiedKey> {
        &self.key
    }

    /// What is shown at a time: with the staple as long as it is good.
    fn key_at(&self, now: u64) -> &Arc<CertifiedKey> {
        match &self.staple {
            Some(staple) if now < staple.until => &staple.key,
            _ => &self.key,
        }
    }
}

fn with_response(key: &CertifiedKey, response: Option<Vec<u8>>) -> CertifiedKey {
    let mut key = key.clone();
    key.ocsp = response;
    key
}

fn names_of(chain: &[CertificateDer<'_>]) -> Result<Vec<String>, TlsError> {
    // `pem::certificates` gives at least one.
    let first = chain.first().expect("a chain of one or more certificates");
    let parsed = webpki::EndEntityCert::try_from(first).map_err(|error| {
        TlsError::configuration(format!("the certificate cannot be used: {}", words::of_rule(&error)))
    })?;
    Ok(parsed.valid_dns_names().map(str::to_owned).collect())
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

/// Shows the first of some certificates for the same names whose key a client can verify: one of ECDSA and one of RSA,
/// for instance. A client that can verify none is shown the first.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) identities: Vec<Identity>,
    pub(crate) clock: Clock,
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // Where TLS 1.2 is spoken, rustls has left out what none of the client's suites goes with.
        let schemes = hello.signature_schemes();
        let verifiable = |identity: &&Identity| identity.key.key.choose_scheme(schemes).is_some();
        let shown = self.identities.iter().find(verifiable).or(self.identities.first())?;
        Some(Arc::clone(shown.key_at(self.clock.now())))
    }
}
