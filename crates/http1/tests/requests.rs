//! The request parser: its contract beyond the table of malformed requests.

use millrace_error::{Code, Error};
use millrace_head::Method;
use millrace_http1::{BodyFraming, Event, Limits, RequestParser, Step};

const GET: &[u8] = b"GET /a?b HTTP/1.1\r\nHost: x\r\nAccept:  */* \r\n\r\n";

fn parser() -> RequestParser {
    RequestParser::new(Limits::default())
}

fn head_of(input: &[u8]) -> (RequestParser, Step) {
    let mut parser = parser();
    let step = parser.handle_bytes(input);
    assert!(
        matches!(step.event, Event::Head { .. }),
        "{step:?} for {}",
        input.escape_ascii()
    );
    (parser, step)
}

#[test]
fn the_head_holds_method_target_and_fields() {
    let (parser, step) = head_of(GET);
    assert_eq!(
        step,
        Step {
            consumed: GET.len(),
            event: Event::Head { ended: true }
        }
    );
    let head = parser.head();
    assert_eq!(
        (head.method, head.minor, head.framing),
        (Method::Get, 1, BodyFraming::None)
    );
    assert_eq!(
        (head.target(), head.fields()),
        (&b"/a?b"[..], &b"Host\0x\0Accept\0*/*\0"[..])
    );
    assert!(head.keep_alive && !head.upgrade && !head.expect_continue && parser.is_idle());
}

#[test]
fn pipelined_requests_come_one_a_step() {
    let input = GET.repeat(3);
    let mut parser = parser();
    let mut at = 0;
    for n in 1..=3 {
        let step = parser.handle_bytes(&input[at..]);
        at += step.consumed;
        assert_eq!((at, step.event), (n * GET.len(), Event::Head { ended: true }));
    }
    assert_eq!(
        parser.handle_bytes(&input[at..]),
        Step {
            consumed: 0,
            event: Event::NeedMore
        }
    );
}

#[test]
fn a_body_of_known_length_is_given_out_as_it_comes_and_then_ends() {
    let (mut parser, step) =
        head_of(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(step.event, Event::Head { ended: false });
    assert!(parser.head().expect_continue && !parser.is_idle());
    assert_eq!(
        parser.handle_bytes(b"ab"),
        Step {
            consumed: 2,
            event: Event::Body { start: 0, end: 2 }
        }
    );
    assert_eq!(
        parser.handle_bytes(b""),
        Step {
            consumed: 0,
            event: Event::NeedMore
        }
    );
    assert_eq!(
        parser.handle_bytes(b"cdeGET"),
        Step {
            consumed: 3,
            event: Event::Body { start: 0, end: 3 }
        }
    );
    assert_eq!(
        parser.handle_bytes(b"GET"),
        Step {
            consumed: 0,
            event: Event::End
        }
    );
    assert!(parser.is_idle());
}

#[test]
fn the_trailers_of_a_chunked_body_can_be_read_at_its_end() {
    let (mut parser, _) = head_of(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    let body = b"2;x=y\r\nab\r\n0\r\nX-Sum:  c \r\nY:\r\n\r\n";
    assert_eq!(
        parser.handle_bytes(body),
        Step {
            consumed: 9,
            event: Event::Body { start: 7, end: 9 }
        }
    );
    assert_eq!(
        parser.handle_bytes(&body[9..]),
        Step {
            consumed: body.len() - 9,
            event: Event::End
        }
    );
    assert_eq!(parser.trailers(), b"X-Sum\0c\0Y\0\0");
}

#[test]
fn an_upgrade_can_be_taken_raw_or_passed_over() {
    for input in [
        &b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Keep-Alive, Upgrade\r\nUpgrade: websocket\r\n\r\n"[..],
        b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        let both = [input, GET].concat();
        let (mut parser, step) = head_of(&both);
        assert_eq!(
            step,
            Step {
                consumed: input.len(),
                event: Event::Head { ended: true }
            }
        );
        assert!(parser.head().upgrade || parser.head().method == Method::Connect);
        assert_eq!(
            parser.handle_bytes(&both[step.consumed..]).event,
            Event::Head { ended: true }
        );
        assert_eq!(parser.head().method, Method::Get);
    }
    for not in [
        &b"GET / HTTP/1.0\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"[..],
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\r\n",
    ] {
        assert!(!head_of(not).0.head().upgrade, "{}", not.escape_ascii());
    }
}

#[test]
fn the_connection_goes_on_when_both_version_and_fields_say_so() {
    let rows = [
        ("1.1", "", true),
        ("1.1", "close", false),
        ("1.1", "a, CLOSE", false),
        ("1.0", "", false),
        ("1.0", "Keep-Alive", true),
        ("1.0", "keep-alive, close", false),
    ];
    for (version, connection, expected) in rows {
        let input = format!("GET / HTTP/{version}\r\nHost: x\r\nConnection: {connection}\r\n\r\n");
        assert_eq!(head_of(input.as_bytes()).0.head().keep_alive, expected, "{input:?}");
    }
}

#[test]
fn the_end_is_fine_between_messages_and_an_error_within_one() {
    let mut fresh = parser();
    assert_eq!(fresh.handle_end(), Ok(()));
    fresh.handle_bytes(b"\r\n");
    assert!(fresh.is_idle());
    assert_eq!(fresh.handle_end(), Ok(()));
    fresh.handle_bytes(b"G");
    assert!(!fresh.is_idle());
    let incomplete = Error::new(Code::HttpIncompleteMessage);
    assert_eq!(fresh.handle_end(), Err(incomplete));
    assert_eq!(fresh.handle_bytes(b"").event, Event::Error(incomplete));
}

#[test]
fn a_reset_parser_is_as_new_and_keeps_small_buffers_only() {
    let mut parser = parser();
    parser.handle_bytes(b"BAD\0");
    parser.reset(Limits::default());
    assert_eq!(parser.handle_bytes(GET).event, Event::Head { ended: true });
    let capacity = parser.head().block.capacity();
    parser.reset(Limits::default());
    assert_eq!(parser.head().block.capacity(), capacity);
    let large = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(60_000));
    parser.handle_bytes(large.as_bytes());
    assert!(parser.head().block.capacity() >= 60_000);
    parser.reset(Limits {
        header_fields: 1,
        ..Limits::default()
    });
    assert!(parser.head().block.capacity() <= 8 * 1024);
    let Event::Error(error) = parser.handle_bytes(GET).event else {
        panic!("two fields passed a limit of one")
    };
    assert_eq!(error, Error::limit(Code::HttpTooManyFields, 1, 2));
}

#[test]
fn limits_name_their_value_and_what_was_seen() {
    let limits = Limits {
        target_size: 3,
        ..Limits::default()
    };
    let mut parser = RequestParser::new(limits);
    let step = parser.handle_bytes(b"GET /abc HTTP/1.1\r\n");
    assert_eq!(step.event, Event::Error(Error::limit(Code::HttpTargetTooLarge, 3, 4)));
}
