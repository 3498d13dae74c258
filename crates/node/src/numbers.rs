//! Numbers that JavaScript and we read and write by turns, at an address that is asked for once.

use crate::js::{Env, Value};
use napi_sys as sys;
use std::cell::Cell;
use std::ptr;

/// A value of JavaScript's that is kept, once there is one.
pub struct Kept(Cell<sys::napi_ref>);

impl Kept {
    pub fn new() -> Self {
        Self(Cell::new(ptr::null_mut()))
    }

    /// Keeps this in place of the one before.
    fn replace(&self, env: Env, reference: sys::napi_ref) {
        let old = self.0.replace(reference);
        if !old.is_null() {
            env.drop_reference(old);
        }
    }

    /// The value, where there is one.
    pub fn get(&self, env: Env) -> Option<Value> {
        let reference = self.0.get();
        (!reference.is_null()).then(|| env.referred(reference))
    }
}

/// The numbers of a `Float64Array` of our JavaScript.
pub struct Numbers {
    first: Cell<*mut f64>,
    array: Kept,
}

impl Numbers {
    pub fn new() -> Self {
        Self {
            first: Cell::new(ptr::null_mut()),
            array: Kept::new(),
        }
    }

    /// Uses this array from now on, and keeps the value that belongs to it; another length than the one expected is
    /// not used.
    ///
    /// The array must have more than 64 bytes, or V8 may move them, and whoever made it must give it to nobody who could
    /// detach it.
    pub fn attach(&self, env: Env, array: Value, length: usize, beside: (&Kept, Value)) {
        // SAFETY: the address is kept. The memory is not moved nor detached (see above), and the reference keeps it.
        let Some(numbers) = (unsafe { env.doubles(array) }).filter(|numbers| numbers.len() == length) else {
            return;
        };
        let (Some(array), Some(value)) = (env.reference(array), env.reference(beside.1)) else {
            return;
        };
        self.first.set(numbers.as_mut_ptr());
        self.array.replace(env, array);
        beside.0.replace(env, value);
    }

    /// The first of them; null before `attach`.
    #[inline]
    pub fn first(&self) -> *mut f64 {
        self.first.get()
    }
}
