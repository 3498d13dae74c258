//! The Node-API calls that the hot path uses, each a line, so that one place counts and checks them.
//!
//! Outputs are null-initialised: a function that the host lacks is a stub that answers `ok` and leaves them alone.

use millrace_engine::error::{Code, Error};
use napi_sys as sys;
use std::ffi::c_void;
use std::ptr;

/// A JavaScript value; valid while the handle scope of this wake or call is open.
#[derive(Clone, Copy)]
pub struct Value(pub sys::napi_value);

/// An environment.
#[derive(Clone, Copy)]
pub struct Env(pub sys::napi_env);

/// Node-API calls of the process so far.
#[cfg(feature = "count-calls")]
pub static CALLS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

macro_rules! call {
    ($name:ident($($argument:expr),* $(,)?)) => {{
        #[cfg(feature = "count-calls")]
        $crate::js::CALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        // SAFETY: the environment is the one of this thread, arguments are values of an open scope, and output
        // pointers point at locals that outlive the call.
        unsafe { napi_sys::$name($($argument),*) }
    }};
}
pub(crate) use call;

/// How many values a call may take that we read.
pub const MOST_ARGUMENTS: usize = 7;

/// The arguments of a call from JavaScript.
pub struct Arguments {
    pub env: Env,
    pub data: *mut c_void,
    values: [sys::napi_value; MOST_ARGUMENTS],
    count: usize,
}

impl Arguments {
    pub fn of(env: sys::napi_env, info: sys::napi_callback_info) -> Self {
        Self::few(env, info, MOST_ARGUMENTS)
    }

    /// As [`of`](Self::of), for a function that reads `most` at most: Node fills in those that were not given.
    pub fn few(env: sys::napi_env, info: sys::napi_callback_info, most: usize) -> Self {
        let mut values = [ptr::null_mut(); MOST_ARGUMENTS];
        let mut count = most.min(MOST_ARGUMENTS);
        let mut data = ptr::null_mut();
        call!(napi_get_cb_info(
            env,
            info,
            &mut count,
            values.as_mut_ptr(),
            ptr::null_mut(),
            &mut data
        ));
        Self {
            env: Env(env),
            data,
            values,
            count: count.min(MOST_ARGUMENTS),
        }
    }

    /// The value at a place; `None` past the last one given.
    pub fn get(&self, place: usize) -> Option<Value> {
        (place < self.count).then(|| Value(self.values[place]))
    }

    /// A number; NaN when it is none.
    pub fn number(&self, place: usize) -> f64 {
        let mut number = f64::NAN;
        if let Some(value) = self.get(place) {
            call!(napi_get_value_double(self.env.0, value.0, &mut number));
        }
        number
    }

    /// The numbers of a `Float64Array` argument, for the time that `work` takes: no JavaScript runs meanwhile.
    pub fn with_doubles(&self, place: usize, work: impl FnOnce(&mut [f64])) {
        // SAFETY: the slice lives for the call of `work` alone, which calls nothing of JavaScript.
        if let Some(target) = self.get(place).and_then(|value| unsafe { self.env.doubles(value) }) {
            work(target);
        }
    }

    /// A string in Latin-1; `false` when it is none. Appends.
    pub fn latin1(&self, place: usize, into: &mut Vec<u8>) -> Result<bool, Error> {
        self.get(place)
            .map_or(Ok(false), |value| self.env.read_latin1(value, into))
    }
}

fn reserve(into: &mut Vec<u8>, more: usize) -> Result<(), Error> {
    into.try_reserve(more).map_err(|_| Code::OutOfMemory.into())
}

impl Env {
    pub fn double(self, number: f64) -> sys::napi_value {
        let mut value = ptr::null_mut();
        call!(napi_create_double(self.0, number, &mut value));
        value
    }

    /// A number that needs no object of its own.
    pub fn small(self, number: u32) -> sys::napi_value {
        let mut value = ptr::null_mut();
        call!(napi_create_uint32(self.0, number, &mut value));
        value
    }

    pub fn is_array(self, value: Value) -> bool {
        let mut is_array = false;
        call!(napi_is_array(self.0, value.0, &mut is_array));
        is_array
    }

    pub fn is_string(self, value: Value) -> bool {
        let mut kind = -1;
        call!(napi_typeof(self.0, value.0, &mut kind));
        kind == sys::ValueType::napi_string
    }

    pub fn text(self, latin1: &[u8]) -> Value {
        let mut value = ptr::null_mut();
        call!(napi_create_string_latin1(
            self.0,
            latin1.as_ptr().cast(),
            latin1.len() as isize,
            &mut value
        ));
        Value(value)
    }

    /// Appends a string's Latin-1 bytes; code units above 255 lose their high byte, so callers check before.
    ///
    /// # Errors
    /// `OUT_OF_MEMORY`, as with the others that copy: a string may be as long as its maker likes.
    pub fn read_latin1(self, value: Value, into: &mut Vec<u8>) -> Result<bool, Error> {
        let start = into.len();
        reserve(into, 256)?;
        loop {
            let room = into.capacity() - start;
            let mut written = 0;
            let target = into.as_mut_ptr().wrapping_add(start).cast();
            let status = call!(napi_get_value_string_latin1(
                self.0,
                value.0,
                target,
                room,
                &mut written
            ));
            if status != sys::Status::napi_ok {
                return Ok(false);
            }
            if written + 1 < room {
                // SAFETY: the call wrote so many bytes behind `start`, within the capacity.
                unsafe { into.set_len(start + written) };
                return Ok(true);
            }
            reserve(into, room * 4)?;
        }
    }

    /// Appends a string's UTF-8 bytes; `false` when it is no string.
    ///
    /// # Errors
    /// `OUT_OF_MEMORY`.
    pub fn read_utf8(self, value: Value, into: &mut Vec<u8>) -> Result<bool, Error> {
        let start = into.len();
        reserve(into, 1024)?;
        let room = into.capacity() - start;
        let mut written = 0;
        let target = into.as_mut_ptr().wrapping_add(start).cast();
        let status = call!(napi_get_value_string_utf8(self.0, value.0, target, room, &mut written));
        if status != sys::Status::napi_ok {
            return Ok(false);
        }
        // A character that did not fit may leave up to three bytes free: then it may have been cut.
        if written + 4 >= room {
            let mut length = 0;
            call!(napi_get_value_string_utf8(
                self.0,
                value.0,
                ptr::null_mut(),
                0,
                &mut length
            ));
            reserve(into, length + 1)?;
            let target = into.as_mut_ptr().wrapping_add(start).cast();
            call!(napi_get_value_string_utf8(
                self.0,
                value.0,
                target,
                length + 1,
                &mut written
            ));
        }
        // SAFETY: the call wrote so many bytes behind `start`, within the capacity.
        unsafe { into.set_len(start + written) };
        Ok(true)
    }

    /// The bytes of a `Uint8Array` or `Buffer`; `None` for anything else.
    ///
    /// # Safety
    /// The slice must not be used after JavaScript has run again: the memory can be detached.
    pub unsafe fn bytes<'a>(self, value: Value) -> Option<&'a [u8]> {
        let mut data: *mut c_void = ptr::null_mut();
        let mut length = 0;
        let mut kind = -1;
        let status = call!(napi_get_typedarray_info(
            self.0,
            value.0,
            &mut kind,
            &mut length,
            &mut data,
            ptr::null_mut(),
            ptr::null_mut()
        ));
        if status != sys::Status::napi_ok || kind != sys::TypedarrayType::uint8_array {
            return None;
        }
        if length == 0 || data.is_null() {
            return Some(&[]);
        }
        // SAFETY: V8 says that so many bytes lie there; the caller's promise covers the lifetime.
        Some(unsafe { std::slice::from_raw_parts(data.cast(), length) })
    }

    /// The numbers of a `Float64Array`; `None` for anything else.
    ///
    /// # Safety
    /// As for [`bytes`](Self::bytes).
    pub unsafe fn doubles<'a>(self, value: Value) -> Option<&'a mut [f64]> {
        let mut data: *mut c_void = ptr::null_mut();
        let mut length = 0;
        let mut kind = -1;
        let status = call!(napi_get_typedarray_info(
            self.0,
            value.0,
            &mut kind,
            &mut length,
            &mut data,
            ptr::null_mut(),
            ptr::null_mut()
        ));
        if status != sys::Status::napi_ok || kind != sys::TypedarrayType::float64_array || data.is_null() {
            return None;
        }
        // SAFETY: V8 says that so many doubles lie there; the caller's promise covers the lifetime.
        Some(unsafe { std::slice::from_raw_parts_mut(data.cast(), length) })
    }

    /// A new ArrayBuffer, and where its bytes are until JavaScript runs again.
    pub fn array_buffer(self, length: usize) -> Option<(Value, *mut u8)> {
        let mut data: *mut c_void = ptr::null_mut();
        let mut value = ptr::null_mut();
        let status = call!(napi_create_arraybuffer(self.0, length, &mut data, &mut value));
        (status == sys::Status::napi_ok && !data.is_null()).then_some((Value(value), data.cast()))
    }

    /// As [`array_buffer`](Self::array_buffer), of whatever bytes lie there, for whoever writes all of them at once: that of a
    /// Buffer, which Node does not fill with zeros. That is a third of what a large chunk costs.
    pub fn raw_array_buffer(self, length: usize) -> Option<(Value, *mut u8)> {
        let (mut data, mut buffer) = (ptr::null_mut(), ptr::null_mut());
        let status = call!(napi_create_buffer(self.0, length, &mut data, &mut buffer));
        if status != sys::Status::napi_ok || data.is_null() {
            return None;
        }
        let (mut value, mut offset) = (ptr::null_mut(), usize::MAX);
        call!(napi_get_typedarray_info(
            self.0,
            buffer,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            &mut value,
            &mut offset
        ));
        // One within a pool of Node's is not ours alone.
        (offset == 0 && !value.is_null()).then_some((Value(value), data.cast()))
    }

    /// A `Uint8Array` on an ArrayBuffer.
    pub fn view(self, buffer: Value, offset: usize, length: usize) -> Value {
        let mut value = ptr::null_mut();
        let kind = sys::TypedarrayType::uint8_array;
        call!(napi_create_typedarray(
            self.0, kind, length, buffer.0, offset, &mut value
        ));
        Value(value)
    }

    pub fn reference(self, value: Value) -> Option<sys::napi_ref> {
        let mut reference = ptr::null_mut();
        let status = call!(napi_create_reference(self.0, value.0, 1, &mut reference));
        (status == sys::Status::napi_ok && !reference.is_null()).then_some(reference)
    }

    pub fn referred(self, reference: sys::napi_ref) -> Value {
        let mut value = ptr::null_mut();
        call!(napi_get_reference_value(self.0, reference, &mut value));
        Value(value)
    }

    pub fn drop_reference(self, reference: sys::napi_ref) {
        call!(napi_delete_reference(self.0, reference));
    }

    pub fn undefined(self) -> Value {
        let mut value = ptr::null_mut();
        call!(napi_get_undefined(self.0, &mut value));
        Value(value)
    }

    /// What was thrown, taken off the environment.
    pub fn take_exception(self) -> Option<Value> {
        let mut value = ptr::null_mut();
        let mut pending = false;
        call!(napi_is_exception_pending(self.0, &mut pending));
        if !pending {
            return None;
        }
        call!(napi_get_and_clear_last_exception(self.0, &mut value));
        (!value.is_null()).then_some(Value(value))
    }
}
