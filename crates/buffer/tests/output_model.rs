//! Random operations on two outputs, beside a model that is one string of bytes.

use std::collections::VecDeque;
use std::fs::File;
use std::io::IoSlice;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use millrace_buffer::{Output, PinId, Pool};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Operation {
    /// Append this many copied bytes to the first or second output.
    Copy(bool, usize),
    /// Queue `len` bytes at `offset` of a new chunk.
    Pin(bool, usize, usize),
    /// Queue `len` bytes at `offset` of a new file.
    File(bool, usize, usize),
    /// Move the second behind the first.
    Append,
    /// Send this share of an output, in 1/256.
    Advance(bool, u8),
    Clear(bool),
}

fn operation() -> impl Strategy<Value = Operation> {
    let length = prop_oneof![0..40usize, 0..5_000usize, 15_000..17_000usize, 31_000..34_000usize];
    prop_oneof![
        4 => (any::<bool>(), length).prop_map(|(second, len)| Operation::Copy(second, len)),
        3 => (any::<bool>(), 0..9usize, 0..3_000usize).prop_map(|(second, offset, len)| Operation::Pin(second, offset, len)),
        2 => (any::<bool>(), 0..9usize, 0..3_000usize).prop_map(|(second, offset, len)| Operation::File(second, offset, len)),
        2 => Just(Operation::Append),
        4 => (any::<bool>(), any::<u8>()).prop_map(|(second, share)| Operation::Advance(second, share)),
        1 => any::<bool>().prop_map(Operation::Clear),
    ]
}

/// An output and what it should hold: the bytes, and each pin with the count of bytes up to its end.
#[derive(Default)]
struct Side {
    output: Output,
    bytes: Vec<u8>,
    pins: VecDeque<(PinId, usize)>,
}

#[derive(Default)]
struct World {
    pool: Pool,
    /// The pinned chunks; `PinId` is the index.
    chunks: Vec<Vec<u8>>,
    written: usize,
}

impl World {
    /// Bytes none of which are mistaken for their neighbours.
    fn fresh(&mut self, len: usize) -> Vec<u8> {
        let start = self.written;
        self.written += len;
        (start..start + len)
            .map(|i| (i % 251) as u8 ^ (i / 251) as u8)
            .collect()
    }

    fn check(&self, side: &Side) -> Result<(), TestCaseError> {
        prop_assert_eq!(side.output.len(), side.bytes.len());
        prop_assert_eq!(side.output.is_empty(), side.bytes.is_empty());
        if let Some(single) = side.output.single() {
            prop_assert_eq!(single, &side.bytes[..]);
        }
        for room in [1, 3, 1_000] {
            let mut slices = vec![IoSlice::new(&[]); room];
            if let Some(span) = side.output.file() {
                let mut bytes = vec![0; span.len];
                span.file
                    .read_exact_at(&mut bytes, span.offset)
                    .expect("the file is that long");
                prop_assert!(span.len > 0 && side.bytes.starts_with(&bytes));
                prop_assert!(side.output.has_file());
                continue;
            }
            let resolve = |pin: PinId| self.chunks.get(pin.0 as usize).map(Vec::as_slice);
            let count = side.output.slices(resolve, &mut slices).expect("every pin resolves");
            prop_assert!(slices[..count].iter().all(|slice| !slice.is_empty()));
            let mut bytes = Vec::with_capacity(side.bytes.len());
            slices[..count].iter().for_each(|slice| bytes.extend_from_slice(slice));
            prop_assert!(side.bytes.starts_with(&bytes));
            prop_assert!(count == room || bytes.len() == side.bytes.len() || side.output.has_file());
            prop_assert!(count > 0 || side.bytes.is_empty());
        }
        Ok(())
    }

    fn advance(&mut self, side: &mut Side, n: usize) -> Result<(), TestCaseError> {
        let mut released = Vec::new();
        side.output.advance(n, &mut self.pool, |pin| released.push(pin));
        side.bytes.drain(..n);
        for (_, end) in &mut side.pins {
            *end = end.saturating_sub(n);
        }
        let mut expected = Vec::new();
        while let Some(&(pin, 0)) = side.pins.front() {
            expected.push(pin);
            side.pins.pop_front();
        }
        prop_assert_eq!(released, expected);
        Ok(())
    }

    fn clear(&mut self, side: &mut Side) -> Result<(), TestCaseError> {
        let mut released = Vec::new();
        side.output.clear(&mut self.pool, |pin| released.push(pin));
        side.bytes.clear();
        let expected: Vec<_> = side.pins.drain(..).map(|(pin, _)| pin).collect();
        prop_assert_eq!(released, expected);
        Ok(())
    }
}

/// A file that nobody else can open.
fn nameless_file(content: &[u8]) -> File {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let name = format!("output-{}", MADE.fetch_add(1, Ordering::Relaxed));
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).expect("room for a file");
    let file = File::open(&path).expect("it was just written");
    std::fs::remove_file(&path).expect("it is ours");
    file
}

proptest! {
    #[test]
    fn keeps_the_order_leaks_no_buffer_and_releases_each_pin_once(
        operations in prop::collection::vec(operation(), 1..60)
    ) {
        let mut world = World::default();
        let (mut first, mut second) = (Side::default(), Side::default());
        for operation in operations {
            match operation {
                Operation::Copy(to_second, len) => {
                    let side = if to_second { &mut second } else { &mut first };
                    let bytes = world.fresh(len);
                    side.output.tail(&mut world.pool).extend_from_slice(&bytes);
                    side.bytes.extend_from_slice(&bytes);
                }
                Operation::Pin(to_second, offset, len) => {
                    let side = if to_second { &mut second } else { &mut first };
                    let chunk = world.fresh(offset + len + 3);
                    let pin = PinId(world.chunks.len() as u32);
                    side.output.push_pin(pin, offset, len);
                    side.bytes.extend_from_slice(&chunk[offset..offset + len]);
                    side.pins.push_back((pin, side.bytes.len()));
                    world.chunks.push(chunk);
                }
                Operation::File(to_second, offset, len) => {
                    let side = if to_second { &mut second } else { &mut first };
                    let content = world.fresh(offset + len + 3);
                    let file = nameless_file(&content);
                    side.output.push_file(file, offset as u64, len);
                    side.bytes.extend_from_slice(&content[offset..offset + len]);
                }
                Operation::Append => {
                    first.output.append(&mut second.output, &mut world.pool);
                    let before = first.bytes.len();
                    first.bytes.append(&mut second.bytes);
                    first.pins.extend(second.pins.drain(..).map(|(pin, end)| (pin, before + end)));
                }
                Operation::Advance(of_second, share) => {
                    let side = if of_second { &mut second } else { &mut first };
                    let n = side.bytes.len() * (usize::from(share) + 1) / 256;
                    world.advance(side, n)?;
                }
                Operation::Clear(of_second) => {
                    world.clear(if of_second { &mut second } else { &mut first })?;
                }
            }
            world.check(&first)?;
            world.check(&second)?;
        }
        let all = first.bytes.len();
        world.advance(&mut first, all)?;
        prop_assert!(first.pins.is_empty());
        world.clear(&mut first)?;
        world.clear(&mut second)?;
        prop_assert_eq!(world.pool.in_use(), 0);
    }
}
