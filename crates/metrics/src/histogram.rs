//! A distribution of durations as plain numbers: what a snapshot holds, and what one thread may keep for itself.
use crate::buckets::{BUCKETS, index, middle, range};

/// A distribution of durations in nanoseconds, with a relative error of at most 1 %.
///
/// Count, sum, minimum and maximum are exact (after [`crate::reset`] minimum and maximum are as exact as a bucket).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistogramData {
    /// Empty until the first record, then [`BUCKETS`] long.
    buckets: Vec<u64>,
    count: u64,
    sum: u64,
    /// `u64::MAX` while there is no record.
    min: u64,
    max: u64,
}

impl HistogramData {
    /// A distribution without a record; it allocates nothing.
    pub const fn new() -> Self {
        Self {
            buckets: Vec::new(),
            count: 0,
            sum: 0,
            min: u64::MAX,
            max: 0,
        }
    }

    /// The older state of a distribution, as a baseline kept it; good for [`since`](Self::since) alone, since minimum
    /// and maximum are not known.
    pub(crate) fn from_buckets(sum: u64, buckets: Vec<u64>) -> Self {
        let count = buckets.iter().fold(0, |count: u64, each| count.saturating_add(*each));
        Self {
            buckets,
            count,
            sum,
            min: 0,
            max: u64::MAX,
        }
    }

    /// How many records lie in each bucket; empty without a record.
    pub(crate) fn buckets(&self) -> &[u64] {
        &self.buckets
    }

    /// Adds one duration.
    pub fn record(&mut self, nanos: u64) {
        self.allocated()[index(nanos)] += 1;
        self.count += 1;
        self.sum = self.sum.wrapping_add(nanos);
        self.min = self.min.min(nanos);
        self.max = self.max.max(nanos);
    }

    /// Adds everything that `other` holds.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        for (mine, theirs) in self.allocated().iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
        self.sum = self.sum.wrapping_add(other.sum);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// What came since `earlier`, an older state of the same distribution.
    ///
    /// Minimum and maximum then come from the buckets, because the exact ones may belong to the time before.
    pub fn since(&self, earlier: &Self) -> Self {
        if earlier.count == 0 {
            return self.clone();
        }
        let mut rest = Self::new();
        for (bucket, (now, then)) in self.buckets.iter().zip(&earlier.buckets).enumerate() {
            let new = now.saturating_sub(*then);
            if new == 0 {
                continue;
            }
            let (lowest, highest) = range(bucket);
            rest.min = rest.min.min(lowest.max(self.min));
            rest.max = if bucket == BUCKETS - 1 {
                self.max
            } else {
                highest.min(self.max)
            };
            rest.count += new;
            rest.allocated()[bucket] = new;
        }
        if rest.count > 0 {
            rest.sum = self.sum.wrapping_sub(earlier.sum);
        }
        rest
    }

    /// How many durations were recorded.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// All durations added up, in nanoseconds.
    pub const fn sum(&self) -> u64 {
        self.sum
    }

    /// The shortest duration; 0 without a record.
    pub const fn min(&self) -> u64 {
        if self.count == 0 { 0 } else { self.min }
    }

    /// The longest duration; 0 without a record.
    pub const fn max(&self) -> u64 {
        self.max
    }

    /// The average duration; 0 without a record.
    pub fn mean(&self) -> f64 {
        if self.count == 0 {
            return 0.0;
        }
        self.sum as f64 / self.count as f64
    }

    /// The duration that `percent` (0…100) of the records do not exceed, within 1 %; 0 without a record.
    pub fn percentile(&self, percent: f64) -> u64 {
        self.cumulative().percentile(percent)
    }

    /// The running totals, from which many percentiles and bounds can be read at the price of one.
    pub(crate) fn cumulative(&self) -> Cumulative<'_> {
        let mut total = 0;
        let counts = self.buckets.iter().map(|count| {
            total += count;
            total
        });
        Cumulative {
            counts: counts.collect(),
            data: self,
        }
    }

    /// Adds the buckets from `first` on that a reader saw in the cells of a shard; answers how many records they hold,
    /// which [`merge_facts`](Self::merge_facts) is to be told.
    pub(crate) fn merge_buckets(&mut self, first: usize, counts: impl Iterator<Item = u64>) -> u64 {
        let mut seen = 0;
        for (mine, theirs) in self.allocated()[first..].iter_mut().zip(counts) {
            *mine += theirs;
            seen += theirs;
        }
        seen
    }

    /// Adds the facts beside the buckets.
    pub(crate) fn merge_facts(&mut self, count: u64, sum: u64, min: u64, max: u64) {
        self.count += count;
        self.sum = self.sum.wrapping_add(sum);
        self.min = self.min.min(min);
        self.max = self.max.max(max);
    }

    fn allocated(&mut self) -> &mut [u64] {
        if self.buckets.is_empty() {
            self.buckets = vec![0; BUCKETS];
        }
        &mut self.buckets
    }
}

impl Default for HistogramData {
    fn default() -> Self {
        Self::new()
    }
}

/// For each bucket, how many records lie in it or below.
pub(crate) struct Cumulative<'a> {
    counts: Vec<u64>,
    data: &'a HistogramData,
}

impl Cumulative<'_> {
    /// See [`HistogramData::percentile`].
    pub(crate) fn percentile(&self, percent: f64) -> u64 {
        let data = self.data;
        if data.count == 0 {
            return 0;
        }
        let rank = (percent / 100.0 * data.count as f64).ceil() as u64;
        if rank <= 1 {
            return data.min;
        }
        if rank >= data.count {
            return data.max;
        }
        let bucket = self.counts.partition_point(|count| *count < rank);
        middle(bucket).clamp(data.min, data.max)
    }

    /// How many records are at most `nanos`; some that exceed it by less than 1 % are counted too.
    pub(crate) fn at_most(&self, nanos: u64) -> u64 {
        self.counts.get(index(nanos)).copied().unwrap_or(0)
    }
}

/// A histogram that one thread keeps for itself, for instance for the statistics of one server.
#[derive(Clone, Debug, Default)]
pub struct LocalHistogram {
    data: HistogramData,
}

impl LocalHistogram {
    /// A histogram without a record; it allocates nothing until the first one.
    pub const fn new() -> Self {
        Self {
            data: HistogramData::new(),
        }
    }

    /// Adds one duration in nanoseconds.
    #[inline]
    pub fn record(&mut self, nanos: u64) {
        self.data.record(nanos);
    }

    /// What was recorded so far.
    pub const fn data(&self) -> &HistogramData {
        &self.data
    }

    /// Forgets every record and gives the memory back.
    pub fn reset(&mut self) {
        self.data = HistogramData::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small generator (xorshift64*), so that the property below needs no dependency.
    fn random(state: &mut u64) -> u64 {
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn of(values: &[u64]) -> HistogramData {
        let mut data = HistogramData::new();
        values.iter().for_each(|value| data.record(*value));
        data
    }

    #[test]
    fn every_percentile_is_within_one_percent_of_the_true_one() {
        for seed in 1..=40_u64 {
            let mut state = seed;
            let mut values: Vec<u64> = (0..2_000)
                .map(|_| {
                    let bits = random(&mut state) % 42;
                    random(&mut state) & ((1 << bits) | ((1 << bits) - 1))
                })
                .collect();
            let data = of(&values);
            values.sort_unstable();
            for tenth in 0..=1_000_u64 {
                let percent = tenth as f64 / 10.0;
                let rank = ((percent / 100.0 * values.len() as f64).ceil() as usize).clamp(1, values.len());
                let (truth, seen) = (values[rank - 1], data.percentile(percent));
                let off = truth.abs_diff(seen) as f64;
                assert!(
                    off <= truth as f64 / 100.0,
                    "seed {seed}, p{percent}: true {truth}, seen {seen}"
                );
            }
        }
    }

    #[test]
    fn count_sum_minimum_maximum_and_mean_are_exact() {
        let data = of(&[1_000_003, 17, 5_000_000_000_000]);
        assert_eq!((data.count(), data.sum()), (3, 5_000_001_000_020));
        assert_eq!((data.min(), data.max()), (17, 5_000_000_000_000));
        assert_eq!(data.mean(), 5_000_001_000_020.0 / 3.0);
    }

    #[test]
    fn an_empty_histogram_answers_zero_everywhere() {
        let data = HistogramData::new();
        assert_eq!((data.count(), data.sum(), data.min(), data.max()), (0, 0, 0, 0));
        assert_eq!((data.mean(), data.percentile(99.0)), (0.0, 0));
        assert_eq!(data.cumulative().at_most(u64::MAX), 0);
    }

    #[test]
    fn merging_two_histograms_equals_recording_into_one() {
        let (left, right) = ([1, 500, 70_000], [3, 70_000, 9_000_000_000]);
        let mut merged = of(&left);
        merged.merge(&of(&right));
        merged.merge(&HistogramData::new());
        assert_eq!(merged, of(&[left, right].concat()));
    }

    #[test]
    fn a_record_at_a_bound_is_counted_into_it() {
        let data = of(&[1_000_000, 1_000_001, 2_000_000]);
        let cumulative = data.cumulative();
        assert_eq!(
            cumulative.at_most(1_000_000),
            2,
            "the second lies within 1 % of the bound"
        );
        assert_eq!(cumulative.at_most(989_999), 0);
        assert_eq!(cumulative.at_most(2_000_000), 3);
    }

    #[test]
    fn what_came_since_a_baseline_does_not_show_the_time_before() {
        let before = of(&[10, 1_000_000]);
        let mut now = before.clone();
        [2_000, 3_000].iter().for_each(|value| now.record(*value));
        let rest = now.since(&before);
        assert_eq!((rest.count(), rest.sum()), (2, 5_000));
        assert!((1_980..=2_000).contains(&rest.min()), "{}", rest.min());
        assert!((3_000..=3_030).contains(&rest.max()), "{}", rest.max());
        assert_eq!(now.since(&now), HistogramData::new());
    }

    #[test]
    fn a_local_histogram_starts_again_after_a_reset() {
        let mut local = LocalHistogram::new();
        local.record(5);
        assert_eq!(local.data().count(), 1);
        local.reset();
        assert_eq!(local.data(), &HistogramData::new());
    }
}
