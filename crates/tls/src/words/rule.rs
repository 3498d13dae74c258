//! The rules of webpki that certificates break.

use super::taken_apart;
use webpki::Error as Rule;

/// The rule of webpki that a certificate breaks.
pub(crate) fn of_rule(rule: &Rule) -> String {
    let words = match rule {
        Rule::BadDer | Rule::TrailingData(_) => "it is malformed",
        Rule::BadDerTime => "it has a time that is malformed",
        Rule::CaUsedAsEndEntity => "it is an authority's certificate and not a server's or client's",
        Rule::EndEntityUsedAsCa => "a certificate above it is not an authority's",
        Rule::EmptyEkuExtension => "its list of purposes is empty",
        Rule::ExtensionValueInvalid | Rule::MalformedExtensions => "an extension in it is malformed",
        Rule::InvalidCertValidity => "its time ends before it begins",
        Rule::InvalidSerialNumber => "its serial number is malformed",
        Rule::InvalidSignatureForPublicKey => "its signature is not its issuer's",
        Rule::MalformedDnsIdentifier => "a name in it is malformed",
        Rule::MalformedNameConstraint | Rule::InvalidNetworkMaskConstraint => {
            "the name constraints of an authority above it are malformed"
        }
        Rule::NameConstraintViolation => "an authority above it may not vouch for its name (name constraints)",
        Rule::PathLenConstraintViolated => {
            "an authority above it may have fewer authorities below it than there are (path length)"
        }
        Rule::MaximumNameConstraintComparisonsExceeded
        | Rule::MaximumPathBuildCallsExceeded
        | Rule::MaximumSignatureChecksExceeded => "its chain takes too much work to judge",
        Rule::MaximumPathDepthExceeded => "its chain is too long",
        Rule::SignatureAlgorithmMismatch => "it names two signature algorithms that differ",
        Rule::UnknownIssuer => "no trusted authority has issued it, or the certificates between are missing",
        Rule::UnknownRevocationStatus => "no CRL covers it, or an authority above it",
        Rule::UnsupportedCertVersion => "it is not of X.509 version 3",
        Rule::UnsupportedCriticalExtension => "it has a critical extension that is not known here",
        other => return taken_apart(other),
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{of_certificate, tests::reads_well};
    use rustls::{CertificateError, OtherError};
    use std::sync::Arc;

    #[test]
    fn every_rule_of_webpki_has_words() {
        #[expect(deprecated)]
        let rules = [
            Rule::BadDer,
            Rule::BadDerTime,
            Rule::CaUsedAsEndEntity,
            Rule::CertDistrusted,
            Rule::CertRevoked,
            Rule::EmptyEkuExtension,
            Rule::EndEntityUsedAsCa,
            Rule::ExtensionValueInvalid,
            Rule::InvalidCertValidity,
            Rule::InvalidCrlNumber,
            Rule::InvalidNetworkMaskConstraint,
            Rule::InvalidSerialNumber,
            Rule::InvalidCrlSignatureForPublicKey,
            Rule::InvalidSignatureForPublicKey,
            Rule::IssuerNotCrlSigner,
            Rule::MalformedDnsIdentifier,
            Rule::MalformedExtensions,
            Rule::MalformedNameConstraint,
            Rule::MaximumNameConstraintComparisonsExceeded,
            Rule::MaximumPathBuildCallsExceeded,
            Rule::MaximumPathDepthExceeded,
            Rule::MaximumSignatureChecksExceeded,
            Rule::NameConstraintViolation,
            Rule::PathLenConstraintViolated,
            Rule::RequiredEkuNotFound,
            Rule::SignatureAlgorithmMismatch,
            Rule::UnknownIssuer,
            Rule::UnknownRevocationStatus,
            Rule::UnsupportedCertVersion,
            Rule::UnsupportedCriticalExtension,
            Rule::UnsupportedCrlIssuingDistributionPoint,
            Rule::UnsupportedCrlVersion,
            Rule::UnsupportedDeltaCrl,
            Rule::UnsupportedIndirectCrl,
            Rule::UnsupportedNameType,
            Rule::UnsupportedRevocationReason,
            Rule::UnsupportedRevocationReasonsPartitioning,
        ];
        for rule in rules {
            let words = of_rule(&rule);
            assert!(reads_well(&words), "{rule:?}: {words}");
            let wrapped = CertificateError::Other(OtherError(Arc::new(rule)));
            assert_eq!(of_certificate(&wrapped), words);
        }
    }
}
