//! Making contexts and certificates, changing them, letting them go.

use super::options::{NativeIdentity, NativeTlsClient, NativeTlsServer, client_options, identity, server_options};
use super::registry::registered;
use crate::listen::state_of;
use millrace_engine::error::Code;
use millrace_engine::tls_core::{ClientContext, ServerContext, TicketSecret, TlsError};
use napi::Env;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use std::sync::Arc;

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
