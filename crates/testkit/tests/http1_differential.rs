//! What we accept, `httparse` reads as the same head: no request is one thing to us and another to a neighbour.

use millrace_http1::{Event, Limits, RequestParser};
use millrace_testkit::feed::Random;
use serde_json::Value;

const SEED: u64 = 0x6469_6666;
/// Mutations of each row of the table.
const TRIES: usize = 400;

/// The rows of the table whose bytes are spelled out.
fn table() -> Vec<Vec<u8>> {
    let text = include_str!("../../../test/vectors/http1-malformed.json");
    let table: Value = serde_json::from_str(text).expect("a table");
    let rows = ["malformed", "accepted"].map(|array| table[array].as_array().expect("rows").clone());
    let requests = rows.iter().flatten().filter_map(|row| row["request"].as_str());
    requests.map(|text| text.chars().map(|c| c as u8).collect()).collect()
}

fn mutate(input: &[u8], random: &mut Random) -> Vec<u8> {
    const INTERESTING: &[u8] = b"\r\n\0 :\t,;=\"\\#/?@%[0aA\x0b\x7f\x80\xff";
    let mut data = input.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(data.len());
        let byte = INTERESTING[random.below(INTERESTING.len())];
        match random.below(4) {
            0 => data.insert(at, byte),
            1 if data.len() > 1 => drop(data.remove(at)),
            2 => data[at] = random.below(256) as u8,
            _ => data[at] = byte,
        }
    }
    data
}

/// Reads heads until one is refused, and compares each with httparse's reading of the same bytes. Returns how many.
fn compare(input: &[u8]) -> usize {
    let mut parser = RequestParser::new(Limits::default());
    let (mut at, mut heads) = (0, 0);
    loop {
        let step = parser.handle_bytes(&input[at..]);
        match step.event {
            Event::NeedMore | Event::Error(_) => return heads,
            Event::Body { .. } | Event::End => {}
            Event::Head { .. } => {
                let mut fields = [httparse::EMPTY_HEADER; 128];
                let mut theirs = httparse::Request::new(&mut fields);
                let parsed = theirs.parse(&input[at..]);
                let said = input.escape_ascii();
                let end = httparse::Status::Complete(step.consumed);
                assert_eq!(parsed, Ok(end), "the end of a head at {at} of \"{said}\"");
                let ours = parser.head();
                assert_eq!(theirs.method, Some(ours.method.as_str()), "{said}");
                assert_eq!(theirs.path.map(str::as_bytes), Some(ours.target()), "{said}");
                assert_eq!(theirs.version, Some(ours.minor), "{said}");
                let read: Vec<_> = theirs
                    .headers
                    .iter()
                    .map(|field| (field.name.as_bytes(), field.value))
                    .collect();
                assert_eq!(millrace_head::fields(ours.fields()).collect::<Vec<_>>(), read, "{said}");
                heads += 1;
            }
        }
        at += step.consumed;
    }
}

#[test]
fn no_accepted_request_is_another_to_httparse() {
    let mut random = Random::new(SEED);
    let (mut inputs, mut heads) = (0, 0);
    for row in table() {
        heads += compare(&row);
        for _ in 0..TRIES {
            inputs += 1;
            heads += compare(&mutate(&row, &mut random));
        }
    }
    // Else nothing would have been compared.
    assert!(heads > 5_000, "{heads} heads in {inputs} inputs");
}
