//! The table of malformed requests, over a socket.

use millrace_engine::{EventKind, ServerOptions};
use millrace_testkit::client::Client;
use millrace_testkit::driver::{Driver, answer};
use millrace_testkit::feed::{Random, random_pieces};
use serde_json::Value;

fn rows(kind: &str) -> Vec<Value> {
    let text = include_str!("../../../test/vectors/http1-malformed.json");
    let table: Value = serde_json::from_str(text).expect("a table");
    table[kind].as_array().expect("rows").clone()
}

/// What comes behind a message that ends the connection is not read at all: its answer has said close, and no other
/// may follow (RFC 9112 §9.6).
fn is_behind_the_last(row: &Value) -> bool {
    row["code"] == "MILLRACE_HTTP_UNEXPECTED_DATA"
}

fn latin1(value: &Value) -> Vec<u8> {
    value.as_str().unwrap_or_default().chars().map(|c| c as u8).collect()
}

fn input(row: &Value) -> Vec<u8> {
    match row.get("repeat") {
        None => latin1(&row["request"]),
        Some(repeat) => {
            let times = repeat["times"].as_u64().expect("a number") as usize;
            [
                latin1(&repeat["before"]),
                latin1(&repeat["text"]).repeat(times),
                latin1(&repeat["after"]),
            ]
            .concat()
        }
    }
}

/// Sends the pieces to a server that collects and answers; returns the statuses, and whether it ended with FIN.
fn statuses(pieces: &[&[u8]], finish: bool) -> (Vec<u16>, bool) {
    let mut driver = Driver::new();
    let (_, addr) = driver.listen(ServerOptions::default());
    driver.on_event(|engine, _, event| match event.kind {
        EventKind::Request if event.flags & millrace_engine::request::HAS_BODY != 0 => {
            // What follows in the same packet may have ended it already.
            let _ = engine.collect(event.stream(), -1.0);
        }
        EventKind::Request | EventKind::Collected => {
            let _ = answer(engine, event.stream(), b"");
        }
        _ => {}
    });
    let mut client = Client::connect(addr);
    for piece in pieces {
        client.send(piece);
        driver.turn();
    }
    driver.quiet(&mut [&mut client]);
    if finish {
        client.finish();
        driver.quiet(&mut [&mut client]);
    }
    let all = client.answers(&[]);
    assert!(all.iter().all(|answer| answer.complete));
    (
        all.iter()
            .map(|answer| answer.status)
            .filter(|status| *status >= 200)
            .collect(),
        client.ended,
    )
}

fn cuts(bytes: &[u8], seed: u64) -> Vec<Vec<&[u8]>> {
    let mut cuts = vec![vec![bytes], random_pieces(bytes, &mut Random::new(seed))];
    // Byte by byte, but not through a megabyte of the same.
    if bytes.len() < 4_000 {
        cuts.push(bytes.chunks(1).collect());
    }
    cuts
}

#[test]
fn each_malformed_request_gets_its_status_and_a_close_whatever_the_cuts() {
    let rows = rows("malformed");
    assert!(rows.len() >= 60);
    for (seed, row) in rows.iter().enumerate() {
        let bytes = input(row);
        let status = if is_behind_the_last(row) {
            200
        } else {
            row["status"].as_u64().expect("a status") as u16
        };
        for pieces in cuts(&bytes, seed as u64) {
            let (got, ended) = statuses(&pieces, false);
            assert_eq!(
                got.last(),
                Some(&status),
                "{} (seed {seed}, {} pieces)",
                row["name"],
                pieces.len()
            );
            assert!(
                got[..got.len() - 1].iter().all(|status| *status == 200),
                "{}: {got:?}",
                row["name"]
            );
            assert!(ended, "{}: no FIN after the answer", row["name"]);
        }
    }
}

#[test]
fn a_good_request_before_a_malformed_one_gets_its_answer_first() {
    for row in rows("malformed") {
        let bytes = [&b"GET /good HTTP/1.1\r\nHost: a\r\n\r\n"[..], &input(&row)].concat();
        let status = if is_behind_the_last(&row) {
            200
        } else {
            row["status"].as_u64().expect("a status") as u16
        };
        let (got, ended) = statuses(&[&bytes], false);
        assert_eq!(
            (got.first(), got.last(), ended),
            (Some(&200), Some(&status), true),
            "{}: {got:?}",
            row["name"]
        );
    }
}

#[test]
fn each_near_miss_is_served_whatever_the_cuts() {
    for (seed, row) in rows("accepted").iter().enumerate() {
        let bytes = input(row);
        let messages = row["messages"].as_u64().expect("a number") as usize;
        for pieces in cuts(&bytes, seed as u64) {
            let (got, _) = statuses(&pieces, true);
            // CONNECT is understood and not offered.
            let fine = got.iter().all(|status| matches!(status, 200 | 405));
            assert!(fine && got.len() == messages, "{}: {got:?} of {messages}", row["name"]);
        }
    }
}
