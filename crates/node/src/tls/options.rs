//! Objects of options as TypeScript hands them over, and what `crates/tls` makes of them.

use super::evidence::{self, NativeCtLog};
use millrace_engine::error::Code;
use millrace_engine::tls_core::{
    ClientAuth, ClientContext, ClientOptions, Clock, Identity, KeyLogger, Pins, ServerOptions, TicketSecret, TlsError,
    TlsVersion, Trust, TrustOptions,
};
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// Whom to trust.
#[napi(object, object_to_js = false)]
pub struct NativeTrust {
    pub ca: Vec<Uint8Array>,
    pub skip_unusable_ca: bool,
    pub crls: Vec<Uint8Array>,
    pub crl_end_entity_only: bool,
    pub allow_unknown_revocation: bool,
    pub allow_expired_crls: bool,
}

/// A certificate chain with its key.
#[napi(object, object_to_js = false)]
pub struct NativeIdentity {
    pub chain: Uint8Array,
    pub key: Uint8Array,
    /// In place of the certificate's own names.
    pub names: Option<Vec<String>>,
    /// A response (DER) to staple until its nextUpdate; one that is not good is refused.
    pub ocsp: Option<Uint8Array>,
    /// The certificate (DER) of the issuer, for a response.
    pub issuer: Option<Uint8Array>,
}

/// What a server's TLS is to be.
#[napi(object, object_to_js = false)]
pub struct NativeTlsServer {
    pub identities: Vec<NativeIdentity>,
    pub ask_for_certificate: bool,
    pub alpn: Vec<String>,
    pub min_version: String,
    pub max_version: String,
    pub ciphers: Vec<String>,
    pub honor_cipher_order: bool,
    pub request_cert: bool,
    pub reject_unauthorized: bool,
    pub trust: Option<NativeTrust>,
    pub tickets: bool,
    pub ticket_keys: Option<Uint8Array>,
    pub session_timeout: u32,
    pub session_cache_size: u32,
    pub max_early_data: u32,
    pub key_log_file: Option<String>,
}

/// What a client's TLS is to be.
#[napi(object, object_to_js = false)]
pub struct NativeTlsClient {
    pub trust: NativeTrust,
    /// Only checked; connections are told by which name their server is judged.
    pub servername: Option<String>,
    pub reject_unauthorized: bool,
    pub pins: Vec<String>,
    pub pins_report_only: bool,
    pub ocsp: String,
    pub certificate_transparency: String,
    pub ct_logs: Vec<NativeCtLog>,
    pub identity: Option<NativeIdentity>,
    pub alpn: Vec<String>,
    pub min_version: String,
    pub max_version: String,
    pub ciphers: Vec<String>,
    pub sessions: u32,
    pub early_data: bool,
    pub key_log_file: Option<String>,
}

fn trust(given: &NativeTrust) -> Result<Arc<Trust>, TlsError> {
    let all = |list: &[Uint8Array]| list.iter().map(|bytes| bytes.to_vec()).collect();
    Trust::new(&TrustOptions {
        ca: all(&given.ca),
        skip_unusable_ca: given.skip_unusable_ca,
        crls: all(&given.crls),
        crl_end_entity_only: given.crl_end_entity_only,
        allow_unknown_revocation: given.allow_unknown_revocation,
        allow_expired_crls: given.allow_expired_crls,
    })
    .map(Arc::new)
}

pub fn identity(given: &NativeIdentity) -> Result<Identity, TlsError> {
    let identity = Identity::new(&given.chain, &given.key)?;
    let identity = match &given.names {
        Some(names) => identity.with_names(names.iter().cloned()),
        None => identity,
    };
    match &given.ocsp {
        Some(response) => {
            let now = Clock::system().now();
            let (stapled, _) = identity.with_checked_ocsp(given.issuer.as_deref(), response.to_vec(), now)?;
            Ok(stapled)
        }
        None => Ok(identity),
    }
}

fn version(name: &str) -> TlsVersion {
    match name {
        "TLSv1.2" => TlsVersion::Tls12,
        _ => TlsVersion::Tls13,
    }
}

/// Appends lines to a file that other threads append to as well.
fn key_logger(path: Option<&String>) -> Result<Option<KeyLogger>, TlsError> {
    let Some(path) = path else { return Ok(None) };
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    let file = file.map_err(|error| {
        let words = format!("the key log file {path} cannot be opened: {error}");
        TlsError::with_detail(Code::TlsInvalidConfiguration, words)
    })?;
    let file = Mutex::new(file);
    Ok(Some(KeyLogger::new(move |line| {
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        // A full disk must not end a handshake.
        let _ = file.write_all(format!("{line}\n").as_bytes());
    })))
}

fn bytes_of(names: &[String]) -> Vec<Vec<u8>> {
    names.iter().map(|name| name.as_bytes().to_vec()).collect()
}

pub fn server_options(given: &NativeTlsServer) -> Result<ServerOptions, TlsError> {
    let client_auth = match (&given.trust, given.request_cert, given.reject_unauthorized) {
        (Some(given), true, true) => ClientAuth::Required(trust(given)?),
        (Some(given), true, false) => ClientAuth::DangerouslyOptional(trust(given)?),
        _ => ClientAuth::Off,
    };
    Ok(ServerOptions {
        identities: given.identities.iter().map(identity).collect::<Result<_, _>>()?,
        ask_for_certificate: given.ask_for_certificate,
        alpn: bytes_of(&given.alpn),
        min_version: version(&given.min_version),
        max_version: version(&given.max_version),
        ciphers: given.ciphers.clone(),
        honor_cipher_order: given.honor_cipher_order,
        client_auth,
        tickets: given.tickets,
        ticket_keys: match &given.ticket_keys {
            Some(keys) => Some(TicketSecret::new(keys)?),
            None => None,
        },
        session_timeout_s: given.session_timeout,
        session_cache_size: given.session_cache_size as usize,
        max_early_data: given.max_early_data,
        key_log: key_logger(given.key_log_file.as_ref())?,
        ..ServerOptions::default()
    })
}

pub fn client_options(given: &NativeTlsClient) -> Result<ClientOptions, TlsError> {
    if let Some(servername) = &given.servername {
        ClientContext::check_name(servername)?;
    }
    Ok(ClientOptions {
        dangerously_accept_any_certificate: !given.reject_unauthorized,
        pins: Pins::parse(given.pins.iter().map(String::as_str), given.pins_report_only)?,
        ocsp: evidence::ocsp_policy(&given.ocsp),
        ct: evidence::ct_policy(&given.certificate_transparency),
        ct_logs: evidence::ct_logs(&given.ct_logs)?,
        identity: given.identity.as_ref().map(identity).transpose()?,
        alpn: bytes_of(&given.alpn),
        min_version: version(&given.min_version),
        max_version: version(&given.max_version),
        ciphers: given.ciphers.clone(),
        sessions: given.sessions as usize,
        early_data: given.early_data,
        key_log: key_logger(given.key_log_file.as_ref())?,
        ..ClientOptions::new(trust(&given.trust)?)
    })
}
