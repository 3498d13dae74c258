//! All metrics at one moment.
use crate::generated::{Counter, Gauge, Histogram};
use crate::histogram::HistogramData;

/// All metrics at one moment, added up over the threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub(crate) counters: [u64; Counter::COUNT],
    pub(crate) gauges: [i64; Gauge::COUNT],
    pub(crate) histograms: [HistogramData; Histogram::COUNT],
}

impl Snapshot {
    /// All zero.
    pub(crate) const fn new() -> Self {
        Self {
            counters: [0; Counter::COUNT],
            gauges: [0; Gauge::COUNT],
            histograms: [const { HistogramData::new() }; Histogram::COUNT],
        }
    }

    /// The value of a counter.
    pub const fn counter(&self, counter: Counter) -> u64 {
        self.counters[counter as usize]
    }

    /// The value of a gauge.
    pub const fn gauge(&self, gauge: Gauge) -> i64 {
        self.gauges[gauge as usize]
    }

    /// The distribution of a histogram.
    pub const fn histogram(&self, histogram: Histogram) -> &HistogramData {
        &self.histograms[histogram as usize]
    }

    /// What counters and histograms gained since `earlier`, an older snapshot; gauges are as they are now.
    ///
    /// A reader with a baseline of its own keeps a snapshot and asks for the difference.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            counters: std::array::from_fn(|at| self.counters[at].saturating_sub(earlier.counters[at])),
            gauges: self.gauges,
            histograms: std::array::from_fn(|at| self.histograms[at].since(&earlier.histograms[at])),
        }
    }
}
