//! A relay's direction over real sockets: every byte once, in order, whichever way it goes.

use millrace_buffer::Pool;
use millrace_net::relay::{Direction, Failure, Lent, Moved, PIPE_SIZE, Pause, Pipes, READ_SIZE};
use millrace_net::socket::socket_pair;
use proptest::prelude::*;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;

/// Two sockets with a direction between: what is written into `source` comes out of `sink`.
struct Line<S> {
    source: S,
    from: S,
    to: S,
    sink: S,
    direction: Direction,
    pool: Pool,
    pipes: Pipes,
    buffer: Vec<u8>,
    received: u64,
    sent: u64,
    spliced: u64,
}

trait Stream: Read + Write + AsRawFd {
    fn pair() -> (Self, Self)
    where
        Self: Sized;
    fn finish(&self);
}

impl Stream for TcpStream {
    fn pair() -> (Self, Self) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let near = TcpStream::connect(listener.local_addr().expect("bound")).expect("it listens");
        let (far, _) = listener.accept().expect("a connection");
        for stream in [&near, &far] {
            stream.set_nonblocking(true).expect("a socket");
        }
        (near, far)
    }

    fn finish(&self) {
        self.shutdown(Shutdown::Write).expect("it is open");
    }
}

impl Stream for UnixStream {
    fn pair() -> (Self, Self) {
        let (near, far) = socket_pair().expect("a pair");
        (near.into(), far.into())
    }

    fn finish(&self) {
        self.shutdown(Shutdown::Write).expect("it is open");
    }
}

impl<S: Stream> Line<S> {
    fn new() -> Self {
        let (source, from) = S::pair();
        let (to, sink) = S::pair();
        Self {
            source,
            from,
            to,
            sink,
            direction: Direction::new(),
            pool: Pool::new(),
            pipes: Pipes::new(),
            buffer: vec![0; 128 * 1024],
            received: 0,
            sent: 0,
            spliced: 0,
        }
    }

    fn ends(&self) -> (RawFd, RawFd) {
        (self.from.as_raw_fd(), self.to.as_raw_fd())
    }

    fn try_pump(&mut self, budget: usize) -> Result<(Pause, Moved), Failure> {
        let (from, to) = self.ends();
        let lent = Lent {
            buffer: &mut self.buffer,
            pool: &mut self.pool,
            pipes: &mut self.pipes,
        };
        let mut moved = Moved::default();
        let pause = self.direction.pump(from, to, budget, lent, &mut moved);
        self.received += moved.received;
        self.sent += moved.sent;
        self.spliced += moved.spliced;
        if pause.is_ok() {
            assert_eq!(self.received - self.sent, self.direction.holds() as u64);
        }
        assert!(self.direction.holds() <= READ_SIZE);
        assert!(self.pipes.lent() <= usize::from(self.direction.holds() > 0));
        Ok((pause?, moved))
    }

    fn pump(&mut self) -> Pause {
        self.try_pump(usize::MAX).expect("both ends live").0
    }

    /// Writes as much as the socket takes.
    fn offer(&mut self, bytes: &[u8]) -> usize {
        match self.source.write(bytes) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => panic!("{error}"),
        }
    }

    /// Reads up to so many bytes of what has come out; `None` at the end.
    fn drain(&mut self, most: usize, into: &mut Vec<u8>) -> Option<usize> {
        let mut chunk = vec![0; most];
        match self.sink.read(&mut chunk) {
            Ok(0) => None,
            Ok(count) => {
                into.extend_from_slice(&chunk[..count]);
                Some(count)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Some(0),
            Err(error) => panic!("{error}"),
        }
    }

    fn is_clear(&mut self) -> bool {
        self.direction.clear(&mut self.pool, &mut self.pipes);
        self.pool.in_use() == 0 && self.pipes.lent() == 0
    }
}

fn pattern(from: usize, len: usize) -> Vec<u8> {
    (from..from + len)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}

/// Everything that is offered comes out in order, with reads of this size at the far end.
fn carries<S: Stream>(total: usize, drained: usize) -> Line<S> {
    let mut line = Line::<S>::new();
    let (mut offered, mut out) = (0, Vec::new());
    let sent = pattern(0, total);
    while out.len() < total {
        if offered < total {
            offered += line.offer(&sent[offered..total.min(offered + 256 * 1024)]);
        }
        line.pump();
        line.drain(drained, &mut out);
    }
    assert!(out == sent, "bytes were lost, changed or moved");
    assert_eq!((line.received, line.sent), (total as u64, total as u64));
    line.source.finish();
    assert_eq!(line.pump(), Pause::Ended);
    assert!(line.direction.has_ended());
    line
}

#[test]
fn a_stream_of_large_reads_is_spliced_and_arrives_whole() {
    for mut line in [
        carries::<TcpStream>(8_000_000, 1 << 20),
        carries::<TcpStream>(5_000_000, 10_000),
    ] {
        assert!(line.spliced > 0, "nothing was spliced");
        assert!(line.is_clear());
    }
    let mut line = carries::<UnixStream>(8_000_000, 1 << 20);
    assert!(line.spliced > 0, "nothing was spliced");
    assert!(line.is_clear());
}

#[test]
fn small_messages_are_copied_each_in_the_call_that_read_it() {
    let mut line = Line::<TcpStream>::new();
    for _ in 0..100 {
        assert_eq!(line.offer(&[7; 64]), 64);
        let mut out = Vec::new();
        while out.len() < 64 {
            let (_, moved) = line.try_pump(usize::MAX).expect("both ends live");
            assert!(moved.received == 0 || moved.calls == (1, 1), "{moved:?}");
            line.drain(1_000, &mut out);
        }
    }
    assert_eq!((line.sent, line.spliced), (6_400, 0));
}

#[test]
fn it_goes_back_to_copying_when_messages_become_small() {
    let mut line = carries_without_end();
    let before = line.spliced;
    assert!(before > 0);
    let mut out = Vec::new();
    for _ in 0..20 {
        line.offer(b"small");
        while out.len() < 5 {
            line.pump();
            line.drain(100, &mut out);
        }
        out.clear();
    }
    let while_small = line.spliced - before;
    assert!(
        while_small <= 4 * 5,
        "{while_small} bytes were spliced in small messages"
    );
}

fn carries_without_end() -> Line<TcpStream> {
    let mut line = Line::<TcpStream>::new();
    let (mut out, bytes) = (Vec::new(), pattern(0, 4_000_000));
    let mut offered = 0;
    while out.len() < bytes.len() {
        offered += line.offer(&bytes[offered..]);
        line.pump();
        line.drain(1 << 20, &mut out);
    }
    line
}

#[test]
fn a_full_sink_stops_the_reading_and_nothing_is_lost() {
    // Blocked while it copies, and blocked while it splices.
    for before in [0, 4_000_000] {
        let mut line = Line::<TcpStream>::new();
        let sent = pattern(0, 16_000_000);
        let (mut offered, mut out) = (0, Vec::new());
        while out.len() < before {
            offered += line.offer(&sent[offered..]);
            line.pump();
            line.drain(1 << 20, &mut out);
        }
        // Nobody reads any more: the sink fills, then the pipe or the buffer, then the source.
        let mut still = 0;
        while still < 3 {
            let more = line.offer(&sent[offered..]);
            offered += more;
            let pause = line.pump();
            still = if more == 0 && pause == Pause::Sink {
                still + 1
            } else {
                0
            };
        }
        let held = line.direction.holds();
        assert!(held > 0);
        let (pause, moved) = line.try_pump(usize::MAX).expect("both ends live");
        assert_eq!((moved.received, moved.sent, pause), (0, 0, Pause::Sink));
        line.source.finish();
        while line.drain(1 << 20, &mut out).is_some() {
            if line.pump() == Pause::Ended {
                line.to.finish();
            }
        }
        assert!(out == sent[..offered]);
        assert!(line.is_clear());
    }
}

#[test]
fn a_budget_ends_a_call() {
    let mut line = Line::<TcpStream>::new();
    let offered = line.offer(&pattern(0, 1_000_000));
    assert!(offered > READ_SIZE);
    // A call may pass its budget by one read.
    let (mut pause, mut moved) = line.try_pump(1).expect("both ends live");
    while moved.received == 0 {
        (pause, moved) = line.try_pump(1).expect("both ends live");
    }
    assert_eq!(pause, Pause::Budget);
    assert!(moved.received <= READ_SIZE as u64);
}

#[test]
fn a_reset_of_either_end_is_told_apart() {
    for splices in [false, true] {
        let mut line = if splices { carries_without_end() } else { Line::new() };
        // Unread bytes make a close a reset.
        line.to.write_all(b"x").expect("room");
        let (_, gone) = TcpStream::pair();
        let sink = std::mem::replace(&mut line.sink, gone);
        sink.set_nonblocking(false).expect("a socket");
        sink.peek(&mut [0]).expect("the byte is there");
        drop(sink);
        let failure = loop {
            line.offer(&[1; 100_000]);
            match line.try_pump(usize::MAX) {
                Ok(_) => {}
                Err(failure) => break failure,
            }
        };
        assert!(matches!(failure, Failure::Sink(_)), "{failure:?}");
        assert!(line.is_clear());

        let mut line = if splices { carries_without_end() } else { Line::new() };
        line.from.write_all(b"x").expect("room");
        let (_, gone) = TcpStream::pair();
        let source = std::mem::replace(&mut line.source, gone);
        source.set_nonblocking(false).expect("a socket");
        source.peek(&mut [0]).expect("the byte is there");
        drop(source);
        let failure = loop {
            match line.try_pump(usize::MAX) {
                Ok(_) => {}
                Err(failure) => break failure,
            }
        };
        assert!(matches!(failure, Failure::Source(_)), "{failure:?}");
        assert!(line.is_clear());
    }
}

#[test]
fn pipes_are_lent_again_and_one_with_bytes_in_it_is_not() {
    let mut pipes = Pipes::new();
    let (one, two) = (pipes.take().expect("a pipe"), pipes.take().expect("a pipe"));
    assert_eq!(pipes.lent(), 2);
    pipes.give(one);
    pipes.discard(two);
    assert_eq!(pipes.lent(), 0);
    assert!(pipes.take().is_some());
    assert_eq!(PIPE_SIZE, READ_SIZE);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is written, pumped and read in whatever order: what has come out is the beginning of what went in.
    #[test]
    fn any_order_of_writes_pumps_and_reads_keeps_the_bytes(steps in prop::collection::vec((0..4u8, 1..200_000usize), 1..80)) {
        let mut line = Line::<TcpStream>::new();
        let (mut offered, mut out) = (0, Vec::new());
        for (what, size) in steps {
            match what {
                0 => offered += line.offer(&pattern(offered, size)),
                1 => { line.try_pump(size).expect("both ends live"); }
                2 => { line.drain(size, &mut out); }
                _ => { line.offer(&[]); line.pump(); }
            }
        }
        line.source.finish();
        while line.drain(1 << 20, &mut out).is_some() {
            if line.pump() == Pause::Ended { line.to.finish(); }
        }
        prop_assert!(out == pattern(0, offered));
        prop_assert!(line.is_clear());
    }
}
