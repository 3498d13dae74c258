//! The log-linear scale: which bucket a duration falls into, and which durations a bucket stands for.
//!
//! Each power of two is cut into [`SUB_BUCKETS`] buckets of equal width, so a bucket is never wider than 1/128 of its
//! lowest value: even its far edge is off by less than 0.8 %, its middle by less than 0.4 %. Durations below 128 ns
//! are exact. Durations of 2⁴² ns (73 minutes) and more share the last bucket.

/// Buckets for each power of two.
pub(crate) const SUB_BUCKETS: usize = 1 << SUB_BITS;
const SUB_BITS: u32 = 7;
/// The power of two, in nanoseconds, where the scale ends.
const END_BITS: u32 = 42;

/// How many buckets there are.
pub(crate) const BUCKETS: usize = SUB_BUCKETS * (END_BITS - SUB_BITS + 1) as usize;

/// The bucket that `nanos` falls into.
#[inline]
pub(crate) fn index(nanos: u64) -> usize {
    let nanos = nanos.min((1 << END_BITS) - 1);
    let exponent = 63 - (nanos | (SUB_BUCKETS as u64 - 1)).leading_zeros();
    let shift = exponent.saturating_sub(SUB_BITS);
    ((shift as usize) << SUB_BITS) + (nanos >> shift) as usize
}

/// The shortest and the longest duration of bucket `index`.
pub(crate) fn range(index: usize) -> (u64, u64) {
    let shift = (index >> SUB_BITS).saturating_sub(1);
    let lowest = ((index - (shift << SUB_BITS)) as u64) << shift;
    (lowest, lowest + ((1 << shift) - 1))
}

/// The duration that stands for all of bucket `index`.
pub(crate) fn middle(index: usize) -> u64 {
    let (lowest, highest) = range(index);
    lowest + (highest - lowest) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_each_other_without_gap_or_overlap() {
        let mut next = 0;
        for bucket in 0..BUCKETS {
            let (lowest, highest) = range(bucket);
            assert_eq!(lowest, next, "bucket {bucket}");
            assert_eq!((index(lowest), index(highest)), (bucket, bucket));
            next = highest + 1;
        }
        assert_eq!(next, 1 << END_BITS);
    }

    #[test]
    fn a_duration_beyond_the_scale_falls_into_the_last_bucket() {
        assert_eq!(index(1 << END_BITS), BUCKETS - 1);
        assert_eq!(index(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn an_hour_is_still_on_the_scale() {
        assert!(index(3_600_000_000_000) < BUCKETS - 1);
    }

    #[test]
    fn no_bucket_is_wider_than_one_percent_of_its_lowest_value() {
        for bucket in 0..BUCKETS {
            let (lowest, highest) = range(bucket);
            assert!(highest - lowest <= lowest / 100, "bucket {bucket}: {lowest}…{highest}");
        }
    }
}
