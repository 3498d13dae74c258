//! A client's connection of the engine; see `crates/testkit/src/fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| millrace_testkit::fuzz::client_connection(data));
