//! The HTTP/1.1 response parser; see `crates/testkit/src/fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| millrace_testkit::fuzz::http1_response(data));
