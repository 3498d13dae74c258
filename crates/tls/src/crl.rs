//! CRLs (RFC 5280 §5): which are taken, and what they say of themselves.
//!
//! webpki judges by them: the CRL of each certificate's issuer, its signature and scope, its nextUpdate. What it does
//! not take is refused when it is loaded, in words: delta CRLs, indirect CRLs, CRLs for some reasons only, version 1.
//! Where there are several of one issuer the newest counts. A CRL whose thisUpdate is in the future counts too, which
//! RFC 5280 §6.3 allows; [`CrlFacts`] show it.

use webpki::{BorrowedCertRevocationList, Error};
use x509_cert::der::{Decode, Tag, TagNumber};
use x509_cert::name::Name;
use x509_cert::time::Time;

use crate::TlsError;
use crate::der::{Items, constructed};
use crate::error::bounded;

/// How much of an issuer's name is kept, in bytes.
const NAME_LIMIT: usize = 160;

/// What a CRL says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlFacts {
    /// Who issued it, in printable ASCII.
    pub issuer: String,
    /// When, in seconds since 1970.
    pub this_update: u64,
    /// When the next one is due, in seconds since 1970; from then on it does not count, unless expired ones are
    /// allowed.
    pub next_update: u64,
    /// How many certificates it revokes.
    pub count: usize,
    /// In which of the pieces that were given it was.
    pub source: usize,
}

/// Reads a CRL in DER, all of it; `source` is told in its facts.
///
/// # Errors
/// [`millrace_error::Code::TlsInvalidConfiguration`] with what is wrong and whose CRL it is.
pub(crate) fn read(crl: &[u8], source: usize) -> Result<CrlFacts, TlsError> {
    let head = Head::parse(crl);
    let refused = |why: &str| {
        let whose = match &head {
            Some(head) => format!("the CRL of \"{}\"", head.issuer),
            None => "a CRL".to_owned(),
        };
        TlsError::configuration(format!("{whose} cannot be used: {why}"))
    };
    let parsed = match BorrowedCertRevocationList::from_der(crl) {
        Ok(parsed) => parsed,
        Err(_) if head.as_ref().is_some_and(|head| !head.is_version_2) => {
            return Err(refused("it is of version 1; expected version 2 (RFC 5280 §5.1.2.1)"));
        }
        Err(_) if head.as_ref().is_some_and(|head| head.next_update.is_none()) => {
            return Err(refused("it has no nextUpdate (RFC 5280 §5.1.2.5)"));
        }
        Err(_) if head.as_ref().is_some_and(|head| !head.has_extensions) => {
            return Err(refused(
                "it has no extensions; expected at least a CRL number (RFC 5280 §5.2)",
            ));
        }
        Err(error) => return Err(refused(&words(error))),
    };
    let mut count = 0;
    for entry in &parsed {
        entry.map_err(|error| refused(&words(error)))?;
        count += 1;
    }
    match head {
        Some(Head {
            issuer,
            this_update,
            next_update: Some(next_update),
            ..
        }) => Ok(CrlFacts {
            issuer,
            this_update,
            next_update,
            count,
            source,
        }),
        _ => Err(refused("it is malformed")),
    }
}

/// The same error, which says that what was loaded before still counts.
pub(crate) fn keeping(error: TlsError) -> TlsError {
    let words = error.detail().unwrap_or_default();
    TlsError::with_detail(error.code, format!("the CRLs from before stay in force; {words}"))
}

fn words(error: Error) -> String {
    match error {
        Error::UnsupportedDeltaCrl => "it is a delta CRL (RFC 5280 §5.2.4); give the complete one".to_owned(),
        Error::UnsupportedIndirectCrl => {
            "it is an indirect CRL, with certificates of other CAs in it (RFC 5280 §5.2.5)".to_owned()
        }
        Error::UnsupportedRevocationReasonsPartitioning => {
            "it is for some reasons of revocation only (RFC 5280 §5.2.5); give one for all".to_owned()
        }
        error => crate::words::of_rule(&error),
    }
}

/// The front of a TBSCertList.
struct Head {
    is_version_2: bool,
    issuer: String,
    this_update: u64,
    next_update: Option<u64>,
    has_extensions: bool,
}

impl Head {
    fn parse(crl: &[u8]) -> Option<Self> {
        let tbs = Items::inside(crl, Tag::Sequence)?.take(Tag::Sequence)?;
        let mut fields = Items::new(tbs.value)?;
        let version = fields.take_if(Tag::Integer)?;
        fields.take(Tag::Sequence)?;
        let issuer = Name::from_der(fields.take(Tag::Sequence)?.whole).ok()?;
        let this_update = time(fields.take_any()?.whole)?;
        let next_update = fields.clone().take_any().and_then(|next| time(next.whole));
        let mut has_extensions = false;
        while !fields.is_empty() {
            has_extensions |= fields.take_any()?.tag == constructed(TagNumber::N0);
        }
        Some(Self {
            is_version_2: version.is_some_and(|version| version.value == [1]),
            issuer: bounded(&issuer.to_string(), NAME_LIMIT),
            this_update,
            next_update,
            has_extensions,
        })
    }
}

fn time(whole: &[u8]) -> Option<u64> {
    Some(Time::from_der(whole).ok()?.to_unix_duration().as_secs())
}
