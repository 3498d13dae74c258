//! The contexts and certificates of an environment, by their numbers.

use crate::listen::state_of;
use millrace_engine::error::Code;
use millrace_engine::tls_core::{ClientContext, Identity, ServerContext, TlsError};
use napi::Env;
use std::collections::HashMap;
use std::sync::Arc;

/// The contexts and certificates of one environment.
#[derive(Default)]
pub struct TlsRegistry {
    pub servers: HashMap<u32, Arc<ServerContext>>,
    pub clients: HashMap<u32, Arc<ClientContext>>,
    pub identities: HashMap<u32, Identity>,
    last: u32,
    pub(super) detail: String,
}

impl TlsRegistry {
    pub(super) fn next(&mut self) -> u32 {
        self.last += 1;
        self.last
    }

    pub(super) fn failed(&mut self, error: &TlsError) -> f64 {
        self.detail = error.detail().unwrap_or_default().to_owned();
        -f64::from(error.code.id())
    }
}

/// Runs a function on the environment's registry; its error becomes minus the code, with the detail kept.
pub(super) fn registered(env: Env, work: impl FnOnce(&mut TlsRegistry) -> Result<f64, TlsError>) -> f64 {
    let Some(state) = state_of(env) else {
        return -f64::from(Code::StaleId.id());
    };
    let mut registry = state.tls.borrow_mut();
    work(&mut registry).unwrap_or_else(|error| registry.failed(&error))
}
