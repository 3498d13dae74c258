//! Random operations on several connections: whatever happens, answers are complete and in order, every exchange ends
//! exactly once, and nothing is left. `MILLRACE_SEED=n` makes `n` the first seed,
//! `MILLRACE_TIMES=n` tries `n` times as many.

use std::collections::HashMap;

use millrace_engine::{Chunk, EventKind, Respond, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, Happened};
use millrace_testkit::feed::Random;

/// A client, the targets it asked for, and whether it stayed to the end.
struct Side {
    client: Client,
    asked: Vec<String>,
    whole: bool,
}

/// What the handler knows of an exchange.
#[derive(Default)]
struct Exchange {
    target: String,
    begun: bool,
    answered: bool,
    /// `Finished`, `Aborted` or none yet.
    ended: Option<EventKind>,
    asked_for_body: bool,
    collects: bool,
    body_over: bool,
}

#[derive(Default)]
struct World {
    sides: Vec<Side>,
    exchanges: HashMap<u64, Exchange>,
    open: Vec<u64>,
    next: usize,
}

fn id_of(key: u64) -> f64 {
    key as f64
}

impl World {
    fn note(&mut self, seed: u64, event: &Happened) {
        let key = event.id.as_u64();
        if event.kind == EventKind::Request {
            let fresh = Exchange {
                target: event.target().into(),
                ..Default::default()
            };
            assert!(
                self.exchanges.insert(key, fresh).is_none(),
                "seed {seed}: an id was used twice"
            );
            self.open.push(key);
            return;
        }
        let exchange = self
            .exchanges
            .get_mut(&key)
            .unwrap_or_else(|| panic!("seed {seed}: {event:?} of a stranger"));
        match event.kind {
            EventKind::Finished | EventKind::Aborted => {
                // A reader of a body is told of its end also after the answer.
                let late = exchange.ended == Some(EventKind::Finished) && event.kind == EventKind::Aborted;
                let reads = exchange.asked_for_body && !exchange.body_over;
                assert!(
                    exchange.ended.is_none() || late && reads,
                    "seed {seed}: ended twice: {event:?}"
                );
                exchange.ended = Some(event.kind);
            }
            EventKind::Body | EventKind::Collected | EventKind::BodyEnd | EventKind::BodyFailed => {
                assert!(exchange.asked_for_body, "seed {seed}: {event:?} that nobody asked for");
                assert!(!exchange.body_over, "seed {seed}: {event:?} after the end of its body");
                exchange.body_over = matches!(event.kind, EventKind::BodyEnd | EventKind::BodyFailed);
            }
            EventKind::Drain | EventKind::Left => {}
            other => panic!("seed {seed}: {other:?}"),
        }
    }

    fn request(&mut self, random: &mut Random) {
        if self.sides.is_empty() {
            return;
        }
        let at = random.below(self.sides.len());
        self.next += 1;
        let target = format!("/{}", self.next);
        let size = [0, 1, 5, 5_000, 70_000][random.below(5)];
        let body = "b".repeat(size);
        let text = match random.below(4) {
            0 | 1 => format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"),
            2 => format!("POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n{body}"),
            _ if size == 0 => {
                format!("PUT {target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
            }
            _ => format!(
                "PUT {target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{size:x}\r\n{body}\r\n0\r\n\r\n"
            ),
        };
        let side = &mut self.sides[at];
        side.client.send(text);
        side.asked.push(target);
    }

    fn answer(&mut self, driver: &mut Driver, random: &mut Random) {
        if self.open.is_empty() {
            return;
        }
        let key = self.open[random.below(self.open.len())];
        let exchange = self.exchanges.get_mut(&key).expect("what is open is known");
        let id = id_of(key);
        let head = Respond {
            status: 200,
            reason: b"",
            block: b"",
        };
        // An exchange that was aborted since refuses with a code; anything else is a failure of the test below.
        let refused = |result: Result<(), _>| result.is_err();
        let gone = match random.below(8) {
            0 if !exchange.begun => {
                exchange.begun = true;
                refused(driver.engine.respond_head(id, &head))
            }
            1 | 2 if exchange.begun => {
                exchange.answered = true;
                // The body is the target, so that an answer tells whose it is.
                let written = driver
                    .engine
                    .write(id, Chunk::Bytes(exchange.target.as_bytes()))
                    .map(drop);
                refused(written.and_then(|()| driver.engine.end(id, b"", true)))
            }
            3 | 4 if !exchange.begun => {
                exchange.answered = true;
                refused(
                    driver
                        .engine
                        .respond(id, &head, Chunk::Bytes(exchange.target.as_bytes()), true),
                )
            }
            5 if !exchange.collects => {
                exchange.asked_for_body = true;
                refused(driver.engine.grant(id, [1.0, 1e9][random.below(2)]))
            }
            6 if !exchange.asked_for_body => {
                (exchange.asked_for_body, exchange.collects) = (true, true);
                refused(driver.engine.collect(id, [-1.0, 100.0][random.below(2)]))
            }
            7 if random.below(20) == 0 => !driver.engine.destroy(id),
            _ => false,
        };
        if exchange.answered && exchange.asked_for_body && !exchange.collects {
            // A reader that stops in the middle of a body would hold the connection up for ever.
            let _ = driver.engine.grant(id, 1e9);
        }
        if exchange.answered || gone {
            self.open.retain(|open| *open != key);
        }
    }
}

fn run(seed: u64) {
    let mut random = Random::new(seed);
    let mut driver = Driver::new();
    let options = ServerOptions {
        max_pipelined: 1 + random.below(6),
        write_high_water_mark: [16, 2_000, 65_536][random.below(3)],
        ..Default::default()
    };
    let (server, addr) = driver.listen(options);
    let mut world = World::default();
    for _ in 0..300 {
        match random.below(16) {
            0 | 1 if world.sides.len() < 6 => {
                world.sides.push(Side {
                    client: Client::connect(addr),
                    asked: Vec::new(),
                    whole: true,
                });
            }
            2 if !world.sides.is_empty() => {
                let at = random.below(world.sides.len());
                world.sides[at].client.reading ^= true;
            }
            3 if random.below(4) == 0 && !world.sides.is_empty() => {
                let at = random.below(world.sides.len());
                world.sides.swap_remove(at).client.reset();
            }
            4 if random.below(4) == 0 && !world.sides.is_empty() => {
                let at = random.below(world.sides.len());
                world.sides[at].client.send("nonsense\r\n\r\n");
                world.sides[at].whole = false;
            }
            4..=7 => world.request(&mut random),
            8..=12 => world.answer(&mut driver, &mut random),
            _ => {
                driver.turn();
                for side in &mut world.sides {
                    side.client.exchange();
                }
            }
        }
        for event in std::mem::take(&mut driver.events) {
            world.note(seed, &event);
        }
    }
    // Everything owed is answered now, and the clients read it.
    world.sides.iter_mut().for_each(|side| side.client.reading = true);
    for _ in 0..10_000 {
        driver.turn();
        let moved = world
            .sides
            .iter_mut()
            .fold(false, |moved, side| side.client.exchange() | moved);
        for event in std::mem::take(&mut driver.events) {
            world.note(seed, &event);
        }
        if world.open.is_empty() && !moved && !driver.engine.has_work() {
            let mut clients: Vec<&mut Client> = world.sides.iter_mut().map(|side| &mut side.client).collect();
            driver.quiet(&mut clients);
            if driver.events.is_empty() {
                break;
            }
        }
        world.answer(&mut driver, &mut random);
    }
    assert!(
        world.open.is_empty(),
        "seed {seed}: exchanges that cannot be answered: {:?}",
        world.open
    );
    for side in &world.sides {
        let answers = side.client.answers(&[]);
        let complete: Vec<String> = answers
            .iter()
            .filter(|a| a.complete && a.status == 200)
            .map(|a| a.text())
            .collect();
        assert!(
            side.asked.starts_with(&complete),
            "seed {seed}: {complete:?} to {:?}",
            side.asked
        );
        if side.whole && !side.client.is_over() {
            assert_eq!(complete, side.asked, "seed {seed}: answers are missing");
        }
    }
    drop(world.sides.drain(..));
    driver.run_until(&mut [], |driver, _| driver.engine.census().connections == 0);
    driver.settle();
    for event in std::mem::take(&mut driver.events) {
        world.note(seed, &event);
    }
    for (key, exchange) in &world.exchanges {
        assert!(
            exchange.ended.is_some(),
            "seed {seed}: exchange {key} {} has no end",
            exchange.target
        );
    }
    let census = driver.engine.census();
    assert_eq!(
        (census.streams, census.buffers, census.timers),
        (0, 0, 0),
        "seed {seed}"
    );
    let stats = driver.engine.server_stats(server).expect("it lives");
    assert_eq!((stats.active, stats.requests_active), (0, 0), "seed {seed}");
}

#[test]
fn random_operations_keep_the_invariants() {
    let number = |name| std::env::var(name).map_or(1, |text| text.parse::<u64>().expect("a number"));
    let (first, times) = (number("MILLRACE_SEED"), number("MILLRACE_TIMES"));
    for seed in first..first + 300 * times {
        // The message of a panic within the engine does not name the seed.
        if let Err(panic) = std::panic::catch_unwind(|| run(seed)) {
            eprintln!("MILLRACE_SEED={seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
