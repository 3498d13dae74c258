//! What one keep-alive GET costs in the engine: `cost N` serves N of them over a Unix socket in one process and prints
//! allocations, system calls and time on the processor per request as JSON. `cost N bare` has no timeout, rate or limit: the
//! difference is what the protections cost by themselves (`bench/protections`). Under callgrind it counts instructions, see `bench/cost`.
//!
//! The client is in the same process and costs the same few instructions each time. Time is the bench's own, so that
//! two runs do the same.
#![forbid(unsafe_code)]

use std::alloc::System;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use millrace_engine::buffer::PinId;
use millrace_engine::metrics::{Counter, totals};
use millrace_engine::net::NestedEpoll;
use millrace_engine::{Chunk, Engine, Event, EventKind, HeadLimits, Host, ListenOn, Respond, ServerOptions};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const REQUEST: &[u8] = b"GET /plain HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: cost/1\r\nAccept: */*\r\n\r\n";
/// Requests before counting begins: pools and tables are full then.
const WARM_UP: u64 = 500;

/// A host without values.
struct Nothing;

impl Host for Nothing {
    type Value = ();
    fn text(&mut self, _: &[u8]) {}
    fn bytes(&mut self, _: &[u8]) {}
    fn lend(&mut self, _: usize) -> Option<&mut [u8]> {
        None
    }
    fn take_lent(&mut self, _: usize) {}
    fn pinned(&self, _: PinId) -> Option<&[u8]> {
        None
    }
}

struct Bench {
    engine: Engine<()>,
    events: Vec<Event<()>>,
    client: UnixStream,
    now_ns: u64,
}

impl Bench {
    fn wake(&mut self) {
        self.now_ns += 1_000;
        self.engine.tick_at(self.now_ns);
        self.engine.turn(&mut Nothing, 32);
        self.engine.drain_events(32, &mut self.events);
        for event in self.events.drain(..) {
            if event.kind == EventKind::Request {
                let head = Respond {
                    status: 200,
                    reason: b"",
                    block: b"Content-Type\0text/plain\0",
                };
                let body = Chunk::Bytes(b"Hello, World!");
                self.engine
                    .respond(event.id.as_f64(), &head, body, false)
                    .expect("a request that has just come");
            }
        }
        self.engine.flush(&mut Nothing);
    }

    fn serve(&mut self, requests: u64) {
        let mut answer = [0; 1024];
        for _ in 0..requests {
            self.client.write_all(REQUEST).expect("a server that lives");
            self.wake();
            let count = self.client.read(&mut answer).expect("an answer that was flushed");
            assert!(answer[..count].starts_with(b"HTTP/1.1 200 OK\r\n") && answer[..count].ends_with(b"World!"));
        }
    }
}

/// No timeout, no least rate, no limit.
fn bare() -> ServerOptions {
    ServerOptions {
        headers_timeout_ms: 0,
        request_timeout_ms: 0,
        body_timeout_ms: 0,
        write_timeout_ms: 0,
        keep_alive_timeout_ms: 0,
        min_receive_rate: 0,
        min_send_rate: 0,
        max_pipelined: usize::MAX,
        head: HeadLimits {
            target_size: u32::MAX,
            header_size: u32::MAX,
            header_fields: u32::MAX,
            ..Default::default()
        },
        ..Default::default()
    }
}

/// How long this process has been on a processor, as its only thread.
fn processor_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0)
}

fn main() {
    let requests: u64 = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .expect("usage: cost REQUESTS [bare]");
    let options = match std::env::args().nth(2).as_deref() {
        None => ServerOptions::default(),
        Some("bare") => bare(),
        Some(other) => panic!("usage: cost REQUESTS [bare], not {other}"),
    };
    let path = std::env::temp_dir().join(format!("millrace-cost-{}", std::process::id()));
    let mut engine = Engine::new(Box::new(NestedEpoll::new().expect("a descriptor")));
    let on = ListenOn::Unix(path.clone());
    engine
        .listen(&on, 16, options)
        .expect("a writable folder for temporary files");
    let client = UnixStream::connect(&path).expect("a listener");
    let now_ns = engine.now_ns();
    let mut bench = Bench {
        engine,
        events: Vec::with_capacity(64),
        client,
        now_ns,
    };
    bench.wake();
    bench.serve(WARM_UP);
    let calls = |counter: Counter| totals().counter(counter);
    let (receives, sends) = (calls(Counter::SocketsReceiveCalls), calls(Counter::SocketsSendCalls));
    let before_ns = processor_ns();
    let region = Region::new(ALLOCATOR);
    bench.serve(requests);
    // To ask for the time takes memory: not that of a request.
    let allocated = region.change();
    let took_ns = processor_ns() - before_ns;
    let per_request = |count: u64| count as f64 / requests as f64;
    println!(
        "{{\"requests\":{requests},\"allocations\":{},\"receives\":{},\"sends\":{},\"nanoseconds\":{}}}",
        per_request((allocated.allocations + allocated.reallocations) as u64),
        per_request(calls(Counter::SocketsReceiveCalls) - receives),
        per_request(calls(Counter::SocketsSendCalls) - sends),
        per_request(took_ns),
    );
}
