//! A snapshot as a row of numbers, for the border with JavaScript.
use crate::generated::{BOUNDS_NANOS, Counter, FILL_LEN, Gauge, HISTOGRAM_LEN, PERCENTILES};
use crate::histogram::HistogramData;
use crate::registry::{snapshot, totals};
use crate::snapshot::Snapshot;

/// Writes all metrics since the last [`crate::reset`] and returns how many numbers that takes.
///
/// The layout is: counters, gauges, then for each histogram count, sum, minimum and maximum, the [`PERCENTILES`], and
/// the cumulative counts at [`BOUNDS_NANOS`]; durations in nanoseconds. A `target` shorter than [`FILL_LEN`] is left
/// as it is.
pub fn fill(target: &mut [f64]) -> usize {
    write(&snapshot(), target)
}

/// Writes all metrics since the process began, in the layout of [`fill`].
pub fn fill_totals(target: &mut [f64]) -> usize {
    write(&totals(), target)
}

pub(crate) fn write(snapshot: &Snapshot, target: &mut [f64]) -> usize {
    let Some(target) = target.get_mut(..FILL_LEN) else {
        return FILL_LEN;
    };
    let (counters, rest) = target.split_at_mut(Counter::COUNT);
    let (gauges, histograms) = rest.split_at_mut(Gauge::COUNT);
    for (place, value) in counters.iter_mut().zip(snapshot.counters) {
        *place = value as f64;
    }
    for (place, value) in gauges.iter_mut().zip(snapshot.gauges) {
        *place = value as f64;
    }
    for (place, data) in histograms.chunks_exact_mut(HISTOGRAM_LEN).zip(&snapshot.histograms) {
        write_histogram(data, place);
    }
    FILL_LEN
}

fn write_histogram(data: &HistogramData, target: &mut [f64]) {
    let cumulative = data.cumulative();
    let facts = [data.count(), data.sum(), data.min(), data.max()];
    let percentiles = PERCENTILES.iter().map(|percent| cumulative.percentile(*percent));
    let counts = BOUNDS_NANOS.iter().map(|bound| cumulative.at_most(*bound));
    let values = facts.into_iter().chain(percentiles).chain(counts);
    for (place, value) in target.iter_mut().zip(values) {
        *place = value as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Histogram, LocalHistogram};

    #[test]
    fn every_number_lands_at_its_place_of_the_layout() {
        let mut snapshot = Snapshot::new();
        snapshot.counters = std::array::from_fn(|at| at as u64 + 1);
        snapshot.gauges = std::array::from_fn(|at| -(at as i64));
        let mut local = LocalHistogram::new();
        (1..=100).for_each(|step| local.record(step * 1_000));
        snapshot.histograms[Histogram::COUNT - 1] = local.data().clone();

        let mut target = vec![f64::NAN; FILL_LEN];
        assert_eq!(write(&snapshot, &mut target), FILL_LEN);
        assert_eq!(&target[..2], &[1.0, 2.0]);
        assert_eq!(target[Counter::COUNT - 1], Counter::COUNT as f64);
        assert_eq!(target[Counter::COUNT + 1], -1.0);
        let last = &target[FILL_LEN - HISTOGRAM_LEN..];
        assert_eq!(&last[..4], &[100.0, 5_050_000.0, 1_000.0, 100_000.0]);
        assert!((last[4] - 50_000.0).abs() <= 500.0, "p50 is {}", last[4]);
        let counts = &last[4 + PERCENTILES.len()..];
        assert_eq!(&counts[..5], &[5.0, 10.0, 25.0, 50.0, 100.0]);
        assert_eq!(counts[BOUNDS_NANOS.len() - 1], 100.0);
        assert!(target.iter().all(|number| !number.is_nan()));
    }

    #[test]
    fn a_target_that_is_too_short_is_left_alone_and_told_the_length() {
        let mut target = vec![-1.0; FILL_LEN - 1];
        assert_eq!(fill(&mut target), FILL_LEN);
        assert!(target.iter().all(|number| *number == -1.0));
    }

    #[test]
    fn the_process_can_be_read_with_and_without_its_resets() {
        let mut target = vec![-1.0; FILL_LEN + 1];
        assert_eq!(fill(&mut target), FILL_LEN);
        assert_eq!(fill_totals(&mut target), FILL_LEN);
        assert!(target[..FILL_LEN].iter().all(|number| *number >= 0.0));
        assert_eq!(target[FILL_LEN], -1.0);
    }
}
