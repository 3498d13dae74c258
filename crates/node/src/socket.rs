//! Functions of raw sockets: the relay, socket options, what the system knows.

use crate::exchange::with;
use crate::js::Arguments;
use millrace_engine::error::{Code, Error};
use millrace_engine::net::socket::KeepAlive;
use millrace_engine::{RelayOptions, Tune};
use napi_sys as sys;
use std::ptr;

/// `setSocket`'s names of options.
const NO_DELAY: u32 = 0;
const KEEP_ALIVE: u32 = 1;
const USER_TIMEOUT: u32 = 2;

fn answer(arguments: &Arguments, result: Result<(), Error>) -> sys::napi_value {
    match result {
        Ok(()) => ptr::null_mut(),
        Err(Error { errno: Some(errno), .. }) => arguments.env.double(-f64::from(errno)),
        Err(error) => arguments.env.double(f64::from(error.code.id())),
    }
}

/// `relay(a, b, idle, total)`: joins two tunnels; times in ms, 0: none.
pub unsafe extern "C" fn relay(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let result = with(&arguments, Err(Code::StaleId.into()), |_, engine| {
        engine.tick();
        let options = RelayOptions {
            idle_ms: arguments.number(2) as u64,
            total_ms: arguments.number(3) as u64,
        };
        engine.relay(arguments.number(0), arguments.number(1), options)
    });
    answer(&arguments, result)
}

/// `setSocket(id, option, a, b, c)`: 0 TCP_NODELAY (a: 1 or 0); 1 keepalive (idle, interval, count; idle 0: off); 2
/// TCP_USER_TIMEOUT (a: ms).
pub unsafe extern "C" fn set_socket(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let result = with(&arguments, Err(Code::StaleId.into()), |_, engine| {
        let number = |place| arguments.number(place) as u32;
        let option = match number(1) {
            NO_DELAY => Tune::NoDelay(number(2) != 0),
            KEEP_ALIVE => Tune::KeepAlive((number(2) != 0).then(|| KeepAlive {
                idle_s: number(2),
                interval_s: number(3),
                count: number(4),
            })),
            USER_TIMEOUT => Tune::UserTimeout(number(2)),
            _ => return Err(Code::InvalidArgument.into()),
        };
        engine.tune(arguments.number(0), option)
    });
    answer(&arguments, result)
}

/// Fills the target and answers 1, or answers 0 when there is nothing to say.
fn fill(arguments: &Arguments, row: Option<Vec<f64>>) -> sys::napi_value {
    let found = row.is_some();
    arguments.with_doubles(1, |target| {
        for (to, from) in target.iter_mut().zip(row.unwrap_or_default()) {
            *to = from;
        }
    });
    arguments.env.double(f64::from(u8::from(found)))
}

/// `tcpInfo(id, target)`: 1 and the numbers in the order of `ts/net/tcp-info.ts`, NaN where the system does not say; 0 where
/// the socket is no TCP socket, or gone.
pub unsafe extern "C" fn tcp_info(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let seen = with(&arguments, None, |_, engine| engine.tcp_info(arguments.number(0)));
    let row = seen.map(|seen| {
        let number = |value: Option<u32>| value.map_or(f64::NAN, f64::from);
        vec![
            number(seen.rtt_us),
            number(seen.rtt_var_us),
            number(seen.min_rtt_us),
            number(seen.rto_us),
            number(seen.retransmits),
            number(seen.lost),
            number(seen.unacked),
            number(seen.cwnd),
            number(seen.mss),
            number(seen.pmtu),
            number(seen.not_sent),
            seen.delivery_rate.map_or(f64::NAN, |rate| rate as f64),
        ]
    });
    fill(&arguments, row)
}

/// `peerCredentials(id, target)`: 1 and pid, uid, gid; 0 where the socket is no Unix socket, or gone.
pub unsafe extern "C" fn peer_credentials(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let seen = with(&arguments, None, |_, engine| {
        engine.peer_credentials(arguments.number(0))
    });
    let row = seen.map(|seen| vec![seen.pid.into(), seen.uid.into(), seen.gid.into()]);
    fill(&arguments, row)
}
