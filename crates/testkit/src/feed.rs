//! Feeding an incremental parser the same bytes in different pieces.
//!
//! A parser must not care where its input was cut. [`feed`] runs one over an input whole, byte by byte, with an empty
//! piece between any two, and in random pieces, and fails with the pieces and the seed when two runs differ.

use std::fmt::Debug;

/// A small pseudo-random generator (splitmix64), so that a failure can be run again by its seed.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator that always makes the same numbers for the same seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is at least 1.
    pub fn below(&mut self, end: usize) -> usize {
        (self.number() % end.max(1) as u64) as usize
    }
}

/// Cuts an input at random places: mostly small pieces, now and then a large one.
pub fn random_pieces<'a>(input: &'a [u8], random: &mut Random) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        let most = if random.below(4) == 0 {
            rest.len()
        } else {
            rest.len().min(12)
        };
        let (piece, tail) = rest.split_at(1 + random.below(most));
        pieces.push(piece);
        rest = tail;
    }
    pieces
}

/// How many random cuts [`feed`] tries.
const RANDOM_CUTS: u64 = 4;

/// Runs `run` over the pieces of `input` cut in every way, asserts that all runs give the same, and returns it.
///
/// # Panics
/// When two runs differ.
pub fn feed<R: PartialEq + Debug>(input: &[u8], seed: u64, mut run: impl FnMut(&[&[u8]]) -> R) -> R {
    let whole = run(&[input]);
    let single: Vec<&[u8]> = input.chunks(1).collect();
    check(input, &whole, &run(&single), "byte by byte");
    let spaced: Vec<&[u8]> = input.chunks(1).flat_map(|byte| [byte, &[]]).collect();
    check(input, &whole, &run(&spaced), "byte by byte with empty pieces");
    for seed in seed..seed.saturating_add(RANDOM_CUTS) {
        let pieces = random_pieces(input, &mut Random::new(seed));
        check(input, &whole, &run(&pieces), &format!("cut at random with seed {seed}"));
    }
    whole
}

fn check<R: PartialEq + Debug>(input: &[u8], whole: &R, other: &R, how: &str) {
    assert!(
        whole == other,
        "\"{}\" {how} differs from whole:\n whole {whole:?}\n other {other:?}",
        input.escape_ascii()
    );
}

/// Like [`feed`], and then with `after` behind the input: what came for the input alone must come first again.
///
/// `run` returns what it found in order; an item counts as found once it cannot change any more.
///
/// # Panics
/// When two runs differ, or the bytes behind change what came before them.
pub fn feed_with_trailing<T: PartialEq + Debug>(
    input: &[u8],
    after: &[u8],
    seed: u64,
    mut run: impl FnMut(&[&[u8]]) -> Vec<T>,
) -> Vec<T> {
    let alone = feed(input, seed, &mut run);
    let longer = feed(&[input, after].concat(), seed, &mut run);
    assert!(
        longer.starts_with(&alone),
        "\"{}\" reads differently with bytes behind it:\n alone {alone:?}\n longer {longer:?}",
        input.escape_ascii()
    );
    alone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_are_the_input() {
        let input: Vec<u8> = (0..=255).collect();
        for seed in 0..50 {
            let pieces = random_pieces(&input, &mut Random::new(seed));
            assert!(pieces.iter().all(|piece| !piece.is_empty()));
            assert_eq!(pieces.concat(), input);
        }
    }

    #[test]
    #[should_panic(expected = "byte by byte differs from whole")]
    fn a_parser_that_sees_the_cuts_is_found_out() {
        feed(b"abc", 1, |pieces| pieces.len());
    }
}
