//! The start line of a message, whole or in pieces: our scan first, then llhttp.
//!
//! llhttp is shown a start line only when the scan has accepted all of it. So the scan's answer stands wherever llhttp
//! would have stopped, and the two are asked in the same order however the input is cut. A line that is whole in the
//! input goes to llhttp together with the fields; of one in pieces a copy is kept until it is complete.

use millrace_error::Error;

use crate::fields::recycle;
use crate::reader::Reader;

/// The scan of one kind of start line.
pub(crate) trait Scan: Copy + Default {
    /// Looks on. `line` begins where the line does and is what there is of it, perhaps with more behind it; what was
    /// there in the last call is there again. `Some(n)`: the line is accepted and ends after `n` bytes.
    fn scan(&mut self, line: &[u8], limit: u32) -> Result<Option<usize>, Error>;
}

/// Reads start lines.
#[derive(Debug, Default)]
pub(crate) struct StartLine<S> {
    pub(crate) scan: S,
    /// The beginning of a line whose end has not come.
    kept: Vec<u8>,
}

/// What reading some bytes of a start line gave.
pub(crate) enum Line {
    /// All of them belong to the line, which is not complete.
    More,
    /// It is complete in so many bytes of the input, and llhttp has not seen them.
    Whole(usize),
    /// So many bytes of the input complete it, and llhttp has read it.
    Read(usize),
}

impl<S: Scan> StartLine<S> {
    /// Makes ready for a line.
    #[inline]
    pub(crate) fn start(&mut self) {
        self.scan = S::default();
        if !self.kept.is_empty() {
            recycle(&mut self.kept);
        }
    }

    /// Reads on.
    #[inline]
    pub(crate) fn read(&mut self, input: &[u8], limit: u32, reader: &mut Reader) -> Result<Line, Error> {
        if !self.kept.is_empty() {
            return self.read_piece(input, limit, reader);
        }
        match self.scan.scan(input, limit)? {
            Some(end) => Ok(Line::Whole(end)),
            None => {
                // The scan has accepted these bytes, so they are within the limit.
                self.kept.extend_from_slice(input);
                Ok(Line::More)
            }
        }
    }

    fn read_piece(&mut self, input: &[u8], limit: u32, reader: &mut Reader) -> Result<Line, Error> {
        let had = self.kept.len();
        // The first LF ends the line or breaks it.
        let len = input
            .iter()
            .position(|&byte| byte == b'\n')
            .map_or(input.len(), |lf| lf + 1);
        self.kept.extend_from_slice(&input[..len]);
        let Some(end) = self.scan.scan(&self.kept, limit)? else {
            return Ok(Line::More);
        };
        reader.read_line(&self.kept[..end])?;
        recycle(&mut self.kept);
        Ok(Line::Read(end - had))
    }
}
