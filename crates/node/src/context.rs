//! The asynchronous context that JavaScript is called in: the resource of `async_hooks`, and the scope that runs promises
//! and ticks when it closes.

use crate::js::{Env, Value, call};
use napi_sys as sys;
use std::cell::Cell;
use std::ptr;

/// The context of an environment's calls.
pub struct Context {
    handle: Cell<sys::napi_async_context>,
    /// Whether the resource is JavaScript's.
    is_given: Cell<bool>,
}

impl Context {
    pub fn new(env: Env) -> Self {
        Self {
            handle: Cell::new(init(env, None)),
            is_given: Cell::new(false),
        }
    }

    /// Calls have this resource from now on; the first one given stays. Whoever gives it keeps it: Node does not.
    pub fn set_resource(&self, env: Env, resource: Value) {
        if self.is_given.replace(true) {
            return;
        }
        // No scope of the other is open: nothing was called before the first resource came with the function to call.
        call!(napi_async_destroy(
            env.0,
            self.handle.replace(init(env, Some(resource)))
        ));
    }

    /// Opens a scope, which `leave` closes.
    pub fn enter(&self, env: Env) -> Option<sys::napi_callback_scope> {
        let mut scope = ptr::null_mut();
        let nothing = env.undefined();
        let status = call!(napi_open_callback_scope(
            env.0,
            nothing.0,
            self.handle.get(),
            &mut scope
        ));
        (status == sys::Status::napi_ok).then_some(scope)
    }

    /// Closes a scope: promises and ticks run now, if it is the outermost.
    pub fn leave(&self, env: Env, scope: sys::napi_callback_scope) {
        call!(napi_close_callback_scope(env.0, scope));
    }
}

fn init(env: Env, resource: Option<Value>) -> sys::napi_async_context {
    let mut name = ptr::null_mut();
    call!(napi_create_string_utf8(env.0, c"millrace".as_ptr(), 8, &mut name));
    let mut context = ptr::null_mut();
    let resource = resource.map_or(ptr::null_mut(), |value| value.0);
    call!(napi_async_init(env.0, resource, name, &mut context));
    context
}
