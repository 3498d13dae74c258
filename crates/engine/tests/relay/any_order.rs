//! Whatever two peers do, in any order.

use crate::joined::{Joined, Kind, NONE, pattern, pattern_from};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Send(usize, usize),
    Reads(usize, bool),
    Finish(usize),
    Turn,
    Quiet,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..2usize, 1..200_000usize).prop_map(|(who, size)| Step::Send(who, size)),
        2 => (0..2usize, any::<bool>()).prop_map(|(who, reads)| Step::Reads(who, reads)),
        1 => (0..2usize).prop_map(Step::Finish),
        3 => Just(Step::Turn),
        1 => Just(Step::Quiet),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever the peers do, short of breaking it: each gets what the other sent, then its end.
    #[test]
    fn any_order_of_sends_reads_and_ends_keeps_every_byte(
        steps in prop::collection::vec(step(), 1..30),
        unix in any::<(bool, bool)>(),
        before in 0..20usize,
    ) {
        let kind = |unix| if unix { Kind::Unix } else { Kind::Tcp };
        let mut joined = Joined::apart([kind(unix.0), kind(unix.1)]);
        let mut sent = [0, 0];
        let mut finished = [false, false];
        let mut joins = true;
        for (at, step) in steps.into_iter().enumerate() {
            if at == before {
                joins = false;
                joined.join(NONE);
            }
            match step {
                Step::Send(who, size) if !finished[who] => {
                    let bytes = pattern_from(sent[who], size, who as u8);
                    joined.clients[who].send(bytes);
                    sent[who] += size;
                }
                Step::Send(..) => {}
                Step::Reads(who, reads) => joined.clients[who].reading = reads,
                Step::Finish(who) => {
                    if joined.clients[who].unsent() == 0 && !finished[who] {
                        joined.clients[who].finish();
                        finished[who] = true;
                    }
                }
                Step::Turn => joined.driver.turn(),
                Step::Quiet => joined.quiet(),
            }
        }
        if joins {
            joined.join(NONE);
        }
        joined.clients.iter_mut().for_each(|client| client.reading = true);
        joined.run_until(|one, other| one.received.len() == sent[1] && other.received.len() == sent[0]);
        for who in 0..2 {
            prop_assert!(joined.clients[1 - who].received == pattern(sent[who], who as u8));
            if !finished[who] {
                joined.clients[who].finish();
            }
        }
        let ended = joined.ended();
        prop_assert_eq!((ended.flags, ended.a, ended.b), (0, sent[0] as u64, sent[1] as u64));
        joined.nothing_is_left();
    }
}
