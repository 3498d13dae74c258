//! A whole connection of a server that speaks TLS: bytes of a stranger, or requests of a client whose ciphertext is
//! tampered with on the way.

use std::sync::{Arc, OnceLock};

use millrace_engine::tls_core::{ClientContext, ServerContext, TlsEngine, TlsSession};
use millrace_engine::{EventKind, ServerOptions};
use millrace_head::Method;

use super::choices;
use crate::client::{Client, read_answers};
use crate::contexts::{NAME, Site};
use crate::driver::{Driver, Happened, answer};
use crate::feed::{Random, random_pieces};
use crate::tls::End;

/// How often a seed may make turns before it is a spin.
const TURNS: usize = 2_000;

/// The byte of a record's version that must be ignored (RFC 8446 §5.1): to change it changes nothing.
const IGNORED: usize = 2;

fn contexts() -> &'static (Arc<ServerContext>, Arc<ClientContext>) {
    static MADE: OnceLock<(Arc<ServerContext>, Arc<ClientContext>)> = OnceLock::new();
    MADE.get_or_init(|| {
        let site = Site::new("fuzz CA");
        (site.server(|_| {}), site.client(|_| {}))
    })
}

/// Runs a connection over fuzz data. The first byte chooses the cuts; of the second, bit 0 whether a client shakes hands
/// and sends the input as its requests, and the others which byte of its ciphertext is changed.
///
/// # Panics
/// When an invariant is broken: a request of a stranger, an answer that is not HTTP, something left.
pub fn tls_connection(data: &[u8]) {
    let Some((cuts, choice, input)) = choices(data) else {
        return;
    };
    let (server_context, client_context) = contexts();
    let mut driver = Driver::new();
    driver.stop_clock();
    let (server, path) = driver.listen_unix(ServerOptions::default());
    driver.engine.set_tls(server, Some(Arc::clone(server_context)));
    let mut random = Random::new(u64::from(cuts) << 8 | u64::from(choice));
    let mut client = Client::connect_unix(&path);
    let honest = choice & 1 != 0;
    let mut requests = Requests::default();
    if honest {
        let mut end = End::new(client_context.connect(NAME).expect("a name"));
        let mut taken = 0;
        while end.session.facts().is_none() {
            pump(&mut client, &mut end, &mut taken);
            turns(&mut driver, &mut client, &mut requests);
        }
        let mut sealed = end.seal_all(input);
        let place = usize::from(choice >> 1);
        let tampered = place > 0 && place < sealed.len();
        if tampered {
            sealed[place] ^= 1 + (cuts & 0x7f);
        }
        for piece in random_pieces(&sealed, &mut random) {
            client.send(piece);
            turns(&mut driver, &mut client, &mut requests);
        }
        pump(&mut client, &mut end, &mut taken);
        if tampered && place != IGNORED {
            assert_eq!(requests.count, 0, "a record that was changed was believed");
        }
        // Panics on what is no HTTP.
        read_answers(&end.plaintext, &requests.heads, false);
    } else {
        for piece in random_pieces(input, &mut random) {
            client.send(piece);
            turns(&mut driver, &mut client, &mut requests);
        }
        assert_eq!(requests.count, 0, "a stranger's bytes became a request");
    }
    client.finish();
    turns(&mut driver, &mut client, &mut requests);
    for _ in 0..4 {
        driver.advance(400_000);
    }
    driver.engine.force_server(server);
    driver.settle();
    driver.assert_nothing_left();
}

/// Carries what waits between the socket and the client's session.
fn pump(client: &mut Client, end: &mut End<TlsSession>, taken: &mut usize) {
    let new = client.received[*taken..].to_vec();
    *taken = client.received.len();
    if !new.is_empty() {
        end.give(&new);
    }
    let bytes = end.take_ciphertext();
    if !bytes.is_empty() {
        client.send(bytes);
    }
}

/// The requests that a server has told of.
#[derive(Default)]
struct Requests {
    count: usize,
    /// Which of them are HEAD: their answers have no body.
    heads: Vec<usize>,
}

/// Lets the server work until it rests, answering whatever is asked, and counts the requests.
fn turns(driver: &mut Driver, client: &mut Client, requests: &mut Requests) {
    for turn in 0.. {
        assert!(turn < TURNS, "it spins");
        driver.turn();
        let events: Vec<Happened> = driver.events.drain(..).collect();
        for event in &events {
            if event.kind == EventKind::Request {
                if event.b & 0xff == Method::Head as u64 {
                    requests.heads.push(requests.count);
                }
                requests.count += 1;
                // One with a body may have ended its connection by then.
                let _ = answer(&mut driver.engine, event.stream(), b"fine");
            }
        }
        let moved = client.exchange();
        if events.is_empty() && !driver.engine.has_work() && !moved {
            break;
        }
    }
}
