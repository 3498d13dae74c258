//! What the host gives for an answer: a head, bytes of a body; and the room that they need.

use millrace_buffer::{Output, PinId};
use millrace_error::{Code, Error};
use std::fs::File;

/// Bytes of a body.
#[derive(Debug)]
pub enum Chunk<'a> {
    /// Copied now.
    Bytes(&'a [u8]),
    /// Pinned by the host: looked up at each flush, released when the last byte is with the kernel.
    Pin {
        /// The host's name for it.
        pin: PinId,
        /// How long it is.
        len: usize,
    },
    /// A part of a file, handed to the kernel without passing through us where the link allows it.
    File {
        /// The file; closed when the last byte is with the kernel.
        file: File,
        /// Where the part begins.
        offset: u64,
        /// How long it is.
        len: usize,
    },
}

impl Chunk<'_> {
    /// How many of its bytes are copied.
    pub(super) fn copied(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Pin { .. } | Self::File { .. } => 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Pin { len, .. } | Self::File { len, .. } => *len,
        }
    }
}

/// The head of a response.
#[derive(Clone, Copy, Debug)]
pub struct Respond<'a> {
    /// 200 … 999.
    pub status: u16,
    /// Empty: the standard phrase.
    pub reason: &'a [u8],
    /// `name\0value\0…`, checked here.
    pub block: &'a [u8],
}

/// A head as the host names it.
#[derive(Clone, Copy, Debug)]
pub enum Head<'a> {
    /// In full.
    Given(&'a Respond<'a>),
    /// By a status and the number that [`Engine::remember_head`] gave for its fields; 0: there are none.
    Ready(u16, u32),
}

impl<'a> From<&'a Respond<'a>> for Head<'a> {
    fn from(head: &'a Respond<'a>) -> Self {
        Self::Given(head)
    }
}

/// From how many bytes on memory for what is to be sent is asked for beforehand. Less is what a pooled buffer has, or grows
/// by: no size that somebody chose.
const LARGE: usize = 16 * 1024;

/// More than a status line and the fields that we add, or the framing of a chunk.
const OURS: usize = 1024;

/// Makes room for bytes that the host gave, so that appending them, and our part round them, allocates no more.
///
/// # Errors
/// `OUT_OF_MEMORY`; nothing was written.
#[inline]
pub(super) fn make_room(out: &mut Vec<u8>, bytes: usize) -> Result<(), Error> {
    if bytes <= LARGE {
        return Ok(());
    }
    out.try_reserve(bytes.saturating_add(OURS))
        .map_err(|_| Code::OutOfMemory.into())
}

pub(crate) fn push(output: &mut Output, pool: &mut millrace_buffer::Pool, chunk: Chunk<'_>) {
    match chunk {
        Chunk::Bytes(bytes) => output.tail(pool).extend_from_slice(bytes),
        Chunk::Pin { pin, len } => output.push_pin(pin, 0, len),
        Chunk::File { file, offset, len } => output.push_file(file, offset, len),
    }
}
