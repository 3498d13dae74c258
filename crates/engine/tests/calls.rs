//! How many system calls a short connection takes. The counters are the process's, so the tests of this file take turns.

use millrace_engine::metrics::{Counter, totals};
use millrace_engine::tls_core::TlsEngine;
use millrace_engine::{EventKind, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::contexts::{NAME, Site};
use millrace_testkit::driver::{Driver, echo_target};
use millrace_testkit::secure::Secure;
use std::sync::{Mutex, MutexGuard, PoisonError};

const LAST: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn sends() -> u64 {
    totals().counter(Counter::SocketsSendCalls)
}

#[test]
fn tickets_the_answer_and_close_notify_are_one_write() {
    let _alone = alone();
    let site = Site::new("calls");
    let client = site.client(|_| {});
    let mut driver = Driver::new();
    driver.on_event(echo_target);
    let (id, addr) = driver.listen(ServerOptions::default());
    assert!(driver.engine.set_tls(id, Some(site.server(|_| {}))));
    for resumed in [false, true] {
        let before = sends();
        let mut client = Secure::connect(addr, client.connect(NAME).expect("a name"));
        client.shake_hands(&mut driver);
        // Before the server has read the end of the handshake.
        client.send(LAST);
        client.run_until(&mut driver, |_, this| this.client.is_over());
        assert_eq!(client.complete(), 1);
        assert_eq!(client.end.session.facts().expect("established").resumed, resumed);
        // The server's part of the handshake, and all that follows it.
        assert_eq!(sends() - before, 2, "resumed: {resumed}");
    }
}

#[test]
fn what_a_client_sent_before_it_was_accepted_is_read_in_the_same_turn() {
    let _alone = alone();
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    let reads = || totals().counter(Counter::SocketsReceiveCalls);
    let before = reads();
    let mut client = Client::connect(addr);
    client.send(LAST);
    assert!(client.unsent() == 0 || client.exchange());
    driver.turn();
    assert_eq!(driver.count(EventKind::Request), 1);
    assert_eq!(reads() - before, 1);
}

#[test]
fn a_crowd_is_accepted_in_few_turns_although_one_is_at_first() {
    let _alone = alone();
    let mut driver = Driver::new();
    let (server, addr) = driver.listen(ServerOptions::default());
    let clients: Vec<Client> = (0..300).map(|_| Client::connect(addr)).collect();
    let mut accepted = Vec::new();
    for _ in 0..40 {
        driver.turn();
        let stats = driver.engine.server_stats(server).expect("it listens");
        accepted.push(stats.accepted);
        if stats.accepted == clients.len() as u64 {
            break;
        }
    }
    // 1, 2, 4 and so on to 64, and then 64 at a time.
    assert!(accepted.len() <= 12, "{accepted:?}");
    assert_eq!(accepted.first(), Some(&1), "{accepted:?}");
    assert_eq!(accepted.last(), Some(&300), "{accepted:?}");
}
