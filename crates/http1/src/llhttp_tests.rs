//! The binding itself: sizes, and that each callback fires under its name.

use std::cell::RefCell;

use proptest::strategy::Strategy as _;

use super::*;

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
    let mut parser = HeadParser::new(FieldSink::new(128));
    for _ in 0..2 {
        parser.sink.clear(128);
        parser.start(Kind::Request);
        let input = b"Host: a\r\n\r\nrest";
        assert_eq!(parser.execute(input), Outcome::Complete(input.len() - 4));
        assert_eq!(parser.sink.block, b"Host\0a\0");
    }
}

/// Bodies put together from the pieces that chunked framing is made of, in and out of place.
fn almost_chunked() -> impl proptest::strategy::Strategy<Value = String> {
    let piece = "(1\r\na\r\n|3\r\nabc\r\n|0\r\n|0\r\n\r\n|0A\r\n0123456789\r\n|\r\n|;a|;a=b|;a=\"b\"|2|g|\n|\r| |X: y\r\n|a|\")";
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest::proptest! {
    /// llhttp is the oracle for our own body framing: the same data, and both end or refuse alike.
    #[test]
    fn our_chunk_decoder_agrees_with_llhttp(body in almost_chunked()) {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        let (result, fired) = recorder::run(Kind::Request, format!("{head}{body}").as_bytes());
        let theirs: String = fired.iter().filter_map(|entry| entry.strip_prefix("on_body ")).collect();
        let theirs_ended = fired.iter().any(|entry| entry == "on_message_complete");
        let mut decoder = crate::chunked::Chunked::new();
        let (mut ours, mut at) = (String::new(), 0);
        let outcome = loop {
            match decoder.read(&body.as_bytes()[at..], &crate::Limits::default()) {
                Ok(crate::chunked::Piece::Data(start, end)) => {
                    ours.push_str(&body[at + start..at + end].escape_default().to_string());
                    at += end;
                }
                other => break other,
            }
        };
        let ours_ended = matches!(outcome, Ok(crate::chunked::Piece::End(_)));
        proptest::prop_assert_eq!(ours, theirs, "{:?}: {:?}", body, outcome);
        proptest::prop_assert_eq!(ours_ended, theirs_ended, "{:?}: {:?} against {}", body, outcome, result);
        // What follows the end is the next message, which is not this decoder's.
        proptest::prop_assert!(ours_ended || outcome.is_err() == (result != errno::OK), "{:?}: {:?} against {}", body, outcome, result);
    }
}
