//! TLS contexts and certificates, made rarely: objects of options, validated in TypeScript, become things with a number.
//!
//! A call that fails answers minus the code, and `tlsDetail()` has what was seen in words.

mod contexts;
mod evidence;
mod options;
mod registry;
mod session;

pub use registry::TlsRegistry;
pub use session::{choose_certificate, tls_certificate, tls_facts};
