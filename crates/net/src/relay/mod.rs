//! One direction of a relay: bytes from one socket to another, without policy.
//!
//! It starts by copying through a buffer that is lent for the call, which is the cheapest for small messages: a read, and
//! at once a write. When large reads follow one another it moves to `splice`, which hands the kernel's pages from socket
//! to pipe to socket without copying them; when they become small again, back. A pipe is borrowed only while it holds
//! bytes, and nothing is read while bytes that were read wait for the sink: so a change of ways loses and reorders
//! nothing, and a direction holds [`READ_SIZE`] bytes at most.

mod pipes;

use crate::socket::{recv, send};
use crate::sys::splice;
use millrace_buffer::Pool;
use std::io::{self, ErrorKind};
use std::os::fd::RawFd;

pub use pipes::{PIPE_SIZE, Pipe, Pipes};

/// Whether the system has a way that copies nothing.
pub const fn can_splice() -> bool {
    splice::is_there()
}

/// How many bytes one read takes at most, whichever way.
pub const READ_SIZE: usize = 64 * 1024;
/// From this size on a read is worth a splice.
const LARGE: usize = 16 * 1024;
/// Below this size a splice is not worth its pipe.
const SMALL: usize = 4 * 1024;
/// After so many of either in a row the way changes.
const IN_A_ROW: u8 = 4;

/// Why a direction stopped moving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// The source has nothing more for now: wait until it is readable.
    Source,
    /// The sink is full: wait until it is writable. Nothing is read before.
    Sink,
    /// The source has ended and the sink has everything.
    Ended,
    /// It has had its budget; the source may have more.
    Budget,
}

/// What calls moved, whether they ended well or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Bytes read from the source.
    pub received: u64,
    /// Bytes that the sink took.
    pub sent: u64,
    /// How many of those without a copy.
    pub spliced: u64,
    /// System calls: reads, writes.
    pub calls: (u32, u32),
}

/// Which end failed, and how.
#[derive(Debug)]
pub enum Failure {
    /// Reading from the source.
    Source(io::Error),
    /// Writing to the sink.
    Sink(io::Error),
}

/// What a call lends to a direction.
#[derive(Debug)]
pub struct Lent<'a> {
    /// Where bytes are copied through; holds whatever the last user left. No longer than [`READ_SIZE`] is used.
    pub buffer: &'a mut [u8],
    /// Where bytes wait that the sink did not take.
    pub pool: &'a mut Pool,
    /// Where pipes come from.
    pub pipes: &'a mut Pipes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Copy,
    Splice,
    /// This pair of sockets cannot be spliced.
    CopyAlone,
}

/// See the module. One that still holds something must be [`clear`](Self::clear)ed before it is dropped.
#[derive(Debug)]
pub struct Direction {
    /// Copied bytes that the sink did not take, from `kept_from` on.
    kept: Vec<u8>,
    kept_from: u32,
    /// Bytes in the pipe.
    piped: u32,
    pipe: Option<Pipe>,
    way: Way,
    /// How many reads in a row spoke for the other way.
    in_a_row: u8,
    ended: bool,
}

impl Default for Direction {
    fn default() -> Self {
        Self::new()
    }
}

impl Direction {
    /// One that has moved nothing yet.
    pub const fn new() -> Self {
        Self {
            kept: Vec::new(),
            kept_from: 0,
            piped: 0,
            pipe: None,
            way: Way::Copy,
            in_a_row: 0,
            ended: false,
        }
    }

    /// Moves up to about `budget` bytes, adds to `moved` what it did, and says why it stopped.
    ///
    /// # Errors
    /// What the system says of either end: `ConnectionReset` or `BrokenPipe` when it is gone. The direction is of no use
    /// then; what was read and not sent is lost.
    pub fn pump(
        &mut self,
        from: RawFd,
        to: RawFd,
        budget: usize,
        lent: Lent<'_>,
        moved: &mut Moved,
    ) -> Result<Pause, Failure> {
        let enough = moved.received + budget as u64;
        let mut run = Run { moved, lent, from, to };
        loop {
            if self.holds() > 0 {
                run.give(self)?;
                if self.holds() > 0 {
                    return Ok(Pause::Sink);
                }
            }
            if self.ended {
                return Ok(Pause::Ended);
            }
            if run.moved.received >= enough {
                return Ok(Pause::Budget);
            }
            match run.take(self)? {
                Taken::Some => {}
                Taken::Last => {
                    // The source has no more: what was read goes out, and another read would find nothing.
                    if self.holds() > 0 {
                        run.give(self)?;
                    }
                    return Ok(if self.holds() > 0 { Pause::Sink } else { Pause::Source });
                }
                Taken::None => return Ok(Pause::Source),
                Taken::End => self.ended = true,
            }
        }
    }

    /// Bytes that were read and the sink has not taken.
    pub fn holds(&self) -> usize {
        self.kept.len() - self.kept_from as usize + self.piped as usize
    }

    /// How much memory of ours is held for it, in bytes.
    pub fn memory(&self) -> usize {
        self.kept.capacity()
    }

    /// Whether the source has ended.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether a pause for the source means that there was no more: of a splice a short one may leave some behind.
    pub fn reads_to_the_last(&self) -> bool {
        self.way != Way::Splice
    }

    /// Gives back what it has borrowed, with the bytes in it.
    pub fn clear(&mut self, pool: &mut Pool, pipes: &mut Pipes) {
        if self.kept.capacity() > 0 {
            pool.give(std::mem::take(&mut self.kept));
        }
        (self.kept_from, self.piped) = (0, 0);
        if let Some(pipe) = self.pipe.take() {
            // There are bytes in it: nobody else may have it.
            pipes.discard(pipe);
        }
    }

    /// A read of this size for or against the way that it went.
    fn judge(&mut self, speaks_for_other: bool, other: Way) {
        self.in_a_row = if speaks_for_other { self.in_a_row + 1 } else { 0 };
        if self.in_a_row >= IN_A_ROW {
            (self.way, self.in_a_row) = (other, 0);
        }
    }
}

enum Taken {
    /// Bytes are held, or were given on at once; there may be more.
    Some,
    /// As before, but there is no more for now.
    Last,
    /// There is nothing.
    None,
    /// The end of the stream.
    End,
}

/// One call of `pump`.
struct Run<'a> {
    moved: &'a mut Moved,
    lent: Lent<'a>,
    from: RawFd,
    to: RawFd,
}

impl Run<'_> {
    /// Gives the sink what is held.
    fn give(&mut self, direction: &mut Direction) -> Result<(), Failure> {
        if direction.piped > 0 {
            return self.give_piped(direction);
        }
        let waits = &direction.kept[direction.kept_from as usize..];
        self.moved.calls.1 += 1;
        match send(self.to, waits) {
            Ok(count) => {
                self.moved.sent += count as u64;
                direction.kept_from += count as u32;
                if direction.kept_from as usize == direction.kept.len() {
                    self.lent.pool.give(std::mem::take(&mut direction.kept));
                    direction.kept_from = 0;
                }
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(Failure::Sink(error)),
        }
    }

    fn give_piped(&mut self, direction: &mut Direction) -> Result<(), Failure> {
        let Some(pipe) = &direction.pipe else { return Ok(()) };
        self.moved.calls.1 += 1;
        match splice::pipe_to_socket(pipe.reader(), self.to, direction.piped as usize) {
            Ok(count) => {
                self.moved.sent += count as u64;
                self.moved.spliced += count as u64;
                direction.piped -= count as u32;
                if direction.piped == 0 {
                    if let Some(pipe) = direction.pipe.take() {
                        self.lent.pipes.give(pipe);
                    }
                }
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(Failure::Sink(error)),
        }
    }

    /// Reads once; copied bytes go on at once, and what the sink does not take is kept.
    fn take(&mut self, direction: &mut Direction) -> Result<Taken, Failure> {
        if direction.way == Way::Splice {
            match self.lent.pipes.take() {
                Some(pipe) => return self.take_piped(direction, pipe),
                // None can be had now: asked again after as many large reads.
                None => direction.way = Way::Copy,
            }
        }
        let size = self.lent.buffer.len().min(READ_SIZE);
        let buffer = &mut self.lent.buffer[..size];
        self.moved.calls.0 += 1;
        let count = match recv(self.from, buffer) {
            Ok(0) => return Ok(Taken::End),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Taken::None),
            Err(error) => return Err(Failure::Source(error)),
        };
        self.moved.received += count as u64;
        if direction.way == Way::Copy {
            direction.judge(count >= LARGE, Way::Splice);
        }
        self.moved.calls.1 += 1;
        let sent = match send(self.to, &buffer[..count]) {
            Ok(sent) => sent,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => return Err(Failure::Sink(error)),
        };
        self.moved.sent += sent as u64;
        if sent < count {
            let rest = &buffer[sent..count];
            let mut kept = self.lent.pool.take();
            // Whole powers of two, up to the size that the pool keeps: a buffer that it has lent comes back.
            let room = rest.len().next_power_of_two();
            kept.reserve_exact(room.saturating_sub(kept.len()));
            kept.extend_from_slice(rest);
            (direction.kept, direction.kept_from) = (kept, 0);
        }
        Ok(if count < size { Taken::Last } else { Taken::Some })
    }

    fn take_piped(&mut self, direction: &mut Direction, pipe: Pipe) -> Result<Taken, Failure> {
        self.moved.calls.0 += 1;
        match splice::socket_to_pipe(self.from, pipe.writer(), READ_SIZE) {
            Ok(0) => {
                self.lent.pipes.give(pipe);
                Ok(Taken::End)
            }
            Ok(count) => {
                self.moved.received += count as u64;
                direction.pipe = Some(pipe);
                direction.piped = count as u32;
                direction.judge(count < SMALL, Way::Copy);
                // A short one is the last for now, most likely; if not, the poller says so.
                Ok(if count < SMALL { Taken::Last } else { Taken::Some })
            }
            Err(error) => {
                self.lent.pipes.give(pipe);
                match error.kind() {
                    ErrorKind::WouldBlock => Ok(Taken::None),
                    // Such a socket has no splice.
                    ErrorKind::InvalidInput | ErrorKind::Unsupported => {
                        direction.way = Way::CopyAlone;
                        self.take(direction)
                    }
                    _ => Err(Failure::Source(error)),
                }
            }
        }
    }
}
