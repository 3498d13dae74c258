//! A whole connection of the engine through TLS; see `crates/testkit/src/fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| millrace_testkit::fuzz::tls_connection(data));
