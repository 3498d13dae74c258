//! How much memory the process holds for its peers, and what to do about it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

/// What a thread may be off by before it tells the others.
const BATCH: i64 = 64 * 1024;
const NO_CAP: u64 = u64::MAX;

/// What the state of the budget asks for. Ordered by urgency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pressure {
    /// Nothing.
    #[default]
    Normal,
    /// Reading pauses: from seven eighths of the cap until less than three quarters are used.
    Pressed,
    /// New work is refused too: from the cap until less than seven eighths are used.
    Full,
}

/// The memory that all threads of a process hold together, and its cap (`setMaxMemory`).
///
/// Each thread has a [`MemoryAccount`] and moves the common number only when its own has changed by 64 KiB. So the
/// number is off by less than 64 KiB a thread, in either direction, and a cap of a few hundred KiB or less means little.
#[derive(Debug)]
pub struct MemoryBudget {
    used: Used,
    cap: AtomicU64,
}

/// On cache lines of its own: every thread reads the cap often, and the number changes.
#[derive(Debug)]
#[repr(align(128))]
struct Used(AtomicI64);

impl Default for MemoryBudget {
    fn default() -> Self {
        Self {
            used: Used(AtomicI64::new(0)),
            cap: AtomicU64::new(NO_CAP),
        }
    }
}

impl MemoryBudget {
    /// The budget of the process.
    pub fn process() -> Arc<Self> {
        static PROCESS: OnceLock<Arc<MemoryBudget>> = OnceLock::new();
        Arc::clone(PROCESS.get_or_init(Arc::default))
    }

    /// Changes the cap, for all threads from their next [`MemoryAccount::pressure`] on. `None` is no cap.
    pub fn set_cap(&self, cap: Option<u64>) {
        self.cap.store(cap.unwrap_or(NO_CAP), Relaxed);
    }

    /// The cap.
    pub fn cap(&self) -> Option<u64> {
        Some(self.cap.load(Relaxed)).filter(|cap| *cap != NO_CAP)
    }

    /// What is used, but for less than 64 KiB a thread.
    pub fn used(&self) -> u64 {
        // Below zero while one thread has settled a release of what another took, and that one has not yet settled.
        self.used.0.load(Relaxed).max(0) as u64
    }
}

/// What one thread holds of a budget. Dropping it gives everything back.
#[derive(Debug)]
pub struct MemoryAccount {
    budget: Arc<MemoryBudget>,
    /// What this thread holds, to the byte. Below zero where it releases what others charged.
    held: i64,
    /// What of it the budget knows.
    settled: i64,
    pressure: Pressure,
}

impl MemoryAccount {
    /// An account that holds nothing.
    pub fn new(budget: Arc<MemoryBudget>) -> Self {
        Self {
            budget,
            held: 0,
            settled: 0,
            pressure: Pressure::Normal,
        }
    }

    /// Counts memory that was taken.
    #[inline]
    pub fn charge(&mut self, bytes: usize) {
        self.held += bytes as i64;
        if self.held - self.settled >= BATCH {
            self.settle();
        }
    }

    /// Counts memory that was given back.
    #[inline]
    pub fn release(&mut self, bytes: usize) {
        self.held -= bytes as i64;
        if self.settled - self.held >= BATCH {
            self.settle();
        }
    }

    /// What this thread holds, to the byte.
    pub fn held(&self) -> u64 {
        self.held.max(0) as u64
    }

    /// What to do. To be asked before reading and before new work; who has paused asks again at a later turn, also
    /// when nothing of its own has changed, because it may be another thread that gives back.
    ///
    /// Costs two loads. This thread's share is exact in it. The hysteresis is each thread's own.
    #[inline]
    pub fn pressure(&mut self) -> Pressure {
        let cap = self.budget.cap.load(Relaxed);
        if cap == NO_CAP {
            self.pressure = Pressure::Normal;
        } else {
            let used = self.budget.used.0.load(Relaxed) + (self.held - self.settled);
            self.pressure = next(self.pressure, used.max(0) as u64, cap);
        }
        self.pressure
    }

    #[cold]
    fn settle(&mut self) {
        self.budget.used.0.fetch_add(self.held - self.settled, Relaxed);
        self.settled = self.held;
    }
}

impl Drop for MemoryAccount {
    fn drop(&mut self) {
        self.budget.used.0.fetch_sub(self.settled, Relaxed);
    }
}

/// The state after `before`, by what is used.
fn next(before: Pressure, used: u64, cap: u64) -> Pressure {
    let (pressed, calm) = (cap - cap / 8, cap - cap / 4);
    match before {
        _ if used >= cap => Pressure::Full,
        Pressure::Full if used >= pressed => Pressure::Full,
        Pressure::Normal if used < pressed => Pressure::Normal,
        _ if used >= calm => Pressure::Pressed,
        _ => Pressure::Normal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_is_left_lower_than_it_is_entered() {
        use Pressure::{Full, Normal, Pressed};
        for (before, used, after) in [
            (Normal, 699, Normal),
            (Normal, 700, Pressed),
            (Normal, 799, Pressed),
            (Normal, 800, Full),
            (Pressed, 599, Normal),
            (Pressed, 600, Pressed),
            (Pressed, 799, Pressed),
            (Pressed, 800, Full),
            (Full, 599, Normal),
            (Full, 600, Pressed),
            (Full, 699, Pressed),
            (Full, 700, Full),
            (Full, 900, Full),
        ] {
            assert_eq!(next(before, used, 800), after, "{before:?} at {used}");
        }
        assert_eq!(next(Normal, 0, 0), Full, "a cap of nothing lets nothing in");
    }

    #[test]
    fn the_budget_lags_behind_an_account_by_less_than_a_batch() {
        let budget = Arc::new(MemoryBudget::default());
        let mut account = MemoryAccount::new(Arc::clone(&budget));
        account.charge(65_535);
        assert_eq!((account.held(), budget.used()), (65_535, 0));
        account.charge(1);
        assert_eq!(budget.used(), 65_536);
        account.release(65_535);
        assert_eq!((account.held(), budget.used()), (1, 65_536));
        account.charge(10_000_000);
        assert_eq!(budget.used(), 10_000_001);
        drop(account);
        assert_eq!(budget.used(), 0, "an account that ends gives everything back");
    }

    #[test]
    fn a_cap_may_come_change_and_go_at_any_time() {
        let budget = Arc::new(MemoryBudget::default());
        let mut account = MemoryAccount::new(Arc::clone(&budget));
        account.charge(1_000);
        assert_eq!((budget.cap(), account.pressure()), (None, Pressure::Normal));
        budget.set_cap(Some(1_000));
        assert_eq!((budget.cap(), account.pressure()), (Some(1_000), Pressure::Full));
        account.release(1);
        assert_eq!(account.pressure(), Pressure::Full, "until an eighth is free");
        budget.set_cap(Some(1_200));
        assert_eq!(account.pressure(), Pressure::Pressed);
        budget.set_cap(None);
        assert_eq!(account.pressure(), Pressure::Normal);
    }

    #[test]
    fn what_one_thread_holds_presses_another() {
        let budget = Arc::new(MemoryBudget::default());
        budget.set_cap(Some(1 << 20));
        let (mut ours, mut theirs) = (MemoryAccount::new(Arc::clone(&budget)), MemoryAccount::new(budget));
        theirs.charge(1 << 20);
        assert_eq!(ours.pressure(), Pressure::Full);
        theirs.release(1 << 20);
        assert_eq!(ours.pressure(), Pressure::Normal);
    }
}
