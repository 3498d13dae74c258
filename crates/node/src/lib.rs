//! The Node-API binding: nests the engine's reactor in the host's libuv loop, converts values, and counts. It decides
//! nothing.
//!
//! The hot functions are registered by hand over `napi-sys`, with the environment's [`State`](state::State) as their
//! data pointer: a macro method takes a process-wide lock. What is called rarely and takes an object is a macro.

mod address;
mod client;
mod context;
#[cfg_attr(test, allow(dead_code, reason = "the macro that registers it is off in unit tests"))]
mod dial;
mod exchange;
mod host;
mod js;
#[cfg_attr(test, allow(dead_code, reason = "the macro that registers it is off in unit tests"))]
mod listen;
mod numbers;
mod outbox;
mod pieces;
mod poller;
mod ring;
mod server;
mod socket;
mod state;
#[cfg_attr(test, allow(dead_code, reason = "the macro that registers it is off in unit tests"))]
mod tls;
mod uv;
mod wake;

use napi::bindgen_prelude::Object;
use napi::{Env, JsValue};
use napi_derive::napi;
use napi_sys as sys;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

/// Changes whenever the functions or the layout of events do; `ts/native` refuses any other.
pub const ABI: u32 = 7;

/// The version of the package that this binary belongs to.
#[napi(catch_unwind)]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// The number of the border between this binary and its TypeScript.
#[napi(catch_unwind)]
pub fn abi_version() -> u32 {
    ABI
}

type Function = unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value;

const FUNCTIONS: &[(&str, Function)] = &[
    ("request", client::request),
    ("becomeClient", client::become_client),
    ("closeClient", client::close_client),
    ("rememberFields", client::remember_fields),
    ("clientProfile", client::client_profile),
    ("respond", exchange::respond),
    ("rememberHead", exchange::remember_head),
    ("respondFile", exchange::respond_file),
    ("respondHead", exchange::respond_head),
    ("write", exchange::write),
    ("end", exchange::end),
    ("informational", exchange::informational),
    ("grant", exchange::grant),
    ("collect", exchange::collect),
    ("discard", exchange::discard),
    ("destroy", exchange::destroy),
    ("address", exchange::address),
    ("attach", server::attach),
    ("callInContext", server::call_in_context),
    ("hold", server::hold),
    ("adopt", server::adopt),
    ("setMaxMemory", server::set_max_memory),
    ("memory", server::memory),
    ("closeServer", server::close_server),
    ("handOver", server::hand_over),
    ("forceServer", server::force_server),
    ("serverAddress", server::server_address),
    ("serverStats", server::server_stats),
    ("inject", server::inject),
    ("count", server::count),
    ("gauge", server::gauge),
    ("record", server::record),
    ("isUsable", client::is_usable),
    ("metricsFill", server::metrics_fill),
    ("metricsReset", server::metrics_reset),
    ("metricsSince", server::metrics_since),
    ("metricsPercentile", server::metrics_percentile),
    ("setLogLevel", server::set_log_level),
    ("takeLog", server::take_log),
    ("hearRefusals", server::hear_refusals),
    ("takeRefusals", server::take_refusals),
    ("census", server::census),
    ("plantPanic", server::plant_panic),
    ("calls", server::calls),
    ("setLimits", exchange::set_limits),
    ("relay", socket::relay),
    ("setSocket", socket::set_socket),
    ("tcpInfo", socket::tcp_info),
    ("peerCredentials", socket::peer_credentials),
    ("chooseCertificate", tls::choose_certificate),
    ("tlsFacts", tls::tls_facts),
    ("tlsCertificate", tls::tls_certificate),
];

/// Sets the environment up and registers the functions above.
#[napi(module_exports)]
pub fn init(exports: Object, env: Env) -> napi::Result<()> {
    let done = catch_unwind(AssertUnwindSafe(|| register(exports.raw(), env.raw())));
    match done {
        Ok(Ok(())) => Ok(()),
        Ok(Err(reason)) => Err(napi::Error::from_reason(format!("millrace: {reason}"))),
        Err(_) => {
            let text = millrace_engine::take_panic().unwrap_or_default();
            let reason = format!("millrace: the native core failed to start: {text}");
            Err(napi::Error::from_reason(reason))
        }
    }
}

fn register(exports: sys::napi_value, env: sys::napi_env) -> Result<(), String> {
    // Panics are reported where they surface (an error event, the log, `reactor_panics_total`), not on stderr.
    millrace_engine::keep_panics();
    let state = state::State::create(env)?;
    js::call!(napi_set_instance_data(env, state.cast(), None, ptr::null_mut()));
    for (name, function) in FUNCTIONS {
        let mut value = ptr::null_mut();
        let length = name.len() as isize;
        js::call!(napi_create_function(
            env,
            name.as_ptr().cast(),
            length,
            Some(*function),
            state.cast(),
            &mut value
        ));
        let mut key = ptr::null_mut();
        js::call!(napi_create_string_utf8(env, name.as_ptr().cast(), length, &mut key));
        js::call!(napi_set_property(env, exports, key, value));
    }
    Ok(())
}
