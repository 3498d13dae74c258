//! A whole connection: bytes in pieces through sockets, parser, streams and serializer, with a host that reacts.

use std::collections::HashMap;

use millrace_engine::{Chunk, EventKind, HeadLimits, Injection, Respond, ServerOptions, request};
use millrace_head::Method;

use super::choices;
use crate::client::Client;
use crate::driver::{Driver, Happened, TestEngine};
use crate::feed::{Random, random_pieces};

/// How often a seed may make turns before it is a spin.
const TURNS: usize = 2_000;

/// Runs a server's connection over fuzz data; the first byte chooses the cuts, the second limits and reactions.
///
/// # Panics
/// When an invariant is broken: an exchange that ends twice or never, an answer that is not HTTP, something left.
pub fn connection(data: &[u8]) {
    let Some((cuts, choice, input)) = choices(data) else {
        return;
    };
    let mut driver = Driver::new();
    driver.stop_clock();
    let options = ServerOptions {
        max_pipelined: 1 + usize::from(choice & 3),
        max_body_size: if choice & 4 == 0 { u64::MAX } else { 100 },
        upgrades: choice & 8 != 0,
        connects: choice & 16 != 0,
        head: if choice & 32 == 0 {
            HeadLimits::default()
        } else {
            small()
        },
        ..Default::default()
    };
    let (server, path) = driver.listen_unix(options);
    let mut random = Random::new(u64::from(cuts) << 8 | u64::from(choice));
    let mut ends = Ends::new();
    let mut client = Client::connect_unix(&path);
    let mut tunnelled = false;
    let (mut requests, mut heads) = (0, Vec::new());
    let pieces = random_pieces(input, &mut random);
    let steps = pieces.iter().map(Some).chain([None]);
    for piece in steps {
        match piece {
            Some(piece) => client.send(piece),
            None => client.finish(),
        }
        for turn in 0.. {
            assert!(turn < TURNS, "it spins");
            driver.turn();
            let events: Vec<Happened> = driver.events.drain(..).collect();
            for event in &events {
                tunnelled |= matches!(event.kind, EventKind::Upgrade | EventKind::Connect);
                if event.kind == EventKind::Request {
                    if event.b & 0xff == Method::Head as u64 {
                        heads.push(requests);
                    }
                    requests += 1;
                }
                note(&mut ends, event);
                react(&mut driver.engine, &mut random, event);
            }
            client.exchange();
            if events.is_empty() && !driver.engine.has_work() {
                break;
            }
        }
    }
    if choice & 64 != 0 {
        let injection = Injection {
            method: b"POST",
            target: b"/",
            block: b"Host\0a\0",
            body: Some(input),
        };
        driver
            .engine
            .inject(server, &injection)
            .expect("a request that is well formed");
    }
    // Longer than any deadline: whatever waits for the peer ends.
    for _ in 0..4 {
        driver.advance(400_000);
        for event in driver.events.drain(..).collect::<Vec<_>>() {
            note(&mut ends, &event);
        }
    }
    if !tunnelled {
        // Panics on what is no HTTP, or an answer after the last.
        client.answers(&heads);
    }
    driver.engine.force_server(server);
    driver.settle();
    for event in driver.events.drain(..).collect::<Vec<_>>() {
        note(&mut ends, &event);
    }
    assert!(
        ends.values().all(Option::is_some),
        "an exchange without an end: {ends:?}"
    );
    driver.assert_nothing_left();
}

/// How each exchange ended so far.
type Ends = HashMap<u64, Option<EventKind>>;

/// Limits that short inputs pass.
fn small() -> HeadLimits {
    HeadLimits {
        target_size: 16,
        header_size: 64,
        header_fields: 4,
        chunk_extensions: 8,
        trailers: 16,
    }
}

fn note(ends: &mut Ends, event: &Happened) {
    let key = event.id.as_u64();
    match event.kind {
        EventKind::Request | EventKind::Upgrade | EventKind::Connect => {
            assert_eq!(ends.insert(key, None), None, "an id was used twice");
            assert!(millrace_head::check_block(&event.value[event.a as usize..]).is_ok());
        }
        EventKind::Finished | EventKind::Aborted => {
            // The client's side of an injected exchange has no request event.
            if let Some(end) = ends.get_mut(&key) {
                // A reader of a body is told of its end also after the answer.
                let late = *end == Some(EventKind::Finished) && event.kind == EventKind::Aborted;
                assert!(
                    end.is_none() || late,
                    "an exchange ended twice: {end:?}, {:?}",
                    event.kind
                );
                *end = Some(event.kind);
            }
        }
        EventKind::Body | EventKind::BodyEnd | EventKind::Collected | EventKind::BodyFailed => {
            assert!(ends.contains_key(&key), "a body of a stranger");
        }
        _ => {}
    }
}

/// Does one of the things that a host may do. Refusals are fine: what followed may have ended the exchange.
fn react(engine: &mut TestEngine, random: &mut Random, event: &Happened) {
    let (id, head) = (
        event.stream(),
        Respond {
            status: 200,
            reason: b"",
            block: b"",
        },
    );
    let done = match event.kind {
        EventKind::Request if event.flags & request::HAS_BODY != 0 => match random.below(5) {
            0 => engine.collect(id, 64.0),
            1 => engine.grant(id, 1e9),
            2 => engine
                .discard(id, 1e3)
                .and_then(|()| engine.respond(id, &head, Chunk::Bytes(b"late"), true)),
            3 => engine.respond(id, &head, Chunk::Bytes(b"early"), true),
            _ => {
                engine.destroy(id);
                Ok(())
            }
        },
        EventKind::Request => match random.below(3) {
            0 => engine.respond(id, &head, Chunk::Bytes(b"whole"), true),
            1 => engine.respond(
                id,
                &Respond {
                    block: b"Connection\0close\0",
                    ..head
                },
                Chunk::Bytes(b""),
                true,
            ),
            _ => engine
                .respond_head(id, &head)
                .and_then(|()| engine.write(id, Chunk::Bytes(b"in pieces")))
                .and_then(|_| engine.end(id, b"", true)),
        },
        EventKind::Upgrade | EventKind::Connect => engine
            .grant(id, 1e9)
            .and_then(|()| engine.write(id, Chunk::Bytes(b"raw")))
            .and_then(|_| engine.end(id, b"", true)),
        EventKind::Collected | EventKind::BodyFailed | EventKind::BodyEnd => {
            engine.respond(id, &head, Chunk::Bytes(&event.value), true)
        }
        _ => Ok(()),
    };
    let _ = done;
}
