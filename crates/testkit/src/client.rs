//! A scripted client: sends what it is told, keeps what it gets, never blocks.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use millrace_http1::{Event, Limits, ResponseContext, ResponseParser};
use mio::Interest;
use socket2::SockRef;

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// One connection to the server under test.
#[derive(Debug)]
pub struct Client {
    stream: Stream,
    /// What was sent by the test and has not been taken by the kernel.
    waiting: Vec<u8>,
    /// All that came.
    pub received: Vec<u8>,
    /// The server has ended its side.
    pub ended: bool,
    /// The connection broke.
    pub broken: Option<ErrorKind>,
    /// Whether it reads; a client that does not is a slow reader.
    pub reading: bool,
}

/// An answer as the client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// `name\0value\0…`.
    pub fields: Vec<u8>,
    /// The body, its framing undone.
    pub body: Vec<u8>,
    /// The trailer section, as the fields.
    pub trailers: Vec<u8>,
    /// Whether the server will take another request.
    pub keep_alive: bool,
    /// Whether it is there whole.
    pub complete: bool,
}

impl Answer {
    /// The first value of a field.
    pub fn field(&self, name: &str) -> Option<String> {
        millrace_head::fields(&self.fields)
            .find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Client {
    /// Connects over TCP.
    ///
    /// # Panics
    /// When nobody listens.
    pub fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).expect("a server that listens");
        stream.set_nodelay(true).expect("a TCP socket");
        stream.set_nonblocking(true).expect("a socket");
        Self::over(Stream::Tcp(stream))
    }

    /// Connects over TCP and sends.
    pub fn send_to(addr: SocketAddr, bytes: impl AsRef<[u8]>) -> Self {
        let mut client = Self::connect(addr);
        client.send(bytes);
        client
    }

    /// Connects with a small receive buffer, so that a server's writes block soon.
    ///
    /// # Panics
    /// When nobody listens.
    pub fn connect_narrow(addr: SocketAddr, receive_buffer: usize) -> Self {
        let socket = socket2::Socket::new(socket2::Domain::for_address(addr), socket2::Type::STREAM, None);
        let socket = socket.expect("a descriptor");
        socket.set_recv_buffer_size(receive_buffer).expect("a socket");
        socket.connect(&addr.into()).expect("a server that listens");
        socket.set_nonblocking(true).expect("a socket");
        Self::over(Stream::Tcp(socket.into()))
    }

    /// Connects over a Unix socket; a path that begins with a zero byte is an abstract name.
    ///
    /// # Panics
    /// When nobody listens.
    pub fn connect_unix(path: &Path) -> Self {
        let address = socket2::SockAddr::unix(path).expect("a path that fits an address");
        let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).expect("a descriptor");
        socket.connect(&address).expect("a server that listens");
        socket.set_nonblocking(true).expect("a socket");
        Self::over(Stream::Unix(socket.into()))
    }

    fn over(stream: Stream) -> Self {
        Self {
            stream,
            waiting: Vec::new(),
            received: Vec::new(),
            ended: false,
            broken: None,
            reading: true,
        }
    }

    /// Queues bytes and sends what the kernel takes; the rest goes out as the driver runs.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.waiting.extend_from_slice(bytes.as_ref());
        self.exchange();
    }

    /// How many bytes the kernel has not taken yet.
    pub fn unsent(&self) -> usize {
        self.waiting.len()
    }

    /// Where to wait for this client, and for what; `None` when there is nothing to wait for.
    pub fn descriptor(&self) -> Option<(RawFd, Interest)> {
        let sends = (!self.waiting.is_empty() && self.broken.is_none()).then_some(Interest::WRITABLE);
        // What lies unread before one that does not read is no news.
        let reads = (self.reading && !self.is_over()).then_some(Interest::READABLE);
        let interest = match (reads, sends) {
            (Some(reads), Some(sends)) => reads | sends,
            (one, other) => one.or(other)?,
        };
        let fd = match &self.stream {
            Stream::Tcp(stream) => stream.as_raw_fd(),
            Stream::Unix(stream) => stream.as_raw_fd(),
        };
        Some((fd, interest))
    }

    /// Whether the server has ended or broken the connection.
    pub fn is_over(&self) -> bool {
        self.ended || self.broken.is_some()
    }

    /// Sends and reads what can be, without blocking. Says whether anything moved.
    pub fn exchange(&mut self) -> bool {
        let mut moved = false;
        while !self.waiting.is_empty() && self.broken.is_none() {
            let result = match &mut self.stream {
                Stream::Tcp(stream) => stream.write(&self.waiting),
                Stream::Unix(stream) => stream.write(&self.waiting),
            };
            match result {
                Ok(count) => drop(self.waiting.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // What the server said before it closed can still be read.
                Err(_) => self.waiting.clear(),
            }
            moved = true;
        }
        let mut buffer = [0; 16 * 1024];
        while self.reading && !self.is_over() {
            let result = match &mut self.stream {
                Stream::Tcp(stream) => stream.read(&mut buffer),
                Stream::Unix(stream) => stream.read(&mut buffer),
            };
            match result {
                Ok(0) => self.ended = true,
                Ok(count) => self.received.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => self.broken = Some(error.kind()),
            }
            moved = true;
        }
        moved
    }

    /// Reads what is there, up to so many bytes, of a client that does not read by itself. Says how many there were.
    ///
    /// # Panics
    /// When the server has ended or broken the connection.
    pub fn read_some(&mut self, most: usize) -> usize {
        let mut buffer = vec![0; most];
        let result = match &mut self.stream {
            Stream::Tcp(stream) => stream.read(&mut buffer),
            Stream::Unix(stream) => stream.read(&mut buffer),
        };
        match result {
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Ok(count @ 1..) => {
                self.received.extend_from_slice(&buffer[..count]);
                count
            }
            over => panic!("a connection that is open: {over:?}"),
        }
    }

    /// Sends a byte of urgent data (RFC 9293 §3.8.5), behind what the kernel has taken: it is no part of the stream.
    ///
    /// # Panics
    /// When the kernel does not take it, or this is a Unix socket.
    pub fn send_urgent(&mut self) {
        let Stream::Tcp(stream) = &self.stream else {
            panic!("a Unix socket has no urgent data");
        };
        let sent = SockRef::from(stream).send_out_of_band(b"!");
        assert_eq!(sent.expect("room for a byte"), 1);
    }

    /// Ends our side: FIN.
    pub fn finish(&mut self) {
        // A connection that is gone already has ended, too.
        let _ = match &self.stream {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Stream::Unix(stream) => stream.shutdown(Shutdown::Write),
        };
    }

    /// Breaks the connection: RST.
    ///
    /// # Panics
    /// When it is not a TCP connection.
    pub fn reset(self) {
        match &self.stream {
            Stream::Tcp(stream) => SockRef::from(stream)
                .set_linger(Some(std::time::Duration::ZERO))
                .expect("a socket"),
            Stream::Unix(_) => panic!("a Unix socket has no reset"),
        }
    }

    /// The answers so far, 1xx among them; `heads` says of which final ones, by number, the request was a HEAD.
    ///
    /// # Panics
    /// When what came is no HTTP.
    pub fn answers(&self, heads: &[usize]) -> Vec<Answer> {
        read_answers(&self.received, heads, self.ended)
    }

    /// How many complete final answers have come.
    pub fn complete(&self) -> usize {
        self.answers(&[])
            .iter()
            .filter(|answer| answer.complete && answer.status >= 200)
            .count()
    }
}

/// Reads answers out of what a server sent.
///
/// # Panics
/// When it is no HTTP.
pub fn read_answers(mut input: &[u8], heads: &[usize], ended: bool) -> Vec<Answer> {
    let context = |number: usize| ResponseContext {
        head_request: heads.contains(&number),
        connect: false,
    };
    let mut parser = ResponseParser::new(Limits::default(), context(0));
    let (mut answers, mut finals): (Vec<Answer>, usize) = (Vec::new(), 0);
    loop {
        if parser.is_complete() && !input.is_empty() {
            finals += 1;
            parser.begin(context(finals)).expect("no answer after the last");
        }
        let step = parser.handle_bytes(input);
        match step.event {
            Event::NeedMore => break,
            Event::Head { ended } => {
                let head = parser.head();
                answers.push(Answer {
                    status: head.status,
                    fields: head.fields().to_vec(),
                    body: Vec::new(),
                    trailers: Vec::new(),
                    keep_alive: head.keep_alive,
                    complete: ended,
                });
            }
            Event::Body { start, end } => {
                let answer = answers.last_mut().expect("a body has a head");
                answer.body.extend_from_slice(&input[start..end]);
            }
            Event::End => {
                let answer = answers.last_mut().expect("an end has a head");
                answer.trailers = parser.trailers().to_vec();
                answer.complete = true;
            }
            Event::Error(error) => panic!("{error} in \"{}\"", input.escape_ascii()),
        }
        input = &input[step.consumed..];
    }
    if ended && parser.handle_end() == Ok(true) {
        answers.last_mut().expect("a body has a head").complete = true;
    }
    answers
}
