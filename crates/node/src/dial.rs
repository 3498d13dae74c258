//! `dial`: an object of options, validated in TypeScript, becomes a connection that we begin.

use crate::listen::{on_engine, socket_path, state_of};
use millrace_engine::error::{Code, Error};
use millrace_engine::net::socket::{ConnectTcp, KeepAlive};
use millrace_engine::{Dial, DialTls, DialTo};
use napi::Env;
use napi_derive::napi;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// A connection that is to be begun.
#[napi(object)]
pub struct NativeDial {
    /// An address literal; absent with `path`.
    pub host: Option<String>,
    pub port: u32,
    /// A Unix socket; `@name` is an abstract name.
    pub path: Option<String>,
    /// An address literal of ours.
    pub local_address: Option<String>,
    pub no_delay: bool,
    /// Idle seconds before the first probe, seconds between probes, probes; absent: none.
    pub keep_alive: Option<Vec<u32>>,
    /// In ms; 0: the system's.
    pub user_timeout: u32,
    /// A context's number; 0: in the clear.
    pub tls: u32,
    pub servername: String,
    /// In ms; 0: none.
    pub connect_timeout: f64,
    /// In ms; 0: none.
    pub tls_timeout: f64,
}

/// Begins a connection: its stream's id, or minus the errno, or minus (100 000 + the code).
#[napi(catch_unwind)]
pub fn dial(env: Env, options: NativeDial) -> f64 {
    let dial = match dial_of(env, &options) {
        Ok(dial) => dial,
        Err(code) => return -100_000.0 - f64::from(code.id()),
    };
    on_engine(env, -100_000.0 - f64::from(Code::StaleId.id()), |engine| {
        engine.tick();
        match engine.dial(&dial) {
            Ok(id) => id.as_f64(),
            Err(Error { errno: Some(errno), .. }) => -f64::from(errno),
            Err(error) => -100_000.0 - f64::from(error.code.id()),
        }
    })
}

fn dial_of(env: Env, options: &NativeDial) -> Result<Dial, Code> {
    let ip = |text: &String| text.parse::<IpAddr>().map_err(|_| Code::InvalidArgument);
    let to = match (&options.path, &options.host) {
        (Some(path), _) => DialTo::Unix(socket_path(path)),
        (None, Some(host)) => DialTo::Tcp(SocketAddr::new(ip(host)?, options.port as u16)),
        (None, None) => return Err(Code::InvalidArgument),
    };
    let local = options.local_address.as_ref().map(ip).transpose()?;
    let tls = match options.tls {
        0 => None,
        number => {
            let state = state_of(env).ok_or(Code::StaleId)?;
            let context = state.tls.borrow().clients.get(&number).map(Arc::clone);
            Some(DialTls {
                context: context.ok_or(Code::StaleId)?,
                servername: options.servername.clone(),
            })
        }
    };
    let keep_alive = match options.keep_alive.as_deref() {
        Some([idle_s, interval_s, count]) => Some(KeepAlive {
            idle_s: *idle_s,
            interval_s: *interval_s,
            count: *count,
        }),
        _ => None,
    };
    Ok(Dial {
        to,
        socket: ConnectTcp {
            local: local.map(|ip| SocketAddr::new(ip, 0)),
            no_delay: options.no_delay,
            keep_alive,
            user_timeout_ms: options.user_timeout,
        },
        tls,
        connect_timeout_ms: options.connect_timeout as u64,
        tls_timeout_ms: options.tls_timeout as u64,
    })
}
