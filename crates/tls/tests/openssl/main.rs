//! OpenSSL as the other side: what it makes is verified here, and what is made here by it.
//!
//! It goes by the system's clock, so these certificates are valid around now.
#![cfg(unix)]

mod crl;
mod handshake;
mod ocsp;
mod scene;
#[path = "../support/mod.rs"]
mod support;
