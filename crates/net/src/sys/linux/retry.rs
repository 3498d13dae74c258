//! Calls that a signal interrupted are made again.

use std::io;

/// Repeats a system call while it fails with `EINTR`; any other negative result becomes the error that errno names.
pub(super) fn retry<T: PartialOrd + Default>(mut call: impl FnMut() -> T) -> io::Result<T> {
    loop {
        let result = call();
        if result >= T::default() {
            return Ok(result);
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::EINTR) {
            return Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A shim in the place of the system call: the calls of this crate do not block, so no signal of a test could hit
    // one reliably.
    fn fails_with(errno: i32) -> libc::c_int {
        // SAFETY: the address of this thread's errno is valid for as long as the thread runs.
        unsafe { *libc::__errno_location() = errno };
        -1
    }

    #[test]
    fn an_interrupted_call_is_made_again_until_it_succeeds() {
        let mut calls = 0;
        let result = retry(|| {
            calls += 1;
            if calls < 4 { fails_with(libc::EINTR) } else { 7 }
        });
        assert_eq!((result.expect("the fourth call succeeds"), calls), (7, 4));
    }

    #[test]
    fn another_error_ends_the_repetition() {
        let mut calls = 0;
        let result = retry(|| {
            calls += 1;
            fails_with(if calls == 1 { libc::EINTR } else { libc::EPIPE })
        });
        assert_eq!(result.expect_err("it fails").raw_os_error(), Some(libc::EPIPE));
        assert_eq!(calls, 2);
    }
}
