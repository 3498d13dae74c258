//! No memory for what came or is to be sent: an error of one exchange, while the process lives and serves everybody else.
//!
//! Alone in its binary: the allocator is the process's. It refuses what is larger than a thread has said.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use millrace_engine::error::Code;
use millrace_engine::{Chunk, EventKind, Injection, Respond, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, OK, answer};

struct Refusing;

thread_local! {
    static MOST: Cell<usize> = const { Cell::new(usize::MAX) };
    static REFUSED: Cell<usize> = const { Cell::new(0) };
}

fn refuses(size: usize) -> bool {
    let refuses = MOST.try_with(|most| size > most.get()).unwrap_or(false);
    if refuses {
        REFUSED.with(|count| count.set(count.get() + 1));
    }
    refuses
}

// SAFETY: what is not refused is the system's allocator.
unsafe impl GlobalAlloc for Refusing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match refuses(layout.size()) {
            true => std::ptr::null_mut(),
            // SAFETY: the caller's promises are passed on.
            false => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        match refuses(size) {
            true => std::ptr::null_mut(),
            // SAFETY: as above.
            false => unsafe { System.realloc(pointer, layout, size) },
        }
    }
}

#[global_allocator]
static ALLOCATOR: Refusing = Refusing;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const LARGE: usize = 8 << 20;

/// Does something while no allocation above so many bytes succeeds, and asserts that one was refused.
fn without_memory<T>(above: usize, work: impl FnOnce() -> T) -> T {
    REFUSED.set(0);
    MOST.set(above);
    let result = work();
    MOST.set(usize::MAX);
    assert!(REFUSED.get() > 0, "nothing was asked for above {above} bytes");
    result
}

fn listen() -> (Driver, f64, Client, Client) {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(ServerOptions::default());
    let other = Client::connect(addr);
    (driver, server, Client::connect(addr), other)
}

/// A client that has nothing to do with it is served, and nothing is held any more.
fn others_are_served(mut driver: Driver, client: Client, mut other: Client) {
    drop(client);
    other.send(GET);
    let stream = driver.expect_with(EventKind::Request, &mut [&mut other]).stream();
    answer(&mut driver.engine, stream, b"here").unwrap();
    driver.run_until(&mut [&mut other], |_, clients| clients[0].complete() == 1);
    assert_eq!(other.answers(&[])[0].text(), "here");
    drop(other);
    driver.run_until(&mut [], |driver, _| driver.engine.census().connections == 0);
    let census = driver.engine.census();
    assert_eq!((census.streams, census.buffers), (0, 0));
}

#[test]
fn a_body_for_which_there_is_no_memory_gets_503_and_costs_its_connection() {
    let (mut driver, server, mut client, other) = listen();
    client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {LARGE}\r\n\r\n"));
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.collect(stream, -1.0).unwrap();
    client.send(vec![b'x'; LARGE]);
    // Only where the engine allocates: the client keeps what it gets in memory of this thread, too, but that is small.
    without_memory(1 << 20, || {
        driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    });
    assert_eq!(client.answers(&[])[0].status, 503);
    assert_eq!(driver.expect(EventKind::Aborted).code(), Some(Code::OutOfMemory));
    let stats = driver.engine.server_stats(server).unwrap();
    assert_eq!((stats.errors, stats.requests_active), (0, 0), "nobody broke a rule");
    others_are_served(driver, client, other);
}

#[test]
fn input_that_waits_and_finds_no_memory_costs_its_connection() {
    let (mut driver, _, mut client, other) = listen();
    // An answer is owed, so what is not safe waits in the backlog, with all behind it.
    client.send(GET);
    driver.expect(EventKind::Request);
    client.send("POST /next HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n");
    client.send(vec![b'x'; 100_000]);
    without_memory(16 << 10, || {
        driver.run_until(&mut [], |driver, _| driver.count(EventKind::Aborted) == 1);
    });
    assert_eq!(driver.expect(EventKind::Aborted).code(), Some(Code::OutOfMemory));
    others_are_served(driver, client, other);
}

#[test]
fn an_answer_for_which_there_is_no_memory_is_refused_and_another_can_be_given() {
    let (mut driver, _, mut client, other) = listen();
    client.send(GET);
    let stream = driver.expect(EventKind::Request).stream();
    let large = vec![b'x'; LARGE];
    let block = [b"X\0", &large[..], b"\0"].concat();
    let head = Respond { block: &block, ..OK };
    without_memory(1 << 20, || {
        for (head, body) in [(&OK, &large[..]), (&head, b"")] {
            let refused = driver.engine.respond(stream, head, Chunk::Bytes(body), false);
            assert_eq!(refused.unwrap_err().code, Code::OutOfMemory);
        }
        let refused = driver.engine.informational(stream, 103, &block);
        assert_eq!(refused.unwrap_err().code, Code::OutOfMemory);
    });
    let busy = Respond { status: 503, ..OK };
    driver.engine.respond(stream, &busy, Chunk::Bytes(b""), false).unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    assert_eq!(client.answers(&[])[0].status, 503);
    others_are_served(driver, client, other);
}

#[test]
fn a_part_of_an_answer_for_which_there_is_no_memory_is_refused_whole() {
    let (mut driver, _, mut client, other) = listen();
    client.send(GET);
    let stream = driver.expect(EventKind::Request).stream();
    let large = vec![b'x'; LARGE];
    driver.engine.respond_head(stream, &OK).unwrap();
    let trailers = [b"X\0", &large[..], b"\0"].concat();
    without_memory(1 << 20, || {
        let refused = driver.engine.write(stream, Chunk::Bytes(&large));
        assert_eq!(refused.unwrap_err().code, Code::OutOfMemory);
        let refused = driver.engine.end(stream, &trailers, false);
        assert_eq!(refused.unwrap_err().code, Code::OutOfMemory);
    });
    driver.engine.write(stream, Chunk::Bytes(b"small")).unwrap();
    driver.engine.end(stream, b"", false).unwrap();
    driver.run_until(&mut [&mut client], |_, clients| clients[0].complete() == 1);
    assert_eq!(client.answers(&[])[0].text(), "small");
    others_are_served(driver, client, other);
}

#[test]
fn an_injected_request_or_its_answer_without_memory_fails_alone() {
    let (mut driver, server, client, other) = listen();
    let large = vec![b'x'; LARGE];
    let request = Injection {
        method: b"POST",
        target: b"/",
        block: b"Host\0a\0",
        body: Some(&large),
    };
    let refused = without_memory(1 << 20, || driver.engine.inject(server, &request));
    assert_eq!(refused.unwrap_err().code, Code::OutOfMemory);
    let asked = driver
        .engine
        .inject(server, &Injection { body: None, ..request })
        .unwrap();
    let stream = driver.expect(EventKind::Request).stream();
    driver.engine.respond(stream, &OK, Chunk::Bytes(&large), false).unwrap();
    without_memory(1 << 20, || driver.settle());
    let aborted = driver.expect(EventKind::Aborted);
    assert_eq!((aborted.id, aborted.code()), (asked, Some(Code::OutOfMemory)));
    others_are_served(driver, client, other);
}
