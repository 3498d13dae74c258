//! An OCSP response; see `crates/testkit/src/fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| millrace_testkit::fuzz::ocsp_response(data));
