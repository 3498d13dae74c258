//! A wake: readiness to events, events to JavaScript, one flush; then the next scope, or rest.
//!
//! Events cross in batches: numbers through a shared `Float64Array`, strings and bytes as arguments of one call. A
//! batch is one callback scope, so promises and ticks run once, and answers made in microtasks leave in the same write.
//! The size of a batch follows the handlers: 32, and fewer where 32 of them would take longer than a millisecond.

use crate::js::{Value, call};
use crate::ring::MOST_CALLS;
use crate::state::{Life, State};
use millrace_engine::Event;
use napi_sys as sys;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

/// Scopes that one wake takes before it lets the loop turn.
const MOST_SCOPES: usize = 8;
/// How long one scope should take at most, in ns.
const SCOPE_NS: u64 = 1_000_000;

/// Runs one wake of an environment.
pub fn wake(state: &State) {
    if state.life.get() != Life::Live || state.awake.replace(true) {
        return;
    }
    // A panic outside any connection is a bug of the engine itself; the environment goes on without this wake.
    if catch_unwind(AssertUnwindSafe(|| run(state))).is_err() {
        if let Ok(mut engine) = state.engine.try_borrow_mut() {
            if let Some(engine) = engine.as_mut() {
                engine.poison_stream(f64::NAN);
            }
        }
        if let Ok(mut host) = state.host.try_borrow_mut() {
            host.forget_values();
        }
    }
    state.awake.set(false);
}

fn run(state: &State) {
    let env = state.env;
    let mut scope = ptr::null_mut();
    call!(napi_open_handle_scope(env.0, &mut scope));
    if scope.is_null() {
        return;
    }
    let started = with_engine(state, |engine| {
        engine.tick();
        engine.now_ns()
    });
    for scopes in 0.. {
        if scopes < MOST_SCOPES {
            let budget = state.budget.get();
            with_engine(state, |engine| {
                let host = &mut *state.host.borrow_mut();
                match scopes {
                    0 => engine.turn(host, budget),
                    _ => engine.turn_on(host, budget),
                }
            });
        }
        if !deliver(state) {
            break;
        }
    }
    flush(state);
    with_engine(state, |engine| {
        engine.tick();
        engine.record_wake(engine.now_ns().saturating_sub(started.unwrap_or(0)));
        let now_ms = engine.now_ns() / 1_000_000;
        let look = state.host.borrow_mut().look_at_pieces(now_ms);
        let deadline = engine.next_deadline();
        let first = look.map_or(deadline, |look| {
            Some(deadline.map_or(look, |deadline| deadline.min(look)))
        });
        state.rest(engine.has_work() || state.noted.any(), first, now_ms);
    });
    state.host.borrow_mut().forget_values();
    call!(napi_close_handle_scope(env.0, scope));
}

fn with_engine<T>(state: &State, work: impl FnOnce(&mut millrace_engine::Engine<Value>) -> T) -> Option<T> {
    state.engine.borrow_mut().as_mut().map(work)
}

fn flush(state: &State) {
    with_engine(state, |engine| {
        if !engine.has_to_flush() && engine.released.is_empty() {
            return;
        }
        let mut host = state.host.borrow_mut();
        engine.flush(&mut *host);
        for pin in engine.released.drain(..) {
            host.release(pin);
        }
    });
}

/// Gives JavaScript one batch and flushes what it answered; `false` when no event waited.
fn deliver(state: &State) -> bool {
    let mut batch = state.batch.take();
    batch.clear();
    with_engine(state, |engine| {
        engine.drain_events(state.budget.get().max(1), &mut batch)
    });
    if batch.is_empty() {
        state.batch.replace(batch);
        return false;
    }
    let before = with_engine(state, |engine| engine.now_ns()).unwrap_or(0);
    state.outbox.open(true);
    let thrown = call_handlers(state, &batch);
    state.outbox.open(false);
    with_engine(state, |engine| state.outbox.take(state, engine, None));
    let count = batch.len() as u64;
    state.batch.replace(batch);
    let after = with_engine(state, |engine| {
        engine.tick();
        engine.now_ns()
    });
    let spent = after.unwrap_or(before).saturating_sub(before);
    if spent > SCOPE_NS {
        state
            .budget
            .set((count * SCOPE_NS / spent).clamp(1, MOST_CALLS as u64) as usize);
    } else {
        state.budget.set((state.budget.get() * 2).min(MOST_CALLS));
    }
    // First the answers: an uncaught exception may end the process.
    flush(state);
    raise(state, thrown);
    true
}

/// One call into JavaScript within one callback scope. Returns what listeners threw.
fn call_handlers(state: &State, batch: &[Event<Value>]) -> Option<Value> {
    let env = state.env;
    let function = state.ring.function(env)?;
    let mut arguments: [sys::napi_value; 1 + 2 * MOST_CALLS] = [ptr::null_mut(); 1 + 2 * MOST_CALLS];
    let mut used = 1;
    for (place, event) in batch.iter().enumerate() {
        let mut word = event.kind as u32 | event.flags << 7;
        if let Some(value) = event.value {
            word |= 32;
            arguments[used] = value.0;
            used += 1;
        }
        if let Some(value) = event.extra {
            word |= 64;
            arguments[used] = value.0;
            used += 1;
        }
        let row = [
            f64::from(word),
            event.id.as_f64(),
            event.a as f64,
            event.b as f64,
            f64::from(event.id.slot()),
        ];
        state.ring.write(place, row);
    }
    arguments[0] = env.small(batch.len() as u32);
    let scope = state.context.enter(env)?;
    let nothing = env.undefined();
    let mut result = ptr::null_mut();
    let status = call!(napi_call_function(
        env.0,
        nothing.0,
        function.0,
        used,
        arguments.as_ptr(),
        &mut result
    ));
    let answer = (status == sys::Status::napi_ok && !result.is_null()).then_some(Value(result));
    let text = answer.filter(|answer| env.is_string(*answer));
    if answer.is_some() && !state.outbox.is_empty() {
        // The bodies are what was returned, unless something was thrown. Later ones come while the scope closes.
        with_engine(state, |engine| state.outbox.take(state, engine, text));
    }
    let own = if status == sys::Status::napi_pending_exception {
        env.take_exception()
    } else {
        None
    };
    state.context.leave(env, scope);
    if let Some(exception) = own.or_else(|| env.take_exception()) {
        return Some(exception);
    }
    answer.filter(|answer| text.is_none() && env.is_array(*answer))
}

/// Hands what listeners threw to `uncaughtException`, one by one; the batch has gone on meanwhile.
fn raise(state: &State, thrown: Option<Value>) {
    let Some(thrown) = thrown else { return };
    let env = state.env;
    if !env.is_array(thrown) {
        call!(napi_fatal_exception(env.0, thrown.0));
        return;
    }
    let mut count = 0;
    call!(napi_get_array_length(env.0, thrown.0, &mut count));
    for place in 0..count {
        let mut error = ptr::null_mut();
        call!(napi_get_element(env.0, thrown.0, place, &mut error));
        if !error.is_null() {
            call!(napi_fatal_exception(env.0, error));
        }
    }
}
