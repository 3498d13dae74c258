//! A client that speaks TLS to a server of the driver.

use crate::client::{Client, read_answers};
use crate::driver::Driver;
use crate::tls::End;
use millrace_engine::tls_core::{TlsEngine, TlsSession};
use std::net::SocketAddr;

/// A client of TLS over a scripted one of TCP.
pub struct Secure {
    /// The TCP below.
    pub client: Client,
    /// The session, and what it has decrypted.
    pub end: End<TlsSession>,
    taken: usize,
}

impl Secure {
    /// Connects; the handshake begins with the first [`run_until`](Self::run_until).
    pub fn connect(addr: SocketAddr, session: TlsSession) -> Self {
        Self {
            client: Client::connect(addr),
            end: End::new(session),
            taken: 0,
        }
    }

    /// Carries what waits in both directions.
    pub fn pump(&mut self) {
        let new = self.client.received[self.taken..].to_vec();
        self.taken = self.client.received.len();
        if !new.is_empty() {
            self.end.give(&new);
        }
        let bytes = self.end.take_ciphertext();
        if !bytes.is_empty() {
            self.client.send(bytes);
        }
    }

    /// Makes turns and carries bytes until `done`.
    ///
    /// # Panics
    /// When it takes longer than a test may.
    pub fn run_until(&mut self, driver: &mut Driver, mut done: impl FnMut(&mut Driver, &Self) -> bool) {
        let began = std::time::Instant::now();
        loop {
            self.pump();
            if done(driver, self) {
                return;
            }
            assert!(began.elapsed().as_secs() < 20, "it took too long: {:?}", driver.events);
            let before = self.client.received.len();
            let mut turns = 0;
            driver.run_until(&mut [&mut self.client], |_, clients| {
                turns += 1;
                clients[0].received.len() != before || clients[0].is_over() || turns > 2
            });
        }
    }

    /// Makes turns until the handshake is over.
    pub fn shake_hands(&mut self, driver: &mut Driver) {
        self.run_until(driver, |_, this| this.end.session.facts().is_some());
    }

    /// Seals and sends.
    pub fn send(&mut self, text: impl AsRef<[u8]>) {
        let bytes = self.end.seal_all(text.as_ref());
        self.client.send(bytes);
    }

    /// How many answers have come whole.
    pub fn complete(&self) -> usize {
        read_answers(&self.end.plaintext, &[], false)
            .iter()
            .filter(|answer| answer.complete)
            .count()
    }
}
