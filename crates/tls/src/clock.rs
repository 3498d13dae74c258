//! Where the time comes from.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pki_types::UnixTime;
use rustls::time_provider::TimeProvider;

/// The time by which certificates, CRLs, tickets and sessions are judged: the system's, or one that the driver sets.
///
/// rustls asks for the time itself, so it cannot be passed with every input; a driver that keeps its own time makes
/// one manual clock, sets it once per turn, and gives clones of it to its contexts.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicU64>>);

impl Clock {
    /// The system's clock.
    pub const fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at `seconds` since 1970 until [`set`](Self::set); clones share it.
    pub fn manual(seconds: u64) -> Self {
        Self(Some(Arc::new(AtomicU64::new(seconds))))
    }

    /// Sets a manual clock to `seconds` since 1970. The system's clock is left alone.
    pub fn set(&self, seconds: u64) {
        if let Some(shared) = &self.0 {
            shared.store(seconds, Ordering::Relaxed);
        }
    }

    /// Seconds since 1970.
    pub fn now(&self) -> u64 {
        match &self.0 {
            Some(shared) => shared.load(Ordering::Relaxed),
            None => UnixTime::now().as_secs(),
        }
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(self.now())))
    }
}
