//! Key material for debugging, in the form that Wireshark reads.

use std::fmt;
use std::sync::Arc;

/// Takes one line of an NSS key log, without a line ending: `CLIENT_RANDOM …`.
///
/// Whoever has these lines can read the traffic. It runs inside a handshake and must not block.
#[derive(Clone)]
pub struct KeyLogger(Arc<dyn Fn(&str) + Send + Sync>);

impl KeyLogger {
    /// Lines go to `take`.
    pub fn new(take: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }
}

impl fmt::Debug for KeyLogger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyLogger")
    }
}

impl rustls::KeyLog for KeyLogger {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        (self.0)(&format!("{label} {} {}", hex(client_random), hex(secret)));
    }
}
