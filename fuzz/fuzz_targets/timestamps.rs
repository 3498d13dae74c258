//! A certificate with timestamps; see `crates/testkit/src/fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| millrace_testkit::fuzz::timestamps(data));
