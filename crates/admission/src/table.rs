//! A bounded table that evicts instead of refusing strangers.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;

/// No entry.
const NONE: u32 = u32::MAX;
/// What a table holds from the beginning, so that there is always an entry to evict.
const INITIAL: usize = 8;

/// Values by key, at most `capacity` of them: when it is full, the key that was not asked for the longest goes.
///
/// For values that are worth little once they are stale, such as token buckets: whoever is evicted starts afresh, and
/// that is who has had the longest time to recover anyway. A flood of strangers can push others out; it can not fill
/// the table and lock others out, nor make it larger.
///
/// Theory of operation. Entries lie side by side in one vector and are never removed, only taken over. Each is a link
/// in two lists: a doubly linked one from the newest to the oldest, and the chain of its hash. The heads of the chains
/// are a second vector, at least as long as there are entries. So a lookup, an insertion and an eviction touch a few
/// entries each, and nothing is ever swept. The hash is keyed anew for each table; whoever chooses keys can not choose
/// chains.
///
/// Memory: `size_of::<K>() + size_of::<V>() + 12` bytes an entry, rounded up to the alignment, and 4 to 8 for the heads
/// (44 to 48 bytes for a bucket of a client). It grows by doubling as keys come, from 8 entries to `capacity`; where
/// the system has no memory to grow, the table stays as large as it is.
#[derive(Debug)]
pub struct LruTable<K, V> {
    entries: Vec<Entry<K, V>>,
    /// The first entry of each chain; a power of two.
    heads: Vec<u32>,
    hasher: RandomState,
    newest: u32,
    oldest: u32,
    capacity: usize,
    evicted: u64,
}

#[derive(Debug)]
struct Entry<K, V> {
    key: K,
    value: V,
    newer: u32,
    older: u32,
    /// The next of the same chain.
    next: u32,
}

impl<K: Hash + Eq + Copy, V> LruTable<K, V> {
    /// A table of at most `capacity` keys; below 8 it is 8, and above 2³¹ it is 2³¹.
    pub fn new(capacity: usize) -> Self {
        Self {
            entries: Vec::with_capacity(INITIAL),
            heads: vec![NONE; INITIAL],
            hasher: RandomState::default(),
            newest: NONE,
            oldest: NONE,
            capacity: capacity.clamp(INITIAL, 1 << 31),
            evicted: 0,
        }
    }

    /// How many keys it holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many keys it may hold.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many keys have been evicted since it was made.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// The value of a key. The key's age stays what it is.
    pub fn peek(&self, key: K) -> Option<&V> {
        self.find(key).map(|at| &self.entries[at as usize].value)
    }

    /// The value of a key, which becomes the newest.
    pub fn get_mut(&mut self, key: K) -> Option<&mut V> {
        let at = self.find(key)?;
        self.touch(at);
        Some(&mut self.entries[at as usize].value)
    }

    /// The value of a key, made if there is none; the key becomes the newest. May evict the oldest.
    pub fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let at = match self.find(key) {
            Some(at) => {
                self.touch(at);
                at
            }
            None => self.insert(key, make()),
        };
        &mut self.entries[at as usize].value
    }

    fn chain(&self, key: K) -> usize {
        self.hasher.hash_one(key) as usize & (self.heads.len() - 1)
    }

    fn find(&self, key: K) -> Option<u32> {
        let mut at = self.heads[self.chain(key)];
        while at != NONE {
            let entry = &self.entries[at as usize];
            if entry.key == key {
                return Some(at);
            }
            at = entry.next;
        }
        None
    }

    /// Adds a key that is not there, as the newest.
    fn insert(&mut self, key: K, value: V) -> u32 {
        let entry = Entry {
            key,
            value,
            newer: NONE,
            older: NONE,
            next: NONE,
        };
        let at = if self.has_room() {
            self.entries.push(entry);
            (self.entries.len() - 1) as u32
        } else {
            let at = self.oldest;
            self.unchain(at);
            self.unlink(at);
            self.entries[at as usize] = entry;
            self.evicted += 1;
            at
        };
        self.enchain(at);
        self.link(at);
        at
    }

    /// Whether one more entry fits, after growing if it may.
    fn has_room(&mut self) -> bool {
        let len = self.entries.len();
        len < self.capacity && (len < self.entries.capacity() || self.grow(len).is_some())
    }

    /// Doubles the table, as far as it may. `None`: there was no memory, and nothing has changed that can be seen.
    fn grow(&mut self, len: usize) -> Option<()> {
        let more = len.min(self.capacity - len);
        let chains = (len + more).next_power_of_two();
        let mut heads = Vec::new();
        heads.try_reserve_exact(chains).ok()?;
        self.entries.try_reserve_exact(more).ok()?;
        heads.resize(chains, NONE);
        self.heads = heads;
        (0..len as u32).for_each(|at| self.enchain(at));
        Some(())
    }

    fn enchain(&mut self, at: u32) {
        let chain = self.chain(self.entries[at as usize].key);
        self.entries[at as usize].next = self.heads[chain];
        self.heads[chain] = at;
    }

    fn unchain(&mut self, at: u32) {
        let Entry { key, next, .. } = self.entries[at as usize];
        let chain = self.chain(key);
        if self.heads[chain] == at {
            self.heads[chain] = next;
            return;
        }
        let mut before = self.heads[chain];
        while self.entries[before as usize].next != at {
            before = self.entries[before as usize].next;
        }
        self.entries[before as usize].next = next;
    }

    fn touch(&mut self, at: u32) {
        if self.newest != at {
            self.unlink(at);
            self.link(at);
        }
    }

    /// Makes an entry that is in no list of ages the newest.
    fn link(&mut self, at: u32) {
        let older = self.newest;
        let entry = &mut self.entries[at as usize];
        (entry.newer, entry.older) = (NONE, older);
        self.newest = at;
        match self.entries.get_mut(older as usize) {
            Some(entry) => entry.newer = at,
            None => self.oldest = at,
        }
    }

    fn unlink(&mut self, at: u32) {
        let Entry { newer, older, .. } = self.entries[at as usize];
        match self.entries.get_mut(newer as usize) {
            Some(entry) => entry.older = older,
            None => self.newest = older,
        }
        match self.entries.get_mut(older as usize) {
            Some(entry) => entry.newer = newer,
            None => self.oldest = newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(table: &mut LruTable<u64, u64>, key: u64) {
        *table.get_or_insert_with(key, || 0) = key;
    }

    #[test]
    fn one_past_the_capacity_evicts_the_oldest_and_no_other() {
        let mut table = LruTable::new(1_000);
        (0..1_000).for_each(|key| put(&mut table, key));
        assert_eq!((table.len(), table.evicted()), (1_000, 0));
        assert!(table.get_mut(0).is_some(), "0 is the newest from now");
        put(&mut table, 1_000);
        assert_eq!((table.len(), table.evicted()), (1_000, 1));
        assert_eq!(table.peek(1), None);
        for key in (2..=1_000).chain([0]) {
            assert_eq!(table.peek(key), Some(&key));
        }
    }

    #[test]
    fn a_peek_does_not_keep_an_entry() {
        let mut table = LruTable::new(8);
        (0..8).for_each(|key| put(&mut table, key));
        assert_eq!(table.peek(0), Some(&0));
        put(&mut table, 8);
        assert_eq!(table.peek(0), None);
    }

    #[test]
    fn memory_stays_within_what_the_documentation_says() {
        let mut table = LruTable::new(3_000);
        (0..100_000).for_each(|key| put(&mut table, key));
        assert_eq!(
            (table.len(), table.entries.capacity(), table.heads.len()),
            (3_000, 3_000, 4_096)
        );
        assert_eq!(size_of::<Entry<crate::ClientKey, crate::Bucket>>(), 40);
    }

    #[test]
    fn capacities_out_of_range_are_brought_into_it() {
        assert_eq!(LruTable::<u64, ()>::new(0).capacity(), 8);
        assert_eq!(LruTable::<u64, ()>::new(usize::MAX).capacity(), 1 << 31);
    }
}
