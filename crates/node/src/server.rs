//! Functions that are called rarely: servers, statistics, metrics, and what tests need.

use crate::exchange::with;
use crate::js::{Arguments, call};
use crate::state::State;
use millrace_engine::error::Code;
use millrace_engine::metrics::{self, Counter, Gauge, Histogram};
use millrace_engine::{Injection, ServerStats};
use napi_sys as sys;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};
use std::ptr;

/// `attach(onEvents, ring, outboxNumbers, outboxText, resource)`: from now on events are given to the function, in an
/// asynchronous context with this resource.
pub unsafe extern "C" fn attach(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    // SAFETY: the function was made with the state as its data.
    let state = unsafe { &*arguments.data.cast::<State>() };
    if let (Some(on_events), Some(ring)) = (arguments.get(0), arguments.get(1)) {
        state.ring.attach(arguments.env, on_events, ring);
    }
    if let (Some(numbers), Some(text)) = (arguments.get(2), arguments.get(3)) {
        state.outbox.attach(arguments.env, numbers, text);
    }
    if let Some(resource) = arguments.get(4) {
        state.context.set_resource(arguments.env, resource);
    }
    ptr::null_mut()
}

/// `callInContext(fn)`: calls a function as events are called.
pub unsafe extern "C" fn call_in_context(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::few(env, info, 1);
    // SAFETY: the function was made with the state as its data.
    let state = unsafe { &*arguments.data.cast::<State>() };
    let Some(function) = arguments.get(0) else {
        return ptr::null_mut();
    };
    if let Some(scope) = state.context.enter(arguments.env) {
        let mut result = ptr::null_mut();
        let nothing = arguments.env.undefined();
        call!(napi_call_function(
            env,
            nothing.0,
            function.0,
            0,
            ptr::null(),
            &mut result
        ));
        state.context.leave(arguments.env, scope);
    }
    ptr::null_mut()
}

/// `hold(change)`: what keeps the process alive.
pub unsafe extern "C" fn hold(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    // SAFETY: the function was made with the state as its data.
    unsafe { &*arguments.data.cast::<State>() }.hold(arguments.number(0) as i64);
    ptr::null_mut()
}

/// `adopt(server, fd)`: the connected socket is ours when nothing is answered; minus the errno, or the code.
pub unsafe extern "C" fn adopt(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let fd = arguments.number(1) as i32;
    // SAFETY: asked of the system before anything is done with it.
    if fd < 0 || unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
        return arguments.env.double(-f64::from(libc::EBADF));
    }
    // SAFETY: it is open, and its owner hands it over; on an error it is handed back.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    let mut fd = Some(fd);
    let result = with(&arguments, Err(Code::ServerClosed.into()), |_, engine| {
        let Some(own) = fd.take() else { return Ok(()) };
        engine.tick();
        engine.adopt(arguments.number(0), own).map_err(|(error, back)| {
            fd = Some(back);
            error
        })
    });
    if let Some(back) = fd {
        let _ = back.into_raw_fd();
    }
    match result {
        Ok(()) => ptr::null_mut(),
        Err(error) => {
            let code = f64::from(error.code.id());
            arguments
                .env
                .double(error.errno.map_or(code, |errno| -f64::from(errno)))
        }
    }
}

/// `setMaxMemory(bytes)`; below zero: no cap. For all threads of the process.
pub unsafe extern "C" fn set_max_memory(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let bytes = Arguments::of(env, info).number(0);
    millrace_engine::set_max_memory((bytes >= 0.0).then_some(bytes as u64));
    ptr::null_mut()
}

/// `memory(id)`: what is held for a stream's connection, or by the whole process without an id.
pub unsafe extern "C" fn memory(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let bytes = match arguments.get(0) {
        None => millrace_engine::memory_held(),
        Some(_) => with(&arguments, 0, |_, engine| {
            engine.memory_of_connection(arguments.number(0))
        }),
    };
    arguments.env.double(bytes as f64)
}

/// `closeServer(id, idle)`: idle connections are closed after so many milliseconds.
pub unsafe extern "C" fn close_server(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let (id, idle) = (arguments.number(0), arguments.number(1) as u64);
    let found = with(&arguments, false, |_, engine| {
        engine.tick();
        engine.close_server_after(id, idle)
    });
    arguments.env.double(f64::from(u8::from(found)))
}

/// `handOver(id)`: the descriptor of the listener; below zero: there is none.
pub unsafe extern "C" fn hand_over(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let fd = with(&arguments, None, |_, engine| engine.hand_over(arguments.number(0)));
    arguments.env.double(f64::from(fd.unwrap_or(-1)))
}

/// `forceServer(id)`
pub unsafe extern "C" fn force_server(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let found = with(&arguments, false, |_, engine| engine.force_server(arguments.number(0)));
    arguments.env.double(f64::from(u8::from(found)))
}

/// `serverAddress(id)`: `ip\0port`, empty for none.
pub unsafe extern "C" fn server_address(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let address = with(&arguments, None, |_, engine| engine.server_address(arguments.number(0)));
    let text = address.map_or(String::new(), |address| format!("{}\0{}", address.ip(), address.port()));
    arguments.env.text(text.as_bytes()).0
}

/// The numbers of `serverStats`, in order; `ts/server/stats.ts` has the same list.
fn stats_row(stats: &ServerStats) -> Vec<f64> {
    let latency = stats.latency.data();
    let mut row = vec![
        stats.accepted as f64,
        stats.refused as f64,
        stats.rate_limited as f64,
        stats.active as f64,
        stats.requests as f64,
        stats.requests_active as f64,
        stats.errors as f64,
        stats.aborted as f64,
        stats.received as f64,
        stats.sent as f64,
        stats.rate.per_second() as f64,
    ];
    row.extend(stats.responses.iter().chain(&stats.timeouts).map(|count| *count as f64));
    row.extend([
        latency.count() as f64,
        latency.sum() as f64,
        latency.min() as f64,
        latency.max() as f64,
    ]);
    row.extend([50.0, 75.0, 90.0, 95.0, 99.0, 99.9].map(|percent| latency.percentile(percent) as f64));
    row
}

/// `serverStats(id, target)`: 1 when the server lives.
pub unsafe extern "C" fn server_stats(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let row = with(&arguments, None, |_, engine| {
        engine.tick();
        let id = arguments.number(0);
        let live = engine.server_stats(id).map(stats_row);
        live.or_else(|| engine.last_counts(id).as_ref().map(stats_row))
    });
    let found = row.is_some();
    arguments.with_doubles(1, |target| {
        for (to, from) in target.iter_mut().zip(row.unwrap_or_default()) {
            *to = from;
        }
    });
    arguments.env.double(f64::from(u8::from(found)))
}

/// `inject(server, method, target, head, body)`: the exchange's id, or a negative code.
pub unsafe extern "C" fn inject(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let result = with(&arguments, Err(Code::StaleId.into()), |_, engine| {
        let (mut method, mut target, mut block) = (Vec::new(), Vec::new(), Vec::new());
        let given = arguments.latin1(1, &mut method)? && arguments.latin1(2, &mut target)?;
        if !given || !arguments.latin1(3, &mut block)? {
            return Err(Code::InvalidArgument.into());
        }
        // SAFETY: the bytes are copied before JavaScript runs again.
        let body = arguments.get(4).and_then(|value| unsafe { arguments.env.bytes(value) });
        engine.inject(
            arguments.number(0),
            &Injection {
                method: &method,
                target: &target,
                block: &block,
                body,
            },
        )
    });
    arguments.env.double(match result {
        Ok(id) => id.as_f64(),
        Err(error) => -f64::from(error.code.id()),
    })
}

/// `count(counter, amount)`: counters that only TypeScript can move.
pub unsafe extern "C" fn count(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    with(&arguments, (), |_, engine| {
        if let Some(counter) = Counter::ALL.get(arguments.number(0) as usize) {
            engine.metrics().add(*counter, arguments.number(1) as u64);
        }
    });
    ptr::null_mut()
}

/// `gauge(gauge, change)`
pub unsafe extern "C" fn gauge(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    with(&arguments, (), |_, engine| {
        if let Some(gauge) = Gauge::ALL.get(arguments.number(0) as usize) {
            engine.metrics().gauge_add(*gauge, arguments.number(1) as i64);
        }
    });
    ptr::null_mut()
}

/// `record(histogram, nanos)`
pub unsafe extern "C" fn record(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    with(&arguments, (), |_, engine| {
        if let Some(histogram) = Histogram::ALL.get(arguments.number(0) as usize) {
            engine.metrics().record(*histogram, arguments.number(1) as u64);
        }
    });
    ptr::null_mut()
}

/// `metricsFill(target, totals)`
pub unsafe extern "C" fn metrics_fill(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let totals = arguments.number(1) == 1.0;
    arguments.with_doubles(0, |target| {
        let _length = if totals {
            metrics::fill_totals(target)
        } else {
            metrics::fill(target)
        };
    });
    ptr::null_mut()
}

/// `metricsSince(target, baseline)`: what came since the baseline, which is moved to now. Answers with the length that a
/// baseline has.
pub unsafe extern "C" fn metrics_since(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    // Read into memory of our own: nothing says that the two arrays do not overlap.
    let mut numbers = vec![0.0; metrics::FILL_LEN];
    let mut moved = false;
    arguments.with_doubles(1, |baseline| {
        moved = baseline.len() >= metrics::BASELINE_LEN;
        metrics::fill_since(&mut numbers, baseline);
    });
    if moved {
        arguments.with_doubles(0, |target| {
            if let Some(target) = target.get_mut(..metrics::FILL_LEN) {
                target.copy_from_slice(&numbers);
            }
        });
    }
    arguments.env.double(metrics::BASELINE_LEN as f64)
}

/// `metricsPercentile(histogram, percent)`: in nanoseconds; 0 for a histogram that there is not.
pub unsafe extern "C" fn metrics_percentile(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let histogram = Histogram::ALL.get(arguments.number(0) as usize);
    let nanos = histogram.map_or(0, |histogram| metrics::percentile(*histogram, arguments.number(1)));
    arguments.env.double(nanos as f64)
}

/// `setLogLevel(rank)`: 0 is trace, 5 fatal, 6 silence.
pub unsafe extern "C" fn set_log_level(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    with(&arguments, (), |_, engine| {
        engine.set_log_level(arguments.number(0) as u8);
    });
    ptr::null_mut()
}

/// `takeLog()`: the lines that wait.
pub unsafe extern "C" fn take_log(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let lines = with(&arguments, String::new(), |_, engine| engine.take_log());
    arguments.env.text(lines.as_bytes()).0
}

/// `hearRefusals(on)`: whether requests that are refused before JavaScript sees them are told.
pub unsafe extern "C" fn hear_refusals(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    with(&arguments, (), |_, engine| {
        engine.hear_refusals(arguments.number(0) != 0.0)
    });
    ptr::null_mut()
}

/// `takeRefusals()`: the lines that wait.
pub unsafe extern "C" fn take_refusals(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let lines = with(&arguments, String::new(), |_, engine| engine.take_refusals());
    arguments.env.text(lines.as_bytes()).0
}

/// `metricsReset()`
pub unsafe extern "C" fn metrics_reset(_env: sys::napi_env, _info: sys::napi_callback_info) -> sys::napi_value {
    metrics::reset();
    ptr::null_mut()
}

/// `census(target)`: servers, connections, streams, buffers, timers, pins.
pub unsafe extern "C" fn census(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    let row = with(&arguments, [0; 6], |state, engine| {
        let census = engine.census();
        let pins = state.host.borrow().pinned_count();
        [
            census.servers,
            census.connections,
            census.streams,
            census.buffers,
            census.timers,
            pins,
        ]
    });
    arguments.with_doubles(0, |target| {
        for (to, from) in target.iter_mut().zip(row) {
            *to = from as f64;
        }
    });
    ptr::null_mut()
}

/// `plantPanic(id, now)`, for tests: a panic at the connection's next processing, or in this very call.
pub unsafe extern "C" fn plant_panic(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    with(&arguments, (), |_, engine| {
        assert!(arguments.number(1) != 1.0, "a test asked for this panic");
        engine.plant_panic(arguments.number(0));
    });
    ptr::null_mut()
}

/// `calls()`: Node-API calls so far, where they are counted (feature `count-calls`), else NaN.
pub unsafe extern "C" fn calls(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let arguments = Arguments::of(env, info);
    #[cfg(feature = "count-calls")]
    let count = crate::js::CALLS.load(std::sync::atomic::Ordering::Relaxed) as f64;
    #[cfg(not(feature = "count-calls"))]
    let count = f64::NAN;
    arguments.env.double(count)
}
