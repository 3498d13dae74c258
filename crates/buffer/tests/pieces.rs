//! Pieces that are lent, come back, and are let go when nobody needs them.

use millrace_buffer::Pieces;

const SIZE: usize = 64;
const MOST: usize = 8;
const EVERY: u64 = 1_000;

fn pieces() -> Pieces {
    Pieces::new(SIZE, MOST, EVERY)
}

fn lend(pieces: &mut Pieces, count: usize) -> Vec<Box<[u8]>> {
    (0..count).map(|_| pieces.lend().expect("there is one")).collect()
}

#[test]
fn lends_so_many_and_no_more_until_one_comes_back() {
    let mut pieces = pieces();
    let mut lent = lend(&mut pieces, MOST);
    assert!(lent.iter().all(|piece| piece.len() == SIZE));
    assert!(pieces.lend().is_none());
    pieces.take_back(lent.remove(0));
    assert!(pieces.lend().is_some());
    assert!(pieces.lend().is_none());
}

#[test]
fn the_piece_that_came_back_is_lent_again() {
    let mut pieces = pieces();
    let mut piece = lend(&mut pieces, 1).remove(0);
    piece.fill(7);
    pieces.take_back(piece);
    assert_eq!(*pieces.lend().unwrap(), [7; SIZE]);
}

#[test]
fn what_was_not_needed_between_two_looks_is_let_go() {
    let mut pieces = pieces();
    assert_eq!(pieces.look(5), None);
    for piece in lend(&mut pieces, 6) {
        pieces.take_back(piece);
    }
    assert_eq!(pieces.look(10), Some(10 + EVERY));
    assert_eq!(pieces.look(500), Some(10 + EVERY));
    for piece in lend(&mut pieces, 2) {
        pieces.take_back(piece);
    }
    assert_eq!(pieces.kept(), 6);
    assert_eq!(pieces.look(10 + EVERY), Some(10 + 2 * EVERY));
    assert_eq!(pieces.kept(), 2);
}

#[test]
fn where_none_was_asked_for_all_are_let_go_and_what_comes_back_later_too() {
    let mut pieces = pieces();
    let lent = lend(&mut pieces, 3);
    let late = lend(&mut pieces, 1).remove(0);
    for piece in lent {
        pieces.take_back(piece);
    }
    assert_eq!(pieces.look(0), Some(EVERY));
    assert_eq!(pieces.look(EVERY), None);
    assert_eq!(pieces.kept(), 0);
    pieces.take_back(late);
    assert_eq!(pieces.kept(), 0);
    assert_eq!(pieces.look(2 * EVERY), None);
    // Whoever asks again is served, and looked after, again.
    let again = lend(&mut pieces, MOST);
    assert_eq!(pieces.look(3 * EVERY), Some(4 * EVERY));
    assert!(again.into_iter().all(|piece| {
        pieces.take_back(piece);
        pieces.kept() > 0
    }));
}
