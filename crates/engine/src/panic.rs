//! What a panic said, kept for the log.
//!
//! The hook is the library's own: each shared library has its own standard library, so the panics of other addons are
//! not seen here.

use std::cell::RefCell;
use std::panic;
use std::sync::Once;

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// From now on a panic is not written to stderr: whoever catches it finds its text by [`take_panic`].
pub fn keep_panics() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        panic::set_hook(Box::new(|info| {
            let text = info.to_string();
            // A thread that is ending has no place for it any more, and nobody who would ask.
            let _ = LAST.try_with(|last| last.replace(Some(text)));
        }));
    });
}

/// The place and the message of the last panic of this thread that was kept, once.
pub fn take_panic() -> Option<String> {
    LAST.try_with(RefCell::take).ok().flatten()
}
