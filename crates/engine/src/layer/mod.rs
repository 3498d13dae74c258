//! What a connection's bytes pass through between link and protocol, bottom up.
//!
//! A layer without a place in the list costs nothing: the list is empty for a plain connection. TLS and the proxy
//! handshakes will be further variants; each takes bytes, gives bytes upwards, and says when it is done.

mod proxy_protocol;

pub use proxy_protocol::{ProxyHead, ProxyHeadParser, Verdict};

/// One layer of a connection.
pub(crate) enum Layer {
    /// A PROXY protocol head is expected first.
    ProxyProtocol(ProxyHeadParser),
}
