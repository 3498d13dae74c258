//! One signed certificate timestamp (RFC 6962 §3.2).

use super::list::Bytes;

/// `SignedCertificateTimestamp` of version 1.
///
/// ```text
/// struct {
///     Version sct_version;                     1 byte, 0
///     LogID id;                               32 bytes
///     uint64 timestamp;                        milliseconds since 1970
///     CtExtensions extensions;                 <0..2^16-1>
///     digitally-signed struct { … };           hash, signature algorithm, signature <0..2^16-1>
/// } SignedCertificateTimestamp;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sct<'a> {
    pub(crate) log_id: &'a [u8; 32],
    pub(crate) at_ms: u64,
    pub(crate) extensions: &'a [u8],
    /// `SignatureAndHashAlgorithm` (RFC 5246 §7.4.1.4.1).
    pub(crate) algorithm: [u8; 2],
    pub(crate) signature: &'a [u8],
}

impl<'a> Sct<'a> {
    /// Reads one; `Some(None)` is one of another version.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Option<Self>> {
        let mut bytes = Bytes(bytes);
        if bytes.array()? != &[0_u8] {
            return Some(None);
        }
        let sct = Self {
            log_id: bytes.array()?,
            at_ms: u64::from_be_bytes(*bytes.array()?),
            extensions: bytes.vector()?,
            algorithm: *bytes.array()?,
            signature: bytes.vector()?,
        };
        bytes.0.is_empty().then_some(Some(sct))
    }
}
