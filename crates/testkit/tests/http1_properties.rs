//! What holds for every message: round trips, and agreement with a parser that others wrote.

use millrace_head::Method;
use millrace_http1::{
    Answer, BodyFraming, BodySize, Limits, ResponseContext, write_chunk, write_last_chunk, write_request_head,
    write_response_head,
};
use millrace_testkit::feed::feed;
use millrace_testkit::http1::{Found, read_requests, read_response};
use proptest::collection::vec;
use proptest::prelude::*;

/// A block of fields that decide nothing about framing.
fn block() -> impl Strategy<Value = Vec<u8>> {
    let name = "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}".prop_map(|name| format!("x{name}").into_bytes());
    let inner = prop_oneof![Just(b' '), Just(b'\t'), 0x21u8..0x7f, 0x80u8..];
    let value = vec(inner, 0..20).prop_map(|value| millrace_head::trim_ows(&value).to_vec());
    vec((name, value), 0..8).prop_map(|fields| {
        fields
            .into_iter()
            .flat_map(|(n, v)| [n, vec![0], v, vec![0]].concat())
            .collect()
    })
}

fn body() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(vec(any::<u8>(), 1..40), 0..4)
}

proptest! {
    #[test]
    fn a_request_that_is_written_is_read_back(
        method in (0..Method::ALL.len()).prop_map(|n| Method::ALL[n]),
        path in "/[!-\"$-~]{0,30}", fields in block(), chunks in body(), stream: bool, seed: u64,
    ) {
        let block = [b"Host\0a\0", &fields[..]].concat();
        let connect = method == Method::Connect;
        let target = if connect { "a:1" } else { &path };
        let data = chunks.concat();
        let size = match stream {
            _ if connect => BodySize::None,
            true => BodySize::Stream,
            false => BodySize::Known(data.len() as u64),
        };
        let mut out = Vec::new();
        let framing = write_request_head(&mut out, method.as_str().as_bytes(), target.as_bytes(), &block, size)
            .expect("well formed");
        write_body(&mut out, framing, &chunks);
        let found = feed(&out, seed, |pieces| read_requests(Limits::default(), pieces, true));
        let Some(Found::Head(head, ended)) = found.first() else { panic!("{found:?}") };
        prop_assert_eq!((head.method, head.target(), head.framing), (method, target.as_bytes(), framing));
        prop_assert!(head.fields().starts_with(&block) && *ended == framing.is_empty());
        prop_assert_eq!(joined(&found), if connect { vec![] } else { data });
        prop_assert_eq!(found.last(), Some(&Found::Eof(false)));
    }

    #[test]
    fn a_response_that_is_written_is_read_back(
        status in prop_oneof![Just(200u16), Just(204), Just(304), Just(205), 200u16..=999],
        fields in block(), chunks in body(), size in 0..3u8, to_head: bool, minor in 0..=1u8, seed: u64,
    ) {
        let data = chunks.concat();
        let body = match size {
            0 => BodySize::Stream,
            1 => BodySize::Known(data.len() as u64),
            _ => BodySize::None,
        };
        let answer = Answer { to_head, to_connect: false, minor, keep_alive: true, body,
            date: b"Sun, 06 Nov 1994 08:49:37 GMT", keep_alive_timeout_s: 5 };
        let mut out = Vec::new();
        let written = write_response_head(&mut out, status, b"", &fields, &answer).expect("well formed");
        let sent = size != 2 && !written.suppress_body;
        if sent {
            write_body(&mut out, written.framing, &chunks);
        }
        let context = ResponseContext { head_request: to_head, connect: false };
        let found = feed(&out, seed, |pieces| read_response(Limits::default(), context, pieces, true));
        let Some(Found::Head(head, _)) = found.first() else { panic!("{found:?}") };
        prop_assert!(head.status == status && head.fields().starts_with(&fields));
        prop_assert_eq!(head.keep_alive, written.keep_alive);
        prop_assert_eq!(joined(&found), if sent { data } else { vec![] });
        prop_assert!(matches!(found.last(), Some(Found::Eof(_))), "{:?}", found);
    }

    #[test]
    fn what_we_accept_as_a_head_httparse_reads_alike(
        method in "[A-Z]{3,7}", target in "[/*a-z#:\"?. ]{1,8}", version in "HTTP/[0-2]\\.[0-2]",
        lines in vec("[A-Za-z :\t]{0,6}:[ a-z\t]{0,6}(\r\n|\r\n|\r\n|\n|\r)", 0..4), ending in "(\r\n|\n|\r)",
    ) {
        let input = format!("{method} {target} {version}\r\nHost: a\r\n{}{ending}", lines.concat());
        let found = read_requests(Limits::default(), &[input.as_bytes()], false);
        let mut headers = [httparse::EMPTY_HEADER; 16];
        let mut theirs = httparse::Request::new(&mut headers);
        let parsed = theirs.parse(input.as_bytes());
        if let Some(Found::Head(head, _)) = found.first() {
            prop_assert!(matches!(parsed, Ok(httparse::Status::Complete(_))), "{:?}: {:?}", input, parsed);
            prop_assert_eq!(theirs.method, Some(head.method.as_str()));
            prop_assert_eq!(theirs.path.map(str::as_bytes), Some(head.target()));
            prop_assert_eq!(theirs.version, Some(head.minor));
            let fields: Vec<_> = millrace_head::fields(head.fields()).collect();
            let expected: Vec<_> = theirs.headers.iter().map(|field| (field.name.as_bytes(), field.value)).collect();
            prop_assert_eq!(fields, expected);
        }
    }
}

fn write_body(out: &mut Vec<u8>, framing: BodyFraming, chunks: &[Vec<u8>]) {
    match framing {
        BodyFraming::Chunked => {
            chunks.iter().for_each(|chunk| write_chunk(out, chunk));
            write_last_chunk(out, b"X-Sum\0s\0").expect("well formed");
        }
        BodyFraming::None => {}
        BodyFraming::Length(_) | BodyFraming::UntilClose => out.extend(chunks.concat()),
    }
}

fn joined<H>(found: &[Found<H>]) -> Vec<u8> {
    let bodies = found.iter().filter_map(|item| {
        if let Found::Body(body) = item {
            Some(&body[..])
        } else {
            None
        }
    });
    bodies.collect::<Vec<_>>().concat()
}
