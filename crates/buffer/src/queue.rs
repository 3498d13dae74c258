//! The general form of an output: segments of both sorts, in order.

use std::collections::VecDeque;
use std::fs::File;
use std::io::IoSlice;

use crate::pool::Pool;

/// Names a chunk that its owner keeps in place until the output releases it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PinId(pub u32);

/// From this length on a run of copied bytes is closed and the next bytes start another, so that a buffer seldom
/// outgrows what the pool keeps and a reader that never quite catches up does not make one grow for ever.
pub(crate) const RUN_CLOSES_AT: usize = 32 * 1024;

/// Up to this length, bytes that are moved behind others are copied to spare a slice in the vectored write.
const MERGED_UP_TO: usize = 16 * 1024;

/// A part of a file that is next to go out.
#[derive(Clone, Copy, Debug)]
pub struct FileSpan<'a> {
    /// The file, open for reading.
    pub file: &'a File,
    /// Where the part begins.
    pub offset: u64,
    /// How long it is.
    pub len: usize,
}

impl FileSpan<'_> {
    /// Its first bytes, `len` at most.
    pub fn up_to(self, len: usize) -> Self {
        Self {
            len: self.len.min(len),
            ..self
        }
    }
}

#[derive(Debug)]
pub(crate) enum Segment {
    Copied(Vec<u8>),
    Pinned { pin: PinId, offset: usize, len: usize },
    File { file: File, offset: u64, len: usize },
}

impl Segment {
    fn len(&self) -> usize {
        match self {
            Self::Copied(run) => run.len(),
            Self::Pinned { len, .. } | Self::File { len, .. } => *len,
        }
    }

    fn retire(self, pool: &mut Pool, released: &mut impl FnMut(PinId)) {
        match self {
            Self::Copied(run) => pool.give(run),
            Self::Pinned { pin, .. } => released(pin),
            // Closed with its last byte.
            Self::File { .. } => {}
        }
    }
}

/// Segments in the order in which they go out.
///
/// The length is `closed + len(back) - sent`: the back segment may be a run that a serializer still appends to, so its
/// length is read and never stored.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    segments: VecDeque<Segment>,
    /// The full lengths of all segments but the back one.
    closed: usize,
    /// How many bytes of the front segment are with the kernel.
    sent: usize,
}

impl Queue {
    /// A queue that goes on from one run of which `sent` bytes are gone.
    pub(crate) fn from_run(run: Vec<u8>, sent: usize) -> Self {
        Self {
            segments: VecDeque::from([Segment::Copied(run)]),
            closed: 0,
            sent,
        }
    }

    pub(crate) fn len(&self) -> usize {
        let back = self.segments.back().map_or(0, Segment::len);
        (self.closed + back).saturating_sub(self.sent)
    }

    /// See [`crate::Output::memory`].
    pub(crate) fn memory(&self) -> usize {
        let of = |segment: &Segment| match segment {
            Segment::Copied(run) => run.capacity(),
            Segment::Pinned { len, .. } => *len,
            Segment::File { .. } => 0,
        };
        self.segments.iter().map(of).sum()
    }

    pub(crate) fn has_segments(&self) -> bool {
        !self.segments.is_empty()
    }

    pub(crate) fn push(&mut self, segment: Segment) {
        self.closed += self.segments.back().map_or(0, Segment::len);
        self.segments.push_back(segment);
    }

    /// The run at the back, opened first if there is none or it is long enough.
    pub(crate) fn tail(&mut self, pool: &mut Pool) -> &mut Vec<u8> {
        let open = matches!(self.segments.back(), Some(Segment::Copied(run)) if run.len() < RUN_CLOSES_AT);
        if !open {
            self.push(Segment::Copied(pool.take()));
        }
        match self.segments.back_mut() {
            Some(Segment::Copied(run)) => run,
            // The lines above put a run at the back, or found one there.
            _ => unreachable!("the back segment is a run"),
        }
    }

    /// Moves a run behind the rest: copied into the open run when that is cheap, else as a segment of its own.
    pub(crate) fn push_run(&mut self, mut run: Vec<u8>, sent: usize, pool: &mut Pool) {
        let left = run.get(sent..).unwrap_or_default();
        let merges = match self.segments.back() {
            Some(Segment::Copied(open)) => open.len() < RUN_CLOSES_AT && left.len() <= MERGED_UP_TO,
            _ => false,
        };
        if merges || left.is_empty() {
            if !left.is_empty() {
                self.tail(pool).extend_from_slice(left);
            }
            pool.give(run);
        } else {
            run.drain(..sent);
            self.push(Segment::Copied(run));
        }
    }

    /// Moves all segments of another queue behind ours.
    pub(crate) fn append(&mut self, other: Queue, pool: &mut Pool) {
        let mut sent = other.sent;
        for segment in other.segments {
            match segment {
                Segment::Copied(run) => self.push_run(run, sent, pool),
                Segment::Pinned { pin, offset, len } => self.push(Segment::Pinned {
                    pin,
                    offset: offset + sent,
                    len: len - sent,
                }),
                Segment::File { file, offset, len } => self.push(Segment::File {
                    file,
                    offset: offset + sent as u64,
                    len: len - sent,
                }),
            }
            sent = 0;
        }
    }

    /// The bytes that are left, when they are one run.
    pub(crate) fn single(&self) -> Option<&[u8]> {
        match self.segments.front() {
            Some(Segment::Copied(run)) if self.segments.len() == 1 => run.get(self.sent..),
            _ => None,
        }
    }

    /// See [`crate::Output::file`].
    pub(crate) fn file(&self) -> Option<FileSpan<'_>> {
        let mut sent = self.sent;
        for segment in &self.segments {
            match segment {
                Segment::File { file, offset, len } if *len > sent => {
                    return Some(FileSpan {
                        file,
                        offset: offset + sent as u64,
                        len: len - sent,
                    });
                }
                // What is empty, or sent already, is not in the way.
                segment if segment.len() <= sent => sent -= segment.len(),
                _ => return None,
            }
        }
        None
    }

    /// See [`crate::Output::has_file`].
    pub(crate) fn has_file(&self) -> bool {
        self.segments
            .iter()
            .any(|segment| matches!(segment, Segment::File { .. }))
    }

    /// See [`crate::Output::slices`].
    pub(crate) fn slices<'a>(
        &'a self,
        mut resolve: impl FnMut(PinId) -> Option<&'a [u8]>,
        out: &mut [IoSlice<'a>],
    ) -> Result<usize, PinId> {
        let (mut count, mut sent) = (0, self.sent);
        for segment in &self.segments {
            if count == out.len() {
                break;
            }
            let bytes = match segment {
                Segment::File { len, .. } if *len > sent => break,
                Segment::File { .. } => &[],
                Segment::Copied(run) => run.get(sent..).unwrap_or_default(),
                Segment::Pinned { pin, offset, len } => resolve(*pin)
                    .and_then(|chunk| chunk.get(*offset..)?.get(sent..*len))
                    .ok_or(*pin)?,
            };
            sent = 0;
            if !bytes.is_empty() {
                out[count] = IoSlice::new(bytes);
                count += 1;
            }
        }
        Ok(count)
    }

    /// Drops what `n` more bytes complete, and every empty segment that is then in front.
    pub(crate) fn advance(&mut self, n: usize, pool: &mut Pool, released: &mut impl FnMut(PinId)) {
        debug_assert!(n <= self.len(), "more was sent than waited");
        self.sent += n;
        while let Some(front) = self.segments.front() {
            let len = front.len();
            if self.sent < len {
                return;
            }
            self.sent -= len;
            self.pop(pool, released);
        }
        self.sent = 0;
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self, pool: &mut Pool, released: &mut impl FnMut(PinId)) {
        while self.has_segments() {
            self.pop(pool, released);
        }
        self.sent = 0;
    }

    fn pop(&mut self, pool: &mut Pool, released: &mut impl FnMut(PinId)) {
        if let Some(front) = self.segments.pop_front() {
            self.closed = if self.segments.is_empty() {
                0
            } else {
                self.closed - front.len()
            };
            front.retire(pool, released);
        }
    }
}
