//! A server and a hostile client: the same for every cut, nothing granted without credentials where they are due.

use millrace_socks::{Protocol, ServerConfig};

use super::{choices, limits_by};
use crate::feed::feed;
use crate::socks::{Found, run_server, sent};

/// Runs a server over fuzz data; bits of the first byte switch authentication and UDP.
///
/// # Panics
/// When an invariant is broken.
pub fn socks_server(data: &[u8]) {
    let Some((cuts, choice, input)) = choices(data) else {
        return;
    };
    let config = ServerConfig {
        auth: cuts & 0x40 != 0,
        udp: cuts & 0x80 != 0,
        limits: limits_by(choice),
    };
    let found = feed(input, u64::from(cuts), |pieces| run_server(config, pieces, true));
    let mut judged = !config.auth;
    for item in &found {
        match item {
            Found::Credentials(username, password) => {
                assert!(config.auth && username.len() <= 1_024 && password.len() <= 1_024);
                judged = username == b"alice";
            }
            Found::Request(request) | Found::Forward(request) => {
                assert!(judged, "a request got past the credentials");
                assert!(request.protocol != Protocol::Socks4 || !config.auth);
                assert!(request.target.to_string().len() <= 255 + 6);
            }
            Found::Open => assert!(judged),
            _ => {}
        }
    }
    // A method, a verdict, a reply or an HTTP head.
    assert!(sent(&found).len() <= 400, "{} bytes sent", sent(&found).len());
}
