//! The memory that is held for peers: counted, bounded, given back. One test: the budget is the process's.

use millrace_engine::{Chunk, EventKind, Respond, ServerOptions, memory_held, set_max_memory};
use millrace_error::Code;
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, answer};

const MIB: usize = 1 << 20;

#[test]
fn past_the_cap_reading_pauses_new_work_gets_503_and_the_server_recovers() {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    driver.stop_clock();
    set_max_memory(Some(4 * MIB as u64));

    // A reader that stops, and a body that is collected: both are counted.
    let mut slow = Client::connect_narrow(addr, 4096);
    slow.reading = false;
    slow.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let held = driver.expect(EventKind::Request).stream();
    let head = Respond {
        status: 200,
        reason: b"",
        block: b"",
    };
    driver.engine.respond_head(held, &head).unwrap();
    let upload = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", 64 * MIB);
    let mut large = Client::send_to(addr, upload);
    let collected = driver.expect(EventKind::Request).stream();
    driver.engine.collect(collected, -1.0).unwrap();
    driver.settle();
    assert_eq!(memory_held(), 0);

    let fill = |driver: &mut Driver, to: usize| {
        while (driver.engine.memory_of_connection(held) as usize) < to {
            driver.engine.write(held, Chunk::Bytes(&vec![b'x'; 64 * 1024])).unwrap();
            driver.settle();
        }
    };
    fill(&mut driver, 2 * MIB);
    let one = driver.engine.memory_of_connection(held);

    // The body takes the rest, until it is not read any more, and well before all of it has come.
    large.send(vec![b'b'; 16 * MIB]);
    driver.quiet(&mut [&mut large]);
    let both = one + driver.engine.memory_of_connection(collected);
    assert!((both as usize) < 5 * MIB, "{both}");
    assert!(large.unsent() > 4 * MIB, "{} left", large.unsent());

    // Filled to the brim: whoever comes now gets 503, and so does a request on a connection that is there.
    fill(&mut driver, 4 * MIB);
    let mut refused = Client::send_to(addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    driver.run_until(&mut [&mut refused], |_, clients| clients[0].complete() == 1);
    assert_eq!(refused.answers(&[])[0].status, 503);

    // It does not get better by itself: the largest is cut, and then there is room.
    driver.events.clear();
    for _ in 0..20 {
        driver.advance(100);
        driver.quiet(&mut [&mut large]);
    }
    let aborted = driver.expect(EventKind::Aborted);
    assert_eq!((aborted.code(), aborted.stream()), (Some(Code::MemoryLimit), held));
    let mut served = Client::send_to(addr, "GET /after HTTP/1.1\r\nHost: a\r\n\r\n");
    let stream = driver.expect(EventKind::Request).stream();
    answer(&mut driver.engine, stream, b"recovered").unwrap();
    driver.run_until(&mut [&mut served], |_, clients| clients[0].complete() == 1);
    assert_eq!(served.answers(&[])[0].text(), "recovered");

    large.reset();
    drop((slow, served, refused));
    driver.settle();
    driver.run_until(&mut [], |driver, _| driver.engine.census().connections == 0);
    assert_eq!(memory_held(), 0);
    set_max_memory(None);
}
