//! The caps on connections: in all and of one client.

use std::sync::Arc;

use millrace_error::Limit;

use crate::client_key::ClientKey;
use crate::connection_counts::{ConnectionCounts, Refused};
use crate::shared::{CONNECTIONS, Scope, SharedConnections};

/// How many connections there may be; `None` is no cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionCaps {
    /// In all (`maxConnections`).
    pub total: Option<u64>,
    /// Of one client (`maxConnectionsPerIp`).
    pub per_client: Option<u32>,
}

/// Counts the connections of a server, and refuses those past its caps.
///
/// One for each server and thread. With [`Scope::Process`] all threads of one name count together, and none of the caps
/// is passed even for a moment; each thread keeps beside that what it holds itself, and gives it back when it ends.
/// What was acquired must be released, with the same client; dropping the whole releases the rest.
///
/// It counts also where there is no cap, because a cap may come later ([`set_caps`](Self::set_caps)). Memory: see
/// [`ConnectionCounts`], in process scope twice.
#[derive(Debug)]
pub struct Connections {
    caps: ConnectionCaps,
    /// What this thread holds.
    total: u64,
    clients: ConnectionCounts,
    shared: Option<Arc<SharedConnections>>,
}

impl Connections {
    /// Counts from zero, or from what the other threads hold.
    pub fn new(caps: ConnectionCaps, scope: Scope<'_>) -> Self {
        let shared = match scope {
            Scope::Thread => None,
            Scope::Process(name) => Some(CONNECTIONS.get(name, SharedConnections::new)),
        };
        Self {
            caps,
            total: 0,
            clients: ConnectionCounts::default(),
            shared,
        }
    }

    /// Changes the caps, of this thread's decisions only. Connections that are there stay.
    pub fn set_caps(&mut self, caps: ConnectionCaps) {
        self.caps = caps;
    }

    /// Counts a new connection. One without an address (a Unix socket) has no client and counts in the total only.
    ///
    /// # Errors
    /// When a cap is reached, the total first; nothing is counted then, and nothing must be released.
    pub fn acquire(&mut self, client: Option<ClientKey>) -> Result<(), Refused> {
        let total = self.caps.total.unwrap_or(u64::MAX);
        match &self.shared {
            Some(shared) => shared.acquire_total(total)?,
            None if self.total >= total => {
                return Err(Refused::Total(Limit {
                    value: total,
                    seen: self.total + 1,
                }));
            }
            None => {}
        }
        if let Some(client) = client {
            if let Err(refused) = self.acquire_client(client) {
                if let Some(shared) = &self.shared {
                    shared.release_total(1);
                }
                return Err(refused);
            }
        }
        self.total += 1;
        Ok(())
    }

    fn acquire_client(&mut self, client: ClientKey) -> Result<(), Refused> {
        let max = self.caps.per_client.unwrap_or(u32::MAX);
        let Some(shared) = &self.shared else {
            return self.clients.acquire(client, max);
        };
        // Our own book first: it can fail for want of memory only, and then the others have seen nothing.
        self.clients.acquire(client, u32::MAX)?;
        shared
            .acquire_client(client, max)
            .inspect_err(|_| self.clients.release(client))
    }

    /// Takes a connection off that [`acquire`](Self::acquire) has counted for this client.
    pub fn release(&mut self, client: Option<ClientKey>) {
        debug_assert!(self.total > 0, "a connection is released that was never acquired");
        self.total = self.total.saturating_sub(1);
        if let Some(client) = client {
            self.clients.release(client);
        }
        if let Some(shared) = &self.shared {
            shared.release_total(1);
            if let Some(client) = client {
                shared.release_client(client, 1);
            }
        }
    }

    /// How many connections there are in its scope.
    pub fn total(&self) -> u64 {
        self.shared.as_ref().map_or(self.total, |shared| shared.total())
    }

    /// How many connections a client has in its scope.
    pub fn of_client(&self, client: ClientKey) -> u32 {
        match &self.shared {
            Some(shared) => shared.of_client(client),
            None => self.clients.of(client),
        }
    }
}

impl Drop for Connections {
    /// A thread that ends gives back what it holds.
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.release_total(self.total);
            for (client, connections) in self.clients.drain() {
                shared.release_client(client, connections);
            }
        }
    }
}
