//! What a connection's bytes pass through between link and protocol, bottom up.
//!
//! A plain connection has none and pays nothing for them. A layer that only opens a connection (the PROXY protocol)
//! goes when it is done; TLS stays as long as its connection, idle or not.

mod handshake;
mod proxy_protocol;
mod tls;

use millrace_buffer::Pool;
use std::io::{self, ErrorKind, Write};

pub(crate) use handshake::{Handshake, Machine};
pub use proxy_protocol::{ProxyHead, ProxyHeadParser, Verdict};
pub(crate) use tls::TlsLayer;

/// One layer of a connection.
pub(crate) enum Layer {
    /// A PROXY protocol head is expected first.
    ProxyProtocol(ProxyHeadParser),
    /// TLS.
    Tls(Box<TlsLayer>),
    /// A handshake with a proxy; above it is nothing yet.
    Handshake(Box<Handshake>),
}

/// The layers of a connection, bottom up.
#[derive(Default)]
pub(crate) struct Layers {
    pub list: Vec<Layer>,
}

impl Layers {
    /// Whether one of them still opens the connection: no protocol speaks yet.
    pub fn is_opening(&self) -> bool {
        self.list.iter().any(|layer| match layer {
            Layer::ProxyProtocol(_) | Layer::Handshake(_) => true,
            Layer::Tls(tls) => !tls.is_established(),
        })
    }

    /// Whether it waits for bytes of the peer; one that chooses a certificate does not.
    pub fn wants_bytes(&self) -> bool {
        self.list.iter().all(|layer| match layer {
            Layer::ProxyProtocol(_) => true,
            Layer::Tls(tls) => tls.wants_bytes(),
            Layer::Handshake(handshake) => handshake.wants_bytes(),
        })
    }

    /// The TLS session next to the protocol.
    pub fn tls(&self) -> Option<&TlsLayer> {
        self.list.iter().rev().find_map(|layer| match layer {
            Layer::Tls(tls) => Some(&**tls),
            Layer::ProxyProtocol(_) | Layer::Handshake(_) => None,
        })
    }

    /// As [`tls`](Self::tls).
    pub fn tls_mut(&mut self) -> Option<&mut TlsLayer> {
        self.list.iter_mut().rev().find_map(|layer| match layer {
            Layer::Tls(tls) => Some(&mut **tls),
            Layer::ProxyProtocol(_) | Layer::Handshake(_) => None,
        })
    }

    /// Whether something of theirs waits to be written.
    pub fn has_output(&self) -> bool {
        self.list.iter().any(|layer| match layer {
            Layer::ProxyProtocol(_) => false,
            Layer::Tls(tls) => tls.has_output(),
            Layer::Handshake(handshake) => handshake.has_output(),
        })
    }

    /// The handshake with a proxy that is under way.
    pub fn handshake_mut(&mut self) -> Option<&mut Handshake> {
        match self.list.last_mut() {
            Some(Layer::Handshake(handshake)) => Some(handshake),
            _ => None,
        }
    }

    /// Whether a handshake with a proxy is under way.
    pub fn has_handshake(&self) -> bool {
        matches!(self.list.last(), Some(Layer::Handshake(_)))
    }

    /// Whether the socket did not take all that they had, the last time.
    pub fn are_stuck(&self) -> bool {
        self.list.iter().any(|layer| match layer {
            Layer::ProxyProtocol(_) | Layer::Handshake(_) => false,
            Layer::Tls(tls) => tls.is_stuck(),
        })
    }

    /// Whether something of theirs is written, sealed or on its own.
    pub fn speak(&self) -> bool {
        self.has_handshake() || self.tls().is_some()
    }

    /// Gives what waits in the sessions to the wire, from the top down; `WouldBlock` when that is full.
    pub fn write_to(&mut self, wire: &mut dyn Write, pool: &mut Pool) -> io::Result<()> {
        if let Some((Layer::Handshake(handshake), below)) = self.list.split_last_mut() {
            let session = below.iter_mut().rev().find_map(|layer| match layer {
                Layer::Tls(tls) => Some(&mut **tls),
                _ => None,
            });
            handshake.write_to(session, wire)?;
        }
        let mut sessions: Vec<&mut TlsLayer> = self.sessions_mut().collect();
        // Twice: what a full session below took is room for the one above.
        while let Some((bottom, _)) = sessions.split_first_mut() {
            bottom.write_to(wire, pool)?;
            let mut blocked = false;
            for place in (1..sessions.len()).rev() {
                let (below, above) = sessions.split_at_mut(place);
                if let (Some(below), Some(above)) = (below.last_mut(), above.first_mut()) {
                    match below.carry(above, pool) {
                        Err(error) if error.kind() == ErrorKind::WouldBlock => blocked = true,
                        result => result?,
                    }
                }
            }
            let more = sessions.first().is_some_and(|bottom| bottom.has_output());
            if !more && !blocked {
                break;
            }
            if !more {
                return Err(ErrorKind::WouldBlock.into());
            }
        }
        Ok(())
    }

    fn sessions_mut(&mut self) -> impl Iterator<Item = &mut TlsLayer> {
        self.list.iter_mut().filter_map(|layer| match layer {
            Layer::Tls(tls) => Some(&mut **tls),
            Layer::ProxyProtocol(_) | Layer::Handshake(_) => None,
        })
    }

    /// Gives the buffers of their output back.
    pub fn clear(&mut self, pool: &mut Pool) {
        self.sessions_mut().for_each(|tls| tls.output.clear(pool, |_| {}));
    }

    /// How much memory their output holds, in bytes.
    pub fn memory(&self) -> usize {
        self.list.iter().fold(0, |sum, layer| match layer {
            Layer::ProxyProtocol(_) | Layer::Handshake(_) => sum,
            Layer::Tls(tls) => sum + tls.memory(),
        })
    }
}
