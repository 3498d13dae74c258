//! Judging the peer's certificates: webpki's rules first, then pins, then stapled evidence.

use std::sync::Arc;

use millrace_error::Code;
use pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, SignatureScheme};
use webpki::VerifiedPath;

use crate::evidence::Evidence;
use crate::finding::{Finding, refuse};
use crate::{Pins, TlsError, Trust, certificate, verdict};

/// How a client judges servers.
#[derive(Debug)]
pub(crate) struct ServerJudge {
    pub(crate) rules: Arc<WebPkiServerVerifier>,
    pub(crate) trust: Arc<Trust>,
    pub(crate) pins: Pins,
    /// What else is asked for: OCSP, Certificate Transparency.
    pub(crate) evidence: Evidence,
    /// Whether a server that is refused by the rules is let pass and only reported.
    pub(crate) dangerously_accept_any: bool,
}

impl ServerJudge {
    fn judge(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Finding> {
        if let Some(weak) = Finding::of_weakness(end_entity, intermediates) {
            return Err(weak);
        }
        let by_rules = self.rules.verify_server_cert(end_entity, intermediates, name, &[], now);
        if let Err(error) = by_rules {
            let listed = self.trust.judge_listed(end_entity, Some(name), now);
            match listed {
                Some(Ok(())) => {}
                Some(Err(reason)) => return Err(Finding::of_chain(reason.into(), end_entity, intermediates)),
                None => return Err(Finding::of_chain(error, end_entity, intermediates)),
            }
        }
        Ok(())
    }

    /// The pins, after and beside the rules. They are strict also where the rules are not, so that a certificate that
    /// nobody signed can be trusted by its key.
    fn judge_pins(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Finding> {
        let pinned = |certificate: &CertificateDer<'_>| self.pins.allow(certificate::spki_digest(certificate));
        // Only the path that is trusted counts: a server can add any certificate to what it sends.
        let on_path = |path: &VerifiedPath<'_>| {
            let anchor = certificate::digest_of_anchor(path.anchor());
            let found =
                self.pins.allow(Some(anchor)) || path.intermediate_certificates().any(|each| pinned(&each.der()));
            if found {
                Ok(())
            } else {
                Err(webpki::Error::UnknownIssuer)
            }
        };
        if self.pins.is_empty() || pinned(end_entity) || self.trust.path_to(end_entity, intermediates, now, &on_path) {
            return Ok(());
        }
        let why = match crate::Pins::of(end_entity) {
            Some(pin) => format!("its own key is {pin}"),
            None => "its key cannot be read".to_owned(),
        };
        let alert = CertificateError::ApplicationVerificationFailure;
        Err(Finding::new(Code::TlsPinMismatch, alert, &why, end_entity))
    }

    /// What is to be reported of a chain that a resumed session was begun with. Where the rules are strict that is
    /// nothing: the chain passed them when the session began, and under other rules it would not have been resumed.
    pub(crate) fn review(
        &self,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Option<TlsError> {
        if !self.dangerously_accept_any && !self.pins.report_only {
            return None;
        }
        let (end_entity, intermediates) = chain.split_first()?;
        let found = self
            .judge(end_entity, intermediates, name, now)
            .and_then(|()| self.judge_pins(end_entity, intermediates, now));
        found.err().map(|finding| finding.error)
    }
}

impl ServerCertVerifier for ServerJudge {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let by_rules = self.judge(end_entity, intermediates, name, now);
        if let (Err(finding), false) = (&by_rules, self.dangerously_accept_any) {
            return Err(refuse(finding));
        }
        let by_pins = self.judge_pins(end_entity, intermediates, now);
        if let (Err(finding), false) = (&by_pins, self.pins.report_only) {
            return Err(refuse(finding));
        }
        let (verdicts, by_evidence) = self
            .evidence
            .judge(&self.trust, end_entity, intermediates, ocsp_response, now);
        let by_evidence = match by_evidence {
            Err(found) if found.is_strict && !self.dangerously_accept_any => return Err(refuse(&found.finding)),
            other => other.map_err(|found| found.finding),
        };
        verdict::leave_evidence(verdicts);
        // What the rules say outweighs a pin that is only reported, and a pin what else is.
        if let Err(finding) = by_rules.and(by_pins).and(by_evidence) {
            verdict::leave(finding.error);
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.rules.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.rules.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.rules.supported_verify_schemes()
    }
}

/// How a server judges clients that it asks for a certificate.
#[derive(Debug)]
pub(crate) struct ClientJudge {
    pub(crate) rules: Arc<dyn ClientCertVerifier>,
    pub(crate) trust: Arc<Trust>,
    /// Whether a client that is refused by the rules is let pass and only reported.
    pub(crate) dangerously_accept_any: bool,
}

impl ClientJudge {
    fn judge(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Finding> {
        if let Some(weak) = Finding::of_weakness(end_entity, intermediates) {
            return Err(weak);
        }
        let by_rules = self.rules.verify_client_cert(end_entity, intermediates, now);
        let Err(error) = by_rules else { return Ok(()) };
        match self.trust.judge_listed(end_entity, None, now) {
            Some(Ok(())) => Ok(()),
            Some(Err(reason)) => Err(Finding::of_chain(reason.into(), end_entity, intermediates)),
            None => Err(Finding::of_chain(error, end_entity, intermediates)),
        }
    }

    /// What is to be reported of a chain that a resumed session was begun with; see [`ServerJudge::review`].
    pub(crate) fn review(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Option<TlsError> {
        if !self.dangerously_accept_any {
            return None;
        }
        let (end_entity, intermediates) = chain.split_first()?;
        let found = self.judge(end_entity, intermediates, now);
        found.err().map(|finding| finding.error)
    }
}

impl ClientCertVerifier for ClientJudge {
    fn client_auth_mandatory(&self) -> bool {
        self.rules.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.rules.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        match self.judge(end_entity, intermediates, now) {
            Err(finding) if !self.dangerously_accept_any => return Err(refuse(&finding)),
            Err(finding) => verdict::leave(finding.error),
            Ok(()) => {}
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.rules.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.rules.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.rules.supported_verify_schemes()
    }
}
