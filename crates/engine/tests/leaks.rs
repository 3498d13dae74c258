//! After much work everything is as at the start. One test: it counts the descriptors of the process.

use millrace_engine::{EventKind, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, answer};

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

#[test]
fn nothing_is_left_after_100_000_requests_and_10_000_aborted_connections() {
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(ServerOptions::default());
    driver.on_event(move |engine, _, event| {
        if event.kind == EventKind::Request {
            let _ = match event.target() {
                "/collect" => engine.collect(event.stream(), -1.0),
                "/destroy" => {
                    engine.destroy(event.stream());
                    Ok(())
                }
                "/wait" => Ok(()),
                _ => answer(engine, event.stream(), b"ok"),
            };
        } else if event.kind == EventKind::Collected {
            let _ = answer(engine, event.stream(), &event.value);
        }
    });
    let census = driver.engine.census();
    let before = descriptors();

    let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100);
    let mut clients: Vec<Client> = (0..10).map(|_| Client::connect(addr)).collect();
    for round in 1..=100 {
        clients.iter_mut().for_each(|client| client.send(&get));
        let mut all: Vec<&mut Client> = clients.iter_mut().collect();
        driver.run_until(&mut all, |driver, _| {
            driver
                .engine
                .server_stats(server)
                .is_some_and(|stats| stats.responses[1] == round * 1_000)
        });
        driver.events.clear();
        clients.iter_mut().for_each(|client| client.received.clear());
    }
    drop(clients);

    let aborted = [
        "",
        "GET / HT",
        "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /destroy HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
        "POST /wait HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "nonsense\r\n\r\n",
        "GET /wait HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
    ];
    for round in 0..10_000 / 50 {
        let clients: Vec<Client> = (0..50)
            .map(|n| Client::send_to(addr, aborted[(round + n) % aborted.len()]))
            .collect();
        driver.turn();
        if round % 3 == 0 {
            driver.settle();
        }
        clients.into_iter().for_each(Client::reset);
        driver.settle();
        driver.events.clear();
    }

    driver.run_until(&mut [], |driver, _| driver.engine.census().connections == 0);
    assert_eq!(driver.engine.census(), census);
    assert_eq!(descriptors(), before);
    let stats = driver.engine.server_stats(server).unwrap();
    assert_eq!((stats.active, stats.requests_active), (0, 0));
    assert!(
        stats.accepted + stats.refused >= 9_000 && stats.aborted > 1_000,
        "{stats:?}"
    );
}
