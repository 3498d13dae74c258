//! Tunnels through which much comes: received straight into memory that the host gives to their reader.
//!
//! What is read into the thread's receive buffer is copied once more, into memory that the reader may keep. Of 32 bytes
//! that is nothing; of a gigabyte it is a third of the work. So a tunnel whose reads bring much has the host lend memory
//! for the next one, in larger pieces, and its reader is given that memory. One read that brings little ends it.

use crate::connection::flag as conn;
use crate::engine::Engine;
use crate::event::{EventKind, Host};
use crate::id::Id;
use crate::protocol::Protocol;
use crate::receive::read::read_error;
use crate::stream::{Consumer, Stream, flag};
use millrace_metrics::Counter;
use millrace_net::{RECEIVE_BUFFER_SIZE, socket};
use std::io::ErrorKind;
use std::os::fd::RawFd;

/// From so many bytes in one read on the next is bulk; below that, the next is not.
pub(crate) const BULK_FROM: usize = RECEIVE_BUFFER_SIZE / 2;
/// How much memory is lent for one read, in bytes.
pub const PIECE: usize = 256 * 1024;

impl<V: Copy> Engine<V> {
    /// The last read of a connection brought much.
    #[cold]
    pub(crate) fn expect_bulk(&mut self, id: Id) {
        if let Some(connection) = self.connections.get_mut(id) {
            let stack = connection.stack.as_ref();
            if stack.is_some_and(|stack| matches!(stack.protocol, Protocol::Raw(_))) {
                connection.flags |= conn::BULK;
            }
        }
    }

    /// The stream whose reader gets the next bytes of a connection as they are; `None`: something is in between, or they
    /// are few.
    #[inline]
    pub(crate) fn bulk_reader(&self, id: Id) -> Option<Id> {
        let connection = self
            .connections
            .get(id)
            .filter(|connection| connection.has(conn::BULK))?;
        let stack = connection.stack.as_ref().filter(|stack| stack.backlog.is_empty())?;
        let Protocol::Raw(stream) = stack.protocol else {
            return None;
        };
        let reads = |stream: &&Stream| {
            stream.consumer == Consumer::JavaScript
                && stream.credit >= BULK_FROM as u64
                && stream.stash.is_empty()
                && !stream.has(flag::RELAYED | flag::HANDLE)
        };
        let plain = connection.layers.is_none();
        self.streams.get(stream).filter(reads).filter(|_| plain).map(|_| stream)
    }

    /// Reads once, into memory of the host's; says whether there was anything, the end included. `None`: the host has no
    /// memory to lend.
    pub(crate) fn read_bulk<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        stream: Id,
        fd: RawFd,
    ) -> Option<bool> {
        let most = self.streams.get(stream).map_or(0, |stream| stream.credit);
        let size = PIECE.min(usize::try_from(most).unwrap_or(PIECE));
        // Always of one size: an allocator serves those best.
        let received = socket::recv(fd, &mut host.lend(PIECE)?[..size]);
        self.metrics.add(Counter::SocketsReceiveCalls, 1);
        match received {
            Ok(0) => self.ended(host, id),
            Ok(count) => {
                self.metrics.add(Counter::SocketsReceivedBytes, count as u64);
                self.count_received(id, count as u64);
                if let Some(connection) = self.connections.get_mut(id).filter(|_| count < BULK_FROM) {
                    connection.flags &= !conn::BULK;
                }
                if let Some(found) = self.streams.get_mut(stream) {
                    found.received += count as u64;
                    found.credit = found.credit.saturating_sub(count as u64);
                }
                let value = host.take_lent(count);
                self.event(EventKind::Body, stream, 0, count as u64, 0, Some(value));
                self.touch(id);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Some(false),
            Err(error) => self.close(id, read_error(&error)),
        }
        Some(true)
    }
}
