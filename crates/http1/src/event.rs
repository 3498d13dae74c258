//! What a parser answers.

use millrace_error::Error;

/// How the end of a body is found (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFraming {
    /// There is no body, by the kind of message.
    None,
    /// So many bytes follow.
    Length(u64),
    /// Chunks follow, and perhaps trailers.
    Chunked,
    /// The end of the connection ends it; responses only.
    UntilClose,
}

impl BodyFraming {
    /// Whether no body byte can follow: none at all, or a length of zero.
    pub const fn is_empty(self) -> bool {
        matches!(self, BodyFraming::None | BodyFraming::Length(0))
    }
}

/// What the parser found next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// All input is consumed and more is needed.
    NeedMore,
    /// A head is complete: read it with `head()`.
    Head {
        /// The message is over with its head: no `Body` and no `End` follow.
        ended: bool,
    },
    /// Body bytes: this range of the input that was given.
    Body {
        /// Where they begin.
        start: usize,
        /// One past their last.
        end: usize,
    },
    /// The body is complete; `trailers()` may be read.
    End,
    /// The peer broke a rule or passed a limit. The parser stays in error; `consumed` means nothing.
    Error(Error),
}

/// One step of a parser: how much of the input is done with, and what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// How many of the bytes given are done with; give the rest again in the next call.
    pub consumed: usize,
    /// What was found.
    pub event: Event,
}

impl Step {
    pub(crate) const fn new(consumed: usize, event: Event) -> Self {
        Self { consumed, event }
    }
}
