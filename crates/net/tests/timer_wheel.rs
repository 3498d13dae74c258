//! The timer wheel, case by case and beside an ordered map.

use std::collections::BTreeMap;

use millrace_net::TimerWheel;
use proptest::prelude::*;

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

fn expired(wheel: &mut TimerWheel, now: u64) -> Vec<u32> {
    let mut due = Vec::new();
    wheel.expire(now, &mut due);
    due
}

/// Calls `expire` only when `next_expiry` says so, up to `end`, and notes when each key came.
fn run_until(wheel: &mut TimerWheel, end: u64) -> (Vec<(u64, u32)>, usize) {
    let (mut fired, mut wakes) = (Vec::new(), 0);
    while let Some(next) = wheel.next_expiry().filter(|next| *next <= end) {
        fired.extend(expired(wheel, next).into_iter().map(|key| (next, key)));
        wakes += 1;
    }
    (fired, wakes)
}

#[test]
fn yields_a_key_at_its_deadline_and_not_one_millisecond_early() {
    for distance in [
        1,
        63,
        64,
        65,
        4_095,
        4_096,
        30_000,
        262_144,
        HOUR,
        DAY,
        13 * DAY,
        400 * DAY,
    ] {
        for start in [0, 1, 63, 12_345_678, (1 << 30) - 1, (1 << 30) - 30_000, 1 << 40] {
            let mut wheel = TimerWheel::new(start);
            wheel.schedule(3, start + distance);
            assert!(
                expired(&mut wheel, start + distance - 1).is_empty(),
                "{start} + {distance}"
            );
            assert_eq!(expired(&mut wheel, start + distance), [3], "{start} + {distance}");
            assert_eq!((wheel.len(), wheel.next_expiry()), (0, None));
        }
    }
}

#[test]
fn a_driver_that_sleeps_until_the_next_expiry_is_never_late_and_wakes_seldom() {
    for distance in [1, 100, 5_000, 30_000, HOUR, 11 * DAY, 30 * DAY] {
        let start = 987_654_321;
        let mut wheel = TimerWheel::new(start);
        wheel.schedule(0, start + distance);
        let (fired, wakes) = run_until(&mut wheel, u64::MAX);
        assert_eq!(fired, [(start + distance, 0)]);
        assert!(wakes <= 9, "{wakes} wakes for {distance} ms");
    }
}

#[test]
fn a_deadline_that_has_passed_is_due_at_the_next_call() {
    let mut wheel = TimerWheel::new(1_000);
    wheel.schedule(1, 1_000);
    wheel.schedule(2, 3);
    assert_eq!(wheel.next_expiry(), Some(1_000));
    let mut due = expired(&mut wheel, 1_000);
    due.sort_unstable();
    assert_eq!((due, wheel.len()), (vec![1, 2], 0));
}

#[test]
fn a_late_key_can_be_cancelled_and_moved() {
    let mut wheel = TimerWheel::new(1_000);
    for key in 0..3 {
        wheel.schedule(key, 1);
    }
    assert!(wheel.cancel(1));
    wheel.schedule(2, 1_005);
    assert_eq!(expired(&mut wheel, 1_000), [0]);
    assert_eq!(expired(&mut wheel, 1_005), [2]);
}

#[test]
fn scheduling_again_moves_the_one_entry() {
    let mut wheel = TimerWheel::new(0);
    wheel.schedule(5, 10);
    wheel.schedule(5, 500);
    assert_eq!((wheel.len(), wheel.is_scheduled(5)), (1, true));
    assert!(expired(&mut wheel, 499).is_empty());
    wheel.schedule(5, 501);
    assert!(expired(&mut wheel, 500).is_empty());
    assert_eq!(expired(&mut wheel, 501), [5]);
    assert!(!wheel.is_scheduled(5));
}

#[test]
fn a_cancelled_key_is_not_yielded_and_cancelling_twice_says_so() {
    let mut wheel = TimerWheel::new(0);
    wheel.schedule(9, 10);
    assert!(wheel.cancel(9));
    assert!(!wheel.cancel(9) && !wheel.cancel(4_000_000_000));
    assert_eq!((wheel.next_expiry(), wheel.is_empty()), (None, true));
    assert!(expired(&mut wheel, DAY).is_empty());
}

#[test]
fn time_that_goes_back_changes_nothing() {
    let mut wheel = TimerWheel::new(1_000);
    wheel.schedule(0, 1_500);
    assert!(expired(&mut wheel, 1_400).is_empty());
    assert!(expired(&mut wheel, 200).is_empty());
    wheel.schedule(1, 1_450);
    assert_eq!(expired(&mut wheel, 1_500), [1, 0]);
}

#[test]
fn a_deadline_at_the_end_of_time_is_no_trouble() {
    let mut wheel = TimerWheel::new(u64::MAX - 100);
    wheel.schedule(0, u64::MAX);
    wheel.schedule(1, u64::MAX - 50);
    assert_eq!(expired(&mut wheel, u64::MAX - 1), [1]);
    assert_eq!(expired(&mut wheel, u64::MAX), [0]);
    let mut wheel = TimerWheel::new(0);
    wheel.schedule(0, u64::MAX);
    assert!(expired(&mut wheel, 1_000 * DAY).is_empty());
    assert!(wheel.is_scheduled(0));
}

#[test]
fn a_sleep_of_days_yields_everything_once_in_order() {
    let mut wheel = TimerWheel::new(77);
    for key in 0..10_000 {
        wheel.schedule(key, 78 + u64::from(key) * 7_919);
    }
    assert_eq!(expired(&mut wheel, 3 * DAY), (0..10_000).collect::<Vec<_>>());
    assert!(wheel.is_empty());
}

#[derive(Clone, Debug)]
enum Operation {
    Schedule(u32, u64),
    Cancel(u32),
    Expire(u64),
    /// Expire at exactly `next_expiry`.
    Wake,
}

fn span() -> impl Strategy<Value = u64> {
    prop_oneof![0..5u64, 0..70u64, 0..5_000u64, 0..HOUR, 0..20 * DAY]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => (0..40u32, span()).prop_map(|(key, after)| Operation::Schedule(key, after)),
        2 => (0..40u32).prop_map(Operation::Cancel),
        2 => span().prop_map(Operation::Expire),
        3 => Just(Operation::Wake),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn behaves_as_an_ordered_map_does(
        start in prop_oneof![0..100u64, 0..1u64 << 45, (1u64 << 30) - 10_000..1u64 << 30],
        operations in prop::collection::vec(operation(), 1..200),
    ) {
        let mut wheel = TimerWheel::new(start);
        let mut model = BTreeMap::new();
        // Deadlines are set against the real time, of which the wheel learns only when it is called.
        let mut now = start;
        for operation in operations {
            match operation {
                Operation::Schedule(key, after) => {
                    // Now and then in the past.
                    let deadline = (now + after).saturating_sub(2);
                    wheel.schedule(key, deadline);
                    model.insert(key, deadline);
                }
                Operation::Cancel(key) => prop_assert_eq!(wheel.cancel(key), model.remove(&key).is_some()),
                Operation::Expire(_) | Operation::Wake => {
                    now = match operation {
                        Operation::Expire(after) => now + after,
                        _ => wheel.next_expiry().unwrap_or(now).max(now),
                    };
                    let mut due = expired(&mut wheel, now);
                    due.sort_unstable();
                    let expected: Vec<_> = model.iter().filter(|(_, at)| **at <= now).map(|(key, _)| *key).collect();
                    model.retain(|_, at| *at > now);
                    prop_assert_eq!(due, expected);
                }
            }
            prop_assert_eq!(wheel.len(), model.len());
            prop_assert!((0..40).all(|key| wheel.is_scheduled(key) == model.contains_key(&key)));
            match (wheel.next_expiry(), model.values().min()) {
                (None, None) => {}
                (Some(next), Some(first)) => prop_assert!(next <= *first.max(&now)),
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
