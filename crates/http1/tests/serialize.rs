//! The serializer, by what it writes.

use millrace_error::{Code, Error};
use millrace_http1::*;

const DATE: &[u8] = b"Sun, 06 Nov 1994 08:49:37 GMT";
const DATE_LINE: &str = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

fn answer(body: BodySize) -> Answer<'static> {
    Answer {
        to_head: false,
        to_connect: false,
        minor: 1,
        keep_alive: true,
        body,
        date: DATE,
        keep_alive_timeout_s: 65,
    }
}

fn write(status: u16, block: &str, answer: &Answer<'_>) -> (String, Result<Written, Code>) {
    let mut out = b"before".to_vec();
    let written = write_response_head(&mut out, status, b"", block.as_bytes(), answer).map_err(|error| error.code);
    (String::from_utf8(out).expect("ASCII").split_off(6), written)
}

#[test]
fn a_plain_answer_has_date_connection_and_length() {
    let (text, written) = write(200, "X-A\0b\0", &answer(BodySize::Known(12)));
    let expected = format!(
        "HTTP/1.1 200 OK\r\nX-A: b\r\n{DATE_LINE}Connection: keep-alive\r\nKeep-Alive: timeout=65\r\nContent-Length: 12\r\n\r\n"
    );
    assert_eq!(text, expected);
    let expected = Written {
        framing: BodyFraming::Length(12),
        keep_alive: true,
        suppress_body: false,
    };
    assert_eq!(written, Ok(expected));
}

#[test]
fn the_framing_follows_body_status_and_request() {
    let plain = answer(BodySize::None);
    let known = answer(BodySize::Known(3));
    let stream = answer(BodySize::Stream);
    let head = |body| Answer {
        to_head: true,
        ..answer(body)
    };
    let old = Answer { minor: 0, ..stream };
    let connect = Answer {
        to_connect: true,
        ..plain
    };
    let length = |n| BodyFraming::Length(n);
    let told = "content-length\x003\0";
    // status, block, answer, framing, kept alive, suppressed, framing line
    let rows: &[(u16, &str, Answer<'_>, BodyFraming, bool, bool, &str)] = &[
        (200, "", plain, length(0), true, false, "Content-Length: 0"),
        (200, told, known, length(3), true, false, "Content-Length: 3"),
        (200, told, stream, length(3), true, false, "Content-Length: 3"),
        (
            200,
            "",
            stream,
            BodyFraming::Chunked,
            true,
            false,
            "Transfer-Encoding: chunked",
        ),
        (
            200,
            "Transfer-Encoding\0chunked\0",
            stream,
            BodyFraming::Chunked,
            true,
            false,
            "Transfer-Encoding: chunked",
        ),
        (200, "", old, BodyFraming::UntilClose, false, false, ""),
        (200, told, old, length(3), true, false, "Content-Length: 3"),
        (204, "", plain, BodyFraming::None, true, true, ""),
        (204, told, known, BodyFraming::None, true, true, ""),
        (205, "", known, BodyFraming::None, true, true, "Content-Length: 0"),
        (304, "", known, BodyFraming::None, true, true, ""),
        (304, told, plain, BodyFraming::None, true, true, "Content-Length: 3"),
        (200, "", head(BodySize::None), BodyFraming::None, true, true, ""),
        (
            200,
            "",
            head(BodySize::Known(3)),
            BodyFraming::None,
            true,
            true,
            "Content-Length: 3",
        ),
        (
            200,
            told,
            head(BodySize::Known(9)),
            BodyFraming::None,
            true,
            true,
            "Content-Length: 3",
        ),
        (
            200,
            "",
            head(BodySize::Stream),
            BodyFraming::None,
            true,
            true,
            "Transfer-Encoding: chunked",
        ),
        (200, told, connect, BodyFraming::None, true, true, ""),
        (101, "", plain, BodyFraming::None, true, true, ""),
        (407, "", connect, length(0), true, false, "Content-Length: 0"),
    ];
    for (status, block, answer, framing, keep_alive, suppress_body, line) in rows {
        let (text, written) = write(*status, block, answer);
        let expected = Written {
            framing: *framing,
            keep_alive: *keep_alive,
            suppress_body: *suppress_body,
        };
        assert_eq!(written, Ok(expected), "{status} {block:?} {answer:?}");
        let lines: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with("Content-L") || line.starts_with("Transfer"))
            .collect();
        assert_eq!(lines.join("|"), *line, "{text}");
        assert!(text.ends_with("\r\n\r\n"));
    }
}

#[test]
fn the_connection_field_is_ours_and_keeps_the_callers_other_members() {
    let plain = answer(BodySize::None);
    let closing = Answer {
        keep_alive: false,
        ..plain
    };
    let silent = Answer {
        keep_alive_timeout_s: 0,
        ..plain
    };
    let rows: &[(u16, &str, Answer<'_>, bool, &str)] = &[
        (200, "", plain, true, "Connection: keep-alive|Keep-Alive: timeout=65"),
        (200, "", silent, true, "Connection: keep-alive"),
        (200, "", closing, false, "Connection: close"),
        (200, "connection\0Close\0", plain, false, "Connection: close"),
        (
            200,
            "connection\0keep-alive, x\0Connection\0y\0",
            closing,
            false,
            "Connection: close, x, y",
        ),
        (
            200,
            "Keep-Alive\0timeout=9\0",
            plain,
            true,
            "Connection: keep-alive|Keep-Alive: timeout=65",
        ),
        (
            101,
            "Connection\0Upgrade\0Upgrade\0x\0",
            plain,
            true,
            "Connection: Upgrade",
        ),
    ];
    for (status, block, answer, keep_alive, expected) in rows {
        let (text, written) = write(*status, block, answer);
        assert_eq!(written.map(|written| written.keep_alive), Ok(*keep_alive), "{block:?}");
        let lines: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with("Connection") || line.starts_with("Keep"))
            .collect();
        assert_eq!(lines.join("|"), *expected);
    }
}

#[test]
fn what_could_split_or_misframe_an_answer_is_refused_and_nothing_is_written() {
    let known = answer(BodySize::Known(3));
    let rows: &[(u16, &str, Code)] = &[
        (200, "X\0a\r\nY: b\0", Code::InvalidArgument),
        (200, "X\r\n\0a\0", Code::InvalidArgument),
        (200, "X\0a", Code::InvalidArgument),
        (200, "Content-Length\x004\0", Code::HttpResponseBodyMismatch),
        (200, "Content-Length\x003\0Content-Length\x003\0", Code::InvalidArgument),
        (200, "Content-Length\0+3\0", Code::InvalidArgument),
        (200, "Transfer-Encoding\0gzip, chunked\0", Code::InvalidArgument),
        (100, "", Code::InvalidArgument),
        (99, "", Code::InvalidArgument),
        (1000, "", Code::InvalidArgument),
    ];
    for (status, block, code) in rows {
        assert_eq!(
            write(*status, block, &known),
            (String::new(), Err(*code)),
            "{status} {block:?}"
        );
    }
    let mut out = Vec::new();
    let refused = write_response_head(&mut out, 200, b"OK\r\nX: y", b"", &known);
    assert_eq!((refused, out.len()), (Err(Error::new(Code::InvalidArgument)), 0));
}

#[test]
fn date_reason_and_unknown_status_are_as_given() {
    let mut out = Vec::new();
    let bare = Answer {
        date: b"",
        ..answer(BodySize::None)
    };
    write_response_head(&mut out, 299, b"", b"date\0d\0", &bare).expect("well formed");
    assert!(
        out.starts_with(b"HTTP/1.1 299 \r\ndate: d\r\nConnection"),
        "{}",
        out.escape_ascii()
    );
    out.clear();
    write_response_head(&mut out, 200, b"Fine\xe9", b"date\0d\0", &answer(BodySize::None)).expect("well formed");
    assert!(
        out.starts_with(b"HTTP/1.1 200 Fine\xe9\r\ndate: d\r\nConnection"),
        "{}",
        out.escape_ascii()
    );
}

#[test]
fn informational_responses_have_no_framing() {
    let mut out = Vec::new();
    write_informational(&mut out, 103, b"Link\0</a>\0").expect("well formed");
    assert_eq!(out, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    for (status, block) in [
        (101, &b""[..]),
        (200, b""),
        (103, b"Content-Length\x000\0"),
        (103, b"Link\0\n\0"),
    ] {
        assert!(write_informational(&mut out, status, block).is_err(), "{status}");
    }
    assert_eq!(out.len(), 40);
}

#[test]
fn chunks_are_framed_and_an_empty_one_is_not_the_last() {
    let mut out = Vec::new();
    write_chunk(&mut out, b"");
    write_chunk_prefix(&mut out, 0);
    write_chunk(&mut out, &[b'a'; 26]);
    write_chunk_prefix(&mut out, usize::MAX);
    write_last_chunk(&mut out, b"X\0y\0").expect("well formed");
    let expected = format!("1a\r\n{}\r\nffffffffffffffff\r\n0\r\nX: y\r\n\r\n", "a".repeat(26));
    assert_eq!(out, expected.as_bytes());
    let len = out.len();
    for trailers in [&b"Content-Length\x001\0"[..], b"X\0\n\0", b"X"] {
        assert_eq!(
            write_last_chunk(&mut out, trailers),
            Err(Error::new(Code::InvalidArgument))
        );
    }
    assert_eq!(out.len(), len);
}

#[test]
fn requests_are_written_with_their_framing() {
    type Row = (
        &'static str,
        &'static str,
        &'static str,
        BodySize,
        Result<BodyFraming, Code>,
        &'static str,
    );
    let rows: &[Row] = &[
        (
            "GET",
            "/",
            "Host\0a\0",
            BodySize::None,
            Ok(BodyFraming::None),
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        (
            "POST",
            "/",
            "Host\0a\0",
            BodySize::None,
            Ok(BodyFraming::Length(0)),
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            "BREW",
            "/",
            "Host\0a\0Connection\0close\0",
            BodySize::Stream,
            Ok(BodyFraming::Chunked),
            "BREW / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        (
            "PUT",
            "/",
            "Host\0a\0",
            BodySize::Known(7),
            Ok(BodyFraming::Length(7)),
            "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n",
        ),
        (
            "CONNECT",
            "a:1",
            "Host\0a:1\0",
            BodySize::None,
            Ok(BodyFraming::None),
            "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
        ),
        ("GET", "/", "", BodySize::None, Err(Code::HttpMissingHost), ""),
        ("G T", "/", "Host\0a\0", BodySize::None, Err(Code::InvalidArgument), ""),
        (
            "GET",
            "/a b",
            "Host\0a\0",
            BodySize::None,
            Err(Code::HttpInvalidTarget),
            "",
        ),
        (
            "BREW",
            "/\r\n",
            "Host\0a\0",
            BodySize::None,
            Err(Code::InvalidArgument),
            "",
        ),
        (
            "CONNECT",
            "a:1",
            "Host\0a:1\0",
            BodySize::Stream,
            Err(Code::InvalidArgument),
            "",
        ),
        (
            "PUT",
            "/",
            "Host\0a\0Content-Length\x001\0",
            BodySize::Known(7),
            Err(Code::HttpResponseBodyMismatch),
            "",
        ),
    ];
    for (method, target, block, body, expected, text) in rows {
        let mut out = Vec::new();
        let got = write_request_head(&mut out, method.as_bytes(), target.as_bytes(), block.as_bytes(), *body);
        assert_eq!(got.map_err(|error| error.code), *expected, "{method} {target}");
        assert_eq!(String::from_utf8_lossy(&out), *text);
    }
}
