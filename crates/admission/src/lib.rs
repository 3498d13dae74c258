//! Who may come in, how often, and with how much: address rules, connection caps, rate limits, reputation, memory.
//!
//! Theory of operation. Everything here decides and nothing acts: the engine asks at four moments and does what it is
//! told. Time is an argument, in the nanoseconds or milliseconds of one clock that never goes back; nothing here reads a
//! clock, opens a socket or sleeps. What the network can choose (addresses, paths, names) goes only into structures of
//! bounded size, under hashes keyed anew in each process, with a bounded number of steps.
//!
//! | moment | ask | refusal |
//! | --- | --- | --- |
//! | accept | [`Rules::decide`], [`Reputation::judge`], [`Connections::acquire`] | close, or 503 |
//! | head | [`RateLimits::check`], [`MemoryAccount::pressure`] (`Full`) | 429, 503 |
//! | before reading | [`MemoryAccount::pressure`] (`Pressed`) | do not read now |
//! | close | [`Connections::release`], [`MemoryAccount::release`] | – |
//!
//! Who the client is: [`ClientKey::of_address`] of the address that the PROXY head or, where the peer is in the
//! [`NetworkSet`] of `trustProxy`, the Forwarded fields gave; else of the socket's. An IPv4 address, or a /64 of IPv6. A
//! client whose address becomes known only after accept is acquired then; release takes the key that acquire was given.
//!
//! The parts, from the bottom:
//!
//! - [`Bucket`] is a token bucket in one number (GCRA), [`AtomicBucket`] the same without a lock for all threads.
//! - [`LruTable`] is a table of fixed capacity. When it is full it evicts who has not come for the longest: a flood of
//!   strangers costs others a fresh bucket, never their admission. Live connections are no entries that may be evicted;
//!   [`ConnectionCounts`] is bounded by them instead.
//! - [`ClientBuckets`], [`ScopedBucket`] and [`Connections`] are of one thread or of the process, as [`Scope`] says; the
//!   caller sees no difference. In process scope they are found by name, totals are atomics, tables are 16 shards behind
//!   short locks, and each thread keeps a book of the connections it holds, so that a thread that ends gives them back.
//! - [`RateLimits`] joins a tree of route prefixes with buckets; the longest prefix decides.
//! - [`MemoryAccount`] batches a thread's changes to the [`MemoryBudget`] of the process.
//!
//! # Example: a server's life
//!
//! ```
//! use std::net::IpAddr;
//! use millrace_admission::*;
//!
//! # fn main() -> Result<(), millrace_error::Error> {
//! // When the server is made, and again when its options change.
//! let deny = ["203.0.113.0/24".parse::<Network>()?];
//! let rules = Rules::new([], deny, Decision::Allow);
//! let trusted: NetworkSet = ["10.0.0.0/8".parse()?].into_iter().collect();
//! let caps = ConnectionCaps { total: Some(10_000), per_client: Some(2) };
//! let mut connections = Connections::new(caps, Scope::Process("0.0.0.0:443"));
//! let second = 1_000_000_000;
//! let per_client = |prefix, rate| RateRule { prefix, key: RateKey::Client, rate };
//! let limits = [
//!     per_client("/", Rate::per_second(100.0, 200)?),
//!     per_client("/login", Rate::new(5, 60 * second, 2)?),
//! ];
//! let mut limits = RateLimits::new(&limits, 65_536, Scope::Process("0.0.0.0:443"))?;
//! let mut memory = MemoryAccount::new(MemoryBudget::process());
//!
//! // A connection.
//! let address: IpAddr = "198.51.100.7".parse().unwrap();
//! assert_eq!(rules.decide(address), Decision::Allow);
//! assert!(!trusted.contains(address), "its Forwarded fields are not believed");
//! let client = Some(ClientKey::of_address(address));
//! assert_eq!(connections.acquire(client), Ok(()));
//!
//! // A turn: read, or not now.
//! assert!(memory.pressure() < Pressure::Pressed);
//! memory.charge(16_384);
//!
//! // A head.
//! let now_ns = 12 * second;
//! assert_eq!(limits.check(b"/login?next=/", client, now_ns), Verdict::Pass);
//! assert_eq!(limits.check(b"/login", client, now_ns), Verdict::Pass);
//! let Verdict::Refuse { retry_after_ms, rule: 1 } = limits.check(b"/login", client, now_ns) else {
//!     panic!("the third within a burst of two");
//! };
//! assert_eq!(retry_after_seconds(retry_after_ms), 12);
//!
//! // Its end.
//! memory.release(16_384);
//! connections.release(client);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod bucket;
mod cidr;
mod client_buckets;
mod client_key;
mod connection_counts;
mod connections;
mod memory;
mod prefix_map;
mod rate_limits;
mod reputation;
mod routes;
mod rules;
mod shared;
mod table;

pub use bucket::{AtomicBucket, Bucket, Rate, Take};
pub use cidr::{Family, Network};
pub use client_buckets::{ClientBuckets, ScopedBucket};
pub use client_key::ClientKey;
pub use connection_counts::{ConnectionCounts, Refused};
pub use connections::{ConnectionCaps, Connections};
pub use memory::{MemoryAccount, MemoryBudget, Pressure};
pub use rate_limits::{RateKey, RateLimits, RateRule, Verdict, retry_after_seconds};
pub use reputation::{Admission, Reputation, ReputationOptions};
pub use rules::{Decision, NetworkSet, Rules};
pub use shared::Scope;
pub use table::LruTable;
