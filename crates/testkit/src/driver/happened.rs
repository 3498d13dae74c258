//! What an engine tells.

use millrace_engine::{EventKind, Id};
use millrace_error::Code;

/// An event with its values resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// What happened.
    pub kind: EventKind,
    /// See [`Event`](millrace_engine::Event).
    pub flags: u32,
    /// The stream or server.
    pub id: Id,
    /// See [`Event`](millrace_engine::Event).
    pub a: u64,
    /// See [`Event`](millrace_engine::Event).
    pub b: u64,
    /// The value; empty when there is none.
    pub value: Vec<u8>,
    /// The second value; empty when there is none.
    pub extra: Vec<u8>,
}

impl Happened {
    /// The id as the engine's commands take it.
    pub fn stream(&self) -> f64 {
        self.id.as_f64()
    }

    /// The target of a request, the reason of an injected answer.
    pub fn target(&self) -> &str {
        let length = if self.kind == EventKind::Injected {
            self.b
        } else {
            self.a
        };
        let bytes = self.value.get(..length as usize).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// The code of `Aborted` and `BodyFailed`.
    pub fn code(&self) -> Option<Code> {
        Code::from_id(self.flags as u16)
    }
}
