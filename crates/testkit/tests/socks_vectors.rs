//! The table of malformed handshakes with proxies and near misses, fed whole, in pieces and with bytes behind.

use millrace_error::Code;
use millrace_socks::{Client, ClientConfig, Credentials, Endpoint, Kind, ServerConfig};
use millrace_testkit::feed::{feed, feed_with_trailing};
use millrace_testkit::socks::{Found, rest, run_client, run_server, sent};
use serde_json::Value;

const SEED: u64 = 0x736f_636b;

fn table() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/vectors/socks-malformed.json");
    let text = std::fs::read_to_string(path).expect("the table is in the tree");
    serde_json::from_str(&text).expect("the table is JSON")
}

fn rows<'a>(table: &'a Value, array: &str) -> &'a [Value] {
    table[array].as_array().expect("the table has this array")
}

fn latin1(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("text");
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).expect("one character a byte"))
        .collect()
}

fn input(row: &Value) -> Vec<u8> {
    let Some(repeat) = row.get("repeat") else {
        return latin1(&row["input"]);
    };
    let times = repeat["times"].as_u64().expect("a number") as usize;
    let part = |name: &str| latin1(&repeat[name]);
    [part("before"), part("text").repeat(times), part("after")].concat()
}

fn config(row: &Value) -> ClientConfig {
    let kind = match row["kind"].as_str().expect("a kind") {
        "socks4" => Kind::Socks4,
        "socks4a" => Kind::Socks4a,
        "socks5" => Kind::Socks5,
        "socks5h" => Kind::Socks5h,
        "connect" => Kind::Connect,
        other => panic!("{other} is no kind"),
    };
    let mut config = ClientConfig::new(kind, Endpoint::new(b"192.0.2.9", 443).expect("an address"));
    config.credentials = has_auth(row).then(|| Credentials::new(b"alice", b"x"));
    config
}

fn has_auth(row: &Value) -> bool {
    row.get("auth").is_some_and(|auth| auth == true)
}

fn run(row: &Value, pieces: &[&[u8]], end: bool) -> Vec<Found> {
    match row["side"].as_str() {
        Some("client") => run_client(config(row), pieces, end),
        Some("server") => {
            let auth = has_auth(row);
            let config = ServerConfig {
                auth,
                ..ServerConfig::default()
            };
            run_server(config, pieces, end)
        }
        other => panic!("{other:?} is no side"),
    }
}

fn code_of(found: &[Found]) -> Option<&'static str> {
    match found.last() {
        Some(Found::Error(error)) => Some(error.code.as_str()),
        _ => None,
    }
}

#[test]
fn every_malformed_handshake_gets_its_code_and_answer_however_it_is_cut() {
    let table = table();
    let mut wrong = Vec::new();
    for row in rows(&table, "malformed") {
        let found = feed(&input(row), SEED, |pieces| run(row, pieces, true));
        let answer = row.get("answer").map(latin1);
        if code_of(&found) != row["code"].as_str() || answer.is_some_and(|answer| sent(&found) != answer) {
            let sent = sent(&found).escape_ascii().to_string();
            wrong.push(format!("{}: {:?} after \"{sent}\"", row["name"], found.last()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_near_miss_opens_however_it_is_cut_and_what_is_behind_it_is_the_tunnels() {
    let table = table();
    let mut wrong = Vec::new();
    for row in rows(&table, "accepted") {
        let found = feed(&input(row), SEED, |pieces| run(row, pieces, true));
        let opened = found.iter().any(|item| matches!(item, Found::Open | Found::Forward(_)));
        let target = found.iter().find_map(|item| match item {
            Found::Request(request) | Found::Forward(request) => Some(request.target.to_string()),
            _ => None,
        });
        let answer = row.get("answer").map(latin1);
        if !opened
            || rest(&found) != latin1(&row["rest"])
            || target.as_deref() != row["target"].as_str()
            || answer.is_some_and(|answer| sent(&found) != answer)
        {
            wrong.push(format!("{}: {found:?}", row["name"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_behind_a_handshake_does_not_change_it() {
    let table = table();
    for after in [&b"\x05\x00"[..], b"\0", b"HTTP/1.1 200 OK\r\n\r\n", b"\xff"] {
        for row in rows(&table, "accepted").iter().chain(rows(&table, "malformed")) {
            if row.get("repeat").is_none() {
                feed_with_trailing(&input(row), after, SEED, |pieces| run(row, pieces, false));
            }
        }
    }
}

#[test]
fn every_beginning_of_a_handshake_is_incomplete_and_never_an_error_of_its_own() {
    let table = table();
    for row in rows(&table, "accepted") {
        let input = input(row);
        let whole = run(row, &[&input], false);
        for end in 0..input.len().min(600) {
            let found = run(row, &[&input[..end]], false);
            assert!(whole.starts_with(&found), "{} cut at {end}: {found:?}", row["name"]);
            assert_eq!(code_of(&found), None, "{} cut at {end}", row["name"]);
        }
    }
}

#[test]
fn a_refusal_quotes_the_proxys_status_and_reason() {
    let table = table();
    let mut seen = 0;
    for row in rows(&table, "malformed")
        .iter()
        .filter(|row| row.get("status").is_some())
    {
        let mut client = Client::new(config(row)).expect("a client");
        client.connected().expect("it waits for its connection");
        client.handle_bytes(&input(row));
        let refusal = client.refusal().expect("a refusal");
        assert_eq!(Some(u64::from(refusal.status)), row["status"].as_u64());
        assert_eq!(refusal.reason, latin1(&row["reason"]), "{}", row["name"]);
        seen += 1;
    }
    assert!(seen >= 10);
}

#[test]
fn the_table_covers_what_it_promises() {
    let table = table();
    assert!(rows(&table, "malformed").len() >= 120 && rows(&table, "accepted").len() >= 30);
    let mut names = Vec::new();
    for row in rows(&table, "malformed") {
        let code = row["code"].as_str().expect("a code");
        assert!(Code::ALL.iter().any(|known| known.as_str() == code), "{code} is a code");
        let name = (row["side"].as_str(), row["kind"].as_str(), row["name"].as_str());
        assert!(!names.contains(&name), "{name:?} stands twice");
        names.push(name);
    }
}
