//! libuv, reached through its symbols in the host process: a dozen functions, handles by size, no struct field touched.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::NonNull;

/// The host's loop.
pub type Loop = *mut c_void;
/// Any libuv handle.
pub type Handle = *mut c_void;
/// A callback that gets the handle alone.
pub type Callback = unsafe extern "C" fn(Handle);
/// A poll callback: status, events.
pub type PollCallback = unsafe extern "C" fn(Handle, c_int, c_int);

pub const READABLE: c_int = 1;
pub const WRITABLE: c_int = 2;
pub const DISCONNECT: c_int = 4;
/// `UV_PRIORITIZED`.
pub const PRIORITIZED: c_int = 8;

/// The kinds of handle that we use, with libuv's numbers (stable within 1.x).
#[derive(Clone, Copy)]
#[repr(i32)]
pub enum Kind {
    Async = 1,
    Check = 2,
    Idle = 6,
    Poll = 8,
    Prepare = 9,
    Timer = 13,
}

macro_rules! symbols {
    ($($name:ident: fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// The functions, found once at load.
        pub struct Uv {
            $(pub $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl Uv {
            /// Looks the symbols up in the host process; the name of the first that is missing otherwise.
            pub fn load() -> Result<Self, &'static str> {
                Ok(Self {
                    $($name: {
                        let name = concat!("uv_", stringify!($name), "\0");
                        let symbol = find(&name.replace("r#", "")).ok_or(name)?;
                        // SAFETY: libuv 1.x declares the function with this signature.
                        unsafe {
                            std::mem::transmute::<*mut c_void, unsafe extern "C" fn($($argument),*) $(-> $result)?>(
                                symbol.as_ptr(),
                            )
                        }
                    },)*
                })
            }
        }
    };
}

symbols! {
    handle_size: fn(c_int) -> usize;
    handle_set_data: fn(Handle, *mut c_void);
    handle_get_data: fn(Handle) -> *mut c_void;
    close: fn(Handle, Option<Callback>);
    r#ref: fn(Handle);
    unref: fn(Handle);
    poll_init: fn(Loop, Handle, c_int) -> c_int;
    poll_start: fn(Handle, c_int, PollCallback) -> c_int;
    poll_stop: fn(Handle) -> c_int;
    timer_init: fn(Loop, Handle) -> c_int;
    timer_start: fn(Handle, Callback, u64, u64) -> c_int;
    prepare_init: fn(Loop, Handle) -> c_int;
    prepare_start: fn(Handle, Callback) -> c_int;
    prepare_stop: fn(Handle) -> c_int;
    check_init: fn(Loop, Handle) -> c_int;
    check_start: fn(Handle, Callback) -> c_int;
    idle_init: fn(Loop, Handle) -> c_int;
    idle_start: fn(Handle, Callback) -> c_int;
    idle_stop: fn(Handle) -> c_int;
    async_init: fn(Loop, Handle, Option<Callback>) -> c_int;
}

fn find(name: &str) -> Option<NonNull<c_void>> {
    let name: &CStr = CStr::from_bytes_with_nul(name.as_bytes()).ok()?;
    // SAFETY: the name is zero-terminated; RTLD_DEFAULT searches what the process has loaded.
    NonNull::new(unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr().cast::<c_char>()) })
}

impl Uv {
    /// Memory for a handle, zeroed; [`free`](Self::free) it in the close callback.
    pub fn allocate(&self, kind: Kind) -> Handle {
        // SAFETY: the size comes from the libuv that will use the memory; calloc aligns for any type.
        let handle = unsafe { libc::calloc(1, (self.handle_size)(kind as c_int)) };
        assert!(!handle.is_null(), "no memory for a libuv handle of a few hundred bytes");
        handle
    }

    /// Frees a handle's memory.
    ///
    /// # Safety
    /// The handle came from [`allocate`](Self::allocate), and is closed or was never initialised.
    pub unsafe fn free(handle: Handle) {
        // SAFETY: as the caller promises.
        unsafe { libc::free(handle) };
    }
}
