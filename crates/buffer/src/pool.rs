//! A free list of byte buffers.

/// The least capacity of a buffer that the pool lends, in bytes: a response head and a small body fit.
pub const MIN_CAPACITY: usize = 4096;

/// The largest capacity of a buffer that the pool keeps, in bytes; larger ones are freed when they come back.
pub const KEPT_CAPACITY: usize = 64 * 1024;

/// How many free buffers the pool keeps at most; with [`KEPT_CAPACITY`] it holds 16 MiB at worst.
pub const KEPT_BUFFERS: usize = 256;

/// Lends empty byte buffers and keeps those that come back for the next borrower.
///
/// One per reactor, used by its thread alone. A borrower may let a buffer grow; it must give back each buffer that it
/// took, or [`Pool::in_use`] counts it for ever.
#[derive(Debug, Default)]
pub struct Pool {
    /// Empty buffers, each of `MIN_CAPACITY..=KEPT_CAPACITY`; the last one given is the first taken (warm in cache).
    free: Vec<Vec<u8>>,
    /// The capacities in `free` together.
    held_bytes: usize,
    /// Buffers taken and not given back.
    in_use: usize,
}

impl Pool {
    /// A pool that holds nothing yet.
    pub const fn new() -> Self {
        Self {
            free: Vec::new(),
            held_bytes: 0,
            in_use: 0,
        }
    }

    /// Lends an empty buffer with room for at least [`MIN_CAPACITY`] bytes.
    pub fn take(&mut self) -> Vec<u8> {
        self.in_use += 1;
        match self.free.pop() {
            Some(buffer) => {
                self.held_bytes -= buffer.capacity();
                buffer
            }
            None => Vec::with_capacity(MIN_CAPACITY),
        }
    }

    /// Takes a lent buffer back, whatever it holds.
    ///
    /// It is freed instead of kept when it has grown past [`KEPT_CAPACITY`], when its memory was moved elsewhere, or
    /// when [`KEPT_BUFFERS`] are free already.
    pub fn give(&mut self, mut buffer: Vec<u8>) {
        debug_assert!(self.in_use > 0, "a buffer was given that was not taken");
        self.in_use = self.in_use.saturating_sub(1);
        let fits = (MIN_CAPACITY..=KEPT_CAPACITY).contains(&buffer.capacity());
        if fits && self.free.len() < KEPT_BUFFERS {
            buffer.clear();
            self.held_bytes += buffer.capacity();
            self.free.push(buffer);
        }
    }

    /// How many buffers are lent at the moment.
    pub const fn in_use(&self) -> usize {
        self.in_use
    }

    /// How many bytes of memory the free buffers hold.
    pub const fn held_bytes(&self) -> usize {
        self.held_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_comes_back_is_lent_again_and_empty() {
        let mut pool = Pool::new();
        let mut buffer = pool.take();
        assert!(buffer.capacity() >= MIN_CAPACITY);
        buffer.extend_from_slice(b"left over");
        let address = buffer.as_ptr();
        pool.give(buffer);
        let again = pool.take();
        assert!(again.is_empty());
        assert_eq!(again.as_ptr(), address);
    }

    #[test]
    fn counts_lent_buffers_and_held_bytes() {
        let mut pool = Pool::new();
        let (one, two) = (pool.take(), pool.take());
        assert_eq!((pool.in_use(), pool.held_bytes()), (2, 0));
        let capacity = one.capacity();
        pool.give(one);
        assert_eq!((pool.in_use(), pool.held_bytes()), (1, capacity));
        pool.give(two);
        pool.take();
        assert_eq!((pool.in_use(), pool.held_bytes()), (1, capacity));
    }

    #[test]
    fn keeps_a_buffer_at_the_largest_capacity_and_frees_one_past_it() {
        let mut pool = Pool::new();
        let mut buffer = pool.take();
        buffer.reserve_exact(KEPT_CAPACITY);
        assert_eq!(buffer.capacity(), KEPT_CAPACITY);
        pool.give(buffer);
        assert_eq!(pool.held_bytes(), KEPT_CAPACITY);
        let mut buffer = pool.take();
        buffer.reserve_exact(KEPT_CAPACITY + 1);
        pool.give(buffer);
        assert_eq!((pool.held_bytes(), pool.in_use()), (0, 0));
    }

    #[test]
    fn keeps_no_more_than_its_number_of_buffers() {
        let mut pool = Pool::new();
        let lent: Vec<_> = (0..=KEPT_BUFFERS).map(|_| pool.take()).collect();
        let bytes: usize = lent.iter().take(KEPT_BUFFERS).map(Vec::capacity).sum();
        lent.into_iter().for_each(|buffer| pool.give(buffer));
        assert_eq!((pool.held_bytes(), pool.in_use()), (bytes, 0));
    }

    #[test]
    fn keeps_nothing_of_a_buffer_whose_memory_was_moved_away() {
        let mut pool = Pool::new();
        let mut buffer = pool.take();
        drop(std::mem::take(&mut buffer));
        pool.give(buffer);
        assert_eq!((pool.held_bytes(), pool.in_use()), (0, 0));
    }
}
