//! SPEC §10: timers are late by at most 10 ms under a second, by at most 100 ms above, and never early.

use millrace_engine::ServerOptions;
use millrace_testkit::client::Client;
use millrace_testkit::driver::Driver;

const MS: u64 = 1_000_000;

/// How long a connection that says nothing lives, in ns, where the driver wakes the engine only when it asks for that;
/// the connection is accepted so many ns after a full millisecond.
fn lives(timeout_ms: u64, offset_ns: u64) -> u64 {
    let mut driver = Driver::new();
    driver.stop_clock();
    driver.advance_ns(offset_ns);
    let (_, addr) = driver.listen(ServerOptions {
        headers_timeout_ms: timeout_ms,
        ..Default::default()
    });
    let _client = Client::connect(addr);
    driver.run_until(&mut [], |driver, _| driver.engine.census().connections == 1);
    let start = driver.engine.now_ns();
    while driver.engine.census().connections > 0 {
        let next = driver
            .engine
            .next_deadline()
            .expect("a deadline while a connection lives");
        let sleep = (next * MS).checked_sub(driver.engine.now_ns()).filter(|ns| *ns > 0);
        driver.advance_ns(sleep.expect("the engine asks to be woken in the past: it would spin"));
    }
    driver.engine.now_ns() - start
}

#[test]
fn deadlines_are_never_early_and_late_by_little_wherever_in_a_millisecond_they_begin() {
    for timeout in [
        1, 2, 9, 63, 64, 65, 150, 999, 1_000, 4_095, 4_097, 65_000, 300_000, 86_400_000,
    ] {
        for offset in [0, 1, MS / 2, MS - 1] {
            let lived = lives(timeout, offset);
            let late = if timeout < 1_000 { 10 } else { 100 };
            assert!(
                lived >= timeout * MS,
                "{timeout} ms at {offset} ns: {lived} ns is early"
            );
            assert!(
                lived <= (timeout + late) * MS,
                "{timeout} ms at {offset} ns: {lived} ns is late"
            );
        }
    }
}
