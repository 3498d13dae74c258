//! What the engine sees of TLS.

use millrace_buffer::{Output, Pool};

use crate::{CtVerdict, Identity, OcspVerdict, TlsError, TlsVersion};

/// What a client said in its ClientHello, for choosing a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    /// The name that the client asked for (RFC 6066 §3), in lower case.
    pub servername: Option<String>,
    /// The application protocols that it offers, most preferred first.
    pub alpn: Vec<Vec<u8>>,
    /// Whether it can verify ECDSA signatures; a client that cannot needs an RSA certificate.
    pub ecdsa: bool,
}

/// Something that a session has to say, in the order in which it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsEvent {
    /// The table has no certificate for this client. The handshake waits for [`TlsEngine::choose`].
    ClientHello(ClientHello),
    /// The handshake is over: [`TlsEngine::facts`] are known and plaintext can be sealed.
    Established,
    /// Early data was sent and the server did not take it
    /// ([`millrace_error::Code::TlsEarlyDataRefused`]): it has to be sent again.
    EarlyDataRefused,
    /// The peer has ended its side in order, with close_notify: no plaintext follows.
    Closed,
}

/// What is known of an established session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// The version spoken.
    pub version: TlsVersion,
    /// The cipher suite, as OpenSSL and Node name it.
    pub cipher: &'static str,
    /// The application protocol agreed on.
    pub alpn: Option<Vec<u8>>,
    /// The name that the client asked for.
    pub servername: Option<String>,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// Whether early data was taken.
    pub early_data: bool,
    /// The peer's chain in DER, its own certificate first; empty when it showed none.
    pub peer_certificates: Vec<Vec<u8>>,
    /// What is wrong with the peer's certificate, where it was let pass all the same.
    pub authorization_error: Option<TlsError>,
    /// What the OCSP response that a server stapled comes to; nothing on a server, where the policy is off, and in a
    /// resumed session, which shows no certificate.
    pub ocsp: Option<OcspVerdict>,
    /// What the timestamps of a server's certificate come to; nothing in the same cases.
    pub ct: Option<CtVerdict>,
}

/// A TLS session without a socket: ciphertext and plaintext in, plaintext and ciphertext out.
///
/// The methods are commands, inputs, outputs and getters, in this order. After every input and command, a driver takes
/// what there is: events, early data, plaintext, and ciphertext, which it sends. That holds for an error too: what was
/// decrypted before it is still good, and the alert that tells the peer waits in the output. The session is over then,
/// and answers every later input with the same error.
pub trait TlsEngine {
    /// Goes on with the handshake that waits after [`TlsEvent::ClientHello`]: with this certificate, or with the
    /// default one. A call at another time is [`millrace_error::Code::InvalidState`].
    ///
    /// # Errors
    /// The client's offer does not fit, or there is no default: [`millrace_error::Code::TlsNoCertificate`].
    fn choose(&mut self, identity: Option<&Identity>) -> Result<(), TlsError>;

    /// Seals the parts as one stream, so that a head and a small body share one record and a large body fills records
    /// of 16 KiB. Says how many bytes it took: all of them, unless the buffer limit is reached; the driver sends what
    /// waits and goes on behind them.
    ///
    /// # Errors
    /// [`millrace_error::Code::InvalidState`] before the handshake is over or after
    /// [`close_notify`](Self::close_notify), [`millrace_error::Code::TlsExhausted`] when the keys may seal no more.
    fn seal(&mut self, parts: &[&[u8]]) -> Result<usize, TlsError>;

    /// Seals early data of a client that resumes a session, before the handshake is over. Says how many bytes it
    /// took: none when the server has not allowed any, and no more than it has.
    ///
    /// # Errors
    /// [`millrace_error::Code::InvalidState`] on a server or after the handshake.
    fn seal_early(&mut self, bytes: &[u8]) -> Result<usize, TlsError>;

    /// Ends our side in order; nothing can be sealed after it. The peer's side stays open.
    fn close_notify(&mut self);

    /// Limits the ciphertext that waits to be sent, in bytes; [`crate::BUFFER_LIMIT`] at first.
    fn set_buffer_limit(&mut self, limit: usize);

    /// Takes ciphertext from the network and says how many bytes: all, or fewer when plaintext waits to be taken
    /// first ([`receive`](Self::receive) does both in turn). What follows a close_notify is dropped.
    ///
    /// # Errors
    /// Whatever ends the session. [`millrace_error::Code::TlsPlainHttp`] leaves no alert: an answer in the clear fits.
    fn handle_ciphertext(&mut self, bytes: &[u8]) -> Result<usize, TlsError>;

    /// Takes note that the network has no more for us.
    ///
    /// # Errors
    /// [`millrace_error::Code::TlsHandshakeTruncated`] inside the handshake, and
    /// [`millrace_error::Code::TlsTruncated`] when no close_notify came before it: what was received may be cut.
    fn handle_eof(&mut self) -> Result<(), TlsError>;

    /// The next event.
    fn poll_event(&mut self) -> Option<TlsEvent>;

    /// Appends early data that a client sent, which an attacker may have sent again; all of it comes before any
    /// plaintext. Says how many bytes.
    fn poll_early_data(&mut self, sink: &mut Vec<u8>) -> usize;

    /// Appends the plaintext that is decrypted and says how many bytes.
    fn poll_plaintext(&mut self, sink: &mut Vec<u8>) -> usize;

    /// Moves the ciphertext that waits to the end of an output and says how many bytes.
    fn poll_ciphertext(&mut self, output: &mut Output, pool: &mut Pool) -> usize;

    /// Whether the handshake is not over yet.
    fn is_handshaking(&self) -> bool;

    /// Whether ciphertext can be taken; a session that waits for its certificate or has ended wants none.
    fn wants_ciphertext(&self) -> bool;

    /// Whether ciphertext waits to be sent.
    fn has_ciphertext(&self) -> bool;

    /// What is known of the session, once it is established.
    fn facts(&self) -> Option<TlsFacts>;

    /// [`handle_ciphertext`](Self::handle_ciphertext) and [`poll_plaintext`](Self::poll_plaintext) in turn until all
    /// is taken. Early data stays for [`poll_early_data`](Self::poll_early_data).
    ///
    /// # Errors
    /// As `handle_ciphertext`; the plaintext before the error is in `plaintext`.
    fn receive(&mut self, mut bytes: &[u8], plaintext: &mut Vec<u8>) -> Result<(), TlsError> {
        loop {
            let taken = self.handle_ciphertext(bytes);
            let plain = self.poll_plaintext(plaintext);
            let taken = taken?;
            bytes = bytes.get(taken..).unwrap_or_default();
            if bytes.is_empty() {
                return Ok(());
            }
            if taken == 0 && plain == 0 {
                return Err(TlsError::new(millrace_error::Code::TlsBufferLimit));
            }
        }
    }
}
