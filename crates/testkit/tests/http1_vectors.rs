//! The table of malformed requests and near misses, fed whole, byte by byte and in random pieces.

use millrace_error::{Code, Error};
use millrace_http1::Limits;
use millrace_testkit::feed::{feed, feed_with_trailing};
use millrace_testkit::http1::{Found, read_requests};
use serde_json::Value;

const SEED: u64 = 0x6d69_6c6c;

fn table() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/vectors/http1-malformed.json");
    let text = std::fs::read_to_string(path).expect("the table is in the tree");
    serde_json::from_str(&text).expect("the table is JSON")
}

fn rows<'a>(table: &'a Value, array: &str) -> &'a [Value] {
    table[array].as_array().expect("the table has this array")
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).expect("one character a byte"))
        .collect()
}

fn input(row: &Value) -> Vec<u8> {
    let text = |value: &Value| latin1(value.as_str().expect("text"));
    let Some(repeat) = row.get("repeat") else {
        return text(&row["request"]);
    };
    let times = repeat["times"].as_u64().expect("a number") as usize;
    [
        text(&repeat["before"]),
        text(&repeat["text"]).repeat(times),
        text(&repeat["after"]),
    ]
    .concat()
}

#[test]
fn every_malformed_request_gets_its_code_and_status_however_it_is_cut() {
    let table = table();
    let mut wrong = Vec::new();
    for row in rows(&table, "malformed") {
        let found = feed(&input(row), SEED, |pieces| {
            read_requests(Limits::default(), pieces, true)
        });
        let expected = (row["code"].as_str(), row["status"].as_u64());
        let got = match found.last() {
            Some(Found::Error(Error { code, .. })) => (Some(code.as_str()), code.status().map(u64::from)),
            _ => (None, None),
        };
        if got != expected {
            wrong.push(format!(
                "{}: expected {expected:?}, got {got:?} in {found:?}",
                row["name"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_near_miss_is_accepted_however_it_is_cut() {
    let table = table();
    for row in rows(&table, "accepted") {
        let found = feed(&input(row), SEED, |pieces| {
            read_requests(Limits::default(), pieces, true)
        });
        let messages = found.iter().filter(|item| matches!(item, Found::Head(..))).count() as u64;
        let bodies: Vec<u8> = found
            .iter()
            .flat_map(|item| {
                if let Found::Body(body) = item {
                    body.clone()
                } else {
                    vec![]
                }
            })
            .collect();
        assert_eq!(found.last(), Some(&Found::Eof(false)), "{}: {found:?}", row["name"]);
        assert_eq!(Some(messages), row["messages"].as_u64(), "{}: {found:?}", row["name"]);
        assert_eq!(
            bodies,
            latin1(row["body"].as_str().unwrap_or_default()),
            "{}",
            row["name"]
        );
    }
}

#[test]
fn what_is_behind_a_request_does_not_change_it() {
    let table = table();
    let requests = |pieces: &[&[u8]]| read_requests(Limits::default(), pieces, false);
    for after in [
        &b"GET / HTTP/1.1\r\nHost: b\r\n\r\n"[..],
        b"\r\n",
        b"\0\xff garbage",
        b"G",
    ] {
        for row in rows(&table, "accepted").iter().chain(rows(&table, "malformed")) {
            let input = input(row);
            if input.len() < 1_000 && read_requests(Limits::default(), &[&input], true).last() != Some(&incomplete()) {
                feed_with_trailing(&input, after, SEED, requests);
            }
        }
    }
}

fn incomplete<H>() -> Found<H> {
    Found::Error(Error::new(Code::HttpIncompleteMessage))
}

#[test]
fn every_beginning_of_a_request_is_incomplete_and_never_an_error_of_its_own() {
    let table = table();
    for row in rows(&table, "accepted").iter().filter(|row| row["messages"] == 1) {
        let input = input(row);
        if input.len() > 1_000 {
            continue;
        }
        for end in 1..input.len() {
            let found = read_requests(Limits::default(), &[&input[..end]], true);
            let last = found.last().expect("something was read");
            assert!(
                *last == incomplete() || *last == Found::Eof(false),
                "{} cut at {end}: {last:?}",
                row["name"]
            );
        }
    }
}

#[test]
fn the_table_covers_what_it_promises() {
    let table = table();
    let (malformed, accepted) = (rows(&table, "malformed"), rows(&table, "accepted"));
    assert!(malformed.len() >= 220 && accepted.len() >= 40);
    for row in malformed.iter().chain(accepted) {
        let section = row["rfc"].as_str().and_then(|rfc| rfc.strip_prefix("RFC "));
        let numbers = section.and_then(|section| section.split_once(" §"));
        let numbered = numbers.is_some_and(|(document, section)| {
            document.parse::<u16>().is_ok() && section.split('.').all(|number| number.parse::<u8>().is_ok())
        });
        assert!(
            numbered,
            "{}: a document and its section, not {}",
            row["name"], row["rfc"]
        );
        let why = row["why"].as_str().unwrap_or_default();
        assert!(why.len() > 10 && why.ends_with('.'), "{}: why", row["name"]);
    }
    let all: Vec<_> = malformed.iter().chain(accepted).collect();
    for (index, row) in all.iter().enumerate() {
        let before = all[..index]
            .iter()
            .find(|other| other["name"] == row["name"] || input(other) == input(row));
        assert_eq!(before, None, "a row stands once");
    }
    for row in malformed {
        let code = row["code"].as_str().expect("a code");
        assert!(Code::ALL.iter().any(|known| known.as_str() == code), "{code} is a code");
    }
}
