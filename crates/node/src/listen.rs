//! `listen`: an object of options, validated in TypeScript, becomes a server.

use crate::address::socket_addr;
use crate::js::{Value, call};
use crate::state::{Life, State};
use millrace_engine::error::Error;
use millrace_engine::net::socket::{KeepAlive, Tuning};
use millrace_engine::{
    Engine, GateOptions, GateRate, HeadLimits, ListenOn, ProxyProtocol, ReputationOptions, ServerKind, ServerOptions,
};
use napi::Env;
use napi_derive::napi;
use std::ffi::OsStr;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::ptr;
use std::sync::Arc;

/// What a server is to be. Numbers below zero stand for "no limit".
#[napi(object)]
pub struct NativeServerOptions {
    /// An address literal; absent with `path`, or for no listener at all.
    pub host: Option<String>,
    pub port: u32,
    /// A Unix socket; `@name` is an abstract name.
    pub path: Option<String>,
    /// A listening socket that somebody else made; it is ours when `listen` succeeds.
    pub fd: Option<i32>,
    pub backlog: i32,
    pub reuse_port: bool,
    pub ipv6_only: bool,
    /// 0: off, 1: optional, 2: required.
    pub proxy_protocol: u32,
    pub headers_timeout: f64,
    pub request_timeout: f64,
    pub body_timeout: f64,
    pub write_timeout: f64,
    pub keep_alive_timeout: f64,
    pub max_connections: f64,
    pub max_requests_per_connection: f64,
    pub max_pipelined: u32,
    pub max_url_size: u32,
    pub max_header_size: u32,
    pub max_header_fields: u32,
    pub max_body_size: f64,
    pub write_high_water_mark: f64,
    pub upgrades: bool,
    pub connects: bool,
    pub min_receive_rate: f64,
    pub min_send_rate: f64,
    pub tls_handshake_timeout: f64,
    /// 0: HTTP/1, 1: raw.
    pub kind: u32,
    /// TCP options of the sockets that it accepts, and of the listener.
    pub no_delay: bool,
    /// Idle seconds before the first probe, seconds between probes, probes; absent: none.
    pub keep_alive: Option<Vec<u32>>,
    /// In ms; 0: the system's.
    pub user_timeout: u32,
    pub fast_open: bool,
    pub defer_accept: bool,
}

/// Starts a server: its id, or minus the errno, or minus (100 000 + the code).
#[napi(catch_unwind)]
pub fn listen(env: Env, options: NativeServerOptions) -> f64 {
    let on = match place(&options) {
        Ok(on) => on,
        Err(errno) => return -f64::from(errno),
    };
    on_engine(env, -100_001.0, |engine| {
        engine.tick();
        match engine.listen(&on, options.backlog, settings(&options)) {
            Ok(id) => {
                if let Some(fd) = options.fd {
                    // SAFETY: it was looked at by `listen`, and its owner handed it over.
                    drop(unsafe { OwnedFd::from_raw_fd(fd) });
                }
                id.as_f64()
            }
            Err(Error { errno: Some(errno), .. }) => -f64::from(errno),
            Err(error) => -100_000.0 - f64::from(error.code.id()),
        }
    })
}

/// One rate limit of [`NativeGate`].
#[napi(object)]
pub struct NativeRate {
    pub prefix: String,
    pub by_client: bool,
    pub requests: f64,
    /// In milliseconds.
    pub interval: f64,
    pub burst: f64,
}

/// Who may come in and how often. Numbers below zero stand for "no limit".
#[napi(object)]
pub struct NativeGate {
    pub max_connections: f64,
    pub max_connections_per_ip: f64,
    pub allow: Vec<String>,
    pub deny: Vec<String>,
    pub trust_proxy: Vec<String>,
    pub rates: Vec<NativeRate>,
    /// The name that threads share; absent: each for itself.
    pub scope: Option<String>,
    pub reputation: Option<NativeReputation>,
}

/// What a client's behaviour so far means for its next connection; times in milliseconds.
#[napi(object)]
pub struct NativeReputation {
    pub delay_at: f64,
    pub refuse_at: f64,
    pub delay: f64,
    pub half_life: f64,
    pub clients: f64,
}

/// Sets the gate of a server: 0, or the code of what is wrong with it.
#[napi(catch_unwind)]
pub fn set_gate(env: Env, id: f64, gate: NativeGate) -> f64 {
    let limit = |value: f64| (value >= 0.0).then_some(value as u64);
    let rate = |rate: NativeRate| GateRate {
        prefix: rate.prefix,
        by_client: rate.by_client,
        requests: rate.requests as u64,
        interval_ms: rate.interval as u64,
        burst: rate.burst as u64,
    };
    let options = GateOptions {
        max_connections: limit(gate.max_connections),
        max_connections_per_client: limit(gate.max_connections_per_ip).map(|value| value as u32),
        allow: gate.allow,
        deny: gate.deny,
        trust_proxy: gate.trust_proxy,
        rates: gate.rates.into_iter().map(rate).collect(),
        scope: gate.scope,
        reputation: gate.reputation.map(|given| ReputationOptions {
            delay_at: given.delay_at,
            refuse_at: given.refuse_at,
            delay_ms: given.delay as u64,
            half_life_ms: given.half_life as u64,
            clients: given.clients as usize,
        }),
    };
    on_engine(env, 0.0, |engine| match engine.set_gate(id, &options) {
        Ok(()) => 0.0,
        Err(error) => f64::from(error.code.id()),
    })
}

/// Gives a running server other timeouts and limits: 1, or 0 when it has closed. Where it listens stays as it is.
#[napi(catch_unwind)]
pub fn reload_server(env: Env, id: f64, options: NativeServerOptions) -> f64 {
    on_engine(env, 0.0, |engine| {
        f64::from(u8::from(engine.reload_server(id, &settings(&options))))
    })
}

/// The state of a live environment.
pub fn state_of<'a>(env: Env) -> Option<&'a State> {
    let mut data = ptr::null_mut();
    call!(napi_get_instance_data(env.raw(), &mut data));
    if data.is_null() {
        return None;
    }
    // SAFETY: set when the module was loaded; the state outlives its environment.
    let state = unsafe { &*data.cast::<State>() };
    (state.life.get() == Life::Live).then_some(state)
}

/// Runs a function on the environment's engine, unless the environment has ended.
pub fn on_engine<T>(env: Env, gone: T, work: impl FnOnce(&mut Engine<Value>) -> T) -> T {
    let Some(state) = state_of(env) else { return gone };
    let result = match state.engine.borrow_mut().as_mut() {
        Some(engine) => work(engine),
        None => return gone,
    };
    // These calls are rare, and may have set a deadline: the loop looks at us before it blocks.
    state.schedule();
    result
}

/// Idle seconds before the first probe, seconds between probes, probes.
pub fn keep_alive(numbers: Option<&[u32]>) -> Option<KeepAlive> {
    match numbers {
        Some([idle_s, interval_s, count]) => Some(KeepAlive {
            idle_s: *idle_s,
            interval_s: *interval_s,
            count: *count,
        }),
        _ => None,
    }
}

/// The path of a Unix socket; `@name` is an abstract name.
pub fn socket_path(path: &str) -> PathBuf {
    let name = match path.strip_prefix('@') {
        Some(name) => format!("\0{name}"),
        None => path.to_owned(),
    };
    OsStr::from_bytes(name.as_bytes()).into()
}

fn place(options: &NativeServerOptions) -> Result<ListenOn, i32> {
    if let Some(path) = &options.path {
        return Ok(ListenOn::Unix(socket_path(path)));
    }
    if let Some(fd) = options.fd {
        if fd < 0 {
            return Err(libc::EBADF);
        }
        // SAFETY: borrowed for this call alone; a number that names nothing open is an error of the system.
        let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
        let own = borrowed.try_clone_to_owned();
        return match own {
            Ok(own) => Ok(ListenOn::Inherited(Arc::new(own))),
            Err(error) => Err(error.raw_os_error().unwrap_or(libc::EBADF)),
        };
    }
    let Some(host) = &options.host else {
        return Ok(ListenOn::Nowhere);
    };
    let addr = socket_addr(host, options.port as u16).ok_or(libc::EINVAL)?;
    Ok(ListenOn::Tcp {
        addr,
        reuse_port: options.reuse_port,
        ipv6_only: options.ipv6_only,
    })
}

fn settings(options: &NativeServerOptions) -> ServerOptions {
    let limit = |value: f64| if value < 0.0 { u64::MAX } else { value as u64 };
    ServerOptions {
        kind: match options.kind {
            1 => ServerKind::Raw,
            2 => ServerKind::Proxy { auth: false },
            3 => ServerKind::Proxy { auth: true },
            _ => ServerKind::Http1,
        },
        socket: Tuning {
            no_delay: options.no_delay,
            keep_alive: keep_alive(options.keep_alive.as_deref()),
            user_timeout_ms: options.user_timeout,
            fast_open: options.fast_open,
            defer_accept: options.defer_accept,
        },
        headers_timeout_ms: options.headers_timeout as u64,
        request_timeout_ms: options.request_timeout as u64,
        body_timeout_ms: options.body_timeout as u64,
        write_timeout_ms: options.write_timeout as u64,
        keep_alive_timeout_ms: options.keep_alive_timeout as u64,
        max_connections: limit(options.max_connections),
        max_requests_per_connection: limit(options.max_requests_per_connection),
        max_pipelined: options.max_pipelined as usize,
        max_body_size: limit(options.max_body_size),
        write_high_water_mark: options.write_high_water_mark as usize,
        head: HeadLimits {
            target_size: options.max_url_size,
            header_size: options.max_header_size,
            header_fields: options.max_header_fields,
            ..HeadLimits::default()
        },
        proxy_protocol: match options.proxy_protocol {
            1 => ProxyProtocol::Optional,
            2 => ProxyProtocol::Required,
            _ => ProxyProtocol::Off,
        },
        upgrades: options.upgrades,
        connects: options.connects,
        min_receive_rate: options.min_receive_rate as u64,
        tls_handshake_timeout_ms: options.tls_handshake_timeout as u64,
        min_send_rate: options.min_send_rate as u64,
    }
}
