//! Counters, gauges and log-linear histograms: kept for the whole process, written without locks.
//!
//! Theory of operation. Each thread registers a [`Shard`] and is the only one that writes to it: an update is a relaxed
//! load and a relaxed store of a cell that no other thread writes, so it costs what a plain addition costs. A reader
//! ([`snapshot`], [`totals`], [`fill`]) takes the registry's lock, which writers never take, and adds up the cells of
//! all live shards and of the threads that have ended. A cell only grows, and a shard is folded into the retired totals
//! under that same lock, so what a reader sees never goes backwards. [`reset`] moves a baseline that [`snapshot`]
//! subtracts; it touches no cell. A reader that wants what came since its own last reading brings a baseline of its own
//! ([`fill_since`]).
//!
//! The metrics are those of `catalogue.json`, from which `scripts/generate.mjs` makes [`Counter`], [`Gauge`],
//! [`Histogram`], the TypeScript table, the layout of [`fill`] and `docs/metrics.md`.
#![forbid(unsafe_code)]

mod baseline;
mod buckets;
mod fill;
mod generated;
mod histogram;
mod registry;
mod shard;
mod snapshot;

pub use baseline::{BASELINE_LEN, fill_since};
pub use fill::{fill, fill_totals};
pub use generated::{BOUNDS_NANOS, Counter, FILL_LEN, Gauge, HISTOGRAM_LEN, Histogram, PERCENTILES};
pub use histogram::{HistogramData, LocalHistogram};
pub use registry::{percentile, reset, snapshot, totals};
pub use shard::Shard;
pub use snapshot::Snapshot;
