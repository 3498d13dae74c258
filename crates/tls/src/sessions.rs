//! The server's cache of sessions, for what tickets cannot do: TLS 1.2 session ids and early data.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use rustls::server::StoresServerSessions;
use zeroize::Zeroizing;

use crate::Clock;

/// Sessions by id, at most so many, each for so long. The oldest goes first.
///
/// `take` makes a session single-use; rustls takes every TLS 1.3 session, and that is what guards early data against
/// being replayed to this cache (RFC 8446 §8.1).
pub(crate) struct SessionCache {
    sessions: Mutex<Sessions>,
    capacity: usize,
    lifetime_s: u32,
    clock: Clock,
}

#[derive(Default)]
struct Sessions {
    by_id: HashMap<Vec<u8>, Session>,
    /// Ids in the order in which they were put, with their numbers; a number that does not fit any more is passed over.
    order: VecDeque<(u64, Vec<u8>)>,
    next: u64,
}

struct Session {
    number: u64,
    expires: u64,
    secrets: Zeroizing<Vec<u8>>,
}

impl SessionCache {
    pub(crate) fn new(capacity: usize, lifetime_s: u32, clock: Clock) -> Self {
        Self {
            sessions: Mutex::new(Sessions::default()),
            capacity,
            lifetime_s,
            clock,
        }
    }

    fn with<R>(&self, run: impl FnOnce(&mut Sessions) -> R) -> R {
        // No code that can panic runs under the lock.
        run(&mut self.sessions.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sessions {
    fn drop_oldest(&mut self) {
        while let Some((number, id)) = self.order.pop_front() {
            if self.by_id.get(&id).is_some_and(|session| session.number == number) {
                self.by_id.remove(&id);
                return;
            }
        }
    }

    /// Keeps the order within twice the capacity when sessions are taken rather than dropped.
    fn compact(&mut self, capacity: usize) {
        if self.order.len() > capacity.saturating_mul(2) {
            let by_id = &self.by_id;
            self.order
                .retain(|(number, id)| by_id.get(id).is_some_and(|session| session.number == *number));
        }
    }
}

impl StoresServerSessions for SessionCache {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        if self.capacity == 0 {
            return false;
        }
        let expires = self.clock.now() + u64::from(self.lifetime_s);
        self.with(|sessions| {
            if !sessions.by_id.contains_key(&key) && sessions.by_id.len() >= self.capacity {
                sessions.drop_oldest();
            }
            let number = sessions.next;
            sessions.next += 1;
            sessions.order.push_back((number, key.clone()));
            let secrets = Zeroizing::new(value);
            sessions.by_id.insert(
                key,
                Session {
                    number,
                    expires,
                    secrets,
                },
            );
            sessions.compact(self.capacity);
        });
        true
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        let now = self.clock.now();
        self.with(|sessions| {
            let session = sessions.by_id.get(key)?;
            (now < session.expires).then(|| session.secrets.to_vec())
        })
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        let now = self.clock.now();
        self.with(|sessions| {
            let mut session = sessions.by_id.remove(key)?;
            (now < session.expires).then(|| std::mem::take(&mut *session.secrets))
        })
    }

    fn can_cache(&self) -> bool {
        self.capacity > 0
    }
}

impl fmt::Debug for SessionCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCache")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(capacity: usize) -> (SessionCache, Clock) {
        let clock = Clock::manual(1_000);
        (SessionCache::new(capacity, 300, clock.clone()), clock)
    }

    #[test]
    fn a_session_is_taken_once_and_lives_until_its_time() {
        let (cache, clock) = cache(4);
        assert!(cache.put(vec![1], vec![9]));
        clock.set(1_299);
        assert_eq!(cache.get(&[1]), Some(vec![9]));
        assert_eq!(cache.take(&[1]), Some(vec![9]));
        assert_eq!(cache.take(&[1]), None);
        cache.put(vec![2], vec![8]);
        clock.set(1_299 + 300);
        assert_eq!((cache.get(&[2]), cache.take(&[2])), (None, None));
    }

    #[test]
    fn the_oldest_goes_when_it_is_full_and_nothing_grows_when_sessions_are_taken() {
        let (cache, _) = cache(2);
        for id in 1..=3 {
            cache.put(vec![id], vec![id]);
        }
        assert_eq!(
            (cache.get(&[1]), cache.get(&[2]), cache.get(&[3])),
            (None, Some(vec![2]), Some(vec![3]))
        );
        for _ in 0..1_000 {
            cache.put(vec![7], vec![7]);
            assert_eq!(cache.take(&[7]), Some(vec![7]));
        }
        assert!(cache.with(|sessions| sessions.order.len()) <= 5);
    }

    #[test]
    fn without_room_nothing_is_kept() {
        let (cache, _) = cache(0);
        assert!(!cache.can_cache() && !cache.put(vec![1], vec![1]));
        assert_eq!(cache.get(&[1]), None);
    }
}
