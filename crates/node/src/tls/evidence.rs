//! Evidence about certificates (OCSP, Certificate Transparency) between TypeScript and `crates/tls`.

use super::registry::{TlsRegistry, registered};
use crate::listen::state_of;
use millrace_engine::error::Code;
use millrace_engine::tls_core::{
    Clock, CtLog, CtLogState, CtLogs, CtPolicy, CtSource, CtStatus, CtTimestamp, OcspHash, OcspPolicy, OcspVerdict,
    StapleFacts, TlsError, TlsFacts, ocsp_request, ocsp_urls,
};
use napi::Env;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use std::fmt::Write;

/// A log of Certificate Transparency.
#[napi(object, object_to_js = false)]
pub struct NativeCtLog {
    /// SubjectPublicKeyInfo in DER.
    pub key: Uint8Array,
    pub operator: String,
    /// As lists of logs have it: `usable`, `retired`.
    pub state: String,
    /// Since when it has the state, in seconds since 1970.
    pub since: f64,
}

/// What to ask a responder, and where.
#[napi(object, object_from_js = false)]
pub struct NativeOcspQuery {
    pub request: Uint8Array,
    pub urls: Vec<String>,
}

/// A staple's times, in seconds since 1970.
#[napi(object, object_from_js = false)]
pub struct NativeStaple {
    pub next_update: f64,
    pub refresh_at: f64,
}

/// A CRL; times in seconds since 1970.
#[napi(object, object_from_js = false)]
pub struct NativeCrl {
    pub issuer: String,
    pub this_update: f64,
    pub next_update: f64,
    pub revoked: f64,
    /// In which of the pieces that were given it was.
    pub source: u32,
}

pub fn ocsp_policy(name: &str) -> OcspPolicy {
    match name {
        "off" => OcspPolicy::Off,
        "must-staple" => OcspPolicy::MustStaple,
        _ => OcspPolicy::Require,
    }
}

pub fn ct_policy(name: &str) -> CtPolicy {
    match name {
        "off" => CtPolicy::Off,
        "report" => CtPolicy::Report,
        _ => CtPolicy::Require,
    }
}

pub fn ct_logs(given: &[NativeCtLog]) -> Result<CtLogs, TlsError> {
    CtLogs::new(given.iter().map(|log| CtLog {
        key: log.key.to_vec(),
        operator: log.operator.clone(),
        state: match log.state.as_str() {
            "usable" => CtLogState::Usable,
            "qualified" => CtLogState::Qualified,
            "readonly" => CtLogState::ReadOnly,
            "retired" => CtLogState::Retired { at: log.since as u64 },
            "pending" => CtLogState::Pending,
            _ => CtLogState::Rejected,
        },
    }))
}

/// Staples in the environment's registry, and says the staple's times, or minus the code.
fn stapled(
    env: Env,
    staple: impl FnOnce(&mut TlsRegistry) -> Result<StapleFacts, TlsError>,
) -> napi::Either<NativeStaple, f64> {
    let mut times = None;
    let answer = registered(env, |registry| {
        let facts = staple(registry)?;
        times = Some(NativeStaple {
            next_update: facts.next_update as f64,
            refresh_at: facts.refresh_at as f64,
        });
        Ok(0.0)
    });
    times.map_or(napi::Either::B(answer), napi::Either::A)
}

/// Checks an OCSP response (DER) and staples it until its nextUpdate for the certificate at a place; minus
/// the code when it is not good, and the one before stays.
#[napi(catch_unwind)]
pub fn tls_staple(
    env: Env,
    context: u32,
    place: u32,
    issuer: Uint8Array,
    response: Uint8Array,
) -> napi::Either<NativeStaple, f64> {
    stapled(env, |registry| {
        let server = registry.servers.get(&context).ok_or(TlsError::new(Code::StaleId))?;
        let facts = server.staple_checked(place as usize, Some(&issuer), response.to_vec())?;
        Ok(facts)
    })
}

/// The same for a certificate that was made for `chooseCertificate`: handshakes that it is given from now on staple it.
#[napi(catch_unwind)]
pub fn tls_staple_chosen(
    env: Env,
    identity: u32,
    issuer: Uint8Array,
    response: Uint8Array,
) -> napi::Either<NativeStaple, f64> {
    stapled(env, |registry| {
        let found = registry.identities.get_mut(&identity);
        let identity = found.ok_or(TlsError::new(Code::StaleId))?;
        let now = Clock::system().now();
        let (stapled, facts) = identity.with_checked_ocsp(Some(&issuer), response.to_vec(), now)?;
        *identity = stapled;
        Ok(facts)
    })
}

/// What the CRLs of a context say of themselves, the newest first; none when the context is gone.
#[napi(catch_unwind)]
pub fn tls_crl_facts(env: Env, context: u32) -> Vec<NativeCrl> {
    let Some(state) = state_of(env) else { return Vec::new() };
    let registry = state.tls.borrow();
    let facts = match (registry.servers.get(&context), registry.clients.get(&context)) {
        (Some(server), _) => server.crl_facts(),
        (_, Some(client)) => client.crl_facts(),
        _ => Vec::new(),
    };
    let facts = facts.into_iter().map(|facts| NativeCrl {
        issuer: facts.issuer,
        this_update: facts.this_update as f64,
        next_update: facts.next_update as f64,
        revoked: facts.count as f64,
        source: facts.source as u32,
    });
    facts.collect()
}

/// What to ask about a certificate, and where (both certificates in DER); minus the code when one of them is malformed
/// or the one has not issued the other.
#[napi(catch_unwind)]
pub fn tls_ocsp_query(env: Env, certificate: Uint8Array, issuer: Uint8Array) -> napi::Either<NativeOcspQuery, f64> {
    match ocsp_request(&certificate, &issuer, OcspHash::default(), None) {
        Ok(request) => napi::Either::A(NativeOcspQuery {
            request: request.into(),
            urls: ocsp_urls(&certificate),
        }),
        Err(error) => napi::Either::B(match state_of(env) {
            Some(state) => state.tls.borrow_mut().failed(&error),
            None => -f64::from(Code::StaleId.id()),
        }),
    }
}

/// The parts of `tlsFacts` about evidence. Of OCSP: the status (empty: not asked for), its reason, and when: thisUpdate
/// and nextUpdate of a good response, when a revoked certificate was revoked; in seconds since 1970, empty for none. Of
/// Certificate Transparency: `1` when it was judged, what is missing (empty: nothing), and a part for each timestamp:
/// source, status, milliseconds since 1970, the log's id in hex, and the rest is its operator.
pub fn parts(facts: &TlsFacts, part: &mut impl FnMut(&[u8])) {
    let (status, reason, at, until) = match &facts.ocsp {
        None => ("", String::new(), None, None),
        Some(OcspVerdict::Good(times)) => ("good", String::new(), Some(times.this_update), times.next_update),
        Some(OcspVerdict::Revoked(revocation)) => ("revoked", revocation.to_string(), Some(revocation.at), None),
        Some(OcspVerdict::Absent) => ("absent", String::new(), None, None),
        Some(OcspVerdict::Invalid(fault)) => ("invalid", fault.to_string(), None, None),
    };
    part(status.as_bytes());
    part(reason.as_bytes());
    for time in [at, until] {
        part(time.map(|time| time.to_string()).unwrap_or_default().as_bytes());
    }
    let Some(verdict) = &facts.ct else { return };
    part(b"1");
    let missing = verdict.shortfall.map(|shortfall| shortfall.to_string());
    part(missing.unwrap_or_default().as_bytes());
    for timestamp in &verdict.timestamps {
        part(in_words(timestamp).as_bytes());
    }
}

fn in_words(timestamp: &CtTimestamp) -> String {
    let source = match timestamp.source {
        CtSource::Embedded => "certificate",
        CtSource::Ocsp => "ocsp",
    };
    let status = match timestamp.status {
        CtStatus::Valid => "valid",
        CtStatus::ValidThenRetired => "validThenRetired",
        CtStatus::UnknownLog => "unknownLog",
        CtStatus::LogNotUsable => "logNotUsable",
        CtStatus::FromTheFuture => "fromTheFuture",
        CtStatus::WrongSignature => "wrongSignature",
    };
    let mut text = format!("{source} {status} {} ", timestamp.at_ms);
    for byte in timestamp.log_id {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.push(' ');
    text.push_str(timestamp.operator.as_deref().unwrap_or_default());
    text
}
