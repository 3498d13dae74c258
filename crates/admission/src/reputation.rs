//! What a client's behaviour so far says about its next connection.

use millrace_error::{Code, Error};

use crate::client_key::ClientKey;
use crate::table::LruTable;

/// When a client is delayed or refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReputationOptions {
    /// The score from which a connection is delayed; above zero.
    pub delay_at: f64,
    /// The score from which it is refused; at least `delay_at`.
    pub refuse_at: f64,
    /// How long it is delayed, in milliseconds.
    pub delay_ms: u64,
    /// In how many milliseconds a score falls to its half; above zero.
    pub half_life_ms: u64,
    /// Of how many clients scores are kept; 56 to 64 bytes each ([`LruTable`]).
    pub clients: usize,
}

/// What to do with a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Serve it.
    Allow,
    /// Serve it after so many milliseconds.
    Delay(u64),
    /// Close it.
    Refuse,
}

/// Scores of clients: points for what they did wrong, which fade by half in each half-life.
///
/// What counts, and how much, is the caller's choice: say 1 for a refusal by a rate limit, 5 for bytes that are no
/// HTTP, 1 for a handshake that fails. What [`judge`](Self::judge) itself refuses should not be recorded, or a client
/// that keeps knocking stays out for ever. A score never passes twice `refuse_at`, so whoever stops is let in again
/// within one half-life and a little, whatever it did before. One thread's, and made only where it is asked for.
#[derive(Debug)]
pub struct Reputation {
    options: ReputationOptions,
    scores: LruTable<ClientKey, Score>,
}

#[derive(Clone, Copy, Debug)]
struct Score {
    points: f64,
    at_ms: u64,
}

impl Reputation {
    /// Nobody has a score.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where an option is out of its range.
    pub fn new(options: ReputationOptions) -> Result<Self, Error> {
        let ordered = 0.0 < options.delay_at && options.delay_at <= options.refuse_at && options.refuse_at.is_finite();
        if !ordered || options.half_life_ms == 0 {
            return Err(Code::InvalidArgument.into());
        }
        let scores = LruTable::new(options.clients);
        Ok(Self { options, scores })
    }

    /// Adds points to a client's score. Negative and unordered numbers add none.
    pub fn record(&mut self, client: ClientKey, points: f64, now_ms: u64) {
        let fresh = || Score {
            points: 0.0,
            at_ms: now_ms,
        };
        let score = self.scores.get_or_insert_with(client, fresh);
        let points = score.faded(self.options.half_life_ms, now_ms) + points.max(0.0);
        *score = Score {
            points: points.min(2.0 * self.options.refuse_at),
            at_ms: now_ms.max(score.at_ms),
        };
    }

    /// The score of a client; 0 for a stranger.
    pub fn score(&self, client: ClientKey, now_ms: u64) -> f64 {
        let score = self.scores.peek(client);
        score.map_or(0.0, |score| score.faded(self.options.half_life_ms, now_ms))
    }

    /// What to do with a new connection of a client. Asking does not keep a score from being evicted.
    pub fn judge(&self, client: ClientKey, now_ms: u64) -> Admission {
        let score = self.score(client, now_ms);
        if score >= self.options.refuse_at {
            Admission::Refuse
        } else if score >= self.options.delay_at {
            Admission::Delay(self.options.delay_ms)
        } else {
            Admission::Allow
        }
    }
}

impl Score {
    fn faded(&self, half_life_ms: u64, now_ms: u64) -> f64 {
        let elapsed = now_ms.saturating_sub(self.at_ms);
        self.points * (-(elapsed as f64) / half_life_ms as f64).exp2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: ReputationOptions = ReputationOptions {
        delay_at: 10.0,
        refuse_at: 20.0,
        delay_ms: 250,
        half_life_ms: 1_000,
        clients: 100,
    };

    fn client(n: u32) -> ClientKey {
        ClientKey::of_address(std::net::Ipv4Addr::from_bits(n).into())
    }

    #[test]
    fn a_client_is_allowed_then_delayed_then_refused_and_strangers_are_allowed() {
        let mut reputation = Reputation::new(OPTIONS).expect("options in range");
        for (points, expected) in [
            (9.0, Admission::Allow),
            (1.0, Admission::Delay(250)),
            (9.0, Admission::Delay(250)),
            (1.0, Admission::Refuse),
        ] {
            reputation.record(client(1), points, 5);
            assert_eq!(reputation.judge(client(1), 5), expected);
        }
        assert_eq!(reputation.judge(client(2), 5), Admission::Allow);
    }

    #[test]
    fn a_score_halves_in_each_half_life_however_often_it_is_touched() {
        let mut reputation = Reputation::new(OPTIONS).expect("options in range");
        reputation.record(client(1), 16.0, 0);
        reputation.record(client(2), 16.0, 0);
        (1..=2_000).for_each(|now| reputation.record(client(2), 0.0, now));
        for untouched_or_touched in [client(1), client(2)] {
            let score = reputation.score(untouched_or_touched, 2_000);
            assert!((score - 4.0).abs() < 1e-9, "{score}");
        }
        assert_eq!(reputation.score(client(1), u64::MAX), 0.0);
        reputation.record(client(1), 0.0, 2_000);
        assert!(
            reputation.score(client(1), 0) <= 4.0 + 1e-9,
            "a clock that goes back adds nothing"
        );
    }

    #[test]
    fn whoever_stops_is_let_in_again_whatever_it_did() {
        let mut reputation = Reputation::new(OPTIONS).expect("options in range");
        (0..1_000).for_each(|_| reputation.record(client(1), 1e9, 0));
        reputation.record(client(1), f64::NAN, 0);
        reputation.record(client(1), -1e9, 0);
        assert_eq!(reputation.judge(client(1), 999), Admission::Refuse);
        assert_eq!(reputation.judge(client(1), 1_001), Admission::Delay(250));
        assert_eq!(reputation.judge(client(1), 2_001), Admission::Allow);
    }

    #[test]
    fn scores_are_kept_of_so_many_clients_and_no_more() {
        let mut reputation = Reputation::new(OPTIONS).expect("options in range");
        (0..101).for_each(|n| reputation.record(client(n), 30.0, 0));
        assert_eq!(
            reputation.judge(client(0), 0),
            Admission::Allow,
            "the oldest was evicted"
        );
        assert_eq!(reputation.judge(client(1), 0), Admission::Refuse);
        assert_eq!(reputation.scores.len(), 100);
    }

    #[test]
    fn refuses_options_out_of_range() {
        for options in [
            ReputationOptions {
                delay_at: 0.0,
                ..OPTIONS
            },
            ReputationOptions {
                delay_at: 20.5,
                ..OPTIONS
            },
            ReputationOptions {
                delay_at: f64::NAN,
                ..OPTIONS
            },
            ReputationOptions {
                refuse_at: f64::INFINITY,
                ..OPTIONS
            },
            ReputationOptions {
                half_life_ms: 0,
                ..OPTIONS
            },
        ] {
            assert!(Reputation::new(options).is_err(), "{options:?}");
        }
    }
}
