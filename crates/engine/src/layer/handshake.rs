//! A handshake with a proxy as a layer: ours as its client, or a client's with ours. It goes when it is over.

use super::TlsLayer;
use millrace_socks::{Client, Output, Server};
use millrace_tls::TlsEngine;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};

/// Whose handshake.
pub(crate) enum Machine {
    /// Ours, with a proxy.
    Client(Client),
    /// A client's, with our proxy.
    Server(Server),
}

/// One handshake, and what of its output could not go on yet; that may hold credentials, and is wiped by its owner.
pub(crate) struct Handshake {
    pub machine: Machine,
    /// Received behind what was read, while somebody else has to decide; of a server alone.
    pub rest: Vec<u8>,
    /// When it began, in ns.
    pub began_ns: u64,
    /// Somebody else has to decide.
    pub is_waiting: bool,
    waiting: VecDeque<Output>,
    /// How much of the first is sent.
    sent: usize,
}

impl Handshake {
    pub fn new(machine: Machine, now_ns: u64) -> Self {
        Self {
            machine,
            rest: Vec::new(),
            began_ns: now_ns,
            is_waiting: false,
            waiting: VecDeque::new(),
            sent: 0,
        }
    }

    /// Queues what the handshake has to say.
    pub fn take_output(&mut self) {
        let output = match &mut self.machine {
            Machine::Client(client) => client.poll_output(),
            Machine::Server(server) => server.poll_output(),
        };
        self.waiting.extend(output.filter(|output| !output.is_empty()));
    }

    /// Whether it reads on: where somebody else has to decide it does not.
    pub fn wants_bytes(&self) -> bool {
        self.rest.is_empty() && !self.is_waiting
    }

    pub fn has_output(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// What is still to be sent, taken out: it goes in front of the tunnel's bytes.
    pub fn into_output(self) -> impl Iterator<Item = (Output, usize)> {
        let sent = self.sent;
        let sent_of = move |place| if place == 0 { sent } else { 0 };
        self.waiting
            .into_iter()
            .enumerate()
            .map(move |(place, output)| (output, sent_of(place)))
    }

    /// Gives what waits to the session below, or to the wire where there is none; `WouldBlock` when that is full.
    pub fn write_to(&mut self, below: Option<&mut TlsLayer>, wire: &mut dyn Write) -> io::Result<()> {
        let mut below = below;
        while let Some(first) = self.waiting.front() {
            let bytes = &first[self.sent..];
            let taken = match &mut below {
                Some(tls) => tls.session.seal(&[bytes]).map_err(|_| ErrorKind::BrokenPipe)?,
                None => wire.write(bytes)?,
            };
            if taken == 0 {
                return Err(ErrorKind::WouldBlock.into());
            }
            self.sent += taken;
            if self.sent == first.len() {
                self.waiting.pop_front();
                self.sent = 0;
            }
        }
        Ok(())
    }
}
