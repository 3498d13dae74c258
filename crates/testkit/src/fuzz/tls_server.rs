//! A TLS server against bytes.

use std::sync::{Arc, OnceLock};

use millrace_tls::{ServerContext, TlsEngine, TlsEvent};

use crate::contexts::Site;
use crate::fuzz::choices;
use crate::tls::{Cut, End, Link};

fn context() -> &'static Arc<ServerContext> {
    static CONTEXT: OnceLock<Arc<ServerContext>> = OnceLock::new();
    CONTEXT.get_or_init(|| {
        Site::new("fuzz CA").server(|options| {
            options.ask_for_certificate = true;
            options.alpn = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            options.max_early_data = 1_000;
        })
    })
}

/// Nobody without keys gets past the handshake: no plaintext, no facts; what is said is whole records; an error stays.
///
/// # Panics
/// When an invariant is broken.
pub fn tls_server(data: &[u8]) {
    let Some((cuts, _, input)) = choices(data) else { return };
    let cut = match cuts % 3 {
        0 => Cut::Whole,
        1 => Cut::Bytes,
        _ => Cut::Random(u64::from(cuts)),
    };
    let mut end = End::new(context().accept());
    Link::carry(cut, input, &mut end);
    if matches!(end.events.last(), Some(TlsEvent::ClientHello(_))) {
        assert!(!end.session.wants_ciphertext());
        // An error is one of those that `give` would report, too.
        let _ = end.session.choose(None);
        end.give(&[]);
    }
    assert!(end.session.facts().is_none() && end.session.is_handshaking());
    assert!(end.plaintext.is_empty() && end.early_data.is_empty());
    let said = end.take_ciphertext();
    let mut rest = said.as_slice();
    while let [kind @ 20..=23, 3, _, high, low, body @ ..] = rest {
        let length = usize::from(*high) << 8 | usize::from(*low);
        assert!(length <= body.len(), "a record of type {kind} is cut");
        rest = &body[length..];
    }
    assert!(rest.is_empty(), "what is said is no record: {rest:?}");
    end.give_eof();
    assert!(end.error.is_some());
    assert!(!end.session.wants_ciphertext() && end.take_ciphertext().is_empty());
}
