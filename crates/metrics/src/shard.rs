//! The cells of one thread, and the handle through which that thread alone writes them.
use std::rc::Rc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use crate::buckets::{BUCKETS, SUB_BUCKETS, index};
use crate::generated::{Counter, Gauge, Histogram};
use crate::registry::{GLOBAL, Registry};
use crate::snapshot::Snapshot;

/// The metrics of one thread; the only way to change one.
///
/// A handle is cheap to clone and cannot leave its thread, which is what makes its thread the only writer of the cells.
/// When the last clone is dropped, counters and histograms are folded into the totals of the process and the gauges,
/// which described live things of this thread, are gone.
#[derive(Clone, Debug)]
pub struct Shard {
    cells: Arc<Cells>,
    /// An `Rc`, and not only for the count: it keeps the handle on its thread.
    _registration: Rc<Registration>,
}

impl Shard {
    /// Registers the cells of the calling thread.
    pub fn register() -> Self {
        Self::register_in(&GLOBAL)
    }

    pub(crate) fn register_in(registry: &'static Registry) -> Self {
        let cells = Arc::new(Cells::new());
        registry.add(&cells);
        let registration = Registration {
            registry,
            cells: Arc::clone(&cells),
        };
        Self {
            cells,
            _registration: Rc::new(registration),
        }
    }

    /// Adds to a counter.
    #[inline]
    pub fn add(&self, counter: Counter, amount: u64) {
        grow(&self.cells.counters[counter as usize], amount);
    }

    /// Adds to a gauge, or takes away from it.
    #[inline]
    pub fn gauge_add(&self, gauge: Gauge, amount: i64) {
        let cell = &self.cells.gauges[gauge as usize];
        cell.store(cell.load(Relaxed).wrapping_add(amount), Relaxed);
    }

    /// Records a duration in nanoseconds.
    #[inline]
    pub fn record(&self, histogram: Histogram, nanos: u64) {
        self.cells.histograms[histogram as usize]
            .get_or_init(HistogramCells::new)
            .record(nanos);
    }
}

/// Takes the shard out of its registry when the last handle is gone.
#[derive(Debug)]
struct Registration {
    registry: &'static Registry,
    cells: Arc<Cells>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry.retire(&self.cells);
    }
}

/// The numbers of one thread. Aligned so that two threads never write to the same pair of cache lines.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Cells {
    counters: [AtomicU64; Counter::COUNT],
    gauges: [AtomicI64; Gauge::COUNT],
    histograms: [OnceLock<HistogramCells>; Histogram::COUNT],
}

impl Cells {
    fn new() -> Self {
        Self {
            counters: [const { AtomicU64::new(0) }; Counter::COUNT],
            gauges: [const { AtomicI64::new(0) }; Gauge::COUNT],
            histograms: [const { OnceLock::new() }; Histogram::COUNT],
        }
    }

    /// Adds counters and histograms, which outlive the thread, to `totals`.
    pub(crate) fn add_lasting_to(&self, totals: &mut Snapshot) {
        for (total, cell) in totals.counters.iter_mut().zip(&self.counters) {
            *total += cell.load(Relaxed);
        }
        for (total, cell) in totals.histograms.iter_mut().zip(&self.histograms) {
            if let Some(cells) = cell.get() {
                cells.add_to(total);
            }
        }
    }

    /// Adds the gauges, which end with the thread, to `totals`.
    pub(crate) fn add_gauges_to(&self, totals: &mut Snapshot) {
        for (total, cell) in totals.gauges.iter_mut().zip(&self.gauges) {
            *total += cell.load(Relaxed);
        }
    }
}

const _: () = assert!(BUCKETS / SUB_BUCKETS <= u64::BITS as usize);

/// The buckets of one histogram of one thread; made at its first record.
#[derive(Debug)]
struct HistogramCells {
    buckets: Box<[AtomicU64]>,
    /// A bit for each run of [`SUB_BUCKETS`] buckets that a record fell into: a reader skips the others.
    runs: AtomicU64,
    sum: AtomicU64,
    /// `u64::MAX` until the first record is complete.
    min: AtomicU64,
    max: AtomicU64,
}

impl HistogramCells {
    fn new() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            runs: AtomicU64::new(0),
            sum: AtomicU64::new(0),
            min: AtomicU64::new(u64::MAX),
            max: AtomicU64::new(0),
        }
    }

    #[inline]
    fn record(&self, nanos: u64) {
        let bucket = index(nanos);
        grow(&self.buckets[bucket], 1);
        let (runs, run) = (self.runs.load(Relaxed), 1 << (bucket / SUB_BUCKETS));
        if runs & run == 0 {
            self.runs.store(runs | run, Relaxed);
        }
        grow(&self.sum, nanos);
        if nanos < self.min.load(Relaxed) {
            self.min.store(nanos, Relaxed);
        }
        if nanos > self.max.load(Relaxed) {
            self.max.store(nanos, Relaxed);
        }
    }

    /// Adds the buckets from the shortest to the longest record, of the runs that have any. Neither that range nor the
    /// runs ever shrink, so neither does the count; a record that is being written while it is read may be missing from count or sum until the next reading.
    fn add_to(&self, total: &mut crate::HistogramData) {
        let (min, max) = (self.min.load(Relaxed), self.max.load(Relaxed));
        if min > max {
            return;
        }
        let (first, last) = (index(min), index(max));
        let mut seen = 0;
        let mut runs = self.runs.load(Relaxed);
        while runs != 0 {
            let run = runs.trailing_zeros() as usize * SUB_BUCKETS;
            runs &= runs - 1;
            let (from, to) = (run.max(first), (run + SUB_BUCKETS - 1).min(last));
            if from <= to {
                let counts = self.buckets[from..=to].iter().map(|cell| cell.load(Relaxed));
                seen += total.merge_buckets(from, counts);
            }
        }
        if seen > 0 {
            total.merge_facts(seen, self.sum.load(Relaxed), min, max);
        }
    }
}

/// Adds to a cell that only the calling thread writes: no lock prefix, no fence.
#[inline]
fn grow(cell: &AtomicU64, amount: u64) {
    cell.store(cell.load(Relaxed).wrapping_add(amount), Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cells_of_two_threads_share_no_cache_line() {
        assert_eq!(align_of::<Cells>(), 128);
        assert_eq!(size_of::<Cells>() % 128, 0);
    }
}
