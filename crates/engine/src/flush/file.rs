//! Parts of files on their way out: from file to socket within the kernel, or through a buffer where that cannot be.

use crate::link::Link;
use millrace_buffer::FileSpan;
use millrace_net::socket;
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::FileExt;

/// How many bytes pass through a buffer at once.
const COPIED: usize = 64 * 1024;

/// Hands bytes of a file to a link and says how many it took; fewer than the span has: the link is full.
///
/// # Errors
/// `UnexpectedEof` when the file has become shorter or cannot be read, else what the link says.
pub(crate) fn send_span(link: &mut Link, span: &FileSpan<'_>) -> io::Result<usize> {
    match link {
        Link::Tcp(fd) | Link::Unix(fd) => {
            let fd = fd.as_raw_fd();
            match socket::send_file(fd, span.file.as_raw_fd(), span.offset, span.len) {
                Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
                // A file system that cannot splice, or none of ours: EINVAL, ENOSYS.
                Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
                    copy(span, |bytes| send_all(fd, bytes))
                }
                Ok(sent) if sent < span.len => {
                    // Short for a full socket, or for the kernel's own reasons: the next call says which.
                    Ok(sent + rest(fd, span, sent)?)
                }
                done => done,
            }
        }
        Link::Memory(memory) => copy(span, |bytes| {
            memory.handle_bytes(bytes).map_err(|_| ErrorKind::InvalidData)?;
            Ok(bytes.len())
        }),
        Link::None => Err(ErrorKind::NotConnected.into()),
    }
}

/// Goes on after a short count, until the socket is full or the span is done.
fn rest(fd: RawFd, span: &FileSpan<'_>, mut sent: usize) -> io::Result<usize> {
    let before = sent;
    while sent < span.len {
        match socket::send_file(fd, span.file.as_raw_fd(), span.offset + sent as u64, span.len - sent) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(more) => sent += more,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(sent - before)
}

/// Reads the span piece by piece and gives it to `give`, until that takes less than it was given.
fn copy(span: &FileSpan<'_>, mut give: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<usize> {
    let mut buffer = vec![0; COPIED.min(span.len)];
    let mut sent = 0;
    while sent < span.len {
        let piece = &mut buffer[..COPIED.min(span.len - sent)];
        let read = span.file.read_exact_at(piece, span.offset + sent as u64);
        read.map_err(|_| ErrorKind::UnexpectedEof)?;
        let taken = give(piece)?;
        sent += taken;
        if taken < piece.len() {
            break;
        }
    }
    Ok(sent)
}

/// As much as the socket takes; none is no error.
fn send_all(fd: RawFd, bytes: &[u8]) -> io::Result<usize> {
    match socket::send(fd, bytes) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        result => result,
    }
}
