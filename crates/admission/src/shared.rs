//! What the threads of a process hold together, by name (`limitScope: 'process'`).
//!
//! The registries keep weak references: a thing lives as long as a thread uses it, and its name is free again after.
//! A lock is taken for a lookup by name, which happens when a server is made, and for a few instructions in one of
//! 16 shards of a table. Nothing in there panics but for a bug of ours, so a poisoned lock is taken all the same: a bug
//! that one thread met does not refuse the clients of all others.

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use foldhash::fast::RandomState;
use millrace_error::Limit;

use crate::bucket::{AtomicBucket, Bucket, Rate, Take};
use crate::client_key::ClientKey;
use crate::connection_counts::{ConnectionCounts, Refused};
use crate::table::LruTable;

/// Who shares a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// Nobody: each thread has its own.
    Thread,
    /// All threads of the process that use this name.
    Process(&'a str),
}

/// A power of two.
const SHARDS: usize = 16;

pub(crate) static CONNECTIONS: Registry<SharedConnections> = Registry::new();
pub(crate) static CLIENT_BUCKETS: Registry<SharedClientBuckets> = Registry::new();
pub(crate) static BUCKETS: Registry<AtomicBucket> = Registry::new();

/// Things that threads find by name.
#[derive(Debug)]
pub(crate) struct Registry<T> {
    things: Mutex<BTreeMap<Box<str>, Weak<T>>>,
}

impl<T> Registry<T> {
    const fn new() -> Self {
        Self {
            things: Mutex::new(BTreeMap::new()),
        }
    }

    /// The thing of this name, made if no thread has it.
    pub(crate) fn get(&self, name: &str, make: impl FnOnce() -> T) -> Arc<T> {
        let mut things = lock(&self.things);
        if let Some(thing) = things.get(name).and_then(Weak::upgrade) {
            return thing;
        }
        things.retain(|_, thing| thing.strong_count() > 0);
        let thing = Arc::new(make());
        things.insert(name.into(), Arc::downgrade(&thing));
        thing
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A value for each sixteenth of all clients, each behind a lock of its own.
#[derive(Debug)]
struct Shards<T> {
    shards: [Shard<T>; SHARDS],
    hasher: RandomState,
}

/// Aligned so that two threads in two shards never write to the same pair of cache lines.
#[derive(Debug)]
#[repr(align(128))]
struct Shard<T>(Mutex<T>);

impl<T> Shards<T> {
    fn new(make: impl Fn() -> T) -> Self {
        Self {
            shards: std::array::from_fn(|_| Shard(Mutex::new(make()))),
            hasher: RandomState::default(),
        }
    }

    fn of(&self, client: ClientKey) -> MutexGuard<'_, T> {
        lock(&self.shards[self.hasher.hash_one(client) as usize & (SHARDS - 1)].0)
    }
}

/// The connections of a server over all its threads.
#[derive(Debug)]
pub(crate) struct SharedConnections {
    total: AtomicU64,
    clients: Shards<ConnectionCounts>,
}

impl SharedConnections {
    pub(crate) fn new() -> Self {
        Self {
            total: AtomicU64::new(0),
            clients: Shards::new(ConnectionCounts::default),
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.total.load(Relaxed)
    }

    /// Adds one to the total, which never passes `max`, not even for a moment.
    pub(crate) fn acquire_total(&self, max: u64) -> Result<(), Refused> {
        let add = |total: u64| (total < max).then_some(total + 1);
        let updated = self.total.fetch_update(Relaxed, Relaxed, add);
        updated.map(drop).map_err(|seen| {
            Refused::Total(Limit {
                value: max,
                seen: seen + 1,
            })
        })
    }

    pub(crate) fn release_total(&self, connections: u64) {
        let before = self.total.fetch_sub(connections, Relaxed);
        debug_assert!(before >= connections, "more is released than was acquired");
    }

    pub(crate) fn acquire_client(&self, client: ClientKey, max: u32) -> Result<(), Refused> {
        self.clients.of(client).acquire(client, max)
    }

    pub(crate) fn release_client(&self, client: ClientKey, connections: u32) {
        self.clients.of(client).release_many(client, connections);
    }

    pub(crate) fn of_client(&self, client: ClientKey) -> u32 {
        self.clients.of(client).of(client)
    }
}

/// Token buckets by client over all threads.
#[derive(Debug)]
pub(crate) struct SharedClientBuckets {
    shards: Shards<LruTable<ClientKey, Bucket>>,
}

impl SharedClientBuckets {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            shards: Shards::new(|| LruTable::new(capacity.div_ceil(SHARDS))),
        }
    }

    pub(crate) fn try_take(&self, client: ClientKey, rate: &Rate, tokens: u64, now_ns: u64) -> Take {
        let mut shard = self.shards.of(client);
        shard
            .get_or_insert_with(client, Bucket::default)
            .try_take(rate, tokens, now_ns)
    }

    pub(crate) fn give_back(&self, client: ClientKey, rate: &Rate, tokens: u64) {
        if let Some(bucket) = self.shards.of(client).get_mut(client) {
            bucket.give_back(rate, tokens);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_thing_while_it_is_used_and_a_new_one_after() {
        let registry = Registry::<AtomicU64>::new();
        let first = registry.get("a", AtomicU64::default);
        first.store(7, Relaxed);
        assert_eq!(registry.get("a", AtomicU64::default).load(Relaxed), 7);
        assert_eq!(registry.get("b", AtomicU64::default).load(Relaxed), 0);
        drop(first);
        assert_eq!(registry.get("a", AtomicU64::default).load(Relaxed), 0);
        assert_eq!(lock(&registry.things).len(), 1, "names that nobody uses are forgotten");
    }

    #[test]
    fn a_thread_that_panics_inside_a_lock_does_not_stop_the_others() {
        let shared = Arc::new(SharedConnections::new());
        let client = ClientKey::of_name(b"a");
        assert_eq!(shared.acquire_client(client, 2), Ok(()));
        let theirs = Arc::clone(&shared);
        let panicked = std::thread::spawn(move || {
            let _guard = theirs.clients.of(client);
            panic!("a bug, on purpose");
        });
        assert!(panicked.join().is_err());
        assert_eq!(shared.acquire_client(client, 2), Ok(()));
        assert!(shared.acquire_client(client, 2).is_err());
    }
}
