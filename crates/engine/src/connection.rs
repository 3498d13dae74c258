//! One connection: link, layers, protocol, and the output that waits.

use crate::dial::Dialling;
use crate::flush::settle::ORDINARY;
use crate::id::Id;
use crate::layer::Layers;
use crate::link::Link;
use crate::options::ServerOptions;
use crate::protocol::Protocol;
use millrace_buffer::Output;
use millrace_error::{Code, Error};
use millrace_net::{Interest, Peer};
use std::os::fd::RawFd;

/// State bits of a connection.
pub(crate) mod flag {
    /// In the engine's dirty list.
    pub const DIRTY: u32 = 1;
    /// In the engine's list of connections with left-over work.
    pub const QUEUED: u32 = 2;
    /// The peer's FIN was read.
    pub const READ_CLOSED: u32 = 4;
    /// Hang-up was reported and is not armed any more.
    pub const HANGUP_SEEN: u32 = 8;
    /// No further request is read; close when everything owed is written.
    pub const CLOSING: u32 = 16;
    /// Our side is shut; what still comes is drained until FIN or deadline (RFC 9112 §9.6).
    pub const LINGERING: u32 = 32;
    /// The last write found the socket full.
    pub const BLOCKED: u32 = 64;
    /// Close with a drain: the peer may still be sending.
    pub const MUST_LINGER: u32 = 128;
    /// A test asked for a panic at the next processing.
    pub const PANIC: u32 = 256;
    /// Has had at least one byte of a request.
    pub const SEEN_BYTES: u32 = 512;
    /// Our side of a tunnel has ended: shut it once everything is written.
    pub const END_WRITES: u32 = 1024;
    /// Our side is shut.
    pub const WRITE_CLOSED: u32 = 2048;
    /// Accepted over the limit: not counted among the server's connections.
    pub const REFUSED: u32 = 4096;
    /// Both directions are shut and only its reader is slow: the poller does not know it any more.
    pub const UNWATCHED: u32 = 8192;
    /// Its deadline has passed, and its socket was looked at once more.
    pub const OVERDUE: u32 = 16384;
    /// Counted by the gate for a client of its own.
    pub const CLIENT_COUNTED: u32 = 32768;
    /// In the queue of handshakes that wait for their turn.
    pub const HANDSHAKE_QUEUED: u32 = 65_536;
    /// A TLS handshake is still to be done: its steps have a budget.
    pub const HANDSHAKING: u32 = 131_072;
    /// What is being received is early data, which an attacker may have sent again.
    pub const EARLY: u32 = 262_144;
    /// Its protocol speaks through TLS.
    pub const SECURE: u32 = 524_288;
    /// We began it, and it is not there yet.
    pub const CONNECTING: u32 = 1_048_576;
    /// Of a raw listener: it is a tunnel once its layers are open.
    pub const RAW: u32 = 2_097_152;
    /// Of a raw listener: its layers are open, and the host has been told of it.
    pub const OPENED: u32 = 1 << 30;
    /// One end of a relay, by its slot in `relay`.
    pub const RELAY: u32 = 4_194_304;
    /// Of a relay whose ends are both plain, and have said all that was waiting: it has no stack.
    pub const LEAN: u32 = 8_388_608;
    /// Closed over an error: neither the system nor TLS is to make it look like an end.
    pub const CUT: u32 = 16_777_216;
    /// The peer has ended its side behind bytes that wait for their turn: the protocol is told after them.
    pub const END_WAITS: u32 = 536_870_912;
    /// A tunnel whose last read brought much: the next goes straight into memory of the host's, see `bulk`.
    pub const BULK: u32 = 33_554_432;
    /// An HTTP/1.1 connection of which our side is the client.
    pub const CLIENT: u32 = 1 << 27;
    /// Its client's reputation lets it wait: nothing of it is read yet.
    pub const DELAYED: u32 = 67_108_864;
    /// Brings more than one read takes, or something besides bytes: the poller tells of it for as long as it lies there.
    pub const LEVEL: u32 = 1 << 28;
}

/// What the deadline of a connection is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deadline {
    None,
    /// Until a delayed connection is served.
    Delay,
    Headers,
    Body,
    Request,
    Write,
    KeepAlive,
    Linger,
    /// Of an idle connection of a closing server.
    Farewell,
    ReceiveRate,
    SendRate,
    /// The idle and the total time of a relay; kept by its first end.
    Relay,
    /// The TLS handshake: from the accept, or from when a connection that we began is there.
    Handshake,
    /// A connection that we began.
    Connect,
    /// The handshake with a proxy, of a connection that we began.
    Proxy,
}

/// Everything a connection has while it is not idle. A tunnel has it for as long as it is open, and there are many: what only
/// one protocol needs is with that.
pub(crate) struct Stack {
    pub protocol: Protocol,
    /// What waits to be written.
    pub output: Output,
    /// Received and not parsed: the protocol had to stop.
    pub backlog: Vec<u8>,
    /// When the kernel last took a byte, or, while it takes none, the peer was seen to take some, in ms.
    pub progress_ms: u64,
    /// Answers that are queued whole and whose `Finished` is due when the output is empty.
    pub finishing: Vec<Id>,
    /// How many bytes of its outputs have been given on so far.
    pub sent: u64,
    /// Of a connection that we began and that is not open yet.
    pub dial: Option<Box<Dialling>>,
}

/// Appends bytes that came, or are to be sent, as far as there is memory.
///
/// # Errors
/// `OUT_OF_MEMORY`: an allocation whose size somebody else chooses must not end the process (SPEC §9).
pub(crate) fn append(to: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Error> {
    to.try_reserve(bytes.len()).map_err(|_| Code::OutOfMemory)?;
    to.extend_from_slice(bytes);
    Ok(())
}

impl Stack {
    pub fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            output: Output::new(),
            backlog: Vec::new(),
            progress_ms: 0,
            finishing: Vec::new(),
            sent: 0,
            dial: None,
        }
    }

    /// Whether what was received waits for its turn to be read.
    pub fn has_unread(&self) -> bool {
        !self.backlog.is_empty() || matches!(&self.protocol, Protocol::Http1(http) if http.held.is_some())
    }

    /// Whether our side of a connection with such flags ends as soon as its output is written.
    #[inline]
    pub fn ends_ours(&self, flags: u32) -> bool {
        match &self.protocol {
            Protocol::Http1(http) => flags & flag::CLOSING != 0 && http.order.is_empty(),
            Protocol::Client(client) => flags & flag::CLOSING != 0 && client.order.is_empty(),
            Protocol::Raw(_) => flags & flag::END_WRITES != 0,
        }
    }

    /// Keeps what cannot be parsed yet.
    pub fn keep(&mut self, bytes: &[u8]) -> Result<(), Error> {
        append(&mut self.backlog, bytes)
    }

    /// The kernel took so many bytes of what waited; 0: it was full.
    #[inline]
    pub fn progressed(&mut self, bytes: u64, from_ms: u64) {
        self.progress_ms = from_ms;
        if let Protocol::Http1(http) = &mut self.protocol {
            http.reader.pace.add(bytes);
        }
    }

    /// The socket is full: the clock of its reader runs, and, with a descriptor, what the kernel holds for it is looked at.
    #[cold]
    pub fn reader_waits(&mut self, options: &ServerOptions, fd: Option<RawFd>, from_ms: u64) {
        if let Protocol::Http1(http) = &mut self.protocol {
            http.reader.waits(options, from_ms);
            if fd.is_some() {
                http.reader.look(options, fd, from_ms);
            }
        }
    }
}

/// A connection. An idle one is this and nothing else: a test asserts the size.
pub(crate) struct Connection {
    pub link: Link,
    /// `None` while idle: no parser, no buffer, no list.
    pub stack: Option<Box<Stack>>,
    /// What its bytes pass through; `None` for a plain connection, and while it runs.
    pub layers: Option<Box<Layers>>,
    /// When the deadline is, in ms; meaningless without one.
    pub deadline_ms: u64,
    /// When the timer wheel will look at it; 0: not at all.
    pub armed_ms: u64,
    /// The server's slot.
    pub server: u32,
    /// Requests so far.
    pub requests: u32,
    /// Bytes of memory that are held for it, as the account knows them.
    pub memory: u32,
    /// Bytes drained at a lingering close.
    pub drained: u32,
    /// The slot of its relay, where it is the end of one.
    pub relay: u32,
    pub flags: u32,
    pub deadline: Deadline,
    pub interest: Interest,
    pub peer: Peer,
}

impl Connection {
    /// One that has not begun anything: idle, with no deadline, of the server in this slot.
    #[inline]
    pub fn new(link: Link, peer: Peer, server: u32, flags: u32, interest: Interest) -> Self {
        Self {
            link,
            stack: None,
            layers: None,
            deadline_ms: 0,
            armed_ms: 0,
            server,
            requests: 0,
            memory: 0,
            drained: 0,
            relay: 0,
            flags,
            deadline: Deadline::None,
            interest,
            peer,
        }
    }

    /// Sets its deadline; says whether the timer wheel is to look at it then, for it would come later otherwise.
    #[inline]
    pub fn set_deadline(&mut self, what: Deadline, at_ms: u64) -> bool {
        self.deadline = what;
        self.deadline_ms = at_ms;
        let sooner = what != Deadline::None && (self.armed_ms == 0 || at_ms < self.armed_ms);
        if sooner {
            self.armed_ms = at_ms;
        }
        sooner
    }

    /// The stream that is a client connection's handle: kept where a lingering close, which it never comes to with one,
    /// counts.
    pub fn set_handle(&mut self, handle: Id) {
        self.drained = handle.slot();
    }

    /// The slot of the handle of what was a client connection until now.
    pub fn take_handle(&mut self) -> Option<u32> {
        Some(std::mem::take(&mut self.drained))
    }

    pub fn has(&self, flags: u32) -> bool {
        self.flags & flags != 0
    }

    /// Whether the poller may tell once of what comes: bytes that one read takes, and nothing but bytes.
    ///
    /// A read of a Unix socket may stop at a border between messages, and what is read through layers is read in turns.
    #[inline]
    pub fn may_be_told_once(&self) -> bool {
        let put_off =
            flag::LEVEL | flag::LINGERING | flag::RELAY | flag::HANDSHAKING | flag::CONNECTING | flag::DELAYED;
        !self.has(put_off) && self.layers.is_none() && matches!(self.link, Link::Tcp(_))
    }

    /// What it is watched for while it is read and no bytes wait for its socket.
    #[inline]
    pub fn usual_interest(&self) -> Interest {
        match self.may_be_told_once() {
            true => ORDINARY | Interest::EDGE,
            false => ORDINARY,
        }
    }

    /// Whether the poller tells just that.
    #[inline]
    pub fn is_watched_as_usual(&self) -> bool {
        self.interest == self.usual_interest()
    }

    /// Has TLS say that our side ends; says whether something has to be written for it.
    pub fn say_goodbye(&mut self) -> bool {
        let tls = self.layers.as_mut().and_then(|layers| layers.tls_mut());
        tls.is_some_and(|tls| tls.close())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_fits_in_128_bytes() {
        // With generation and list entries, see `Slab`: DESIGN allows 256, the prototype needed 176.
        assert!(
            size_of::<Option<Connection>>() <= 96,
            "{}",
            size_of::<Option<Connection>>()
        );
    }

    #[test]
    fn the_usual_end_of_a_flush_knows_what_a_connection_is_watched_for() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let socket = || std::net::TcpStream::connect(listener.local_addr().expect("bound")).expect("it listens");
        let (unix, _other) = std::os::unix::net::UnixStream::pair().expect("a pair");
        for (link, flags, interest, usual) in [
            (Link::Tcp(socket().into()), 0, ORDINARY | Interest::EDGE, true),
            (Link::Tcp(socket().into()), 0, ORDINARY, false),
            (Link::Tcp(socket().into()), flag::LEVEL, ORDINARY, true),
            (
                Link::Tcp(socket().into()),
                flag::LEVEL,
                ORDINARY | Interest::EDGE,
                false,
            ),
            (Link::Unix(unix.into()), 0, ORDINARY, true),
            (Link::Tcp(socket().into()), 0, Interest::HANGUP, false),
        ] {
            let connection = Connection::new(link, Peer::default(), 0, flags, interest);
            assert_eq!(connection.is_watched_as_usual(), usual, "{flags} {interest:?}");
        }
    }

    #[test]
    fn the_stack_of_a_tunnel_takes_128_bytes_of_the_allocator() {
        // Its header of 8 included, see `Protocol::Raw`.
        assert!(size_of::<Stack>() <= 120, "{}", size_of::<Stack>());
    }
}
