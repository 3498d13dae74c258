//! Empty lines before a message.

use millrace_error::{Code, Error};

/// How many CRLFs are let pass before a request line.
///
/// RFC 9112 §2.2 says that a server SHOULD ignore at least one; old clients send one after a body. More is noise.
const MAX: u8 = 2;

/// Counts the empty lines between two messages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Leading {
    lines: u8,
    after_cr: bool,
}

impl Leading {
    /// How many of the first bytes are empty lines.
    #[inline]
    pub(crate) fn skip(&mut self, input: &[u8]) -> Result<usize, Error> {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            match (self.after_cr, byte) {
                (false, b'\r') => {
                    if self.lines == MAX {
                        return Err(Error::new(Code::HttpInvalidRequestLine));
                    }
                    self.after_cr = true;
                }
                (true, b'\n') => {
                    self.after_cr = false;
                    self.lines += 1; // at most MAX
                }
                (true, _) | (false, b'\n') => return Err(Error::new(Code::HttpInvalidLineEnding)),
                (false, _) => break,
            }
            at += 1;
        }
        Ok(at)
    }
}
