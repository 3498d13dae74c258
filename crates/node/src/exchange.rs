//! The hot functions, registered by hand: numbers and strings in, a number or nothing out.
//!
//! Results: `undefined` is success, a positive number an error code. `write` answers 0 for "wait for drain".

use crate::js::{Arguments, Value};
use crate::state::{Life, State};
use millrace_engine::error::{Code, Error};
use millrace_engine::{Chunk, Engine, Head, RequestLimits, Respond};
use napi_sys as sys;
use std::fs::File;
use std::os::fd::BorrowedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

/// Byte arrays above this are pinned, below copied.
const COPIED: usize = 16 * 1024;

/// `flags` of `end`.
const FINISH: u32 = 1;
/// Added to the status of `respond`.
pub const FINISH_WHOLE: u32 = 1024;
/// The number of a remembered head is added so many times.
pub const READY: u32 = 2048;

/// Runs a function on the environment's engine: not after its end, panics caught and charged to the stream named by
/// the first argument, a wake scheduled where one is needed.
pub fn with<T>(arguments: &Arguments, gone: T, work: impl FnOnce(&State, &mut Engine<Value>) -> T) -> T {
    // SAFETY: the function was made with the state as its data, and the state outlives its environment.
    let state = unsafe { &*arguments.data.cast::<State>() };
    if state.life.get() != Life::Live {
        return gone;
    }
    let Ok(mut engine) = state.engine.try_borrow_mut() else {
        return gone;
    };
    let Some(engine) = engine.as_mut() else { return gone };
    state.outbox.take(state, engine, None);
    let result = catch_unwind(AssertUnwindSafe(|| work(state, engine)));
    let result = match result {
        Ok(result) => result,
        Err(_) => {
            engine.poison_stream(arguments.number(0));
            gone
        }
    };
    if !state.awake.get() && engine.has_work() {
        state.schedule();
    }
    result
}

fn answer(arguments: &Arguments, result: Result<(), Error>) -> sys::napi_value {
    answer_code(arguments, result.map_err(code))
}

fn answer_code(arguments: &Arguments, result: Result<(), Code>) -> sys::napi_value {
    match result {
        Ok(()) => ptr::null_mut(),
        Err(code) => arguments.env.double(f64::from(code.id())),
    }
}

fn code(error: Error) -> Code {
    error.code
}

/// Hands a body (string, byte array, or nothing) to `work` as a chunk. Of an error the code alone crosses.
pub fn chunk<T>(
    arguments: &Arguments,
    place: usize,
    state: &State,
    work: impl FnOnce(Chunk<'_>) -> Result<T, Code>,
) -> Result<T, Code> {
    let Some(value) = arguments.get(place) else {
        return work(Chunk::Bytes(b""));
    };
    let mut scratch = state.scratch.borrow_mut();
    scratch.clear();
    if arguments.env.read_utf8(value, &mut scratch).map_err(code)? {
        let result = work(Chunk::Bytes(&scratch));
        scratch.shrink_to(256 * 1024);
        return result;
    }
    // SAFETY: the bytes are copied, or measured, before JavaScript runs again.
    let Some(bytes) = (unsafe { arguments.env.bytes(value) }) else {
        return work(Chunk::Bytes(b""));
    };
    if bytes.len() <= COPIED {
        return work(Chunk::Bytes(bytes));
    }
    let len = bytes.len();
    let Some(pin) = state.host.borrow_mut().pin(value) else {
        return Err(Code::Bug);
    };
    let result = work(Chunk::Pin { pin, len });
    if result.is_err() {
        state.host.borrow_mut().release(pin);
    }
    result
}

/// `respond(id, status + flags + head, body)`, with a head that `rememberHead` gave a number, or
/// `respond(id, status + flags, body, head, reason)`
pub unsafe extern "C" fn respond(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::few(env, info, 5);
    let result = with(&arguments, Err(Code::StaleId), |state, engine| {
        let id = arguments.number(0);
        let word = arguments.number(1) as u32;
        let status = (word % FINISH_WHOLE) as u16;
        let finish = word & FINISH_WHOLE != 0;
        let result = if arguments.get(3).is_none() {
            let head = Head::Ready(status, word / READY);
            chunk(&arguments, 2, state, |body| {
                engine.respond(id, head, body, finish).map_err(code)
            })
        } else {
            let mut texts = state.texts.borrow_mut();
            let (block, reason) = &mut *texts;
            block.clear();
            reason.clear();
            arguments.latin1(3, block).map_err(code)?;
            if arguments.get(4).is_some() {
                arguments.latin1(4, reason).map_err(code)?;
            }
            let head = Respond { status, reason, block };
            chunk(&arguments, 2, state, |body| {
                engine.respond(id, &head, body, finish).map_err(code)
            })
        };
        release(state, engine);
        result
    });
    answer_code(&arguments, result)
}

/// `rememberHead(head)`: a number for `respond`, or -1 where it is not taken.
pub unsafe extern "C" fn remember_head(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let number = with(&arguments, None, |_, engine| {
        let mut block = Vec::new();
        arguments.latin1(0, &mut block).ok()?;
        engine.remember_head(&block)
    });
    arguments.env.double(number.map_or(-1.0, f64::from))
}

/// `respondFile(id, status + flags, head, reason, fd, offset, length)`; the descriptor stays the caller's.
pub unsafe extern "C" fn respond_file(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let result = with(&arguments, Err(Code::StaleId.into()), |state, engine| {
        let (mut block, mut reason) = (Vec::new(), Vec::new());
        arguments.latin1(2, &mut block)?;
        arguments.latin1(3, &mut reason)?;
        let word = arguments.number(1) as u32;
        let head = Respond {
            status: (word % FINISH_WHOLE) as u16,
            reason: &reason,
            block: &block,
        };
        let file = duplicate(arguments.number(4) as i32)?;
        let body = Chunk::File {
            file,
            offset: arguments.number(5) as u64,
            len: arguments.number(6) as usize,
        };
        let result = engine.respond(arguments.number(0), &head, body, word >= FINISH_WHOLE);
        release(state, engine);
        result
    });
    answer(&arguments, result)
}

/// A descriptor of our own for an open file.
fn duplicate(fd: i32) -> Result<File, Error> {
    if fd < 0 {
        return Err(Code::InvalidArgument.into());
    }
    // SAFETY: it is borrowed for this call alone; a number that names no open file is an error of the system.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    let own = borrowed
        .try_clone_to_owned()
        .map_err(|error| Error::system("fcntl", &error))?;
    Ok(own.into())
}

pub fn release(state: &State, engine: &mut Engine<Value>) {
    if !engine.released.is_empty() {
        let mut host = state.host.borrow_mut();
        for pin in engine.released.drain(..) {
            host.release(pin);
        }
    }
}

/// `respondHead(id, status, head, reason)`
pub unsafe extern "C" fn respond_head(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let result = with(&arguments, Err(Code::StaleId.into()), |_, engine| {
        let (mut block, mut reason) = (Vec::new(), Vec::new());
        arguments.latin1(2, &mut block)?;
        arguments.latin1(3, &mut reason)?;
        let head = Respond {
            status: arguments.number(1) as u16,
            reason: &reason,
            block: &block,
        };
        engine.respond_head(arguments.number(0), &head)
    });
    answer(&arguments, result)
}

/// `write(id, chunk)`
pub unsafe extern "C" fn write(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let result = with(&arguments, Err(Code::StaleId), |state, engine| {
        let id = arguments.number(0);
        let mut result = chunk(&arguments, 1, state, |body| engine.write(id, body).map_err(code));
        if let Ok(false) = result {
            result = Ok(engine.write_through(&mut *state.host.borrow_mut(), id));
        }
        release(state, engine);
        result
    });
    match result {
        Ok(true) => ptr::null_mut(),
        Ok(false) => arguments.env.double(0.0),
        Err(code) => arguments.env.double(f64::from(code.id())),
    }
}

/// `end(id, trailers, flags)`
pub unsafe extern "C" fn end(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let result = with(&arguments, Err(Code::StaleId.into()), |state, engine| {
        let mut trailers = Vec::new();
        arguments.latin1(1, &mut trailers)?;
        let finish = arguments.number(2) as u32 & FINISH != 0;
        let result = engine.end(arguments.number(0), &trailers, finish);
        release(state, engine);
        result
    });
    answer(&arguments, result)
}

/// `informational(id, status, head)`
pub unsafe extern "C" fn informational(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let result = with(&arguments, Err(Code::StaleId.into()), |_, engine| {
        let mut block = Vec::new();
        arguments.latin1(2, &mut block)?;
        engine.informational(arguments.number(0), arguments.number(1) as u16, &block)
    });
    answer(&arguments, result)
}

/// `grant(id, bytes)`
pub unsafe extern "C" fn grant(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let result = with(&arguments, Err(Code::StaleId.into()), |_, engine| {
        engine.grant(arguments.number(0), arguments.number(1))
    });
    answer(&arguments, result)
}

/// `collect(id, limit)`; a negative limit is none.
pub unsafe extern "C" fn collect(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let result = with(&arguments, Err(Code::StaleId.into()), |_, engine| {
        engine.collect(arguments.number(0), arguments.number(1))
    });
    answer(&arguments, result)
}

/// `discard(id, limit)`
pub unsafe extern "C" fn discard(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let result = with(&arguments, Err(Code::StaleId.into()), |_, engine| {
        engine.discard(arguments.number(0), arguments.number(1))
    });
    answer(&arguments, result)
}

/// `setLimits(id, bodySize, bodyTimeout, requestTimeout, minReceiveRate)`: NaN leaves a limit as it is, a negative one is
/// none.
pub unsafe extern "C" fn set_limits(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let result = with(&arguments, Err(Code::StaleId.into()), |_, engine| {
        let limit = |place, none: u64| match arguments.number(place) {
            value if value.is_nan() => None,
            value if value < 0.0 => Some(none),
            value => Some(value as u64),
        };
        let limits = RequestLimits {
            body_size: limit(1, u64::MAX),
            body_timeout_ms: limit(2, 0),
            request_timeout_ms: limit(3, 0),
            min_receive_rate: limit(4, 0),
        };
        engine.set_limits(arguments.number(0), &limits)
    });
    answer(&arguments, result)
}

/// `destroy(id)`
pub unsafe extern "C" fn destroy(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    with(&arguments, (), |state, engine| {
        engine.destroy(arguments.number(0));
        release(state, engine);
    });
    ptr::null_mut()
}

/// `address(id)`: `remote ip\0port\0local ip\0port`, empty where unknown.
pub unsafe extern "C" fn address(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let text = with(&arguments, String::new(), |_, engine| {
        let Some(address) = engine.address(arguments.number(0)) else {
            return String::new();
        };
        let part = |address: Option<std::net::SocketAddr>| match address {
            Some(address) => format!("{}\0{}", address.ip(), address.port()),
            None => "\0".to_owned(),
        };
        format!("{}\0{}", part(address.remote), part(address.local))
    });
    arguments.env.text(text.as_bytes()).0
}
