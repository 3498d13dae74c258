//! Which certificate a server shows.

use crate::support::{ca, client, established, leaf, link_to, server};
use crate::{CUTS, shown};
use millrace_error::Code;
use millrace_testkit::contexts::{NAME, identity, server_with};
use millrace_testkit::pki::Wish;
use millrace_testkit::tls::Cut;
use millrace_tls::{TlsEngine, TlsEvent};

#[test]
fn the_name_chooses_the_certificate() {
    let names = ["default.test", "a.test", "*.a.test", "exact.a.test"];
    let leaves: Vec<_> = names.iter().map(|name| ca().issue(&Wish::new(&[name]))).collect();
    let server = server_with(leaves.iter().map(identity).collect(), |_| {});
    let client = client(|options| options.dangerously_accept_any_certificate = true);
    let rows = [
        ("default.test", 0),
        ("a.test", 1),
        ("A.TEST", 1),
        ("b.a.test", 2),
        ("exact.a.test", 3),
        ("c.b.a.test", 0),
        ("other.test", 0),
        ("127.0.0.1", 0),
    ];
    for (name, index) in rows {
        let link = link_to(name, &client, &server, Cut::Whole);
        assert_eq!(shown(&link), leaves[index].certificate, "{name}");
    }
}

#[test]
fn a_certificate_is_asked_for_only_when_the_table_has_none() {
    let late = ca().issue(&Wish::new(&["late.test"]));
    for cut in CUTS {
        let server = server(|options| {
            options.ask_for_certificate = true;
            options.alpn = vec![b"h2".to_vec()];
        });
        let client = client(|options| options.alpn = vec![b"h2".to_vec()]);
        let link_ = link_to(NAME, &client, &server, cut);
        assert!(established(&link_), "a name in the table is not asked for");

        let mut link = link_to("late.test", &client, &server, cut);
        let [TlsEvent::ClientHello(hello)] = &link.server.events[..] else {
            panic!("{:?}", link.server.events);
        };
        assert_eq!(hello.servername.as_deref(), Some("late.test"));
        assert_eq!((&hello.alpn[..], hello.ecdsa), (&[b"h2".to_vec()][..], true));
        assert!(link.server.session.is_handshaking() && !link.server.session.wants_ciphertext());
        link.server.session.choose(Some(&identity(&late))).expect("it fits");
        link.run();
        assert_eq!(shown(&link), late.certificate);
        let again = link.server.session.choose(None).expect_err("it was chosen");
        assert_eq!(again.code, Code::InvalidState);
    }
}

#[test]
fn no_answer_to_the_question_is_the_default_certificate_or_unrecognized_name() {
    let client = client(|options| options.dangerously_accept_any_certificate = true);
    let with_default = server(|options| options.ask_for_certificate = true);
    let mut link = link_to("late.test", &client, &with_default, Cut::Whole);
    link.server.session.choose(None).expect("there is a default");
    link.run();
    assert_eq!(shown(&link), leaf().certificate);

    let without = server_with(Vec::new(), |options| options.ask_for_certificate = true);
    let mut link = link_to("late.test", &client, &without, Cut::Whole);
    let error = link.server.session.choose(None).expect_err("there is no default");
    assert_eq!(error.code, Code::TlsNoCertificate);
    link.run();
    assert_eq!(link.client.error.expect("an alert").alert, Some("unrecognized_name"));
}

#[test]
fn what_arrives_while_a_certificate_is_chosen_is_kept_up_to_its_limit() {
    let server = server(|options| options.ask_for_certificate = true);
    for (extra, refused) in [
        (millrace_tls::PENDING_LIMIT, false),
        (millrace_tls::PENDING_LIMIT + 1, true),
    ] {
        let mut link = link_to("late.test", &client(|_| {}), &server, Cut::Whole);
        link.server.give(&vec![0x17; extra]);
        let code = link.server.error.as_ref().map(|error| error.code);
        assert_eq!(code, refused.then_some(Code::TlsBufferLimit), "{extra}");
    }
}
