//! The monotonic clock.

/// Nanoseconds of `CLOCK_MONOTONIC`, read in the vDSO without a system call.
pub(crate) fn monotonic_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec that the call may write. It cannot fail: the clock exists on every Linux, and the
    // pointer is valid.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    // Neither is negative: the clock counts up from boot.
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
