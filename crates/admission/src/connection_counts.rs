//! How many connections each client has.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use foldhash::fast::RandomState;
use millrace_error::Limit;

use crate::client_key::ClientKey;

/// Below this many clients a map is not worth shrinking.
const SMALL: usize = 1_024;

/// Why a connection was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The server, or the process, has as many as it may.
    Total(Limit),
    /// The client has as many as it may.
    PerClient(Limit),
    /// There is no memory to count one more client.
    OutOfMemory,
}

/// Live connections by client.
///
/// A client is in it exactly while it has a connection, so nothing live is ever evicted and no stranger is refused for
/// want of room: the table is bounded by the number of live connections. Memory: 25 to 58 bytes for each client at its
/// fullest; it shrinks when an eighth is in use.
#[derive(Debug, Default)]
pub struct ConnectionCounts {
    counts: HashMap<ClientKey, u32, RandomState>,
}

impl ConnectionCounts {
    /// Counts one more connection of a client, of which there may be `max`.
    ///
    /// # Errors
    /// When the client has as many already, or there is no memory for a new entry. Nothing is counted then.
    pub fn acquire(&mut self, client: ClientKey, max: u32) -> Result<(), Refused> {
        if self.counts.try_reserve(1).is_err() {
            return Err(Refused::OutOfMemory);
        }
        let have = match self.counts.entry(client) {
            Entry::Occupied(mut entry) if *entry.get() < max => {
                *entry.get_mut() += 1;
                return Ok(());
            }
            Entry::Vacant(entry) if max > 0 => {
                entry.insert(1);
                return Ok(());
            }
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(_) => 0,
        };
        Err(Refused::PerClient(Limit {
            value: max.into(),
            seen: u64::from(have) + 1,
        }))
    }

    /// Takes one connection of a client off. It must have been acquired.
    pub fn release(&mut self, client: ClientKey) {
        self.release_many(client, 1);
    }

    pub(crate) fn release_many(&mut self, client: ClientKey, connections: u32) {
        let Entry::Occupied(mut entry) = self.counts.entry(client) else {
            debug_assert!(false, "a connection is released that was never acquired");
            return;
        };
        debug_assert!(*entry.get() >= connections, "more is released than was acquired");
        match entry.get().saturating_sub(connections) {
            0 => {
                entry.remove();
                self.shrink();
            }
            left => *entry.get_mut() = left,
        }
    }

    /// How many connections a client has.
    pub fn of(&self, client: ClientKey) -> u32 {
        self.counts.get(&client).copied().unwrap_or(0)
    }

    /// How many clients have connections.
    pub fn clients(&self) -> usize {
        self.counts.len()
    }

    /// All clients with their connections.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (ClientKey, u32)> {
        self.counts.drain()
    }

    /// Gives memory back once an eighth of it is used, so that each entry is moved by few releases.
    fn shrink(&mut self) {
        if self.counts.capacity() > SMALL && self.counts.len() < self.counts.capacity() / 8 {
            self.counts.shrink_to(self.counts.len() * 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(n: u32) -> ClientKey {
        ClientKey::of_address(std::net::Ipv4Addr::from_bits(n).into())
    }

    #[test]
    fn the_limit_passes_and_one_more_is_refused_with_what_was_seen() {
        let mut counts = ConnectionCounts::default();
        for _ in 0..3 {
            assert_eq!(counts.acquire(client(1), 3), Ok(()));
        }
        let refused = Refused::PerClient(Limit { value: 3, seen: 4 });
        assert_eq!(counts.acquire(client(1), 3), Err(refused));
        assert_eq!(counts.acquire(client(2), 3), Ok(()), "another client is not concerned");
        counts.release(client(1));
        assert_eq!(counts.acquire(client(1), 3), Ok(()));
        assert_eq!((counts.of(client(1)), counts.clients()), (3, 2));
    }

    #[test]
    fn a_limit_of_zero_lets_nobody_in_and_leaves_no_entry() {
        let mut counts = ConnectionCounts::default();
        let refused = Refused::PerClient(Limit { value: 0, seen: 1 });
        assert_eq!(counts.acquire(client(1), 0), Err(refused));
        assert_eq!(counts.clients(), 0);
    }

    #[test]
    fn memory_is_given_back_after_a_storm() {
        let mut counts = ConnectionCounts::default();
        (0..100_000).for_each(|n| assert_eq!(counts.acquire(client(n), 1), Ok(())));
        assert!(counts.counts.capacity() >= 100_000);
        (1..100_000).for_each(|n| counts.release(client(n)));
        assert_eq!((counts.clients(), counts.of(client(0))), (1, 1));
        assert!(counts.counts.capacity() <= SMALL * 2, "{}", counts.counts.capacity());
    }
}
