//! Two TLS sessions on a simulated link.

use millrace_buffer::{Output, Pool};
use millrace_tls::{TlsEngine, TlsError, TlsEvent};

use crate::feed::{Random, random_pieces};

/// How a link cuts what it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Not at all.
    Whole,
    /// Into single bytes.
    Bytes,
    /// At random places, by this seed.
    Random(u64),
}

/// One end of a link: a session and what it has said so far.
pub struct End<E> {
    /// The session.
    pub session: E,
    /// The plaintext that it received.
    pub plaintext: Vec<u8>,
    /// The early data that it received.
    pub early_data: Vec<u8>,
    /// Its events, in order.
    pub events: Vec<TlsEvent>,
    /// The error that it ended with.
    pub error: Option<TlsError>,
}

impl<E: TlsEngine> End<E> {
    /// An end with nothing said.
    pub const fn new(session: E) -> Self {
        Self {
            session,
            plaintext: Vec::new(),
            early_data: Vec::new(),
            events: Vec::new(),
            error: None,
        }
    }

    /// Takes the ciphertext that waits.
    pub fn take_ciphertext(&mut self) -> Vec<u8> {
        let (mut output, mut pool) = (Output::new(), Pool::new());
        let count = self.session.poll_ciphertext(&mut output, &mut pool);
        let mut bytes = Vec::with_capacity(count);
        while !output.is_empty() {
            let mut slices = [std::io::IoSlice::new(&[]); 8];
            let filled = output.slices(|_| None, &mut slices).expect("nothing is pinned");
            let before = bytes.len();
            slices[..filled].iter().for_each(|slice| bytes.extend_from_slice(slice));
            let taken = bytes.len() - before;
            output.advance(taken, &mut pool, |_| {});
        }
        assert_eq!((bytes.len(), pool.in_use()), (count, 0));
        bytes
    }

    /// Gives it ciphertext, and takes all that it has to say but its ciphertext.
    pub fn give(&mut self, bytes: &[u8]) {
        let result = self.session.receive(bytes, &mut self.plaintext);
        self.settle(result);
    }

    /// Tells it that the network has ended.
    pub fn give_eof(&mut self) {
        let result = self.session.handle_eof();
        self.settle(result);
    }

    fn settle(&mut self, result: Result<(), TlsError>) {
        self.session.poll_early_data(&mut self.early_data);
        while let Some(event) = self.session.poll_event() {
            self.events.push(event);
        }
        if let Err(error) = result {
            let first = self.error.get_or_insert_with(|| error.clone());
            assert_eq!(*first, error, "an ended session answers with what ended it");
        }
    }

    /// Seals all of it, sending as the buffer fills; the ciphertext is returned.
    ///
    /// # Panics
    /// When the session refuses.
    pub fn seal_all(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut out = self.take_ciphertext();
        while !bytes.is_empty() {
            let taken = self.session.seal(&[bytes]).expect("an established session");
            bytes = &bytes[taken..];
            out.extend(self.take_ciphertext());
        }
        out
    }
}

/// A client and a server, and the link between them.
pub struct Link<E> {
    /// The client's end.
    pub client: End<E>,
    /// The server's end.
    pub server: End<E>,
    cut: Cut,
}

impl<E: TlsEngine> Link<E> {
    /// A link that cuts in this way.
    pub const fn new(client: E, server: E, cut: Cut) -> Self {
        Self {
            client: End::new(client),
            server: End::new(server),
            cut,
        }
    }

    /// Carries bytes to one end, cut as the link does.
    pub fn carry(cut: Cut, bytes: &[u8], to: &mut End<E>) {
        match cut {
            Cut::Whole => to.give(bytes),
            Cut::Bytes => bytes.chunks(1).for_each(|byte| to.give(byte)),
            Cut::Random(seed) => random_pieces(bytes, &mut Random::new(seed))
                .into_iter()
                .for_each(|piece| to.give(piece)),
        }
    }

    /// Carries what waits on both sides until nothing does.
    pub fn run(&mut self) {
        loop {
            let to_server = self.client.take_ciphertext();
            Self::carry(self.cut, &to_server, &mut self.server);
            let to_client = self.server.take_ciphertext();
            Self::carry(self.cut, &to_client, &mut self.client);
            if to_server.is_empty() && to_client.is_empty() {
                return;
            }
        }
    }

    /// Sends from the client to the server.
    pub fn send_up(&mut self, bytes: &[u8]) {
        let sealed = self.client.seal_all(bytes);
        Self::carry(self.cut, &sealed, &mut self.server);
    }

    /// Sends from the server to the client.
    pub fn send_down(&mut self, bytes: &[u8]) {
        let sealed = self.server.seal_all(bytes);
        Self::carry(self.cut, &sealed, &mut self.client);
    }
}
