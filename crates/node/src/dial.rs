//! `dial`: an object of options, validated in TypeScript, becomes a connection that we begin.

use crate::listen::{keep_alive, on_engine, socket_path, state_of};
use millrace_engine::error::{Code, Error};
use millrace_engine::net::socket::ConnectTcp;
use millrace_engine::{Dial, DialTls, DialTo};
use napi::Env;
use napi_derive::napi;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};
use std::sync::Arc;

/// A connection that is to be begun.
#[napi(object)]
pub struct NativeDial {
    /// An address literal; absent with `path`.
    pub host: Option<String>,
    pub port: u32,
    /// A Unix socket; `@name` is an abstract name.
    pub path: Option<String>,
    /// A connected socket that somebody else made, instead of an address: it is ours when the call succeeds.
    pub fd: Option<i32>,
    /// An address literal of ours.
    pub local_address: Option<String>,
    pub no_delay: bool,
    /// Idle seconds before the first probe, seconds between probes, probes; absent: none.
    pub keep_alive: Option<Vec<u32>>,
    /// In ms; 0: the system's.
    pub user_timeout: u32,
    /// TCP_FASTOPEN_CONNECT.
    pub fast_open: bool,
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

/// Has a connection that we began speak TLS from now on: 0, or the code.
#[napi(catch_unwind)]
pub fn start_tls(env: Env, stream: f64, context: u32, servername: String, timeout: f64) -> f64 {
    let client = state_of(env).and_then(|state| state.tls.borrow().clients.get(&context).map(Arc::clone));
    let Some(context) = client else {
        return f64::from(Code::StaleId.id());
    };
    let tls = DialTls { context, servername };
    on_engine(env, f64::from(Code::StaleId.id()), |engine| {
        engine.tick();
        match engine.start_tls(stream, &tls, timeout as u64) {
            Ok(()) => 0.0,
            Err(error) => f64::from(error.code.id()),
        }
    })
}

/// A connected pair of Unix sockets, which outlives the call; or minus the errno, alone.
#[napi(catch_unwind)]
pub fn socket_pair() -> Vec<i32> {
    match millrace_engine::net::socket::socket_pair() {
        Ok((one, other)) => vec![one.into_raw_fd(), other.into_raw_fd()],
        Err(error) => vec![-error.raw_os_error().unwrap_or(libc::EMFILE)],
    }
}

/// A copy of a descriptor that a caller hands over; the caller's own is closed with it.
fn adopted(fd: i32) -> Result<Arc<OwnedFd>, Code> {
    // SAFETY: asked of the system before anything is done with it.
    if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
        return Err(Code::InvalidArgument);
    }
    // SAFETY: it is open, and its owner hands it over.
    Ok(Arc::new(unsafe { OwnedFd::from_raw_fd(fd) }))
}

fn dial_of(env: Env, options: &NativeDial) -> Result<Dial, Code> {
    let ip = |text: &String| text.parse::<IpAddr>().map_err(|_| Code::InvalidArgument);
    let to = match (&options.path, &options.host) {
        _ if options.fd.is_some_and(|fd| fd >= 0) => DialTo::Adopted(adopted(options.fd.unwrap_or(-1))?),
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
    let keep_alive = keep_alive(options.keep_alive.as_deref());
    Ok(Dial {
        to,
        socket: ConnectTcp {
            local: local.map(|ip| SocketAddr::new(ip, 0)),
            no_delay: options.no_delay,
            keep_alive,
            user_timeout_ms: options.user_timeout,
            fast_open: options.fast_open,
        },
        tls,
        connect_timeout_ms: options.connect_timeout as u64,
        tls_timeout_ms: options.tls_timeout as u64,
    })
}
