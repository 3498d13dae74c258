//! Messages and records as a peer makes them that keeps no rule.

use crate::support::client;
use millrace_testkit::contexts::NAME;
use millrace_testkit::tls::End;

/// A ClientHello of this crate's client.
pub fn hello() -> Vec<u8> {
    End::new(client(|_| {}).connect(NAME).expect("a name")).take_ciphertext()
}

pub fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3, (body.len() >> 8) as u8, body.len() as u8], body].concat()
}

pub fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = body.len().to_be_bytes();
    record(22, &[&[kind], &len[5..], body].concat())
}

/// A hello with only so much in it: version, random, session id, suites, compression, extensions.
pub fn made(version: [u8; 2], suites: &[u8], compression: &[u8], extensions: &[u8]) -> Vec<u8> {
    let body = [
        &version[..],
        &[7; 32],
        &[0],
        &(suites.len() as u16).to_be_bytes(),
        suites,
        &[compression.len() as u8],
        compression,
        &(extensions.len() as u16).to_be_bytes(),
        extensions,
    ];
    handshake(1, &body.concat())
}

pub fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &(body.len() as u16).to_be_bytes(), body].concat()
}
