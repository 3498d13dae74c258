//! The shards of the process: who writes, what the ended ones left, and from where readers count.
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::generated::Histogram;
use crate::shard::Cells;
use crate::snapshot::Snapshot;

/// The registry of the process.
pub(crate) static GLOBAL: Registry = Registry::new();

/// All metrics since the last [`reset`], added up over all threads. Writers are not disturbed.
pub fn snapshot() -> Snapshot {
    GLOBAL.snapshot()
}

/// All metrics since the process began, whatever was reset: for a reader with a baseline of its own.
pub fn totals() -> Snapshot {
    GLOBAL.totals()
}

/// The duration, in nanoseconds, that `percent` (0…100) of the records since the last [`reset`] do not exceed, within
/// 1 %; 0 without a record.
pub fn percentile(histogram: Histogram, percent: f64) -> u64 {
    snapshot().histogram(histogram).percentile(percent)
}

/// Makes counters and histograms of the next [`snapshot`]s start from zero. Gauges of live things survive.
pub fn reset() {
    GLOBAL.reset();
}

/// A set of shards that are read together.
#[derive(Debug)]
pub(crate) struct Registry {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    shards: Vec<Arc<Cells>>,
    /// What the shards of ended threads had counted.
    retired: Snapshot,
    /// The totals at the last reset.
    baseline: Snapshot,
}

impl Registry {
    pub(crate) const fn new() -> Self {
        Self {
            state: Mutex::new(State {
                shards: Vec::new(),
                retired: Snapshot::new(),
                baseline: Snapshot::new(),
            }),
        }
    }

    pub(crate) fn add(&self, cells: &Arc<Cells>) {
        self.state().shards.push(Arc::clone(cells));
    }

    pub(crate) fn retire(&self, cells: &Arc<Cells>) {
        let mut state = self.state();
        state.shards.retain(|shard| !Arc::ptr_eq(shard, cells));
        cells.add_lasting_to(&mut state.retired);
    }

    pub(crate) fn totals(&self) -> Snapshot {
        self.state().totals()
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let state = self.state();
        state.totals().since(&state.baseline)
    }

    pub(crate) fn reset(&self) {
        let mut state = self.state();
        state.baseline = state.totals();
    }

    /// A panic while the lock was held leaves numbers that are at worst incomplete, so poisoning is no reason to stop.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn totals(&self) -> Snapshot {
        let mut totals = self.retired.clone();
        for shard in &self.shards {
            shard.add_lasting_to(&mut totals);
            shard.add_gauges_to(&mut totals);
        }
        totals
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;
    use crate::{Counter, Gauge, HistogramData, Shard};

    /// A registry of the test's own, so that tests do not see each other's counts.
    macro_rules! registry {
        () => {{
            static REGISTRY: Registry = Registry::new();
            &REGISTRY
        }};
    }

    #[test]
    fn the_counts_of_eight_threads_add_up_exactly() {
        let registry = registry!();
        let written = Arc::new(Barrier::new(9));
        let read = Arc::new(Barrier::new(9));
        let threads: Vec<_> = (0..8_u64)
            .map(|number| {
                let (written, read) = (Arc::clone(&written), Arc::clone(&read));
                thread::spawn(move || {
                    let shard = Shard::register_in(registry);
                    for turn in 0..10_000 {
                        shard.add(Counter::HttpServerRequests, 1);
                        shard.add(Counter::SocketsSentBytes, number);
                        shard.gauge_add(Gauge::HttpServerConnections, if turn % 4 == 3 { -1 } else { 1 });
                        shard.record(Histogram::ReactorWakeDuration, turn);
                    }
                    written.wait();
                    read.wait();
                })
            })
            .collect();
        written.wait();
        let live = registry.snapshot();
        read.wait();
        threads
            .into_iter()
            .for_each(|thread| thread.join().expect("no test thread panics"));
        let ended = registry.snapshot();

        for (seen, gauge) in [(&live, 40_000), (&ended, 0)] {
            assert_eq!(seen.counter(Counter::HttpServerRequests), 80_000);
            assert_eq!(seen.counter(Counter::SocketsSentBytes), 28 * 10_000);
            assert_eq!(seen.gauge(Gauge::HttpServerConnections), gauge);
            let durations = seen.histogram(Histogram::ReactorWakeDuration);
            assert_eq!((durations.count(), durations.sum()), (80_000, 8 * 49_995_000));
            assert_eq!((durations.min(), durations.max()), (0, 9_999));
        }
    }

    #[test]
    fn a_shard_is_retired_with_its_last_handle_and_counted_once() {
        let registry = registry!();
        let shard = Shard::register_in(registry);
        let clone = shard.clone();
        shard.add(Counter::ReactorWakes, 2);
        shard.gauge_add(Gauge::ReactorThreads, 1);
        drop(shard);
        clone.add(Counter::ReactorWakes, 3);
        assert_eq!(registry.snapshot().gauge(Gauge::ReactorThreads), 1);
        drop(clone);
        let seen = registry.snapshot();
        assert_eq!(
            (seen.counter(Counter::ReactorWakes), seen.gauge(Gauge::ReactorThreads)),
            (5, 0)
        );
        assert!(registry.state().shards.is_empty());
    }

    #[test]
    fn a_reset_zeroes_counters_and_histograms_but_neither_gauges_nor_totals() {
        let registry = registry!();
        let shard = Shard::register_in(registry);
        shard.add(Counter::ReactorWakes, 5);
        shard.gauge_add(Gauge::Buffers, 3);
        shard.record(Histogram::ReactorWakeDuration, 1_000);
        registry.reset();
        let seen = registry.snapshot();
        assert_eq!(
            (seen.counter(Counter::ReactorWakes), seen.gauge(Gauge::Buffers)),
            (0, 3)
        );
        assert_eq!(seen.histogram(Histogram::ReactorWakeDuration), &HistogramData::new());

        shard.add(Counter::ReactorWakes, 1);
        shard.record(Histogram::ReactorWakeDuration, 64);
        drop(shard);
        let seen = registry.snapshot();
        assert_eq!(seen.counter(Counter::ReactorWakes), 1);
        assert_eq!(seen.histogram(Histogram::ReactorWakeDuration).sum(), 64);
        let totals = registry.totals();
        assert_eq!(totals.counter(Counter::ReactorWakes), 6);
        assert_eq!(totals.histogram(Histogram::ReactorWakeDuration).sum(), 1_064);
    }

    #[test]
    fn snapshots_taken_while_threads_write_and_end_never_go_backwards() {
        let registry = registry!();
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..3)
            .map(|_| {
                let stop = Arc::clone(&stop);
                thread::spawn(move || {
                    let mut turns = 0_u64;
                    while !stop.load(Ordering::Relaxed) {
                        let shard = Shard::register_in(registry);
                        for nanos in 0..500 {
                            shard.add(Counter::HttpServerRequests, 1);
                            shard.record(Histogram::HttpServerRequestDuration, (nanos * 7_919) % 1_000_003);
                            turns += 1;
                        }
                    }
                    turns
                })
            })
            .collect();

        let mut before = registry.snapshot();
        for _ in 0..2_000 {
            let now = registry.snapshot();
            let (new, old) = (
                now.histogram(Histogram::HttpServerRequestDuration),
                before.histogram(Histogram::HttpServerRequestDuration),
            );
            assert!(now.counter(Counter::HttpServerRequests) >= before.counter(Counter::HttpServerRequests));
            assert!(new.count() >= old.count() && new.sum() >= old.sum());
            before = now;
        }
        stop.store(true, Ordering::Relaxed);
        let turns: u64 = writers
            .into_iter()
            .map(|writer| writer.join().expect("no test thread panics"))
            .sum();
        let seen = registry.snapshot();
        assert_eq!(seen.counter(Counter::HttpServerRequests), turns);
        assert_eq!(seen.histogram(Histogram::HttpServerRequestDuration).count(), turns);
    }

    #[test]
    fn the_metrics_of_the_process_are_read_snapshot_by_snapshot() {
        let before = totals();
        let shard = Shard::register();
        shard.add(Counter::ReactorPanics, 7);
        let now = totals();
        assert_eq!(now.since(&before).counter(Counter::ReactorPanics), 7);
        reset();
        assert_eq!(snapshot().counter(Counter::ReactorPanics), 0);
        assert_eq!(
            totals().counter(Counter::ReactorPanics),
            now.counter(Counter::ReactorPanics)
        );
    }
}
