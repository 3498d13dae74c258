//! What a reader with a baseline of its own keeps between two readings.
//!
//! The reader owns the memory, so nothing has to be given back here when it goes away: a slice of numbers that it hands
//! in at each reading. They are opaque to it: the bits of the totals at its last reading, counters first, then sum and
//! buckets of each histogram. All zero is the start of the process.
use crate::buckets::BUCKETS;
use crate::fill::write;
use crate::generated::{Counter, FILL_LEN, Histogram};
use crate::histogram::HistogramData;
use crate::registry::totals;
use crate::snapshot::Snapshot;

/// How many numbers a baseline takes.
pub const BASELINE_LEN: usize = Counter::COUNT + Histogram::COUNT * STRIDE;
const STRIDE: usize = 1 + BUCKETS;

/// Writes what came since the reader's last reading, in the layout of [`fill`](crate::fill), and moves its baseline to
/// now. Gauges are as they are. Returns [`BASELINE_LEN`]; slices that are too short are left alone.
///
/// Reading and moving are one step, so nothing that is counted meanwhile is lost or told twice.
pub fn fill_since(target: &mut [f64], baseline: &mut [f64]) -> usize {
    if target.len() >= FILL_LEN
        && let Some(baseline) = baseline.get_mut(..BASELINE_LEN)
    {
        let now = totals();
        write(&now.since(&unpack(baseline)), target);
        pack(&now, baseline);
    }
    BASELINE_LEN
}

fn pack(snapshot: &Snapshot, into: &mut [f64]) {
    let (counters, histograms) = into.split_at_mut(Counter::COUNT);
    for (place, value) in counters.iter_mut().zip(snapshot.counters) {
        *place = f64::from_bits(value);
    }
    for (places, data) in histograms.chunks_exact_mut(STRIDE).zip(&snapshot.histograms) {
        let mut values = std::iter::once(data.sum()).chain(data.buckets().iter().copied());
        places.fill_with(|| f64::from_bits(values.next().unwrap_or(0)));
    }
}

fn unpack(baseline: &[f64]) -> Snapshot {
    let mut snapshot = Snapshot::new();
    let (counters, histograms) = baseline.split_at(Counter::COUNT);
    for (value, place) in snapshot.counters.iter_mut().zip(counters) {
        *value = place.to_bits();
    }
    for (data, places) in snapshot.histograms.iter_mut().zip(histograms.chunks_exact(STRIDE)) {
        let mut values = places.iter().map(|place| place.to_bits());
        let sum = values.next().unwrap_or(0);
        *data = HistogramData::from_buckets(sum, values.collect());
    }
    snapshot
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LocalHistogram, Shard};

    #[test]
    fn a_baseline_keeps_exactly_what_a_snapshot_holds() {
        let mut local = LocalHistogram::new();
        // Past what a double holds exactly.
        local.record((1 << 60) + 1);
        local.record(3);
        let mut snapshot = Snapshot::new();
        snapshot.counters = std::array::from_fn(|at| u64::MAX - at as u64);
        snapshot.histograms[Histogram::COUNT - 1] = local.data().clone();

        let mut baseline = vec![0.0; BASELINE_LEN];
        pack(&snapshot, &mut baseline);
        let back = unpack(&baseline);
        assert_eq!(back.counters, snapshot.counters);
        let (now, then) = (&snapshot.histograms, &back.histograms);
        assert_eq!(
            now[Histogram::COUNT - 1].since(&then[Histogram::COUNT - 1]),
            HistogramData::new()
        );
        assert_eq!(now[0].since(&then[0]), HistogramData::new());
        assert_eq!(
            then[Histogram::COUNT - 1].sum(),
            snapshot.histograms[Histogram::COUNT - 1].sum()
        );
    }

    #[test]
    fn each_reader_sees_what_came_since_its_own_last_reading() {
        let shard = Shard::register();
        let (mut one, mut other) = (vec![0.0; BASELINE_LEN], vec![0.0; BASELINE_LEN]);
        let mut target = vec![0.0; FILL_LEN];
        // A counter that no other test of this crate moves in the registry of the process.
        let counter = Counter::HttpServerAborted;
        let mut gained = |baseline: &mut [f64]| {
            assert_eq!(fill_since(&mut target, baseline), BASELINE_LEN);
            target[counter as usize]
        };
        gained(&mut one);
        gained(&mut other);
        shard.add(counter, 2);
        assert_eq!(gained(&mut one), 2.0);
        crate::reset();
        shard.add(counter, 3);
        assert_eq!((gained(&mut one), gained(&mut other)), (3.0, 5.0));
        assert_eq!((gained(&mut one), gained(&mut other)), (0.0, 0.0));
    }

    #[test]
    fn slices_that_are_too_short_are_left_alone() {
        let (mut target, mut baseline) = (vec![-1.0; FILL_LEN], vec![-1.0; BASELINE_LEN - 1]);
        assert_eq!(fill_since(&mut target, &mut baseline), BASELINE_LEN);
        assert!(target.iter().chain(&baseline).all(|number| *number == -1.0));
        let (mut target, mut baseline) = (vec![-1.0; FILL_LEN - 1], vec![-1.0; BASELINE_LEN]);
        fill_since(&mut target, &mut baseline);
        assert!(target.iter().chain(&baseline).all(|number| *number == -1.0));
    }

    #[test]
    fn a_baseline_of_any_bits_is_survived() {
        let mut target = vec![0.0; FILL_LEN];
        for junk in [f64::NAN, -1.0, f64::INFINITY, 1e300] {
            let mut baseline = vec![junk; BASELINE_LEN];
            fill_since(&mut target, &mut baseline);
            assert!(target.iter().all(|number| number.is_finite()));
        }
    }
}
