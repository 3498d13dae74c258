//! Token buckets: one for each client, or one for all.

use std::sync::Arc;

use crate::bucket::{AtomicBucket, Bucket, Rate, Take};
use crate::client_key::ClientKey;
use crate::shared::{BUCKETS, CLIENT_BUCKETS, Scope, SharedClientBuckets};
use crate::table::LruTable;

/// A token bucket for each client, of this thread or of the process.
///
/// Holds at most `capacity` clients and then evicts who has not come for the longest ([`LruTable`]): 44 to 48 bytes a
/// client, as they come. In process scope it is 16 tables behind locks of their own, each of a sixteenth of the
/// capacity and at least 8; the capacity is that of the thread that was first.
#[derive(Debug)]
pub struct ClientBuckets(Buckets);

#[derive(Debug)]
enum Buckets {
    Thread(LruTable<ClientKey, Bucket>),
    Process(Arc<SharedClientBuckets>),
}

impl ClientBuckets {
    /// Buckets for at most `capacity` clients at a time.
    pub fn new(capacity: usize, scope: Scope<'_>) -> Self {
        Self(match scope {
            Scope::Thread => Buckets::Thread(LruTable::new(capacity)),
            Scope::Process(name) => Buckets::Process(CLIENT_BUCKETS.get(name, || SharedClientBuckets::new(capacity))),
        })
    }

    /// Takes tokens from the bucket of a client, all or none. See [`Bucket::try_take`].
    pub fn try_take(&mut self, client: ClientKey, rate: &Rate, tokens: u64, now_ns: u64) -> Take {
        match &mut self.0 {
            Buckets::Thread(table) => table
                .get_or_insert_with(client, Bucket::default)
                .try_take(rate, tokens, now_ns),
            Buckets::Process(shared) => shared.try_take(client, rate, tokens, now_ns),
        }
    }

    /// Puts tokens back. Who has been evicted since has a full bucket anyway.
    pub fn give_back(&mut self, client: ClientKey, rate: &Rate, tokens: u64) {
        match &mut self.0 {
            Buckets::Thread(table) => {
                if let Some(bucket) = table.get_mut(client) {
                    bucket.give_back(rate, tokens);
                }
            }
            Buckets::Process(shared) => shared.give_back(client, rate, tokens),
        }
    }
}

/// One token bucket for everybody, of this thread or of the process.
#[derive(Debug)]
pub struct ScopedBucket(One);

#[derive(Debug)]
enum One {
    Thread(Bucket),
    Process(Arc<AtomicBucket>),
}

impl ScopedBucket {
    /// A bucket, full unless other threads have taken from it.
    pub fn new(scope: Scope<'_>) -> Self {
        Self(match scope {
            Scope::Thread => One::Thread(Bucket::default()),
            Scope::Process(name) => One::Process(BUCKETS.get(name, AtomicBucket::default)),
        })
    }

    /// Takes tokens, all or none. See [`Bucket::try_take`].
    pub fn try_take(&mut self, rate: &Rate, tokens: u64, now_ns: u64) -> Take {
        match &mut self.0 {
            One::Thread(bucket) => bucket.try_take(rate, tokens, now_ns),
            One::Process(bucket) => bucket.try_take(rate, tokens, now_ns),
        }
    }

    /// Puts tokens back; what does not fit is lost.
    pub fn give_back(&mut self, rate: &Rate, tokens: u64) {
        match &mut self.0 {
            One::Thread(bucket) => bucket.give_back(rate, tokens),
            One::Process(bucket) => bucket.give_back(rate, tokens),
        }
    }
}
