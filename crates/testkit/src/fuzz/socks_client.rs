//! A client and a hostile proxy: the same for every cut, and nothing is sent that a proxy must not see.

use millrace_socks::{ClientConfig, Credentials, Endpoint, Kind};

use super::{choices, limits_by};
use crate::feed::feed;
use crate::socks::{Found, run_client, sent};

/// Runs a client over fuzz data; the first byte chooses cuts, kind and credentials, the second the limits.
///
/// # Panics
/// When an invariant is broken.
pub fn socks_client(data: &[u8]) {
    let Some((cuts, choice, input)) = choices(data) else {
        return;
    };
    let kinds = [Kind::Socks4, Kind::Socks4a, Kind::Socks5, Kind::Socks5h, Kind::Connect];
    let kind = kinds[usize::from(cuts >> 4) % kinds.len()];
    let target = Endpoint::new(b"192.0.2.9", 443).expect("an address");
    let config = || {
        let mut config = ClientConfig::new(kind, target.clone());
        config.limits = limits_by(choice);
        config.credentials = (cuts & 1 == 0 && !matches!(kind, Kind::Socks4 | Kind::Socks4a))
            .then(|| Credentials::new(b"alice", b"opensesame"));
        config.basic_at_once = cuts & 2 == 0;
        config
    };
    let found = feed(input, u64::from(cuts), |pieces| run_client(config(), pieces, true));
    let ends = found
        .iter()
        .position(|item| matches!(item, Found::Open | Found::DialAgain | Found::Error(_)));
    assert!(ends.is_some(), "a handshake whose peer has ended is over");
    let open = found.contains(&Found::Open);
    let bytes = sent(&found);
    // At most four requests, each with one challenge's worth of fields.
    assert!(
        bytes.len() <= 4 * (2 * input.len() + 1_024),
        "{} bytes sent",
        bytes.len()
    );
    if open {
        assert!(!input.is_empty());
    }
    if config().credentials.is_none() {
        assert!(!bytes.windows(5).any(|window| window == b"alice"));
    }
}
