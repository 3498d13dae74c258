//! What goes through an established session: records, their buffer, a session in a session.

use crate::support::{client, link, server};
use millrace_buffer::{Output, Pool};
use millrace_error::Code;
use millrace_testkit::contexts::NAME;
use millrace_testkit::tls::{Cut, Link};
use millrace_tls::TlsEngine;

/// The lengths of the records in a run of ciphertext.
fn records(mut bytes: &[u8]) -> Vec<usize> {
    let mut lengths = Vec::new();
    while let [kind, 3, 3, high, low, rest @ ..] = bytes {
        assert_eq!(*kind, 23, "application data");
        let length = usize::from(*high) << 8 | usize::from(*low);
        lengths.push(length);
        bytes = &rest[length..];
    }
    assert!(bytes.is_empty());
    lengths
}

#[test]
fn a_head_and_a_small_body_share_a_record_and_a_large_body_fills_them() {
    /// The content type inside and the tag (RFC 8446 §5.2).
    const OVERHEAD: usize = 17;
    let mut link = link(&client(|_| {}), &server(|_| {}));
    let session = &mut link.server.session;
    assert_eq!(
        session.seal(&[&[b'h'; 200], &[b'b'; 1_000]]).expect("established"),
        1_200
    );
    assert_eq!(records(&link.server.take_ciphertext()), [1_200 + OVERHEAD]);

    let session = &mut link.server.session;
    assert_eq!(
        session.seal(&[&[b'h'; 200], &[b'b'; 40_000]]).expect("established"),
        40_200
    );
    assert_eq!(
        records(&link.server.take_ciphertext()),
        [16_384 + OVERHEAD, 16_384 + OVERHEAD, 7_432 + OVERHEAD]
    );
}

#[test]
fn the_buffer_limit_is_where_sealing_stops_and_sending_makes_room() {
    let mut link = link(&client(|_| {}), &server(|_| {}));
    let body = vec![7; 100_000];
    let session = &mut link.server.session;
    session.set_buffer_limit(20_000);
    assert_eq!(session.seal(&[&body]).expect("established"), 20_000);
    assert_eq!(session.seal(&[&body]).expect("established"), 0);
    let sealed = link.server.take_ciphertext();
    link.client.give(&sealed);
    link.send_down(&body[20_000..]);
    assert!(link.client.plaintext == body);
}

#[test]
fn nothing_is_sealed_before_the_handshake_is_over_or_after_close_notify() {
    let (client, server) = (client(|_| {}), server(|_| {}));
    let mut ours = client.connect(NAME).expect("a name");
    let mut theirs = server.accept();
    for session in [&mut ours, &mut theirs] {
        assert!(session.is_handshaking() && session.facts().is_none());
        assert_eq!(
            session.seal(&[b"early"]).expect_err("handshaking").code,
            Code::InvalidState
        );
    }
    let mut link = link(&client, &server);
    link.client.session.close_notify();
    assert_eq!(
        link.client.session.seal(&[b"late"]).expect_err("closed").code,
        Code::InvalidState
    );
}

#[test]
fn tls_runs_inside_tls() {
    let (client, server) = (client(|_| {}), server(|_| {}));
    let mut outer = link(&client, &server);
    let mut inner = Link::new(client.connect(NAME).expect("a name"), server.accept(), Cut::Whole);
    for _ in 0..8 {
        let up = inner.client.take_ciphertext();
        outer.send_up(&up);
        inner.server.give(&std::mem::take(&mut outer.server.plaintext));
        let down = inner.server.take_ciphertext();
        outer.send_down(&down);
        inner.client.give(&std::mem::take(&mut outer.client.plaintext));
    }
    let sealed = inner.client.seal_all(b"through two");
    outer.send_up(&sealed);
    inner.server.give(&std::mem::take(&mut outer.server.plaintext));
    assert_eq!(inner.server.plaintext, b"through two");
}

#[test]
fn an_output_that_holds_something_goes_first() {
    let mut session = client(|_| {}).connect(NAME).expect("a name");
    let (mut output, mut pool) = (Output::new(), Pool::new());
    output.tail(&mut pool).extend_from_slice(b"CONNECT");
    let count = session.poll_ciphertext(&mut output, &mut pool);
    let bytes = output.single().expect("one run");
    assert_eq!((&bytes[..9], bytes.len()), (&b"CONNECT\x16\x03"[..], count + 7));
    output.clear(&mut pool, |_| {});
}
