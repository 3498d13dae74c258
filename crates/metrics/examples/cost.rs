//! What an update and a reading of the metrics cost:
//! `cargo run --release -p millrace-metrics --example cost`.
use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use millrace_metrics::{Counter, FILL_LEN, Gauge, Histogram, Shard, fill};

const TURNS: u64 = 50_000_000;
const THREADS: usize = 64;

/// Prints the nanoseconds that one turn of `work` takes.
fn measure(what: &str, turns: u64, mut work: impl FnMut(u64)) {
    let start = Instant::now();
    (0..turns).for_each(&mut work);
    println!("{what}: {:.2} ns", start.elapsed().as_nanos() as f64 / turns as f64);
}

fn main() {
    let shard = Shard::register();
    measure("an empty turn", TURNS, |turn| {
        black_box(turn);
    });
    // Back to back on one cell, each turn waits for the store of the turn before; a server moves several in turn.
    measure("add, always the same counter", TURNS, |turn| {
        black_box(&shard).add(Counter::HttpServerRequests, black_box(turn));
    });
    measure("add, four counters in turn", TURNS, |turn| {
        let counter = Counter::HTTP_SERVER_RESPONSES[(turn & 3) as usize];
        black_box(&shard).add(black_box(counter), 1);
    });
    measure("gauge_add", TURNS, |_| {
        black_box(&shard).gauge_add(Gauge::HttpServerActiveRequests, black_box(1));
    });
    // Durations from 1 to 132 µs, so that many buckets are touched.
    measure("record", TURNS, |turn| {
        let nanos = 1_000 + (turn.wrapping_mul(0x9e37_79b9) & 0x1_ffff);
        black_box(&shard).record(Histogram::HttpServerRequestDuration, black_box(nanos));
    });
    let mut target = vec![0.0; FILL_LEN];
    measure("fill (one thread)", 2_000, |_| {
        black_box(fill(&mut target));
    });
    let (ready, end) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let shard = Shard::register();
                // From 1 µs to 17 s, each power of two, so that every bucket between has to be read.
                for histogram in Histogram::ALL {
                    (10..=34).for_each(|bits| shard.record(histogram, 1 << bits));
                }
                ready.wait();
                end.wait();
            });
        }
        ready.wait();
        measure("fill (64 threads, durations from 1 µs to 17 s)", 500, |_| {
            black_box(fill(&mut target));
        });
        end.wait();
    });
}
