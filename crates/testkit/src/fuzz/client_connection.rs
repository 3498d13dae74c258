//! A client's connection: the answers of a server, in pieces, to requests over one connection after the other.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use millrace_engine::{Chunk, ClientProfile, Dial, DialTo, EventKind, HeadLimits, Id, Request, request_flag, response};

use super::choices;
use crate::driver::Driver;
use crate::feed::{Random, random_pieces};

/// How many requests are under way at a time where they are pipelined.
const DEPTH: usize = 4;

/// How often a piece may make turns before it is a spin.
const TURNS: usize = 2_000;

/// Runs a client connection over fuzz data; the first byte chooses the cuts, the second the requests and reactions.
///
/// # Panics
/// When an invariant is broken: an exchange that ends twice or never, bytes after an end, something left.
pub fn client_connection(data: &[u8]) {
    let Some((cuts, choice, input)) = choices(data) else {
        return;
    };
    let path = free_name();
    let listener = UnixListener::bind(&path).expect("a free name");
    let mut driver = Driver::new();
    driver.stop_clock();
    let mut random = Random::new(u64::from(cuts) << 8 | u64::from(choice));
    let dial = Dial {
        to: DialTo::Unix(path.clone()),
        sorted: false,
        more: false,
        socket: Default::default(),
        hops: Vec::new(),
        tls: None,
        connect_timeout_ms: 1_000,
        tls_timeout_ms: 0,
        proxy_timeout_ms: 0,
    };
    driver.engine.dial(&dial).expect("a socket");
    let handle = driver.expect(EventKind::Dialled).stream();
    let (mut peer, _) = listener.accept().expect("a connection");
    peer.set_nonblocking(true).expect("a socket");
    driver.engine.become_client(handle).expect("an open connection");
    let profile = ClientProfile {
        send_ms: 100,
        headers_ms: 100,
        body_ms: 100,
        limits: HeadLimits::default(),
    };
    let profile = driver.engine.remember_profile(&profile).expect("room for one");
    let mut exchanges = Exchanges::default();
    for piece in random_pieces(input, &mut random).iter().map(Some).chain([None]) {
        exchanges.ask(&mut driver, handle, profile, choice);
        match piece {
            // A peer that has been cut takes no more.
            Some(piece) => drop(peer.write(piece)),
            None => drop(peer.shutdown(std::net::Shutdown::Write)),
        }
        for turn in 0.. {
            assert!(turn < TURNS, "it spins");
            driver.turn();
            drain(&mut peer);
            let told = exchanges.take(&mut driver, choice);
            if !told && !driver.engine.has_work() {
                break;
            }
        }
    }
    driver.engine.close_client(handle);
    drop(peer);
    driver.settle();
    exchanges.take(&mut driver, choice);
    for id in std::mem::take(&mut exchanges.tunnels) {
        driver.engine.destroy(id);
    }
    driver.settle();
    assert!(exchanges.open.is_empty(), "an exchange never ended");
    driver.assert_nothing_left();
    let _ = std::fs::remove_file(&path);
}

/// What is under way, by the exchange's id.
#[derive(Default)]
struct Exchanges {
    open: HashMap<u64, bool>,
    /// Those that have no response yet, in the order of asking.
    order: Vec<u64>,
    tunnels: Vec<f64>,
    failed: Vec<u64>,
    gone: bool,
}

impl Exchanges {
    /// Makes a request where the connection is free, or several behind one another; gives one up.
    fn ask(&mut self, driver: &mut Driver, handle: f64, profile: u32, choice: u8) {
        let pipelined = choice & 64 != 0;
        while !self.gone && (self.open.is_empty() || pipelined && self.open.len() < DEPTH) {
            if !self.ask_one(driver, handle, profile, choice) {
                break;
            }
        }
        if choice & 128 != 0 && self.order.len() == DEPTH {
            driver.engine.destroy(Id::from_u64(self.order[DEPTH / 2]).as_f64());
        }
    }

    fn ask_one(&mut self, driver: &mut Driver, handle: f64, profile: u32, choice: u8) -> bool {
        let method: &[u8] = match choice & 3 {
            0 => b"GET",
            1 => b"HEAD",
            2 => b"POST",
            _ => b"CONNECT",
        };
        let request = Request {
            method,
            target: if method == b"CONNECT" { b"a:1" } else { b"/" },
            ready: 0,
            block: b"Host\0a\0",
            profile,
            total_ms: 0,
            flags: match choice & 12 {
                4 => request_flag::INFORMATIONAL,
                8 => request_flag::UPGRADE,
                _ => 0,
            } | if self.open.is_empty() {
                0
            } else {
                request_flag::PIPELINE
            },
        };
        let asked = driver.engine.request(handle, &request, Chunk::Bytes(b""));
        if let Ok(id) = asked {
            self.open.insert(id.as_u64(), false);
            self.order.push(id.as_u64());
        }
        asked.is_ok()
    }

    /// Takes the events; says whether there were any.
    fn take(&mut self, driver: &mut Driver, choice: u8) -> bool {
        let events: Vec<_> = driver.events.drain(..).collect();
        for event in &events {
            let id = event.id.as_u64();
            match event.kind {
                EventKind::Response => {
                    let told = self.open.get_mut(&id).expect("a response to what was asked");
                    assert!(!*told, "two responses to one request");
                    *told = true;
                    assert_eq!(self.order.first(), Some(&id), "responses in another order");
                    self.order.remove(0);
                    if event.flags & response::RAW != 0 {
                        self.open.remove(&id);
                        self.tunnels.push(event.stream());
                        self.gone = true;
                    } else if event.flags & response::ENDED != 0 {
                        self.open.remove(&id);
                    } else {
                        // It may be over by now.
                        let _ = match choice & 48 {
                            0 => driver.engine.collect(event.stream(), 1_000.0),
                            16 => driver.engine.discard(event.stream(), 1_000.0),
                            _ => driver.engine.grant(event.stream(), 1e9),
                        };
                    }
                }
                EventKind::BodyEnd => {
                    // The end of a tunnel is told though nobody reads it.
                    let tunnel = self.tunnels.iter().any(|tunnel| *tunnel == event.stream());
                    assert!(tunnel || self.open.remove(&id) == Some(true), "an end of nothing");
                }
                EventKind::Aborted => {
                    let tunnel = self.tunnels.iter().any(|tunnel| *tunnel == event.stream());
                    let failed = self.failed.contains(&id);
                    self.order.retain(|one| *one != id);
                    assert!(self.open.remove(&id).is_some() || tunnel || failed, "an end of nothing");
                }
                EventKind::Gone => self.gone = true,
                EventKind::BodyFailed => {
                    // As a client does that has no use for the rest; it may be over by now.
                    self.open.remove(&id);
                    self.failed.push(id);
                    driver.engine.destroy(event.stream());
                }
                _ => {}
            }
        }
        !events.is_empty()
    }
}

fn drain(peer: &mut UnixStream) {
    let mut buffer = [0; 4096];
    loop {
        match peer.read(&mut buffer) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

fn free_name() -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("millrace-client-{}-{number}", std::process::id()))
}
