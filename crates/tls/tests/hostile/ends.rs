//! Sessions that end before their time: cut off, changed on the way, or closed while the other side goes on.

use crate::messages::{hello, record};
use crate::support::{self, client, link, server};
use millrace_error::Code;
use millrace_testkit::tls::End;
use millrace_tls::{TlsEngine, TlsEvent, TlsVersion};

#[test]
fn the_end_of_the_network_is_told_apart_by_where_it_comes() {
    let (client, server) = (client(|_| {}), server(|_| {}));
    let mut fresh = End::new(server.accept());
    fresh.give_eof();
    assert_eq!(fresh.error.expect("cut").code, Code::TlsHandshakeTruncated);
    let hello = hello();
    for cut in [1, 5, 100, hello.len()] {
        let mut end = End::new(server.accept());
        end.give(&hello[..cut]);
        end.give_eof();
        assert_eq!(end.error.expect("cut").code, Code::TlsHandshakeTruncated, "{cut}");
    }
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let server = support::server(|options| options.max_version = version);
        let mut cut = link(&client, &server);
        cut.send_down(b"half");
        cut.client.give_eof();
        assert_eq!(cut.client.plaintext, b"half");
        assert_eq!(cut.client.error.expect("cut").code, Code::TlsTruncated);

        let mut clean = link(&client, &server);
        clean.send_down(b"whole");
        clean.server.session.close_notify();
        clean.run();
        clean.client.give_eof();
        assert_eq!(
            (&clean.client.plaintext[..], &clean.client.error),
            (&b"whole"[..], &None)
        );
        assert_eq!(clean.client.events, [TlsEvent::Established, TlsEvent::Closed]);
    }
}

#[test]
fn after_close_notify_the_other_side_may_go_on_and_what_follows_it_is_dropped() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let mut link = link(&client(|_| {}), &server(|options| options.max_version = version));
        link.client.session.close_notify();
        link.run();
        assert_eq!(link.server.events, [TlsEvent::Established, TlsEvent::Closed]);
        link.send_down(b"still here");
        assert_eq!(link.client.plaintext, b"still here");
        link.server.give(b"\x17\x03\x03\x00\x05hello and more");
        link.server.give(b"\x17\x03\x03\x00\x05hello and more");
        assert_eq!((link.server.error, link.server.plaintext.len()), (None, 0));
        assert_eq!(link.server.events.len(), 2, "it ends once");
    }
}

#[test]
fn a_record_that_was_changed_ends_the_session_and_what_came_before_it_is_kept() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let mut link = link(&client(|_| {}), &server(|options| options.max_version = version));
        let mut sealed = link.client.seal_all(b"good");
        let mut changed = link.client.seal_all(b"evil");
        *changed.last_mut().expect("bytes") ^= 1;
        sealed.extend(changed);
        link.server.give(&sealed);
        assert_eq!(link.server.plaintext, b"good");
        assert_eq!(
            link.server.error.as_ref().expect("refused").code,
            Code::TlsDecryptFailed
        );
        assert_eq!(
            link.server.session.seal(&[b"x"]).expect_err("over").code,
            Code::InvalidState
        );
        let alert = link.server.take_ciphertext();
        link.client.give(&alert);
        assert_eq!(link.client.error.expect("told").alert, Some("bad_record_mac"));
    }
}

#[test]
fn a_record_of_16_kib_passes_and_a_larger_one_does_not() {
    let mut link_ = link(&client(|_| {}), &server(|_| {}));
    let full = link_.client.seal_all(&[7; 16_384]);
    assert_eq!(full.len(), 5 + 16_384 + 17);
    link_.server.give(&full);
    assert_eq!(link_.server.plaintext.len(), 16_384);
    link_.server.give(&record(23, &[0; 16_384 + 2_049]));
    assert_eq!(link_.server.error.expect("refused").code, Code::TlsRecordOverflow);
}
