//! The functions of HTTP clients, registered by hand: see `exchange.rs`.

use crate::exchange::{chunk, release, with};
use crate::js::Arguments;
use millrace_engine::error::{Code, Error};
use millrace_engine::head::Method;
use millrace_engine::{ClientProfile, HeadLimits, Request};
use napi_sys as sys;
use std::ptr;

/// The method's number in `request` when the method stands before the target.
const OTHER_METHOD: u32 = 255;

/// `becomeClient(stream)`: a dialled connection becomes an HTTP/1.1 client's.
pub unsafe extern "C" fn become_client(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let result = with(&arguments, Err(Code::StaleId), |_, engine| {
        engine.tick();
        engine.become_client(arguments.number(0)).map_err(|error| error.code)
    });
    match result {
        Ok(()) => ptr::null_mut(),
        Err(code) => arguments.env.double(f64::from(code.id())),
    }
}

/// `isUsable(stream)`: 1 when nothing of the peer waits on a connection that nobody speaks on.
pub unsafe extern "C" fn is_usable(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let usable = with(&arguments, false, |_, engine| engine.is_quiet(arguments.number(0)));
    arguments.env.double(f64::from(u8::from(usable)))
}

/// `closeClient(handle)`
pub unsafe extern "C" fn close_client(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    with(&arguments, (), |state, engine| {
        engine.close_client(arguments.number(0));
        release(state, engine);
    });
    ptr::null_mut()
}

/// `rememberFields(head)`: a number for `request`, or 0 where they are not taken.
pub unsafe extern "C" fn remember_fields(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let number = with(&arguments, None, |_, engine| {
        let mut block = Vec::new();
        arguments.latin1(0, &mut block).ok()?;
        engine.remember_fields(&block)
    });
    arguments.env.double(number.map_or(0.0, f64::from))
}

/// `clientProfile(send, headers, body, maxHeaderSize, maxHeaderFields)`: its number, or -1 when there are too many.
pub unsafe extern "C" fn client_profile(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let number = with(&arguments, None, |_, engine| {
        engine.remember_profile(&ClientProfile {
            send_ms: arguments.number(0) as u64,
            headers_ms: arguments.number(1) as u64,
            body_ms: arguments.number(2) as u64,
            limits: HeadLimits {
                header_size: arguments.number(3) as u32,
                header_fields: arguments.number(4) as u32,
                ..HeadLimits::default()
            },
        })
    });
    arguments.env.double(number.map_or(-1.0, f64::from))
}

/// `request(handle, method + flags + profile, fields, target, body, head, total)`: the exchange's id, or minus the code.
///
/// The numbers are added as `method + 256 * flags + 65536 * profile`. Without a known method the target is
/// `METHOD target`.
pub unsafe extern "C" fn request(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::few(env, info, 7);
    let result = with(&arguments, Err(Code::StaleId), |state, engine| {
        let total = arguments.number(6);
        // Within a wake the clock is that of its beginning, which is near enough but for a time that was counted until now:
        // the rest of it would run from the past.
        if !state.awake.get() || total > 0.0 {
            engine.tick();
        }
        let word = arguments.number(1) as u32;
        let number = word & 255;
        let mut texts = state.texts.borrow_mut();
        let (target, block) = &mut *texts;
        target.clear();
        block.clear();
        arguments.latin1(3, target).map_err(|error| error.code)?;
        let (method, target) = match Method::from_u8(number as u8) {
            Some(method) if number != OTHER_METHOD => (method.as_str().as_bytes(), &target[..]),
            _ => {
                let end = target.iter().position(|byte| *byte == b' ').unwrap_or(0);
                (&target[..end], target.get(end + 1..).unwrap_or_default())
            }
        };
        if arguments.get(5).is_some() {
            arguments.latin1(5, block).map_err(|error| error.code)?;
        }
        let request = Request {
            method,
            target,
            ready: arguments.number(2) as u32,
            block,
            profile: word >> 16,
            total_ms: if total > 0.0 { total as u64 } else { 0 },
            flags: word >> 8 & 255,
        };
        let handle = arguments.number(0);
        let result = chunk(&arguments, 4, state, |body| {
            engine
                .request(handle, &request, body)
                .map_err(|error: Error| error.code)
        });
        release(state, engine);
        result
    });
    arguments.env.double(match result {
        Ok(id) => id.as_f64(),
        Err(code) => -f64::from(code.id()),
    })
}
