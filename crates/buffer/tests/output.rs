//! What an output promises, case by case.

use std::io::IoSlice;

use millrace_buffer::{KEPT_CAPACITY, Output, PinId, Pool};

const CHUNK: &[u8] = b"0123456789";

fn joined(slices: &[IoSlice<'_>]) -> Vec<u8> {
    slices.iter().flat_map(|slice| slice.iter().copied()).collect()
}

/// All that waits, by way of `slices`; every pin is `CHUNK`.
fn waiting(output: &Output) -> Vec<u8> {
    let mut slices = [IoSlice::new(&[]); 64];
    let count = output.slices(|_| Some(CHUNK), &mut slices).expect("every pin resolves");
    joined(&slices[..count])
}

fn no_pins(pin: PinId) {
    panic!("{pin:?} was released");
}

#[test]
fn an_empty_output_has_nothing_to_write_and_no_buffer() {
    let (mut pool, mut output) = (Pool::new(), Output::new());
    assert_eq!((output.len(), output.is_empty(), output.single()), (0, true, None));
    assert_eq!(output.slices(|_| None, &mut [IoSlice::new(b"x")]), Ok(0));
    output.advance(0, &mut pool, no_pins);
    output.clear(&mut pool, no_pins);
    assert_eq!((pool.in_use(), pool.held_bytes()), (0, 0));
}

#[test]
fn one_copied_run_is_single_and_its_buffer_returns_when_all_of_it_is_sent() {
    let (mut pool, mut output) = (Pool::new(), Output::new());
    output.tail(&mut pool).extend_from_slice(b"HTTP/1.1 ");
    output.tail(&mut pool).extend_from_slice(b"200 OK");
    assert_eq!(output.single(), Some(&b"HTTP/1.1 200 OK"[..]));
    output.advance(9, &mut pool, no_pins);
    assert_eq!(
        (output.single(), output.len(), pool.in_use()),
        (Some(&b"200 OK"[..]), 6, 1)
    );
    output.advance(6, &mut pool, no_pins);
    assert_eq!((output.single(), output.len(), pool.in_use()), (None, 0, 0));
}

#[test]
fn bytes_around_a_pin_keep_their_order() {
    let (mut pool, mut output) = (Pool::new(), Output::new());
    output.tail(&mut pool).extend_from_slice(b"a\r\n");
    output.push_pin(PinId(1), 2, 5);
    output.tail(&mut pool).extend_from_slice(b"\r\n");
    assert_eq!((output.single(), output.len()), (None, 10));
    assert_eq!(waiting(&output), b"a\r\n23456\r\n");
    output.advance(5, &mut pool, no_pins);
    assert_eq!(waiting(&output), b"456\r\n");
    let mut released = Vec::new();
    output.advance(3, &mut pool, |pin| released.push(pin));
    assert_eq!((released, output.single()), (vec![PinId(1)], Some(&b"\r\n"[..])));
}

#[test]
fn fills_no_more_slices_than_there_are() {
    let (mut pool, mut output) = (Pool::new(), Output::new());
    output.push_pin(PinId(1), 0, 1);
    output.push_pin(PinId(2), 1, 1);
    output.tail(&mut pool).push(b'x');
    let mut two = [IoSlice::new(&[]); 2];
    assert_eq!(output.slices(|_| Some(CHUNK), &mut two), Ok(2));
    assert_eq!(joined(&two), b"01");
    assert_eq!(output.slices(|_| Some(CHUNK), &mut []), Ok(0));
}

#[test]
fn a_pin_that_is_gone_or_too_short_is_named() {
    let mut output = Output::new();
    output.push_pin(PinId(1), 0, 10);
    output.push_pin(PinId(7), 4, 6);
    let mut slices = [IoSlice::new(&[]); 4];
    let resolve = |bytes: Option<&'static [u8]>| move |pin| if pin == PinId(7) { bytes } else { Some(CHUNK) };
    assert_eq!(output.slices(resolve(None), &mut slices), Err(PinId(7)));
    assert_eq!(output.slices(resolve(Some(b"")), &mut slices), Err(PinId(7)));
    assert_eq!(output.slices(resolve(Some(&CHUNK[..9])), &mut slices), Err(PinId(7)));
    assert_eq!(output.slices(resolve(Some(CHUNK)), &mut slices), Ok(2));
}

#[test]
fn a_pin_of_no_bytes_is_released_once_the_way_to_it_is_clear() {
    let (mut pool, mut output, mut released) = (Pool::new(), Output::new(), Vec::new());
    output.tail(&mut pool).push(b'x');
    output.push_pin(PinId(3), 0, 0);
    output.advance(0, &mut pool, |pin| released.push(pin));
    assert!(released.is_empty());
    output.advance(1, &mut pool, |pin| released.push(pin));
    output.push_pin(PinId(4), 0, 0);
    assert!(output.is_empty());
    output.advance(0, &mut pool, |pin| released.push(pin));
    assert_eq!(released, [PinId(3), PinId(4)]);
}

#[test]
fn short_answers_that_are_appended_stay_one_run_in_one_buffer() {
    let (mut pool, mut output) = (Pool::new(), Output::new());
    for answer in [b"one ", b"two ", b"six "] {
        let mut other = Output::new();
        other.tail(&mut pool).extend_from_slice(answer);
        output.append(&mut other, &mut pool);
        assert!(other.is_empty());
    }
    assert_eq!((output.single(), pool.in_use()), (Some(&b"one two six "[..]), 1));
}

#[test]
fn a_long_run_is_moved_and_not_copied() {
    let (mut pool, mut output, mut other) = (Pool::new(), Output::new(), Output::new());
    output.tail(&mut pool).push(b'x');
    other.tail(&mut pool).extend_from_slice(&[b'y'; 40_000]);
    let address = other.single().map(<[u8]>::as_ptr);
    output.append(&mut other, &mut pool);
    let mut slices = [IoSlice::new(&[]); 3];
    assert_eq!(output.slices(|_| None, &mut slices), Ok(2));
    assert_eq!((Some(slices[1].as_ptr()), slices[1].len()), (address, 40_000));
}

#[test]
fn a_reader_that_never_catches_up_makes_no_buffer_grow_past_what_the_pool_keeps() {
    let (mut pool, mut output) = (Pool::new(), Output::new());
    for _ in 0..1_000 {
        output.tail(&mut pool).extend_from_slice(&[b'x'; 16 * 1024]);
        let len = output.len();
        output.advance(len - 1, &mut pool, no_pins);
        assert!(pool.in_use() <= 2);
    }
    output.clear(&mut pool, no_pins);
    assert_eq!(pool.in_use(), 0);
    assert!((1..=3 * KEPT_CAPACITY).contains(&pool.held_bytes()));
}

#[test]
fn clear_gives_back_every_buffer_and_every_pin() {
    let (mut pool, mut output, mut released) = (Pool::new(), Output::new(), Vec::new());
    output.tail(&mut pool).push(b'x');
    output.push_pin(PinId(1), 0, 4);
    output.push_pin(PinId(2), 0, 4);
    output.tail(&mut pool).push(b'y');
    output.advance(3, &mut pool, no_pins);
    output.clear(&mut pool, |pin| released.push(pin));
    assert_eq!(
        (released, output.len(), pool.in_use()),
        (vec![PinId(1), PinId(2)], 0, 0)
    );
}
