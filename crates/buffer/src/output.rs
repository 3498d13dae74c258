//! What waits to be written on a connection.

use std::fs::File;
use std::io::IoSlice;
use std::mem;

use crate::pool::Pool;
use crate::queue::{FileSpan, PinId, Queue, RUN_CLOSES_AT, Segment};

/// Copied bytes and pinned chunks that wait to be written, in order.
///
/// A serializer writes into [`tail`](Self::tail), large chunks are queued by name with [`push_pin`](Self::push_pin).
/// The driver then repeats until [`is_empty`](Self::is_empty): [`single`](Self::single) or
/// [`slices`](Self::slices), a system call, [`advance`](Self::advance) by what the call took.
///
/// It is 32 bytes, and while it is empty it holds no buffer. Most of the time it is one run of copied bytes; only a
/// pin or a long output needs the boxed queue. An output that still holds something must be
/// [`clear`](Self::clear)ed before it is dropped, or the pool goes on counting its buffers and its pins stay.
#[derive(Debug, Default)]
pub struct Output {
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Empty,
    /// One run, of which `sent` bytes are with the kernel.
    Single {
        run: Vec<u8>,
        sent: usize,
    },
    Many(Box<Queue>),
}

const _: () = assert!(size_of::<Output>() <= 32);

impl Output {
    /// An output in which nothing waits.
    pub const fn new() -> Self {
        Self { state: State::Empty }
    }

    /// The buffer at the end, to which bytes are appended.
    ///
    /// What it holds already must stay as it is. After a pin, and when the run has grown to 32 KiB, a new one from the
    /// pool begins.
    pub fn tail(&mut self, pool: &mut Pool) -> &mut Vec<u8> {
        if let State::Empty = self.state {
            self.state = State::Single {
                run: pool.take(),
                sent: 0,
            };
        } else if matches!(&self.state, State::Single { run, .. } if run.len() >= RUN_CLOSES_AT) {
            self.queue();
        }
        match &mut self.state {
            State::Single { run, .. } => run,
            State::Many(queue) => queue.tail(pool),
            // The first branch above replaced it.
            State::Empty => unreachable!("an empty output was given a run"),
        }
    }

    /// Queues `len` bytes at `offset` of the chunk that `pin` names, without copying them.
    ///
    /// Each call is answered by exactly one release, from [`advance`](Self::advance) or [`clear`](Self::clear). A pin
    /// of no bytes is released by the next of these calls that reaches it, also by `advance(0)`.
    pub fn push_pin(&mut self, pin: PinId, offset: usize, len: usize) {
        self.queue().push(Segment::Pinned { pin, offset, len });
    }

    /// Queues `len` bytes at `offset` of a file, which is closed when the last of them has gone out.
    pub fn push_file(&mut self, file: File, offset: u64, len: usize) {
        self.queue().push(Segment::File { file, offset, len });
    }

    /// The part of a file that is next to go out; `None` when bytes in memory are. They take different system calls.
    pub fn file(&self) -> Option<FileSpan<'_>> {
        match &self.state {
            State::Many(queue) => queue.file(),
            _ => None,
        }
    }

    /// Whether a file waits anywhere in it: then what goes before may wait for it (`MSG_MORE`).
    pub fn has_file(&self) -> bool {
        matches!(&self.state, State::Many(queue) if queue.has_file())
    }

    /// Moves all of `other` behind what waits here and leaves it empty.
    pub fn append(&mut self, other: &mut Output, pool: &mut Pool) {
        match mem::take(&mut other.state) {
            State::Empty => {}
            moved if matches!(self.state, State::Empty) => self.state = moved,
            State::Single { run, sent } => self.append_run(run, sent, pool),
            State::Many(queue) => self.queue().append(*queue, pool),
        }
    }

    /// The bytes left to write.
    pub fn len(&self) -> usize {
        match &self.state {
            State::Empty => 0,
            State::Single { run, sent } => run.len().saturating_sub(*sent),
            State::Many(queue) => queue.len(),
        }
    }

    /// How many bytes of memory are held for it: its buffers and the pinned chunks, files not.
    pub fn memory(&self) -> usize {
        match &self.state {
            State::Empty => 0,
            State::Single { run, .. } => run.capacity(),
            State::Many(queue) => queue.memory(),
        }
    }

    /// Whether no byte is left to write.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes left to write, when they are one copied run: what a plain `send` takes.
    pub fn single(&self) -> Option<&[u8]> {
        match &self.state {
            State::Empty => None,
            State::Single { run, sent } => run.get(*sent..),
            State::Many(queue) => queue.single(),
        }
    }

    /// Fills `out` with the first bytes to write and says how many slices it filled; none of them is empty. It stops
    /// before a file, see [`file`](Self::file).
    ///
    /// `resolve` finds a pinned chunk's memory as it is now.
    ///
    /// # Errors
    /// The pin whose chunk could not be resolved or is too short by now: its ArrayBuffer was detached. The slices
    /// are of no use then.
    pub fn slices<'a>(
        &'a self,
        resolve: impl FnMut(PinId) -> Option<&'a [u8]>,
        out: &mut [IoSlice<'a>],
    ) -> Result<usize, PinId> {
        match (&self.state, out.first_mut()) {
            (State::Many(queue), _) => queue.slices(resolve, out),
            (State::Single { run, sent }, Some(slot)) if *sent < run.len() => {
                *slot = IoSlice::new(&run[*sent..]);
                Ok(1)
            }
            _ => Ok(0),
        }
    }

    /// Drops the first `n` bytes, which are with the kernel: buffers return to the pool, pins that are done are
    /// reported to `released` in order. `n` is at most [`len`](Self::len).
    pub fn advance(&mut self, n: usize, pool: &mut Pool, mut released: impl FnMut(PinId)) {
        match &mut self.state {
            State::Empty => debug_assert_eq!(n, 0, "more was sent than waited"),
            State::Single { run, sent } => {
                debug_assert!(n <= run.len() - *sent, "more was sent than waited");
                *sent += n;
                if *sent >= run.len() {
                    pool.give(mem::take(run));
                    self.state = State::Empty;
                }
            }
            State::Many(queue) => {
                queue.advance(n, pool, &mut released);
                if !queue.has_segments() {
                    self.state = State::Empty;
                }
            }
        }
    }

    /// Drops everything: buffers return to the pool, every pin is reported to `released`.
    pub fn clear(&mut self, pool: &mut Pool, mut released: impl FnMut(PinId)) {
        match mem::take(&mut self.state) {
            State::Empty => {}
            State::Single { run, .. } => pool.give(run),
            State::Many(mut queue) => queue.clear(pool, &mut released),
        }
    }

    fn append_run(&mut self, run: Vec<u8>, sent: usize, pool: &mut Pool) {
        match &mut self.state {
            // The common case of pipelined answers: both are short, no queue is made.
            State::Single { run: open, .. } if open.len() + run.len() <= RUN_CLOSES_AT => {
                open.extend_from_slice(run.get(sent..).unwrap_or_default());
                pool.give(run);
            }
            _ => self.queue().push_run(run, sent, pool),
        }
    }

    /// The general form, into which the others are turned.
    fn queue(&mut self) -> &mut Queue {
        if !matches!(self.state, State::Many(_)) {
            let queue = match mem::take(&mut self.state) {
                State::Single { run, sent } => Queue::from_run(run, sent),
                _ => Queue::default(),
            };
            self.state = State::Many(Box::new(queue));
        }
        match &mut self.state {
            State::Many(queue) => queue,
            // The lines above made it so.
            _ => unreachable!("the output was turned into a queue"),
        }
    }
}
