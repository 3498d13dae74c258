//! A server with short times on a clock that stands still, and what its client asks.

use millrace_engine::{EventKind, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::Driver;

pub const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

pub use millrace_testkit::driver::OK;

pub const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n";

pub fn options() -> ServerOptions {
    ServerOptions {
        headers_timeout_ms: 1_000,
        request_timeout_ms: 5_000,
        body_timeout_ms: 2_000,
        write_timeout_ms: 3_000,
        keep_alive_timeout_ms: 4_000,
        // See `rates.rs`.
        min_receive_rate: 0,
        min_send_rate: 0,
        ..Default::default()
    }
}

pub fn listen(options: ServerOptions) -> (Driver, f64, Client) {
    let mut driver = Driver::new();
    driver.stop_clock();
    let (server, addr) = driver.listen(options);
    let client = Client::connect(addr);
    driver.settle();
    (driver, server, client)
}

/// Asserts that the connection lives until so many ms have passed, and dies then.
pub fn dies_at(driver: &mut Driver, client: &mut Client, ms: u64) {
    driver.advance(ms - 1);
    driver.quiet(&mut [client]);
    assert_eq!(
        driver.count(EventKind::Aborted),
        0,
        "a millisecond early: {:?}",
        driver.events
    );
    assert!(!client.is_over(), "a millisecond early");
    assert!(driver.engine.next_deadline().is_some());
    driver.advance(1);
    driver.run_until(&mut [client], |_, clients| clients[0].is_over());
}

pub fn timeouts(driver: &mut Driver, server: f64) -> [u64; 5] {
    let [headers, body, request, send, idle, rates @ ..] = driver.engine.server_stats(server).unwrap().timeouts;
    assert_eq!(rates, [0, 0, 0], "these tests have rates that nobody falls short of");
    [headers, body, request, send, idle]
}
