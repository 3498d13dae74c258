//! Time that never goes back, and the date of HTTP.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::sys;

/// Reads the clocks of the system.
///
/// Everything below the reactor takes time as an argument; only the reactor asks, once a wake.
#[derive(Clone, Copy, Debug)]
pub struct Clock;

impl Clock {
    /// Milliseconds of a clock that never goes back (`CLOCK_MONOTONIC`); its zero means nothing.
    pub fn now_ms() -> u64 {
        Self::now_ns() / 1_000_000
    }

    /// Nanoseconds of the same clock as [`now_ms`](Self::now_ms).
    pub fn now_ns() -> u64 {
        sys::clock::monotonic_ns()
    }

    /// Milliseconds since 1970 by the wall clock.
    pub fn unix_millis() -> u64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| since.as_millis() as u64)
    }

    /// Seconds since 1970 by the wall clock, which an administrator may set; 0 for a time before.
    pub fn unix_seconds() -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    }
}

/// The last second that four digits of a year can say: 9999-12-31 23:59:59.
const LAST_SECOND: u64 = 253_402_300_799;

/// Writes a time as an IMF-fixdate (RFC 9110 §5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// `unix_seconds` counts from 1970 without leap seconds; what lies beyond the year 9999 is written as its last second.
pub fn http_date(out: &mut [u8; 29], unix_seconds: u64) {
    const DAYS: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
    const MONTHS: [&[u8; 3]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
    ];
    let seconds = unix_seconds.min(LAST_SECOND);
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil_date(days);
    *out = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    out[0..3].copy_from_slice(DAYS[(days % 7) as usize]);
    two_digits(&mut out[5..7], day);
    out[8..11].copy_from_slice(MONTHS[month as usize - 1]);
    two_digits(&mut out[12..14], year / 100);
    two_digits(&mut out[14..16], year % 100);
    two_digits(&mut out[17..19], time / 3_600);
    two_digits(&mut out[20..22], time / 60 % 60);
    two_digits(&mut out[23..25], time % 60);
}

fn two_digits(out: &mut [u8], value: u64) {
    out[0] = b'0' + (value / 10) as u8;
    out[1] = b'0' + (value % 10) as u8;
}

/// Year, month (1–12) and day (1–31) of a number of days since 1970-01-01.
///
/// The algorithm is Howard Hinnant's `civil_from_days`: years that begin in March put the leap day last, and 400 years
/// have 146 097 days.
fn civil_date(days: u64) -> (u64, u64, u64) {
    // Days from 0000-03-01 to 1970-01-01.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(unix_seconds: u64) -> String {
        let mut out = [0; 29];
        http_date(&mut out, unix_seconds);
        String::from_utf8(out.to_vec()).expect("ASCII")
    }

    #[test]
    fn writes_known_dates() {
        // By `date -u -d @N`; the second is the example of RFC 9110 §5.6.7.
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
            (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
            (2_147_483_648, "Tue, 19 Jan 2038 03:14:08 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (LAST_SECOND, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (LAST_SECOND + 1, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(date(seconds), text);
        }
    }

    #[test]
    fn every_day_until_2400_follows_the_day_before() {
        const LENGTHS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..157_000 {
            assert_eq!(civil_date(days), (year, month, day));
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = LENGTHS[month as usize - 1] + u64::from(leap && month == 2);
            (day, month) = if day == length {
                (1, month + 1)
            } else {
                (day + 1, month)
            };
            (month, year) = if month == 13 { (1, year + 1) } else { (month, year) };
        }
        assert!(year >= 2399);
    }

    #[test]
    fn the_monotonic_clock_never_goes_back_and_its_units_agree() {
        let mut last = Clock::now_ns();
        for _ in 0..10_000 {
            let now = Clock::now_ns();
            assert!(now >= last);
            last = now;
        }
        let (before, ms, after) = (Clock::now_ns(), Clock::now_ms(), Clock::now_ns());
        assert!((before / 1_000_000..=after / 1_000_000).contains(&ms));
    }
}
