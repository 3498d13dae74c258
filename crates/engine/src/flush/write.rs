//! Handing a connection's output to the kernel, within its share of a flush.

use super::file::send_span;
use crate::connection::flag as conn;
use crate::engine::Engine;
use crate::event::Host;
use crate::id::Id;
use crate::link::Link;
use millrace_error::{Code, Error};
use millrace_metrics::Counter;
use millrace_net::socket;
use std::io::{ErrorKind, IoSlice};

/// How many slices one write takes.
const SLICES: usize = 64;

impl<V: Copy> Engine<V> {
    /// Writes until the output is empty, the socket is full or the connection has had its share.
    pub(crate) fn write_out<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        id: Id,
        mut share: usize,
    ) -> Result<(), Error> {
        let Some(connection) = self.connections.get_mut(id) else {
            return Ok(());
        };
        if let Some(mut layers) = connection.layers.take() {
            let writes = connection.flags & (conn::BLOCKED | conn::WRITE_CLOSED | conn::CONNECTING) == 0;
            let outcome = match writes && layers.speak() {
                true => self.write_sealed(host, id, &mut layers, share),
                false => Ok(()),
            };
            self.give_layers(id, layers);
            return outcome;
        }
        let slot = connection.server;
        let Some(stack) = connection.stack.as_mut() else {
            return Ok(());
        };
        let mut sent_all = 0;
        let mut outcome = Ok(());
        let open = conn::BLOCKED | conn::WRITE_CLOSED | conn::CONNECTING;
        let mut tried = false;
        while share > 0 && !stack.output.is_empty() && connection.flags & open == 0 {
            tried = true;
            let detached = |_| Error::new(Code::BufferDetached);
            let (sent, wanted) = match &mut connection.link {
                link if stack.output.file().is_some() => {
                    self.metrics.add(Counter::SocketsSendCalls, 1);
                    let (sent, wanted) = stack.output.file().map_or((Ok(0), 0), |span| {
                        let span = span.up_to(share);
                        (send_span(link, &span), span.len)
                    });
                    share -= wanted;
                    (sent, wanted)
                }
                Link::Memory(memory) => {
                    let mut slices = [IoSlice::new(&[]); SLICES];
                    let count = stack
                        .output
                        .slices(|pin| host.pinned(pin), &mut slices)
                        .map_err(detached)?;
                    let mut wanted = 0;
                    for slice in &slices[..count] {
                        wanted += slice.len();
                        if let Err(error) = memory.handle_bytes(slice) {
                            outcome = Err(error);
                        }
                    }
                    (Ok(wanted), wanted)
                }
                Link::None => break,
                Link::Tcp(fd) | Link::Unix(fd) => {
                    use std::os::fd::AsRawFd;
                    let fd = fd.as_raw_fd();
                    self.metrics.add(Counter::SocketsSendCalls, 1);
                    if let Some(bytes) = stack.output.single() {
                        let bytes = &bytes[..bytes.len().min(share)];
                        share -= bytes.len();
                        (socket::send(fd, bytes), bytes.len())
                    } else {
                        let mut slices = [IoSlice::new(&[]); SLICES];
                        let count = stack
                            .output
                            .slices(|pin| host.pinned(pin), &mut slices)
                            .map_err(detached)?;
                        let mut slices = &slices[..count];
                        let mut wanted: usize = slices.iter().map(|slice| slice.len()).sum();
                        let mut first;
                        if wanted > share {
                            first = [IoSlice::new(&[]); SLICES];
                            slices = first_bytes(slices, share, &mut first);
                            wanted = share;
                        }
                        share -= wanted;
                        let sent = if stack.output.has_file() {
                            socket::send_before_more(fd, slices)
                        } else {
                            socket::send_vectored(fd, slices)
                        };
                        (sent, wanted)
                    }
                }
            };
            match sent {
                Ok(sent) => {
                    sent_all += sent as u64;
                    stack.sent += sent as u64;
                    stack.progressed(sent as u64, self.from_ms);
                    let released = &mut self.released;
                    stack.output.advance(sent, &mut self.pool, |pin| released.push(pin));
                    if sent < wanted {
                        connection.flags |= conn::BLOCKED;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    // The wait begins now, however long ago the last byte went.
                    stack.progress_ms = self.from_ms;
                    connection.flags |= conn::BLOCKED;
                }
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => outcome = Err(Code::FileTruncated.into()),
                Err(error) => outcome = Err(write_error(&error)),
            }
            if outcome.is_err() {
                break;
            }
        }
        if connection.flags & conn::BLOCKED != 0 {
            if let Some((_, server)) = self.servers.at(slot) {
                let fd = connection.link.descriptor().filter(|_| tried);
                stack.reader_waits(&server.options, fd, self.from_ms);
            }
        }
        if sent_all > 0 {
            self.metrics.add(Counter::SocketsSentBytes, sent_all);
            if let Some(server) = self.servers.at_mut(slot) {
                server.stats.sent += sent_all;
            }
        }
        let blocked = connection.flags & conn::BLOCKED != 0;
        if share == 0 && outcome.is_ok() && !blocked && !stack.output.is_empty() {
            // Its reader is faster than its share: the others come first.
            self.queue(id);
        }
        outcome
    }
}

/// The first `most` bytes of the slices, which have more.
fn first_bytes<'a>(
    slices: &'a [IoSlice<'_>],
    mut most: usize,
    into: &'a mut [IoSlice<'a>; SLICES],
) -> &'a [IoSlice<'a>] {
    let mut count = 0;
    for slice in slices {
        if most == 0 {
            break;
        }
        let bytes = &slice[..slice.len().min(most)];
        most -= bytes.len();
        into[count] = IoSlice::new(bytes);
        count += 1;
    }
    &into[..count]
}

/// What a failed write means.
pub(crate) fn write_error(error: &std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::BrokenPipe => Code::ConnectionClosed.into(),
        ErrorKind::ConnectionReset => Code::ConnectionReset.into(),
        ErrorKind::ConnectionRefused => Error::system("connect", error),
        _ => Error::system("sendmsg", error),
    }
}
