//! Dials that fail: what is told, once, with the place on the way where it happened.

use super::Dialling;
use crate::connection::{Deadline, Stack};
use crate::engine::Engine;
use crate::event::{EventKind, Host, cause_of};
use crate::id::Id;
use crate::protocol::Protocol;
use millrace_error::{Code, Error};
use millrace_metrics::Counter;

/// By how much the number of the hop is shifted in the flags of `DialFailed`; the code is below it.
const HOP_SHIFT: u32 = 12;

impl<V: Copy> Engine<V> {
    /// A connection that we began did not open: tells why, and ends it.
    pub(crate) fn dial_failed<H: Host<Value = V>>(&mut self, host: &mut H, id: Id, error: Error, detail: &[u8]) {
        let stack = self
            .connections
            .get_mut(id)
            .and_then(|connection| connection.stack.take());
        if let Some(stack) = stack {
            self.tell_failed(host, &stack, error, detail);
            self.give_stack(id, stack);
        }
        self.close(id, error);
    }

    /// As [`dial_failed`](Self::dial_failed) for a connection that is being worked on: its error closes it afterwards.
    pub(crate) fn tell_failed<H: Host<Value = V>>(
        &mut self,
        host: &mut H,
        stack: &Stack,
        error: Error,
        detail: &[u8],
    ) -> Error {
        if let Protocol::Raw(stream) = stack.protocol {
            let failures = stack.dial.as_ref().map(|dial| dial.failures()).unwrap_or_default();
            let said = if detail.is_empty() { failures.as_bytes() } else { detail };
            let text = host.text(said);
            let hop = stack.dial.as_ref().map_or(0, |dial| dial.hop());
            self.told_dial_failed_at(stream, &error, hop, Some(text));
            // Told already: what ends with the connection is not told again.
            self.drop_stream(stream);
        }
        error
    }

    pub(crate) fn told_dial_failed(&mut self, stream: Id, error: &Error, value: Option<V>) {
        self.told_dial_failed_at(stream, error, 0, value);
    }

    pub(crate) fn told_dial_failed_at(&mut self, stream: Id, error: &Error, hop: u32, value: Option<V>) {
        self.metrics.add(Counter::SocketsConnectsFailed, 1);
        // An alert's name comes in words.
        let (a, b) = cause_of(&Error { alert: None, ..*error });
        let flags = u32::from(error.code.id()) | hop << HOP_SHIFT;
        self.event(EventKind::DialFailed, stream, flags, a, b, value);
    }

    /// A deadline of a connection that we began has passed.
    pub(crate) fn dial_expired<H: Host<Value = V>>(&mut self, host: &mut H, id: Id, what: Deadline, at_ms: u64) {
        let dial = self
            .connections
            .get(id)
            .and_then(|connection| connection.stack.as_ref())
            .and_then(|stack| stack.dial.as_ref());
        let limit = |of: fn(&Dialling) -> u64| dial.map_or(0, |dial| of(dial));
        let (code, value) = match what {
            Deadline::Connect => return self.connect_expired(host, id, at_ms),
            Deadline::Handshake => (Code::TlsTimeout, limit(|dial| dial.tls_timeout_ms)),
            Deadline::Proxy => {
                self.metrics.add(Counter::ProxyClientFailures, 1);
                (Code::ProxyTimeout, limit(|dial| dial.proxy_timeout_ms))
            }
            Deadline::Linger => return self.close(id, Code::ConnectionClosed.into()),
            _ => return,
        };
        let late = self.now_ms.saturating_sub(at_ms);
        self.dial_failed(host, id, Error::limit(code, value, value + late), b"");
    }
}
