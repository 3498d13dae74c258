//! Large pieces of memory that are lent for a while and come back: kept for the next borrower, as many as are needed.
//!
//! An allocator that gives freed memory back to the system has it faulted in again, page by page, for the next piece.
//! So what came back is kept. At each look, what nobody needed since the last one is let go; where none was asked for at
//! all, everything is, and what comes back later too.

/// Memory that is lent.
pub type Piece = Box<[u8]>;

/// Keeps pieces of one size.
#[derive(Debug)]
pub struct Pieces {
    size: usize,
    most: usize,
    every_ms: u64,
    free: Vec<Piece>,
    /// How many are lent and will come back.
    away: usize,
    /// How many of `free` were not needed since the last look.
    spare: usize,
    /// One was asked for since the last look.
    used: bool,
    /// When the next look is due; `None`: none was asked for in a while, and nothing is kept.
    look_at_ms: Option<u64>,
}

impl Pieces {
    /// Pieces of `size` bytes of which `most` are lent at once; a look is due each `every_ms`.
    pub fn new(size: usize, most: usize, every_ms: u64) -> Self {
        Self {
            size,
            most,
            every_ms,
            free: Vec::new(),
            away: 0,
            spare: 0,
            used: false,
            look_at_ms: None,
        }
    }

    /// How many bytes a piece has.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Lends a piece, of whatever content; `None`: all are lent, or there is no memory for one more. Whoever lends asks for
    /// the next [`look`](Self::look).
    pub fn lend(&mut self) -> Option<Piece> {
        self.used = true;
        if self.away >= self.most {
            return None;
        }
        let piece = match self.free.pop() {
            Some(piece) => piece,
            None => new_piece(self.size)?,
        };
        self.away += 1;
        self.spare = self.spare.min(self.free.len());
        Some(piece)
    }

    /// A piece has come back.
    pub fn take_back(&mut self, piece: Piece) {
        self.away = self.away.saturating_sub(1);
        if self.used || self.look_at_ms.is_some() {
            self.free.push(piece);
        }
    }

    /// A look, where one is due; answers with when the next is, `None`: when a piece has been lent again.
    pub fn look(&mut self, now_ms: u64) -> Option<u64> {
        let due = match self.look_at_ms {
            None if !self.used => return None,
            Some(at) if at > now_ms => return Some(at),
            due => due,
        };
        if due.is_some() && !self.used {
            self.free = Vec::new();
            self.look_at_ms = None;
            return None;
        }
        if due.is_some() {
            self.free.truncate(self.free.len().saturating_sub(self.spare));
        }
        self.spare = self.free.len();
        self.used = false;
        self.look_at_ms = Some(now_ms + self.every_ms);
        self.look_at_ms
    }

    /// How many pieces are kept, not lent.
    pub fn kept(&self) -> usize {
        self.free.len()
    }
}

fn new_piece(size: usize) -> Option<Piece> {
    let mut piece = Vec::new();
    piece.try_reserve_exact(size).ok()?;
    piece.resize(size, 0);
    Some(piece.into_boxed_slice())
}
