//! Wakes, and what waits for something to come of them.

use super::{Driver, Happened};
use crate::client::Client;
use millrace_engine::EventKind;
use mio::unix::SourceFd;
use mio::{Interest, Token};
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

/// How long a condition may take before a test has failed, in seconds.
const PATIENCE_S: u64 = 20;

/// Events a scope takes, as in `crates/node`.
const SCOPE: usize = 32;

impl Driver {
    /// One wake: work, events, handler, flush, until no event is left or eight scopes are over.
    pub fn turn(&mut self) {
        self.tick();
        for _ in 0..8 {
            self.engine.turn(&mut self.host, SCOPE);
            self.engine.drain_events(SCOPE, &mut self.drained);
            for event in std::mem::take(&mut self.drained) {
                let value = |at: Option<usize>| at.map_or_else(Vec::new, |at| self.host.values[at].clone());
                let happened = Happened {
                    kind: event.kind,
                    flags: event.flags,
                    id: event.id,
                    a: event.a,
                    b: event.b,
                    value: value(event.value),
                    extra: value(event.extra),
                };
                if let Some(handler) = &mut self.handler {
                    handler(&mut self.engine, &mut self.host, &happened);
                }
                self.events.push_back(happened);
            }
            self.tick();
            self.engine.flush(&mut self.host);
            self.released.append(&mut self.engine.released);
            if !self.engine.has_events() {
                self.host.values.clear();
                break;
            }
        }
    }

    /// Makes turns until `done`, reading for the clients all the while.
    ///
    /// # Panics
    /// When it takes longer than a test may.
    pub fn run_until(&mut self, clients: &mut [&mut Client], mut done: impl FnMut(&mut Self, &[&mut Client]) -> bool) {
        let give_up = Instant::now() + Duration::from_secs(PATIENCE_S);
        loop {
            self.turn();
            for client in clients.iter_mut() {
                client.exchange();
            }
            if done(self, clients) {
                return;
            }
            assert!(
                Instant::now() < give_up,
                "waited too long; events {:?}, clients {clients:?}, {:?}",
                self.events,
                self.engine.census()
            );
            if !self.engine.has_work() {
                self.wait(clients, Duration::from_secs(1));
            }
        }
    }

    /// Makes turns until nothing is ready any more and nothing is left to do.
    pub fn settle(&mut self) {
        self.quiet(&mut []);
    }

    /// As [`settle`](Self::settle), with clients that read.
    ///
    /// # Panics
    /// When it never becomes quiet: the engine spins.
    pub fn quiet(&mut self, clients: &mut [&mut Client]) {
        for _ in 0..100_000 {
            self.turn();
            let moved = clients
                .iter_mut()
                .fold(false, |moved, client| client.exchange() | moved);
            // A deadline that was put off by what waits in a queue is due again at once.
            let due = self.engine.next_deadline();
            let due = due.is_some_and(|at| at * 1_000_000 <= self.engine.now_ns());
            if !moved && !due && !self.engine.has_work() && !self.wait(clients, Duration::ZERO) {
                return;
            }
        }
        panic!("the engine spins: {:?}", self.engine.census());
    }

    /// Waits until the engine or a client is ready, a deadline has come, or for `most`. Says whether something was.
    fn wait(&mut self, clients: &[&mut Client], most: Duration) -> bool {
        let most = match (self.engine.next_deadline(), self.stopped_at) {
            (Some(at), None) => most.min(Duration::from_millis(
                at.saturating_sub(self.engine.now_ns() / 1_000_000),
            )),
            _ => most,
        };
        let engine = self.engine.descriptor().expect("an epoll has a descriptor");
        // mio watches for edges: to register again has the level looked at.
        let registry = self.poll.registry();
        registry
            .reregister(&mut SourceFd(&engine), Token(0), Interest::READABLE)
            .expect("it is registered");
        let mut open: Vec<RawFd> = Vec::new();
        for client in clients {
            let Some((fd, interest)) = client.descriptor() else {
                continue;
            };
            open.push(fd);
            registry
                .register(&mut SourceFd(&fd), Token(1), interest)
                .expect("a client's socket can be watched");
        }
        // A signal is as good as a time-out: the caller looks at everything again.
        let polled = self.poll.poll(&mut self.ready, Some(most));
        for fd in &open {
            let _ = self.poll.registry().deregister(&mut SourceFd(fd));
        }
        polled.is_ok() && !self.ready.is_empty()
    }

    /// Waits for the next event of a kind and takes it, with all before it.
    pub fn expect(&mut self, kind: EventKind) -> Happened {
        self.expect_with(kind, &mut [])
    }

    /// As [`expect`](Self::expect), with clients that read meanwhile.
    pub fn expect_with(&mut self, kind: EventKind, clients: &mut [&mut Client]) -> Happened {
        self.run_until(clients, |driver, _| {
            driver.events.iter().any(|event| event.kind == kind)
        });
        let at = self
            .events
            .iter()
            .position(|event| event.kind == kind)
            .expect("it was just seen");
        self.events.drain(..=at).next_back().expect("a range that ends with it")
    }
}
