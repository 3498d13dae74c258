//! `dial`: an object of options, validated in TypeScript, becomes a connection that we begin.

use crate::address::socket_addr;
use crate::listen::{keep_alive, on_engine, socket_path, state_of};
use millrace_engine::error::{Code, Error};
use millrace_engine::net::socket::ConnectTcp;
use millrace_engine::socks_core::{ClientConfig, Credentials, Endpoint, Kind, Reply};
use millrace_engine::{Dial, DialTls, DialTo, Hop};
use napi::Env;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;
use std::net::SocketAddr;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};
use std::sync::Arc;

/// A connection that is to be begun.
#[napi(object)]
pub struct NativeDial {
    /// Address literals in the order in which they are tried: the target's, or the first proxy's; absent with `path`.
    pub hosts: Option<Vec<String>>,
    pub port: u32,
    /// Puts the addresses in the order of RFC 6724 and RFC 8305 first.
    pub sorted: bool,
    /// `dialAddresses` follows, once.
    pub more: bool,
    /// Proxies, the first of which is where we connect to.
    pub hops: Option<Vec<NativeHop>>,
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
    /// In ms; 0: none.
    pub proxy_timeout: f64,
}

/// A proxy on the way.
#[napi(object)]
pub struct NativeHop {
    /// 0 SOCKS4, 1 SOCKS4a, 2 SOCKS5, 3 SOCKS5 with names, 4 CONNECT.
    pub kind: u32,
    /// A context's number for TLS with the proxy; 0: in the clear.
    pub tls: u32,
    pub servername: String,
    /// What it is asked for: an address or a name, and a port.
    pub host: String,
    pub port: u32,
    /// User name and password, each UTF-8; absent: none.
    pub credentials: Option<Vec<Buffer>>,
    /// Fields of a CONNECT: name, NUL, value, NUL and so on, each character a byte.
    pub fields: String,
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

/// The rest of the addresses of a dial, of which there may be none: 1, or 0 when it is over.
#[napi(catch_unwind)]
pub fn dial_addresses(env: Env, stream: f64, hosts: Vec<String>, port: u32) -> f64 {
    let at = |host: &String| socket_addr(host, port as u16);
    let addresses: Vec<SocketAddr> = hosts.iter().filter_map(at).collect();
    on_engine(env, 0.0, |engine| {
        engine.tick();
        f64::from(u8::from(engine.add_addresses(stream, &addresses)))
    })
}

/// Whether user name and password that a client of a proxy has shown are right: 1, or 0 when it is gone.
#[napi(catch_unwind)]
pub fn judge_credentials(env: Env, stream: f64, right: bool) -> f64 {
    on_engine(env, 0.0, |engine| {
        engine.tick();
        f64::from(u8::from(engine.judge_credentials(stream, right)))
    })
}

/// What becomes of a SOCKS client's request: 0 granted, 1 to 6 the refusals of `Reply` in their order; granted with the
/// address that the target sees, where that is known. 1, or 0 when the client is gone.
#[napi(catch_unwind)]
pub fn reply_socks(env: Env, stream: f64, reply: u32, address: String, port: u32) -> f64 {
    let bound = Endpoint::new(address.as_bytes(), port as u16).unwrap_or(Endpoint::UNSPECIFIED);
    let reply = match reply {
        0 => Reply::Granted(bound),
        2 => Reply::Forbidden,
        3 => Reply::NetworkUnreachable,
        4 => Reply::HostUnreachable,
        5 => Reply::ConnectionRefused,
        6 => Reply::TimedOut,
        _ => Reply::GeneralFailure,
    };
    on_engine(env, 0.0, |engine| {
        engine.tick();
        f64::from(u8::from(engine.reply_socks(stream, &reply)))
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

fn tls_of(env: Env, number: u32, servername: &str) -> Result<Option<DialTls>, Code> {
    if number == 0 {
        return Ok(None);
    }
    let state = state_of(env).ok_or(Code::StaleId)?;
    let context = state.tls.borrow().clients.get(&number).map(Arc::clone);
    Ok(Some(DialTls {
        context: context.ok_or(Code::StaleId)?,
        servername: servername.to_owned(),
    }))
}

fn hop_of(env: Env, hop: &NativeHop) -> Result<Hop, Code> {
    let kind = match hop.kind {
        0 => Kind::Socks4,
        1 => Kind::Socks4a,
        2 => Kind::Socks5,
        3 => Kind::Socks5h,
        _ => Kind::Connect,
    };
    let target = Endpoint::new(hop.host.as_bytes(), hop.port as u16).map_err(|error| error.code)?;
    let mut handshake = ClientConfig::new(kind, target);
    if let Some([username, password]) = hop.credentials.as_deref() {
        handshake.credentials = Some(Credentials::new(username, password));
        let mut entropy = [0; 16];
        millrace_engine::tls_core::random(&mut entropy).map_err(|_| Code::Bug)?;
        handshake.entropy = entropy;
    }
    handshake
        .headers
        .extend(hop.fields.chars().map(|character| character as u8));
    Ok(Hop {
        tls: tls_of(env, hop.tls, &hop.servername)?,
        handshake,
    })
}

fn dial_of(env: Env, options: &NativeDial) -> Result<Dial, Code> {
    let at = |text: &String, port| socket_addr(text, port).ok_or(Code::InvalidArgument);
    let to = match (&options.path, &options.hosts) {
        _ if options.fd.is_some_and(|fd| fd >= 0) => DialTo::Adopted(adopted(options.fd.unwrap_or(-1))?),
        (Some(path), _) => DialTo::Unix(socket_path(path)),
        (None, Some(hosts)) => {
            let at = |host: &String| at(host, options.port as u16);
            DialTo::Tcp(hosts.iter().map(at).collect::<Result<_, Code>>()?)
        }
        (None, None) => return Err(Code::InvalidArgument),
    };
    let local = options.local_address.as_ref().map(|text| at(text, 0)).transpose()?;
    let tls = tls_of(env, options.tls, &options.servername)?;
    let hops = options.hops.iter().flatten().map(|hop| hop_of(env, hop));
    let hops = hops.collect::<Result<_, Code>>()?;
    let keep_alive = keep_alive(options.keep_alive.as_deref());
    Ok(Dial {
        to,
        sorted: options.sorted,
        more: options.more,
        socket: ConnectTcp {
            local,
            no_delay: options.no_delay,
            keep_alive,
            user_timeout_ms: options.user_timeout,
            fast_open: options.fast_open,
        },
        hops,
        tls,
        connect_timeout_ms: options.connect_timeout as u64,
        tls_timeout_ms: options.tls_timeout as u64,
        proxy_timeout_ms: options.proxy_timeout as u64,
    })
}
