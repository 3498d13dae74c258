//! Dials through a proxy, and how they fail.

use millrace_engine::socks_core::{ClientConfig, Credentials, Endpoint, Kind};
use millrace_engine::{Dial, EventKind, Hop};
use millrace_error::Code;
use millrace_testkit::driver::{Driver, Happened, dial_to as to};
use std::net::{SocketAddr, TcpListener};

pub fn through(proxy: SocketAddr, kind: Kind, credentials: Option<Credentials>) -> Dial {
    let host: &[u8] = if kind.takes_names() {
        b"target.test"
    } else {
        b"192.0.2.1"
    };
    let mut handshake = ClientConfig::new(kind, Endpoint::new(host, 443).expect("a target"));
    handshake.credentials = credentials;
    Dial {
        hops: vec![Hop { tls: None, handshake }],
        ..to(&[proxy])
    }
}

/// A port on which nobody listens.
pub fn closed() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound")
}

pub fn failed(driver: &mut Driver) -> Happened {
    driver.run_until(&mut [], |driver, _| driver.count(EventKind::DialFailed) == 1);
    driver.expect(EventKind::DialFailed)
}

pub fn code(event: &Happened) -> Option<Code> {
    Code::from_id((event.flags & 0xfff) as u16)
}
