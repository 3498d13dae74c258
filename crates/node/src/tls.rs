//! TLS contexts and certificates, made rarely: objects of options, validated in TypeScript, become things with a number.
//!
//! A call that fails answers minus the code, and `tlsDetail()` has what was seen in words.

use crate::evidence::{self, NativeCtLog};
use crate::exchange::with;
use crate::js::Arguments;
use crate::listen::state_of;
use crate::state::State;
use millrace_engine::error::Code;
use millrace_engine::tls_core::{
    ClientAuth, ClientContext, ClientOptions, Clock, Identity, KeyLogger, Pins, ServerContext, ServerOptions,
    TicketSecret, TlsError, TlsVersion, Trust, TrustOptions,
};
use napi::Env;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use napi_sys as sys;
use std::collections::HashMap;
use std::io::Write;
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

/// The contexts and certificates of one environment.
#[derive(Default)]
pub struct TlsRegistry {
    pub servers: HashMap<u32, Arc<ServerContext>>,
    pub clients: HashMap<u32, Arc<ClientContext>>,
    pub identities: HashMap<u32, Identity>,
    last: u32,
    detail: String,
}

impl TlsRegistry {
    fn next(&mut self) -> u32 {
        self.last += 1;
        self.last
    }

    pub(crate) fn failed(&mut self, error: &TlsError) -> f64 {
        self.detail = error.detail().unwrap_or_default().to_owned();
        -f64::from(error.code.id())
    }
}

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

fn identity(given: &NativeIdentity) -> Result<Identity, TlsError> {
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

fn server_options(given: &NativeTlsServer) -> Result<ServerOptions, TlsError> {
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

fn client_options(given: &NativeTlsClient) -> Result<ClientOptions, TlsError> {
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

/// Runs a function on the environment's registry; its error becomes minus the code, with the detail kept.
pub(crate) fn registered(env: Env, work: impl FnOnce(&mut TlsRegistry) -> Result<f64, TlsError>) -> f64 {
    let Some(state) = state_of(env) else {
        return -f64::from(Code::StaleId.id());
    };
    let mut registry = state.tls.borrow_mut();
    work(&mut registry).unwrap_or_else(|error| registry.failed(&error))
}

/// Makes a server's context: its number, or minus the code.
#[napi(catch_unwind)]
pub fn tls_server(env: Env, options: NativeTlsServer) -> f64 {
    registered(env, |registry| {
        let context = ServerContext::new(server_options(&options)?)?;
        let number = registry.next();
        registry.servers.insert(number, context);
        Ok(f64::from(number))
    })
}

/// Makes a client's context: its number, or minus the code.
#[napi(catch_unwind)]
pub fn tls_client(env: Env, options: NativeTlsClient) -> f64 {
    registered(env, |registry| {
        let context = ClientContext::new(client_options(&options)?)?;
        let number = registry.next();
        registry.clients.insert(number, context);
        Ok(f64::from(number))
    })
}

/// Replaces all of a server's context, for handshakes that begin from now on: 0, or minus the code.
#[napi(catch_unwind)]
pub fn tls_update(env: Env, context: u32, options: NativeTlsServer) -> f64 {
    registered(env, |registry| {
        let found = registry.servers.get(&context).ok_or(TlsError::new(Code::StaleId))?;
        let mut next = server_options(&options)?;
        found.update(|options| {
            next.clock = options.clock.clone();
            *options = next;
        })?;
        Ok(0.0)
    })
}

/// Replaces the CRLs of a context: 0, or minus the code.
#[napi(catch_unwind)]
pub fn tls_crls(env: Env, context: u32, crls: Vec<Uint8Array>) -> f64 {
    let crls: Vec<Vec<u8>> = crls.iter().map(|bytes| bytes.to_vec()).collect();
    registered(env, |registry| {
        match (registry.servers.get(&context), registry.clients.get(&context)) {
            (Some(server), _) => server.reload_crls(&crls)?,
            (_, Some(client)) => client.reload_crls(&crls)?,
            _ => return Err(TlsError::new(Code::StaleId)),
        }
        Ok(0.0)
    })
}

/// Seals tickets with another key from now on: 0, or minus the code.
#[napi(catch_unwind)]
pub fn tls_rotate(env: Env, context: u32, key: Option<Uint8Array>) -> f64 {
    registered(env, |registry| {
        let server = registry.servers.get(&context).ok_or(TlsError::new(Code::StaleId))?;
        let secret = key.map(|key| TicketSecret::new(&key)).transpose()?;
        server.rotate_tickets(secret.as_ref())?;
        Ok(0.0)
    })
}

/// Makes a certificate with its key for `chooseCertificate`: its number, or minus the code.
#[napi(catch_unwind)]
pub fn tls_identity(env: Env, given: NativeIdentity) -> f64 {
    registered(env, |registry| {
        let made = identity(&given)?;
        let number = registry.next();
        registry.identities.insert(number, made);
        Ok(f64::from(number))
    })
}

/// Lets a context or certificate go; sessions and servers that have it keep it.
#[napi(catch_unwind)]
pub fn tls_drop(env: Env, number: u32) {
    if let Some(state) = state_of(env) {
        let mut registry = state.tls.borrow_mut();
        registry.servers.remove(&number);
        registry.clients.remove(&number);
        registry.identities.remove(&number);
    }
}

/// What the last call that failed saw, in words.
#[napi(catch_unwind)]
pub fn tls_detail(env: Env) -> String {
    state_of(env).map_or_else(String::new, |state| std::mem::take(&mut state.tls.borrow_mut().detail))
}

/// Has a server speak TLS on connections from now on (0: not any more): 1, or 0 when one of them is gone.
#[napi(catch_unwind)]
pub fn server_tls(env: Env, server: f64, context: u32) -> f64 {
    let Some(state) = state_of(env) else { return 0.0 };
    let tls = match context {
        0 => None,
        number => match state.tls.borrow().servers.get(&number) {
            Some(found) => Some(Arc::clone(found)),
            None => return 0.0,
        },
    };
    let set = state
        .engine
        .borrow_mut()
        .as_mut()
        .is_some_and(|engine| engine.set_tls(server, tls));
    f64::from(u8::from(set))
}

/// `chooseCertificate(connection, identity)`; 0: the server's first. 1 when the handshake waited for it.
pub unsafe extern "C" fn choose_certificate(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let chosen = with(&arguments, false, |state: &State, engine| {
        let number = arguments.number(1) as u32;
        let identity = state.tls.borrow().identities.get(&number).cloned();
        engine.choose_certificate(arguments.number(0), identity)
    });
    arguments.env.double(f64::from(u8::from(chosen)))
}

/// `tlsFacts(stream)`: version, cipher, protocol (empty: none), server name (empty: none), resumed, early data, what is
/// wrong with a certificate that was let pass (its code, and what was seen), and what the evidence with the certificate
/// comes to (`evidence::parts`), with NUL between; empty for none.
pub unsafe extern "C" fn tls_facts(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let facts = with(&arguments, None, |_, engine| engine.tls_facts(arguments.number(0)));
    let Some(facts) = facts else {
        return arguments.env.text(b"").0;
    };
    let mut text = Vec::new();
    text.extend_from_slice(facts.version.as_str().as_bytes());
    let mut part = |bytes: &[u8]| {
        text.push(0);
        text.extend_from_slice(bytes);
    };
    part(facts.cipher.as_bytes());
    part(facts.alpn.as_deref().unwrap_or_default());
    part(facts.servername.as_deref().unwrap_or_default().as_bytes());
    part(if facts.resumed { b"1" } else { b"" });
    part(if facts.early_data { b"1" } else { b"" });
    match &facts.authorization_error {
        None => {
            part(b"");
            part(b"");
        }
        Some(error) => {
            part(error.code.id().to_string().as_bytes());
            part(error.detail().unwrap_or_default().as_bytes());
        }
    }
    evidence::parts(&facts, &mut part);
    arguments.env.text(&text).0
}

/// `tlsCertificate(stream, place)`: a certificate of the peer's chain in DER, its own at 0; nothing past the last.
pub unsafe extern "C" fn tls_certificate(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let facts = with(&arguments, None, |_, engine| engine.tls_facts(arguments.number(0)));
    let certificate = facts.and_then(|facts| facts.peer_certificates.into_iter().nth(arguments.number(1) as usize));
    let Some(der) = certificate else {
        return ptr::null_mut();
    };
    match arguments.env.array_buffer(der.len()) {
        Some((buffer, data)) => {
            // SAFETY: a fresh ArrayBuffer of that length, which nobody was given yet.
            unsafe { ptr::copy_nonoverlapping(der.as_ptr(), data.cast(), der.len()) };
            arguments.env.view(buffer, 0, der.len()).0
        }
        None => ptr::null_mut(),
    }
}
