//! Least rates: how long a peer that moves bytes slowly may go on.
//!
//! Theory of operation. A peer has credit, in time. It begins with [`GRACE_MS`]; every byte buys `1 / rate` seconds,
//! up to a cap (the time that it may be still at all); time spends it, while the clock runs. Who has none left is cut:
//! `GRACE_MS + bytes / rate` after the start, exactly, as long as the cap was not reached. So the rate is an average
//! that forgets: a burst excuses a pause no longer than the cap, and a drip is cut on time, whatever came before it.

/// The credit that a peer begins with, in milliseconds.
pub(crate) const GRACE_MS: u64 = 5_000;

/// The credit of one peer in one direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// The credit without any byte, in ms.
    base_ms: u64,
    /// What was spent of it before the clock was last started, in ms.
    spent_ms: u64,
    /// Since when the clock runs, in ms; 0: it stands.
    since_ms: u64,
    /// What was moved since the credit was `base_ms`.
    bytes: u64,
}

impl Pace {
    /// At the beginning, the clock standing.
    pub const fn new() -> Self {
        Self {
            base_ms: GRACE_MS,
            spent_ms: 0,
            since_ms: 0,
            bytes: 0,
        }
    }

    /// Bytes were moved, whether the clock runs or not.
    #[inline]
    pub const fn add(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    /// The clock runs from now on.
    pub const fn start(&mut self, now_ms: u64) {
        if self.since_ms == 0 {
            self.since_ms = now_ms;
        }
    }

    /// The clock stands from now on.
    pub const fn stop(&mut self, now_ms: u64) {
        if self.since_ms != 0 {
            self.spent_ms = self.elapsed_ms(now_ms);
            self.since_ms = 0;
        }
    }

    /// Forgets what exceeds the cap: credit is never worth more than `most_ms`, or `GRACE_MS` where that is less.
    pub fn cap(&mut self, now_ms: u64, rate: u64, most_ms: u64) {
        let most = most_ms.max(GRACE_MS);
        if rate != 0 && self.credit_ms(rate).saturating_sub(self.elapsed_ms(now_ms)) > most {
            let since_ms = if self.since_ms == 0 { 0 } else { now_ms };
            *self = Self {
                base_ms: most,
                spent_ms: 0,
                since_ms,
                bytes: 0,
            };
        }
    }

    /// When the credit is spent; `None` while the clock stands, or without a rate.
    pub fn due_ms(&self, rate: u64) -> Option<u64> {
        let runs = self.since_ms != 0 && rate != 0;
        let left = || self.credit_ms(rate).saturating_sub(self.spent_ms);
        runs.then(|| self.since_ms.saturating_add(left()))
    }

    /// Bytes a second over the time that counted since the credit was last whole: below the rate once it is spent.
    pub fn seen(&self, now_ms: u64) -> u64 {
        let seen = u128::from(self.bytes) * 1_000 / u128::from(self.elapsed_ms(now_ms).max(1));
        u64::try_from(seen).unwrap_or(u64::MAX)
    }

    const fn elapsed_ms(&self, now_ms: u64) -> u64 {
        match self.since_ms {
            0 => self.spent_ms,
            since => self.spent_ms + now_ms.saturating_sub(since),
        }
    }

    /// Rounded up, so that nobody who keeps to the rate is cut.
    const fn credit_ms(&self, rate: u64) -> u64 {
        self.base_ms
            .saturating_add(self.bytes.saturating_mul(1_000).div_ceil(rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_000_000;
    const NONE: u64 = u64::MAX;

    fn started() -> Pace {
        let mut pace = Pace::new();
        pace.start(START);
        pace
    }

    #[test]
    fn who_sends_nothing_has_the_grace() {
        assert_eq!(started().due_ms(240), Some(START + 5_000));
        assert_eq!((started().due_ms(0), Pace::new().due_ms(240)), (None, None));
    }

    #[test]
    fn a_byte_a_second_buys_its_share_and_no_more() {
        let mut pace = started();
        for second in 1..=5 {
            pace.cap(START + second * 1_000, 240, NONE);
            pace.add(1);
        }
        // 5 / 240 s, rounded up.
        assert_eq!(pace.due_ms(240), Some(START + 5_021));
        assert_eq!(pace.seen(START + 5_021), 0);
    }

    #[test]
    fn at_the_rate_in_single_bytes_nobody_is_ever_cut_and_just_below_it_everybody() {
        for (gap_ms, lives) in [(4, true), (5, false)] {
            let mut pace = started();
            let mut now = START;
            for _ in 0..1_000_000 {
                now += gap_ms;
                if pace.due_ms(250).is_some_and(|due| due <= now) {
                    break;
                }
                pace.add(1);
                pace.cap(now, 250, 30_000);
            }
            assert_eq!(now - START == 1_000_000 * gap_ms, lives);
            assert!(lives || (now - START == 24_980 && pace.seen(now) < 250), "{now}");
        }
    }

    #[test]
    fn a_burst_excuses_a_pause_up_to_the_cap() {
        let mut pace = started();
        pace.add(1 << 30);
        pace.cap(START + 10, 240, 30_000);
        assert_eq!(pace.due_ms(240), Some(START + 30_010));
        // At the cap, nothing is forgotten; one past, it is.
        pace.add(240);
        pace.cap(START + 1_010, 240, 30_000);
        assert_eq!(pace.due_ms(240), Some(START + 31_010));
        pace.add(241);
        pace.cap(START + 2_010, 240, 30_000);
        assert_eq!(pace.due_ms(240), Some(START + 32_010));
        assert_eq!(pace.seen(START + 32_010), 0);
    }

    #[test]
    fn a_cap_below_the_grace_is_the_grace() {
        let mut pace = started();
        pace.add(1 << 30);
        pace.cap(START, 240, 1);
        assert_eq!(pace.due_ms(240), Some(START + 5_000));
    }

    #[test]
    fn time_counts_while_the_clock_runs() {
        let mut pace = started();
        pace.stop(START + 4_000);
        pace.stop(START + 9_000);
        assert_eq!(pace.due_ms(240), None);
        pace.start(START + 100_000);
        pace.start(START + 100_500);
        assert_eq!(pace.due_ms(240), Some(START + 101_000));
        pace.add(480);
        assert_eq!(pace.due_ms(240), Some(START + 103_000));
        assert_eq!(pace.seen(START + 101_000), 96);
    }

    #[test]
    fn numbers_of_any_size_do_not_overflow() {
        let mut pace = started();
        pace.add(u64::MAX);
        assert_eq!(pace.due_ms(1), Some(u64::MAX));
        assert_eq!(pace.seen(START + 1), u64::MAX);
        pace.cap(START, 1, u64::MAX);
    }
}
