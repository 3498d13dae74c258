//! Token buckets, kept as one number each.
//!
//! A bucket holds at most `burst` tokens and gains one every `interval`. Instead of a level and a time we keep the
//! moment at which the bucket will be full again, as the generic cell rate algorithm does (ITU-T I.371 annex A): taking
//! a token moves that moment one interval on, and a take is refused where it would lie more than `burst` intervals
//! ahead. That is the same bucket, without a clock that fills it and without fractions: all is integer arithmetic in
//! nanoseconds. A moment in the past is a full bucket, so zero is a fresh one.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use millrace_error::{Code, Error};

/// How long a bucket may take to fill: 146 years, so that no sum of a time and an interval overflows.
const MAX_FILL_NS: u64 = 1 << 62;
const NS_PER_MS: u64 = 1_000_000;
const NS_PER_SECOND: f64 = 1e9;

/// How fast a bucket fills and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// What one token costs, in nanoseconds; at least 1.
    interval_ns: u64,
    /// What a whole burst costs.
    fill_ns: u64,
}

impl Rate {
    /// `tokens` in `period_ns` nanoseconds, and at most `burst` at once.
    ///
    /// The time between two tokens is rounded up to a whole nanosecond: the rate is never exceeded, and falls short
    /// by less than `tokens / period_ns` of itself (a millionth at a thousand tokens a second).
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where one of them is zero, or the bucket would take more than 146 years to fill.
    pub fn new(tokens: u64, period_ns: u64, burst: u64) -> Result<Self, Error> {
        let interval_ns = if tokens == 0 { 0 } else { period_ns.div_ceil(tokens) };
        Self::of_interval(interval_ns, burst)
    }

    /// `rate` tokens a second, which may be a fraction, and at most `burst` at once. Rounded as [`new`](Self::new) does.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where the rate is not a finite number above zero, and as [`new`](Self::new).
    pub fn per_second(rate: f64, burst: u64) -> Result<Self, Error> {
        if !(rate.is_finite() && rate > 0.0) {
            return Err(Code::InvalidArgument.into());
        }
        // A cast saturates, and what is too long is refused below.
        Self::of_interval((NS_PER_SECOND / rate).ceil() as u64, burst)
    }

    fn of_interval(interval_ns: u64, burst: u64) -> Result<Self, Error> {
        let fill = interval_ns
            .checked_mul(burst)
            .filter(|fill| (1..=MAX_FILL_NS).contains(fill));
        let fill_ns = fill.ok_or(Error::new(Code::InvalidArgument))?;
        Ok(Self { interval_ns, fill_ns })
    }

    /// The most tokens a bucket holds.
    pub fn burst(&self) -> u64 {
        self.fill_ns / self.interval_ns
    }

    /// The nanoseconds in which one token comes back.
    pub fn interval_ns(&self) -> u64 {
        self.interval_ns
    }
}

/// What became of a take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Take {
    /// The tokens are the caller's.
    Taken,
    /// Nothing was taken. The least number of whole milliseconds, at least 1, after which it would succeed if nobody
    /// else took any.
    RetryAfter(u64),
    /// More were asked for than the bucket ever holds.
    Never,
}

/// The state of a bucket after a take, or why there is none.
fn take(full_at: u64, rate: &Rate, tokens: u64, now_ns: u64) -> Result<u64, Take> {
    let cost = tokens
        .checked_mul(rate.interval_ns)
        .filter(|cost| *cost <= rate.fill_ns);
    let Some(cost) = cost else {
        return Err(Take::Never);
    };
    let after = full_at.max(now_ns).saturating_add(cost);
    let bound = now_ns.saturating_add(rate.fill_ns);
    if after <= bound {
        Ok(after)
    } else {
        Err(Take::RetryAfter((after - bound).div_ceil(NS_PER_MS)))
    }
}

/// A token bucket of one thread. A fresh one is full.
///
/// The rate is given with each call, so that thousands of buckets share one. Changing it keeps the debt in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    full_at: u64,
}

impl Bucket {
    /// Takes `tokens`, all or none.
    pub fn try_take(&mut self, rate: &Rate, tokens: u64, now_ns: u64) -> Take {
        match take(self.full_at, rate, tokens, now_ns) {
            Ok(full_at) => {
                self.full_at = full_at;
                Take::Taken
            }
            Err(refused) => refused,
        }
    }

    /// Puts `tokens` back; what does not fit is lost.
    pub fn give_back(&mut self, rate: &Rate, tokens: u64) {
        self.full_at = self.full_at.saturating_sub(tokens.saturating_mul(rate.interval_ns));
    }

    /// How many tokens are in it.
    pub fn available(&self, rate: &Rate, now_ns: u64) -> u64 {
        let debt = self.full_at.saturating_sub(now_ns);
        rate.fill_ns.saturating_sub(debt) / rate.interval_ns
    }
}

/// A token bucket that all threads of the process take from, without a lock.
#[derive(Debug, Default)]
pub struct AtomicBucket {
    full_at: AtomicU64,
}

impl AtomicBucket {
    /// As [`Bucket::try_take`]. The clocks of the threads may differ a little: a later one has filled the bucket, an
    /// earlier one waits accordingly.
    pub fn try_take(&self, rate: &Rate, tokens: u64, now_ns: u64) -> Take {
        let mut refused = Take::Taken;
        // Relaxed: the number is all there is; it guards no other memory.
        let updated = self.full_at.fetch_update(Relaxed, Relaxed, |full_at| {
            take(full_at, rate, tokens, now_ns).map_err(|why| refused = why).ok()
        });
        updated.map_or(refused, |_| Take::Taken)
    }

    /// As [`Bucket::give_back`].
    pub fn give_back(&self, rate: &Rate, tokens: u64) {
        let amount = tokens.saturating_mul(rate.interval_ns);
        let _ = self
            .full_at
            .fetch_update(Relaxed, Relaxed, |full_at| Some(full_at.saturating_sub(amount)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_burst_passes_and_one_more_waits_for_exactly_one_token() {
        let rate = Rate::new(10, SECOND, 5).expect("a rate");
        let mut bucket = Bucket::default();
        let now = 7 * SECOND;
        for left in (0..5).rev() {
            assert_eq!(bucket.try_take(&rate, 1, now), Take::Taken);
            assert_eq!(bucket.available(&rate, now), left);
        }
        assert_eq!(bucket.try_take(&rate, 1, now), Take::RetryAfter(100));
        let due = now + SECOND / 10;
        assert_eq!(bucket.try_take(&rate, 1, due - 1), Take::RetryAfter(1));
        assert_eq!(bucket.try_take(&rate, 1, due), Take::Taken);
        assert_eq!(bucket.try_take(&rate, 1, due), Take::RetryAfter(100));
    }

    #[test]
    fn several_are_taken_together_or_not_at_all() {
        let rate = Rate::new(1, SECOND, 3).expect("a rate");
        let mut bucket = Bucket::default();
        assert_eq!(bucket.try_take(&rate, 4, 0), Take::Never);
        assert_eq!(bucket.try_take(&rate, u64::MAX, 0), Take::Never);
        assert_eq!(bucket.try_take(&rate, 2, 0), Take::Taken);
        assert_eq!(bucket.try_take(&rate, 2, 0), Take::RetryAfter(1_000));
        assert_eq!(bucket.try_take(&rate, 1, 0), Take::Taken);
        bucket.give_back(&rate, 2);
        assert_eq!(bucket.available(&rate, 0), 2);
        bucket.give_back(&rate, u64::MAX);
        assert_eq!(bucket.available(&rate, 0), 3);
    }

    #[test]
    fn a_rate_is_never_exceeded_by_rounding() {
        assert_eq!(Rate::new(3, SECOND, 1).expect("a rate").interval_ns(), 333_333_334);
        assert_eq!(Rate::per_second(3.0, 1).expect("a rate").interval_ns(), 333_333_334);
        assert_eq!(Rate::per_second(0.5, 1).expect("a rate").interval_ns(), 2 * SECOND);
        assert_eq!(Rate::per_second(1e12, 9).expect("a rate").burst(), 9);
    }

    #[test]
    fn refuses_rates_that_are_none() {
        assert!(Rate::new(0, SECOND, 1).is_err());
        assert!(Rate::new(1, 0, 1).is_err());
        assert!(Rate::new(1, SECOND, 0).is_err());
        assert!(Rate::new(1, MAX_FILL_NS, 1).is_ok());
        assert!(Rate::new(1, MAX_FILL_NS, 2).is_err());
        assert!(Rate::new(1, u64::MAX, u64::MAX).is_err());
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300] {
            assert!(Rate::per_second(rate, 1).is_err(), "{rate}");
        }
    }

    #[test]
    fn a_clock_that_lags_behind_another_only_waits_longer() {
        let rate = Rate::new(1_000, SECOND, 1).expect("a rate");
        let bucket = AtomicBucket::default();
        assert_eq!(bucket.try_take(&rate, 1, 5 * SECOND), Take::Taken);
        assert_eq!(bucket.try_take(&rate, 1, 5 * SECOND - 2_000_000), Take::RetryAfter(3));
        bucket.give_back(&rate, 1);
        assert_eq!(bucket.try_take(&rate, 1, 5 * SECOND), Take::Taken);
    }
}
