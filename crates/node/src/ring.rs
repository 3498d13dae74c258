//! Whom events are told, and the numbers that go with them: `ts/native/events.ts` is the other side.

use crate::js::{Env, Value};
use napi_sys as sys;
use std::cell::Cell;
use std::ptr;

/// Events in one callback scope at most.
pub const MOST_CALLS: usize = 32;
/// Numbers of one event.
pub const STRIDE: usize = 5;

/// `onEvents(count, …values)` and its ring, once there is one.
pub struct Ring {
    on_events: Cell<sys::napi_ref>,
    /// Keeps the numbers' memory.
    array: Cell<sys::napi_ref>,
    /// Null before `attach`.
    numbers: Cell<*mut f64>,
}

impl Ring {
    pub fn new() -> Self {
        Self {
            on_events: Cell::new(ptr::null_mut()),
            array: Cell::new(ptr::null_mut()),
            numbers: Cell::new(ptr::null_mut()),
        }
    }

    /// Tells this function from now on, with this array; another array than the one expected is not used.
    pub fn attach(&self, env: Env, on_events: Value, array: Value) {
        // SAFETY: the address is kept. The memory is that of an array of more than 64 bytes, so it is not moved; the
        // reference keeps it, and ts/native/events.ts gives the array to nobody who could detach it.
        let Some(numbers) = (unsafe { env.doubles(array) }).filter(|numbers| numbers.len() == MOST_CALLS * STRIDE)
        else {
            return;
        };
        let (Some(on_events), Some(array)) = (env.reference(on_events), env.reference(array)) else {
            return;
        };
        self.numbers.set(numbers.as_mut_ptr());
        for old in [self.on_events.replace(on_events), self.array.replace(array)] {
            if !old.is_null() {
                env.drop_reference(old);
            }
        }
    }

    /// The function, once there is one.
    pub fn function(&self, env: Env) -> Option<Value> {
        let function = self.on_events.get();
        (!function.is_null()).then(|| env.referred(function))
    }

    /// Writes the numbers of an event; there is a function, and fewer than `MOST_CALLS` before it.
    #[inline]
    pub fn write(&self, place: usize, row: [f64; STRIDE]) {
        let numbers = self.numbers.get();
        assert!(place < MOST_CALLS && !numbers.is_null(), "a batch fits the ring");
        // SAFETY: of so many numbers (see `attach`), and JavaScript does not run now.
        unsafe { numbers.cast::<[f64; STRIDE]>().add(place).write(row) };
    }
}
