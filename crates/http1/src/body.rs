//! The body of a message, by its framing (RFC 9112 §6).

use millrace_error::Error;

use crate::chunked::{Chunked, Piece};
use crate::event::BodyFraming;
use crate::limits::Limits;
use crate::reader::Reader;

/// Reads one body after the other.
#[derive(Debug)]
pub(crate) struct Body {
    framing: BodyFraming,
    /// What is left of a body of known length.
    left: u64,
    chunked: Chunked,
}

impl Body {
    pub(crate) const fn new() -> Self {
        Self {
            framing: BodyFraming::None,
            left: 0,
            chunked: Chunked::new(),
        }
    }

    /// Makes ready for a message; its trailers are empty until they have been read.
    #[inline]
    pub(crate) fn start(&mut self, framing: BodyFraming) {
        if self.framing == BodyFraming::Chunked || framing == BodyFraming::Chunked {
            self.chunked.clear();
        }
        self.framing = framing;
        self.left = if let BodyFraming::Length(length) = framing {
            length
        } else {
            0
        };
    }

    pub(crate) fn framing(&self) -> BodyFraming {
        self.framing
    }

    /// Whether all of a body of known length has been given out, though its end has not been asked for.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.framing, BodyFraming::Length(_)) && self.left == 0
    }

    pub(crate) fn trailers(&self) -> &[u8] {
        self.chunked.trailers()
    }

    /// Reads on. `reader` has read the head; it sees chunked bodies, the others are counted here.
    pub(crate) fn read(&mut self, input: &[u8], limits: &Limits, reader: &mut Reader) -> Result<Piece, Error> {
        match self.framing {
            BodyFraming::None => Ok(Piece::End(0)),
            BodyFraming::Chunked => self.chunked.read(input, limits, reader),
            BodyFraming::Length(_) if self.left == 0 => Ok(Piece::End(0)),
            _ if input.is_empty() => Ok(Piece::NeedMore),
            BodyFraming::Length(_) => {
                let len = usize::try_from(self.left).map_or(input.len(), |left| left.min(input.len()));
                self.left -= len as u64; // len <= left
                Ok(Piece::Data(0, len))
            }
            BodyFraming::UntilClose => Ok(Piece::Data(0, input.len())),
        }
    }
}
