//! TLS as a layer: a session of `crates/tls`, and what of its output could not go on yet.

use millrace_buffer::{Output, Pool};
use millrace_tls::{Identity, TlsEngine, TlsSession};
use std::io::{self, ErrorKind, Write};

/// How many parts of an output are sealed at once.
const PARTS: usize = 16;

/// One TLS session of a connection.
pub(crate) struct TlsLayer {
    pub session: TlsSession,
    /// What goes before the session's ciphertext: an answer in the clear, or on its way into a session below.
    pub output: Output,
    /// The certificate that the host chose; it is taken up when the connection runs next.
    pub choice: Option<Option<Identity>>,
    /// When the handshake began, in ns.
    pub began_ns: u64,
    established: bool,
    /// Our close_notify is sealed.
    closed: bool,
    /// The wire did not take all the last time.
    stuck: bool,
}

impl TlsLayer {
    pub fn new(session: TlsSession, now_ns: u64) -> Self {
        Self {
            session,
            output: Output::new(),
            choice: None,
            began_ns: now_ns,
            established: false,
            closed: false,
            stuck: false,
        }
    }

    pub fn is_established(&self) -> bool {
        self.established
    }

    pub fn set_established(&mut self) {
        self.established = true;
    }

    pub fn wants_bytes(&self) -> bool {
        self.session.wants_ciphertext()
    }

    pub fn has_output(&self) -> bool {
        !self.output.is_empty() || self.session.has_ciphertext()
    }

    pub fn memory(&self) -> usize {
        self.output.memory()
    }

    /// Seals the end of our side, once and where there is a session; says whether it did.
    pub fn close(&mut self) -> bool {
        if self.closed || !self.established {
            return false;
        }
        self.closed = true;
        self.session.close_notify();
        self.session.has_ciphertext()
    }

    /// Whether what waits may be much: the wire was full.
    pub fn is_stuck(&self) -> bool {
        self.stuck
    }

    /// Gives what waits to the wire; `WouldBlock` when that is full.
    pub fn write_to(&mut self, wire: &mut dyn Write, pool: &mut Pool) -> io::Result<()> {
        self.stuck = true;
        while let Some(bytes) = self.output.single().filter(|bytes| !bytes.is_empty()) {
            let sent = wire.write(bytes)?;
            if sent == 0 {
                return Err(ErrorKind::WouldBlock.into());
            }
            self.output.advance(sent, pool, |_| {});
        }
        while self.session.has_ciphertext() {
            self.session.write_ciphertext(wire)?;
        }
        self.stuck = false;
        Ok(())
    }

    /// Seals what waits in the session above into this one; `WouldBlock` when this one takes no more for now.
    pub fn carry(&mut self, above: &mut Self, pool: &mut Pool) -> io::Result<()> {
        above.session.poll_ciphertext(&mut above.output, pool);
        while !above.output.is_empty() {
            let mut slices = [io::IoSlice::new(&[]); PARTS];
            // No pin is ever in it.
            let count = above.output.slices(|_| None, &mut slices).unwrap_or(0);
            let mut parts = [&[][..]; PARTS];
            for (part, slice) in parts.iter_mut().zip(&slices[..count]) {
                *part = slice;
            }
            let taken = self.session.seal(&parts[..count]).map_err(|_| ErrorKind::BrokenPipe)?;
            if taken == 0 {
                return Err(ErrorKind::WouldBlock.into());
            }
            above.output.advance(taken, pool, |_| {});
        }
        Ok(())
    }
}
