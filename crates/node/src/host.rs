//! The engine's view of JavaScript: makes strings and byte arrays, and finds pinned chunks.

use crate::js::{Env, Value};
use crate::pieces::Lent;
use millrace_engine::buffer::PinId;
use millrace_engine::{BULK_PIECE, Host};
use napi_sys as sys;

/// Chunks below this are packed into slabs.
const PACKED: usize = 4096;
/// Heads above this are not compared with the next.
const REMEMBERED: usize = 2048;
const SLAB: usize = 64 * 1024;
/// Lent memory of which less than the so-manieth part is used is not given away.
const WASTE: usize = 4;

/// Makes values and keeps pins.
pub struct NodeHost {
    env: Env,
    /// The slab that small chunks go into, and how much of it is used. Its bytes are never reused.
    slab: Option<(sys::napi_ref, usize)>,
    /// The head that was made last in this wake: many requests of one wake have the same.
    last: Vec<u8>,
    last_text: Option<Value>,
    /// What is lent to be received into, as long as not too much of it is with JavaScript.
    pieces: Lent,
    lends_piece: bool,
    /// What was lent past that and not taken: an ArrayBuffer, where its bytes are, its size.
    lent: Option<(Value, *mut u8, usize)>,
    pins: Vec<Option<sys::napi_ref>>,
    free: Vec<u32>,
}

impl NodeHost {
    pub fn new(env: Env) -> Self {
        Self {
            env,
            slab: None,
            last: Vec::new(),
            last_text: None,
            pieces: Lent::new(),
            lends_piece: false,
            lent: None,
            pins: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Keeps a byte array until its last byte is with the kernel.
    pub fn pin(&mut self, value: Value) -> Option<PinId> {
        let reference = self.env.reference(value)?;
        let place = self.free.pop().unwrap_or_else(|| {
            self.pins.push(None);
            self.pins.len() as u32 - 1
        });
        self.pins[place as usize] = Some(reference);
        Some(PinId(place))
    }

    /// Lets a byte array go.
    pub fn release(&mut self, pin: PinId) {
        if let Some(reference) = self.pins.get_mut(pin.0 as usize).and_then(Option::take) {
            self.env.drop_reference(reference);
            self.free.push(pin.0);
        }
    }

    /// The handle scope of a wake closes: its values are no more.
    pub fn forget_values(&mut self) {
        self.last_text = None;
        self.lent = None;
    }

    /// Lets memory go that was lent and is not needed any more; answers when to look again, in ms.
    pub fn look_at_pieces(&mut self, now_ms: u64) -> Option<u64> {
        self.pieces.look(now_ms)
    }

    /// How many byte arrays are kept.
    pub fn pinned_count(&self) -> usize {
        self.pins.len() - self.free.len()
    }

    /// The first bytes of the piece that was received into: the piece itself, or a copy of them where they are few.
    fn take_piece(&mut self, length: usize) -> Value {
        if length >= BULK_PIECE / WASTE {
            if let Some(buffer) = self.pieces.give(self.env) {
                return self.env.view(buffer, 0, length);
            }
        }
        let Some(piece) = self.pieces.take() else {
            return self.env.undefined();
        };
        let value = self.bytes(&piece[..length]);
        self.pieces.put(piece);
        value
    }

    /// Room in the slab, made anew when it is used up or was detached under us.
    fn room(&mut self, length: usize) -> Option<(Value, usize, *mut u8)> {
        if let Some((reference, used)) = self.slab {
            if used + length <= SLAB {
                let buffer = self.env.referred(reference);
                let mut data = std::ptr::null_mut();
                let mut size = 0;
                crate::js::call!(napi_get_arraybuffer_info(self.env.0, buffer.0, &mut data, &mut size));
                if size == SLAB && !data.is_null() {
                    self.slab = Some((reference, used + length));
                    return Some((buffer, used, data.cast()));
                }
            }
            self.env.drop_reference(reference);
            self.slab = None;
        }
        let (buffer, data) = self.env.array_buffer(SLAB)?;
        self.slab = self.env.reference(buffer).map(|reference| (reference, length));
        Some((buffer, 0, data))
    }
}

impl Host for NodeHost {
    type Value = Value;

    fn text(&mut self, latin1: &[u8]) -> Value {
        match self.last_text {
            Some(text) if self.last == latin1 => text,
            _ => {
                let text = self.env.text(latin1);
                if latin1.len() <= REMEMBERED {
                    self.last.clear();
                    self.last.extend_from_slice(latin1);
                    self.last_text = Some(text);
                }
                text
            }
        }
    }

    fn bytes(&mut self, bytes: &[u8]) -> Value {
        let length = bytes.len();
        let made = if length < PACKED {
            self.room(length)
        } else {
            let raw = self.env.raw_array_buffer(length);
            let made = raw.or_else(|| self.env.array_buffer(length));
            made.map(|(buffer, data)| (buffer, 0, data))
        };
        let Some((buffer, offset, data)) = made else {
            return self.env.undefined();
        };
        // SAFETY: `data` begins an ArrayBuffer that has `length` bytes behind `offset`, which nobody was given yet;
        // no JavaScript has run since its address was asked for.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), data.add(offset), length) };
        self.env.view(buffer, offset, length)
    }

    fn lend(&mut self, size: usize) -> Option<&mut [u8]> {
        self.lends_piece = size <= BULK_PIECE && self.pieces.current().is_some();
        if self.lends_piece {
            return self.pieces.current().map(|piece| &mut piece[..size]);
        }
        if self.lent.is_none_or(|(_, _, has)| has < size) {
            let (buffer, data) = self.env.raw_array_buffer(size)?;
            self.lent = Some((buffer, data, size));
        }
        let (_, data, _) = self.lent?;
        // SAFETY: `data` begins an ArrayBuffer of `size` bytes or more, which a handle of this wake's scope keeps and no
        // JavaScript knows. Whatever its bytes are, they are bytes that somebody wrote, as in a Buffer of Node's.
        Some(unsafe { std::slice::from_raw_parts_mut(data, size) })
    }

    fn take_lent(&mut self, length: usize) -> Value {
        if self.lends_piece {
            return self.take_piece(length.min(BULK_PIECE));
        }
        match self.lent {
            Some((buffer, _, size)) if length >= size / WASTE => {
                self.lent = None;
                self.env.view(buffer, 0, length.min(size))
            }
            Some((_, data, size)) => {
                // SAFETY: as in `lend`; `bytes` writes to other memory.
                let bytes = unsafe { std::slice::from_raw_parts(data, length.min(size)) };
                self.bytes(bytes)
            }
            None => self.env.undefined(),
        }
    }

    fn pinned(&self, pin: PinId) -> Option<&[u8]> {
        let reference = (*self.pins.get(pin.0 as usize)?)?;
        // SAFETY: the slice is used within the flush, during which no JavaScript runs.
        unsafe { self.env.bytes(self.env.referred(reference)) }
    }
}
