//! Short answers that JavaScript gathers while it handles a batch, taken in one look: a call into native code for each
//! costs more than the answer.
//!
//! `ts/native/outbox.ts` writes rows of numbers, and one string with all bodies. It is open during a batch alone; any
//! other call of the same thread takes first what lies in it, so that the order of calls is that of their effects.

use crate::exchange::{FINISH_WHOLE, READY};
use crate::js::{Env, Value, call};
use crate::numbers::{Kept, Numbers};
use crate::state::State;
use millrace_engine::error::Code;
use millrace_engine::{Chunk, Engine, Head};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

/// Answers at most, as in `ts/native/outbox.ts`.
pub const MOST: usize = 64;
/// Numbers of one answer: id, status and head as `respond` takes them, UTF-16 units of the body.
const ROW: usize = 3;
/// How many answers lie there.
const COUNT: usize = 0;
/// Not 0 while answers may be gathered.
const OPEN: usize = 1;
const ROWS: usize = 2;

/// Where JavaScript leaves its answers.
pub struct Outbox {
    numbers: Numbers,
    /// The object whose `text` has the bodies.
    holder: Kept,
}

impl Outbox {
    pub fn new() -> Self {
        Self {
            numbers: Numbers::new(),
            holder: Kept::new(),
        }
    }

    /// Uses this array and this object of `ts/native/outbox.ts` from now on.
    pub fn attach(&self, env: Env, array: Value, holder: Value) {
        let length = ROWS + ROW * MOST;
        self.numbers.attach(env, array, length, (&self.holder, holder));
    }

    /// Lets answers be gathered, or not any more.
    pub fn open(&self, open: bool) {
        let numbers = self.numbers.first();
        if !numbers.is_null() {
            // SAFETY: of so many numbers (see `Numbers`), and JavaScript does not run now.
            unsafe { numbers.add(OPEN).write(f64::from(u8::from(open))) };
        }
    }

    /// Whether no answer lies there.
    #[inline]
    pub fn is_empty(&self) -> bool {
        let numbers = self.numbers.first();
        // SAFETY: as in `open`.
        numbers.is_null() || unsafe { numbers.add(COUNT).read() } == 0.0
    }

    /// Gives the engine what lies there; `text` is the bodies where they are at hand.
    pub fn take(&self, state: &State, engine: &mut Engine<Value>, text: Option<Value>) {
        if self.is_empty() {
            return;
        }
        // SAFETY: as in `open`; no JavaScript runs until the last of them is read.
        let numbers = unsafe { std::slice::from_raw_parts_mut(self.numbers.first(), ROWS + ROW * MOST) };
        let count = (std::mem::take(&mut numbers[COUNT]) as usize).min(MOST);
        let rows = || numbers[ROWS..].chunks_exact(ROW).take(count);
        let mut scratch = state.scratch.borrow_mut();
        scratch.clear();
        let units: usize = rows().map(|row| row[2] as usize).sum();
        if units > 0 {
            let text = text.or_else(|| self.text(state.env));
            let read = text.map(|text| state.env.read_utf8(text, &mut scratch));
            if !matches!(read, Some(Ok(true))) {
                // No memory: a cut is better than an answer without its body.
                rows().for_each(|row| {
                    engine.destroy(row[0]);
                });
                return;
            }
        }
        // As many bytes as units: all of it is ASCII, and one is as long as the other.
        let ascii = scratch.len() == units;
        let mut rest = scratch.as_slice();
        for row in rows() {
            let units = row[2] as usize;
            let length = if ascii { units } else { bytes_of(rest, units) };
            let (body, behind) = rest.split_at(length.min(rest.len()));
            rest = behind;
            respond(engine, row[0], row[1] as u32, body);
        }
    }

    fn text(&self, env: Env) -> Option<Value> {
        let mut text = ptr::null_mut();
        let holder = self.holder.get(env)?;
        call!(napi_get_named_property(env.0, holder.0, c"text".as_ptr(), &mut text));
        (!text.is_null()).then_some(Value(text))
    }
}

/// One answer. What `respond` would throw is not gathered; whose exchange is over was answered too late.
fn respond(engine: &mut Engine<Value>, id: f64, word: u32, body: &[u8]) {
    let head = Head::Ready((word % FINISH_WHOLE) as u16, word / READY);
    let result = catch_unwind(AssertUnwindSafe(|| engine.respond(id, head, Chunk::Bytes(body), false)));
    match result {
        Ok(Ok(())) => {}
        Ok(Err(error)) if matches!(error.code, Code::StaleId | Code::StreamClosed) => {}
        // Nobody would ever answer it.
        Ok(Err(_)) => {
            engine.destroy(id);
        }
        Err(_) => engine.poison_stream(id),
    }
}

/// How many bytes of UTF-8 make so many units of UTF-16.
fn bytes_of(text: &[u8], units: usize) -> usize {
    let mut left = units;
    let mut place = 0;
    while left > 0 {
        let (bytes, taken) = match text.get(place) {
            None => break,
            Some(0..=0x7f) => (1, 1),
            Some(0x80..=0xdf) => (2, 1),
            Some(0xe0..=0xef) => (3, 1),
            Some(0xf0..) => (4, 2),
        };
        place += bytes;
        left = left.saturating_sub(taken);
    }
    place
}

#[cfg(test)]
mod tests {
    use super::bytes_of;

    #[test]
    fn units_of_utf_16_are_found_in_utf_8() {
        let text = "aé\u{fffd}€😀z";
        for (place, _) in text.char_indices() {
            let units = text[..place].encode_utf16().count();
            assert_eq!(bytes_of(text.as_bytes(), units), place);
        }
        assert_eq!(bytes_of(text.as_bytes(), 100), text.len());
        assert_eq!(bytes_of(b"", 3), 0);
    }
}
