//! What an idle session costs on the Rust heap. It is alone in its binary: the allocator counts for the process.

mod support;

use std::alloc::System;

use millrace_testkit::tls::{End, Link};
use millrace_tls::{TlsEngine, TlsSession, TlsVersion};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use support::{client, link, server};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes per established session that waits for its peer: 4 KiB are rustls's receive buffer, which it frees with the
/// session alone. What aws-lc keeps of the keys is not in it.
const MOST: usize = 8 * 1024;

fn held(sessions: Vec<TlsSession>) -> usize {
    let count = sessions.len();
    let region = Region::new(ALLOCATOR);
    drop(sessions);
    let change = region.change();
    (change.bytes_deallocated - change.bytes_allocated) / count
}

#[test]
fn an_idle_session_is_small_and_what_went_through_it_does_not_stay() {
    const SESSIONS: usize = 32;
    assert!(size_of::<TlsSession>() <= 128, "{}", size_of::<TlsSession>());
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let client = client(|_| {});
        let server = server(|options| options.max_version = version);
        let (mut clients, mut servers) = (Vec::new(), Vec::new());
        for _ in 0..SESSIONS {
            let mut link: Link<TlsSession> = link(&client, &server);
            link.send_up(&[7; 100_000]);
            link.send_down(&[7; 100_000]);
            link.send_up(b"ping");
            link.send_down(b"pong");
            let Link { client, server, .. } = link;
            let [client, server] = [client, server].map(|end: End<TlsSession>| {
                assert!(!end.session.is_handshaking());
                end.session
            });
            clients.push(client);
            servers.push(server);
        }
        let (ours, theirs) = (held(clients), held(servers));
        println!("{version:?}: {ours} bytes per idle client session, {theirs} per idle server session");
        assert!(ours <= MOST && theirs <= MOST, "{version:?}: {ours} {theirs}");
    }
    let context = server(|_| {});
    let fresh: Vec<TlsSession> = (0..SESSIONS).map(|_| context.accept()).collect();
    let fresh = held(fresh);
    println!("{fresh} bytes per session that has received nothing");
    assert!(fresh <= 160, "{fresh}");
}
