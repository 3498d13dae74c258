//! The response parser: framing by status and request, status lines, endings.

use millrace_error::{Code, Error};
use millrace_http1::{BodyFraming, Event, Limits, ResponseContext, ResponseParser};

const GET: ResponseContext = ResponseContext {
    head_request: false,
    connect: false,
};
const HEAD: ResponseContext = ResponseContext {
    head_request: true,
    connect: false,
};
const CONNECT: ResponseContext = ResponseContext {
    head_request: false,
    connect: true,
};

/// Reads a head and returns the parser, the framing and what follows the head.
fn head(context: ResponseContext, input: &str) -> (ResponseParser, Result<BodyFraming, Code>, usize) {
    let mut parser = ResponseParser::new(Limits::default(), context);
    let step = parser.handle_bytes(input.as_bytes());
    let framing = match step.event {
        Event::Head { .. } => Ok(parser.head().framing),
        Event::Error(error) => Err(error.code),
        other => panic!("{other:?} for {input:?}"),
    };
    (parser, framing, step.consumed)
}

#[test]
fn the_framing_follows_status_request_and_fields() {
    use BodyFraming::*;
    let rows: &[(ResponseContext, &str, BodyFraming)] = &[
        (GET, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", Length(3)),
        (GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Chunked),
        (GET, "HTTP/1.1 200 OK\r\n\r\n", UntilClose),
        (GET, "HTTP/1.0 200 OK\r\n\r\n", UntilClose),
        (HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", None),
        (HEAD, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", None),
        (GET, "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", None),
        (GET, "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", None),
        (GET, "HTTP/1.1 103 Early Hints\r\n\r\n", None),
        (CONNECT, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", None),
        (CONNECT, "HTTP/1.1 407 No\r\nContent-Length: 3\r\n\r\n", Length(3)),
        (GET, "HTTP/1.1 999 \r\nContent-Length: 0\r\n\r\n", Length(0)),
    ];
    for (context, input, framing) in rows {
        let (_, got, consumed) = head(*context, input);
        assert_eq!((got, consumed), (Ok(*framing), input.len()), "{input:?}");
    }
}

#[test]
fn malformed_heads_are_refused_each_with_its_code() {
    let rows: &[(&str, Code)] = &[
        ("HTTP/1.1 200\r\n\r\n", Code::HttpInvalidStatusLine),
        ("HTTP/1.1 200 OK\n\r\n", Code::HttpInvalidLineEnding),
        ("HTTP/1.1 200 OK\rX", Code::HttpInvalidLineEnding),
        ("HTTP/1.1  200 OK\r\n", Code::HttpInvalidStatusLine),
        ("HTTP/1.1 20 OK\r\n", Code::HttpInvalidStatusLine),
        ("HTTP/1.1 2000 OK\r\n", Code::HttpInvalidStatusLine),
        ("HTTP/1.1 099 OK\r\n", Code::HttpInvalidStatusLine),
        ("HTTP/1.1 200 O\u{1}K\r\n", Code::HttpInvalidStatusLine),
        ("HTTP/2.0 200 OK\r\n", Code::HttpVersionUnsupported),
        ("HTTP/1.2 200 OK\r\n", Code::HttpVersionUnsupported),
        ("RTSP/1.0 200 OK\r\n", Code::HttpInvalidStatusLine),
        ("\r\nHTTP/1.1 200 OK\r\n", Code::HttpInvalidStatusLine),
        ("GET / HTTP/1.1\r\n", Code::HttpInvalidStatusLine),
        ("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", Code::HttpInvalidHeader),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            Code::HttpInvalidContentLength,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            Code::HttpConflictingFraming,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
            Code::HttpConflictingFraming,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            Code::HttpInvalidTransferEncoding,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            Code::HttpTransferEncodingUnsupported,
        ),
        (
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            Code::HttpInvalidTransferEncoding,
        ),
    ];
    for (input, code) in rows {
        assert_eq!(head(GET, input).1, Err(*code), "{input:?}");
    }
}

#[test]
fn the_head_holds_reason_and_fields() {
    let (parser, ..) = head(
        GET,
        "HTTP/1.0 404 Not Here\r\nX-A:  b \r\nY:\r\nConnection: keep-alive\r\n\r\n",
    );
    let head = parser.head();
    assert_eq!((head.status, head.minor, head.reason()), (404, 0, &b"Not Here"[..]));
    assert_eq!(head.fields(), b"X-A\0b\0Y\0\0Connection\0keep-alive\0");
    assert!(
        !head.keep_alive,
        "a body until the end of the connection cannot be followed by another"
    );
}

#[test]
fn the_end_of_the_connection_completes_only_what_it_delimits() {
    let (mut parser, ..) = head(GET, "HTTP/1.1 200 OK\r\n\r\n");
    assert_eq!(parser.handle_bytes(b"abc").event, Event::Body { start: 0, end: 3 });
    assert_eq!(parser.handle_end(), Ok(true));
    assert!(parser.is_complete());
    for cut in [
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ] {
        let (mut parser, ..) = head(GET, cut);
        assert_eq!(
            parser.handle_end(),
            Err(Error::new(Code::HttpIncompleteMessage)),
            "{cut:?}"
        );
    }
    let mut parser = ResponseParser::new(Limits::default(), GET);
    assert_eq!(parser.handle_end(), Ok(false));
}

#[test]
fn sixteen_informational_responses_pass_and_the_next_does_not() {
    let mut parser = ResponseParser::new(Limits::default(), GET);
    let hint = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    for _ in 0..16 {
        assert_eq!(parser.handle_bytes(hint).event, Event::Head { ended: true });
        assert_eq!(parser.head().status, 103);
    }
    let Event::Error(error) = parser.handle_bytes(hint).event else {
        panic!("the seventeenth passed")
    };
    assert_eq!(error.code, Code::HttpTooManyInformational);
}

#[test]
fn http_ends_after_101_and_after_a_connect_that_succeeded() {
    for (context, input) in [
        (
            GET,
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nraw",
        ),
        (CONNECT, "HTTP/1.1 200 OK\r\n\r\nraw"),
    ] {
        let (mut parser, framing, consumed) = head(context, input);
        assert_eq!((framing, &input[consumed..]), (Ok(BodyFraming::None), "raw"));
        assert!(!parser.head().keep_alive && parser.is_complete());
        assert_eq!(parser.begin(GET), Err(Error::new(Code::InvalidState)));
    }
}

#[test]
fn a_response_that_nobody_asked_for_is_refused() {
    let response = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let mut parser = ResponseParser::new(Limits::default(), GET);
    assert_eq!(parser.handle_bytes(response).event, Event::Head { ended: true });
    assert_eq!(parser.begin(HEAD), Ok(()));
    assert_eq!(parser.handle_bytes(response).event, Event::Head { ended: true });
    assert_eq!(
        parser.handle_bytes(response).event,
        Event::Error(Error::new(Code::HttpUnexpectedData))
    );
}
