//! Whom events are told, and the numbers that go with them: `ts/native/events.ts` is the other side.

use crate::js::{Env, Value};
use crate::numbers::{Kept, Numbers};

/// Events in one callback scope at most.
pub const MOST_CALLS: usize = 32;
/// Numbers of one event.
pub const STRIDE: usize = 5;

/// `onEvents(count, …values)` and its ring, once there is one.
pub struct Ring {
    on_events: Kept,
    numbers: Numbers,
}

impl Ring {
    pub fn new() -> Self {
        Self {
            on_events: Kept::new(),
            numbers: Numbers::new(),
        }
    }

    /// Tells this function from now on, with this array of `ts/native/events.ts`.
    pub fn attach(&self, env: Env, on_events: Value, array: Value) {
        let length = MOST_CALLS * STRIDE;
        self.numbers.attach(env, array, length, (&self.on_events, on_events));
    }

    /// The function, once there is one.
    pub fn function(&self, env: Env) -> Option<Value> {
        self.on_events.get(env)
    }

    /// Writes the numbers of an event; there is a function, and fewer than `MOST_CALLS` before it.
    #[inline]
    pub fn write(&self, place: usize, row: [f64; STRIDE]) {
        let numbers = self.numbers.first();
        assert!(place < MOST_CALLS && !numbers.is_null(), "a batch fits the ring");
        // SAFETY: of so many numbers (see `Numbers`), and JavaScript does not run now.
        unsafe { numbers.cast::<[f64; STRIDE]>().add(place).write(row) };
    }
}
