//! The binding itself: sizes, and that each callback fires under its name.

use std::cell::RefCell;

use proptest::strategy::Strategy;

use super::*;
use crate::Event;

thread_local! {
    static FIRED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn fired(name: &str, bytes: Option<&[u8]>) -> c_int {
    let entry = match bytes {
        Some(bytes) => format!("{name} {}", bytes.escape_ascii()),
        None => name.to_owned(),
    };
    FIRED.with(|all| all.borrow_mut().push(entry));
    0
}

macro_rules! record {
    (spans: $($span:ident)*; points: $($point:ident)*) => {
        $(unsafe extern "C" fn $span(_: *mut Raw, at: *const c_char, len: usize) -> c_int {
            // SAFETY: llhttp gives a span of the input of the running call.
            fired(stringify!($span), Some(unsafe { super::span(at, len) }))
        })*
        $(unsafe extern "C" fn $point(_: *mut Raw) -> c_int { fired(stringify!($point), None) })*
        fn recording() -> Settings {
            Settings { $($span: Some($span),)* $($point: Some($point),)* }
        }
    };
}

mod recorder {
    use super::*;

    record! {
        spans: on_url on_status on_method on_version on_header_field on_header_value on_chunk_extension_name
            on_chunk_extension_value on_body;
        points: on_message_begin on_headers_complete on_message_complete on_url_complete on_status_complete
            on_method_complete on_version_complete on_header_field_complete on_header_value_complete
            on_chunk_extension_name_complete on_chunk_extension_value_complete on_chunk_header on_chunk_complete
            on_reset
    }

    /// Runs llhttp as it is, body and all, and returns what fired.
    pub(super) fn run(kind: Kind, input: &[u8]) -> (c_int, Vec<String>) {
        FIRED.with(|all| all.borrow_mut().clear());
        let settings = recording();
        let mut raw = Raw::blank();
        // SAFETY: the parser and its settings live through both calls, the input through the second.
        let result = unsafe {
            llhttp_init(&raw mut raw, kind as c_int, &raw const settings);
            llhttp_execute(&raw mut raw, input.as_ptr().cast(), input.len())
        };
        (result, FIRED.with(|all| all.borrow().clone()))
    }
}

#[test]
fn every_callback_of_a_request_fires_under_its_name_and_in_order() {
    let input = b"POST /u HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;n=v\r\nb\r\n0\r\n\r\nG";
    let (result, all) = recorder::run(Kind::Request, input);
    assert_eq!(result, errno::OK);
    let expected = [
        "on_message_begin",
        "on_method POST",
        "on_method_complete",
        "on_url /u",
        "on_url_complete",
        "on_version 1.1",
        "on_version_complete",
        "on_header_field Transfer-Encoding",
        "on_header_field_complete",
        "on_header_value chunked",
        "on_header_value_complete",
        "on_headers_complete",
        "on_chunk_extension_name n",
        "on_chunk_extension_name_complete",
        "on_chunk_extension_value v",
        "on_chunk_extension_value_complete",
        "on_chunk_header",
        "on_body b",
        "on_chunk_complete",
        "on_chunk_header",
        "on_chunk_complete",
        "on_message_complete",
        "on_reset",
        "on_message_begin",
        "on_method G",
    ];
    assert_eq!(all, expected);
}

#[test]
fn the_callbacks_of_a_status_line_fire_under_their_names() {
    let (result, all) = recorder::run(Kind::Response, b"HTTP/1.0 404 No\r\n\r\nx");
    assert_eq!(result, errno::OK);
    let expected = [
        "on_message_begin",
        "on_version 1.0",
        "on_version_complete",
        "on_status No",
        "on_status_complete",
        "on_headers_complete",
        "on_body x",
    ];
    assert_eq!(all, expected);
}

#[test]
fn the_parser_is_as_large_as_llhttp_t() {
    assert_eq!((size_of::<Raw>(), align_of::<Raw>()), (96, 8));
    // llhttp_init clears sizeof(llhttp_t) bytes: it must reach the last one and no further.
    let mut guarded = [0xaau8; 128];
    let start = guarded.as_ptr().align_offset(8);
    // SAFETY: 120 bytes remain after `start`, aligned; llhttp_init writes 96 of them (that is what is tested).
    unsafe {
        llhttp_init(
            guarded.as_mut_ptr().add(start).cast(),
            Kind::Request as c_int,
            &raw const SETTINGS,
        )
    };
    let (inside, outside) = guarded[start..].split_at(96);
    assert!(
        inside[88..].iter().any(|&b| b != 0xaa),
        "the last field is the settings pointer"
    );
    assert!(outside.iter().all(|&b| b == 0xaa));
}

#[test]
fn a_head_costs_one_call_and_stops_behind_its_empty_line() {
    let mut parser = Parser::new(Kind::Request, FieldSink::new());
    for _ in 0..2 {
        parser.sink.start_head(Vec::new(), 128);
        parser.start(Kind::Request);
        let input = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nrest";
        assert_eq!(parser.execute(input), Outcome::Paused(Pause::Head, input.len() - 4));
        assert_eq!(parser.sink.block, b"/aHost\0a\0");
        assert_eq!(parser.sink.start_line_len, 2);
    }
}

#[test]
fn llhttp_pauses_behind_every_part_of_a_chunked_body() {
    let mut parser = Parser::new(Kind::Request, FieldSink::new());
    parser.sink.start_head(Vec::new(), 128);
    let input = b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nxy\r\n0\r\nX: y\r\n\r\nrest";
    let mut rest = &input[..];
    let mut parts = Vec::new();
    loop {
        let Outcome::Paused(pause, taken) = parser.execute(rest) else {
            panic!("no pause before {}", rest.escape_ascii());
        };
        parts.push((pause, taken));
        rest = &rest[taken..];
        parser.resume();
        match parts.len() {
            5 => parser.sink.start_trailers(Vec::new(), 128),
            6 => break,
            _ => {}
        }
    }
    let expected = [
        (Pause::Head, 46),
        (Pause::ChunkLine, 7),
        (Pause::Data, 2),
        (Pause::ChunkEnd, 2),
        (Pause::ChunkLine, 3),
        (Pause::Message, 8),
    ];
    assert_eq!((&parts[..], rest), (&expected[..], &b"rest"[..]));
    assert_eq!(parser.sink.block, b"X\0y\0");
}

/// Feeds a parser byte by byte, until an error or the end of the first message.
fn read_slowly(input: &[u8]) -> (String, Event) {
    let mut parser = crate::RequestParser::new(crate::Limits::default());
    let mut body = String::new();
    let mut last = Event::NeedMore;
    'bytes: for byte in input.chunks(1) {
        let mut rest = byte;
        loop {
            let step = parser.handle_bytes(rest);
            match step.event {
                Event::NeedMore => break,
                Event::Body { start, end } => body.push_str(&rest[start..end].escape_ascii().to_string()),
                event => {
                    last = event;
                    if matches!(event, Event::Head { ended: true } | Event::End | Event::Error(_)) {
                        break 'bytes;
                    }
                }
            }
            rest = &rest[step.consumed..];
        }
    }
    (body, last)
}

/// Bodies put together from the pieces that chunked framing is made of, in and out of place.
fn almost_chunked() -> impl Strategy<Value = String> {
    let piece = "(1\r\na\r\n|3\r\nabc\r\n|0\r\n|0\r\n\r\n|0A\r\n0123456789\r\n|\r\n|;a|;a=b|;a=\"b\"|2|g|\n|\r| |X: y\r\n|a|\")";
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// Whether a token goes over into a quoted string, which llhttp reads on and we refuse: a value is the one or the other
/// (RFC 9112 §7.1.1).
fn mixes_values(body: &str) -> bool {
    let mixed = |value: &str| !value.starts_with('"') && value.contains('"');
    body.split('\n').any(|line| line.split('=').skip(1).any(mixed))
}

/// What a chunk line may say behind a size, quoted strings of any byte among it.
fn extension() -> impl Strategy<Value = Vec<u8>> {
    let quoted = proptest::collection::vec(proptest::num::u8::ANY, 0..4)
        .prop_map(|inner| [&b";a=\""[..], &inner, b"\""].concat());
    proptest::prop_oneof!["(;[!-~]{0,3}|;[a-z]=[!-~]{1,3})".prop_map(String::into_bytes), quoted]
}

fn request_line() -> impl Strategy<Value = String> {
    let method = proptest::sample::select(millrace_head::Method::ALL).prop_map(|method| method.as_str());
    let host = "([!$&'()*+,;=a-zA-Z0-9._~-]|%[0-9a-f]{2}){1,6}(:[0-9]{0,4})?|\\[::1\\](:80)?";
    let target = proptest::prop_oneof![
        "/[!-~]{0,12}",
        "[!-~]{1,4}",
        host,
        ("https?", host, "([/?][!-~]{0,6})?").prop_map(|(s, h, p)| format!("{s}://{h}{p}")),
    ];
    (method, target, "1\\.[01]").prop_map(|(method, target, version)| format!("{method} {target} HTTP/{version}\r\n"))
}

proptest::proptest! {
    /// llhttp alone, in one call, is the oracle for the body that we let it read in parts behind our scan.
    #[test]
    fn a_chunked_body_is_what_llhttp_alone_reads(body in almost_chunked()) {
        proptest::prop_assume!(!mixes_values(&body));
        let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        let input = [head, body.as_bytes()].concat();
        let (result, fired) = recorder::run(Kind::Request, &input);
        let theirs: String = fired.iter().filter_map(|entry| entry.strip_prefix("on_body ")).collect();
        let theirs_ended = fired.iter().any(|entry| entry == "on_message_complete");
        let (ours, last) = read_slowly(&input);
        proptest::prop_assert_eq!(ours, theirs, "{:?}: {:?}", body, last);
        proptest::prop_assert_eq!(last == Event::End, theirs_ended, "{:?}: {:?} against {}", body, last, result);
        // What follows the end is the next message.
        let refused = matches!(last, Event::Error(_));
        proptest::prop_assert!(theirs_ended || refused == (result != errno::OK), "{:?}: {:?}", body, last);
    }

    /// So that the scan's refusal is the answer however the line is cut: llhttp has none of its own to add.
    #[test]
    fn llhttp_accepts_every_chunk_line_that_our_scan_accepts(line in extension()) {
        let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1";
        let input = [head, &line[..], b"\r\n"].concat();
        let (result, _) = recorder::run(Kind::Request, &input);
        let mut scan = crate::chunked::Chunked::new();
        let accepted = [b"1", &line[..], b"\r"].concat().iter().all(|&byte| scan.scan(byte, 4_096).is_ok());
        proptest::prop_assert!(!accepted || result == errno::OK, "{}", line.escape_ascii());
    }

    /// The scan and llhttp read one line: both accept, and mean the same.
    #[test]
    fn llhttp_accepts_every_request_line_that_our_scan_accepts(line in request_line()) {
        use crate::start_line::Scan as _;
        let mut scan = crate::request_line::RequestLine::default();
        if scan.scan(line.as_bytes(), 16_384) != Ok(Some(line.len())) {
            return Ok(());
        }
        let (result, fired) = recorder::run(Kind::Request, line.as_bytes());
        let mut parts = line.trim_end().split(' ');
        let mut expect = |name: &str| format!("{name} {}", parts.next().expect("three parts").escape_default());
        let expected = [expect("on_method"), expect("on_url"), expect("on_version").replace("HTTP/", "")];
        proptest::prop_assert_eq!(result, errno::OK, "{:?}", line);
        proptest::prop_assert!(expected.iter().all(|entry| fired.contains(entry)), "{:?}: {:?}", line, fired);
        proptest::prop_assert_eq!(&expected[0], &format!("on_method {}", scan.method().as_str()));
        proptest::prop_assert!(expected[2].ends_with(char::from(b'0' + scan.minor())));
    }

    #[test]
    fn llhttp_accepts_every_status_line_that_our_scan_accepts(
        status in "[1-9][0-9]{2}", minor in "[01]", reason in proptest::collection::vec(proptest::num::u8::ANY, 0..6),
    ) {
        use crate::start_line::Scan as _;
        let line = [format!("HTTP/1.{minor} {status} ").as_bytes(), &reason, b"\r\n"].concat();
        let mut scan = crate::status_line::StatusLine::default();
        if scan.scan(&line, 16_384) == Ok(Some(line.len())) {
            let (result, fired) = recorder::run(Kind::Response, &line);
            let said = format!("on_status {}", reason.escape_ascii());
            proptest::prop_assert_eq!(result, errno::OK, "{}", line.escape_ascii());
            proptest::prop_assert!(reason.is_empty() || fired.contains(&said), "{}: {:?}", line.escape_ascii(), fired);
        }
    }
}
