//! Memory that readers of bulk are given: pieces that stay ours, and come back when the garbage collector has seen that
//! nobody has them any more.
//!
//! JavaScript has such a piece as an external ArrayBuffer. One of V8's own would be freed, and the C library gives freed
//! memory back to the system: to fault it in again was up to half of all the time that a gigabyte took.

use crate::js::{Env, Value, call};
use millrace_engine::BULK_PIECE;
use millrace_engine::buffer::{Piece, Pieces};
use napi_sys as sys;
use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;

/// How many pieces are lent at once. V8 collects its young objects when they have 2 × 16 MiB of memory outside its heap,
/// but looks at that only when it allocates such memory itself, as it has to past so many pieces.
const MOST: usize = 128;
/// How often what was not needed is let go, in ms.
const LOOK_MS: u64 = 1_000;

/// The pieces of one environment.
pub struct Lent {
    pieces: Rc<RefCell<Pieces>>,
    /// The one that is received into.
    current: Option<Piece>,
    /// The host takes no external memory.
    refused: bool,
}

/// What a piece needs to come back; the environment's state may be gone by then.
struct Away {
    pieces: Rc<RefCell<Pieces>>,
    piece: Piece,
}

impl Lent {
    pub fn new() -> Self {
        Self {
            pieces: Rc::new(RefCell::new(Pieces::new(BULK_PIECE, MOST, LOOK_MS))),
            current: None,
            refused: false,
        }
    }

    /// The piece to receive into; `None`: there is none now.
    pub fn current(&mut self) -> Option<&mut [u8]> {
        if self.current.is_none() && !self.refused {
            self.current = self.pieces.borrow_mut().lend();
        }
        self.current.as_deref_mut()
    }

    /// Takes the piece that was received into; it has to be put back.
    pub fn take(&mut self) -> Option<Piece> {
        self.current.take()
    }

    /// Puts back what was taken.
    pub fn put(&mut self, piece: Piece) {
        self.current = Some(piece);
    }

    /// Gives the piece that was received into to JavaScript, as an ArrayBuffer; `None`: it stays, or is lost.
    pub fn give(&mut self, env: Env) -> Option<Value> {
        let mut piece = self.current.take()?;
        let (data, size) = (piece.as_mut_ptr(), piece.len());
        let pieces = Rc::clone(&self.pieces);
        let away = Box::into_raw(Box::new(Away { pieces, piece }));
        let mut value = ptr::null_mut();
        let status = call!(napi_create_external_arraybuffer(
            env.0,
            data.cast(),
            size,
            Some(on_collected),
            away.cast(),
            &mut value
        ));
        if status == sys::Status::napi_ok && !value.is_null() {
            return Some(Value(value));
        }
        self.refused = true;
        if status == sys::Status::napi_no_external_buffers_allowed {
            // SAFETY: made above; with this answer the host has taken nothing. With another it may have.
            self.current = Some(unsafe { Box::from_raw(away) }.piece);
        }
        None
    }

    /// Lets go what is not needed any more; answers when to look again, in ms.
    pub fn look(&mut self, now_ms: u64) -> Option<u64> {
        let mut pieces = self.pieces.borrow_mut();
        let next = pieces.look(now_ms);
        if next.is_none() {
            if let Some(piece) = self.current.take() {
                pieces.take_back(piece);
            }
        }
        next
    }
}

/// Nobody in JavaScript has a piece any more. Runs on the thread of its environment, at the latest at its end.
unsafe extern "C" fn on_collected(_env: sys::napi_env, _data: *mut c_void, away: *mut c_void) {
    // SAFETY: made by `give`, and told once.
    let Away { pieces, piece } = *unsafe { Box::from_raw(away.cast::<Away>()) };
    pieces.borrow_mut().take_back(piece);
}
