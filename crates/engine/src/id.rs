//! Ids with generations, and the slab that hands them out.
//!
//! An id is `generation(32) · 2²¹ + slot(21)`: an exact double, so it crosses to JavaScript as a number. A slot that is
//! used again has a new generation, so a late call with an old id finds nothing. A slot whose generation would wrap is
//! never used again.

/// How many low bits of an id are its slot.
pub const SLOT_BITS: u32 = 21;
const SLOT_MASK: u64 = (1 << SLOT_BITS) - 1;
const CHUNK_BITS: u32 = 8;
const CHUNK: usize = 1 << CHUNK_BITS;

/// Names a listener, connection or stream for as long as it lives, and nothing after that.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Id(u64);

impl Id {
    const fn new(generation: u32, slot: u32) -> Self {
        Self(((generation as u64) << SLOT_BITS) | slot as u64)
    }

    /// The place in its slab.
    pub const fn slot(self) -> u32 {
        (self.0 & SLOT_MASK) as u32
    }

    /// How often the slot had been used before, plus one.
    pub const fn generation(self) -> u32 {
        (self.0 >> SLOT_BITS) as u32
    }

    /// The id of the next use of its slot; `None` when there is none.
    fn next(self) -> Option<Self> {
        let generation = self.generation().checked_add(1)?;
        Some(Self::new(generation, self.slot()))
    }

    /// As JavaScript holds it.
    pub const fn as_f64(self) -> f64 {
        self.0 as f64
    }

    /// As a poller token.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The id of a poller token.
    pub const fn from_u64(value: u64) -> Self {
        Self(value & ((1 << 53) - 1))
    }

    /// From whatever number JavaScript handed over; `None` when it cannot be an id.
    pub fn from_f64(value: f64) -> Option<Self> {
        let whole = value as u64;
        (whole as f64 == value && whole < 1 << 53).then_some(Self(whole))
    }
}

struct Entry<T> {
    /// Of the value, or of the next that will lie here.
    id: Id,
    value: Option<T>,
}

/// A growable table whose entries never move while it grows.
pub struct Slab<T> {
    // Of a fixed length: a slot is found by one comparison, and there are many look-ups in a request.
    chunks: Vec<Box<[Entry<T>; CHUNK]>>,
    free: Vec<u32>,
    live: usize,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            free: Vec::new(),
            live: 0,
        }
    }
}

impl<T> Slab<T> {
    /// How many entries live.
    pub const fn len(&self) -> usize {
        self.live
    }

    /// Whether none lives.
    pub const fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Puts a value in; `None` when all 2²¹ slots are taken.
    #[inline]
    pub fn insert(&mut self, value: T) -> Option<Id> {
        if self.free.is_empty() && !self.grow() {
            return None;
        }
        let slot = self.free.pop()?;
        let entry = &mut self.chunks[slot as usize >> CHUNK_BITS][slot as usize & (CHUNK - 1)];
        entry.value = Some(value);
        self.live += 1;
        Some(entry.id)
    }

    fn grow(&mut self) -> bool {
        let first = self.chunks.len() * CHUNK;
        if first + CHUNK > 1 << SLOT_BITS {
            return false;
        }
        let entries: Box<[Entry<T>]> = (first as u32..)
            .take(CHUNK)
            .map(|slot| Entry {
                id: Id::new(1, slot),
                value: None,
            })
            .collect();
        let Ok(chunk) = entries.try_into() else { return false };
        self.chunks.push(chunk);
        self.free.extend((first as u32..(first + CHUNK) as u32).rev());
        true
    }

    #[inline]
    fn entry(&self, slot: u32) -> Option<&Entry<T>> {
        self.chunks
            .get(slot as usize >> CHUNK_BITS)
            .map(|chunk| &chunk[slot as usize & (CHUNK - 1)])
    }

    #[inline]
    fn entry_mut(&mut self, slot: u32) -> Option<&mut Entry<T>> {
        self.chunks
            .get_mut(slot as usize >> CHUNK_BITS)
            .map(|chunk| &mut chunk[slot as usize & (CHUNK - 1)])
    }

    /// The value that this id names.
    #[inline]
    pub fn get(&self, id: Id) -> Option<&T> {
        self.entry(id.slot()).filter(|entry| entry.id == id)?.value.as_ref()
    }

    /// The value that this id names.
    #[inline]
    pub fn get_mut(&mut self, id: Id) -> Option<&mut T> {
        self.entry_mut(id.slot()).filter(|entry| entry.id == id)?.value.as_mut()
    }

    /// Whatever lives in a slot, with its id.
    #[inline]
    pub fn at(&self, slot: u32) -> Option<(Id, &T)> {
        let entry = self.entry(slot)?;
        entry.value.as_ref().map(|value| (entry.id, value))
    }

    /// Whatever lives in a slot.
    #[inline]
    pub fn at_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.entry_mut(slot)?.value.as_mut()
    }

    /// Drops the value where it lies, after a last look, and retires the id.
    #[inline]
    pub fn discard(&mut self, id: Id, last: impl FnOnce(&mut T)) {
        let Some(entry) = self.entry_mut(id.slot()).filter(|entry| entry.id == id) else {
            return;
        };
        let Some(value) = &mut entry.value else { return };
        last(value);
        entry.value = None;
        if let Some(next) = id.next() {
            entry.id = next;
            self.free.push(id.slot());
        }
        self.live -= 1;
    }

    /// Takes the value out and retires the id.
    pub fn remove(&mut self, id: Id) -> Option<T> {
        let entry = self.entry_mut(id.slot()).filter(|entry| entry.id == id)?;
        let value = entry.value.take()?;
        if let Some(next) = id.next() {
            entry.id = next;
            self.free.push(id.slot());
        }
        self.live -= 1;
        Some(value)
    }

    /// The ids of all that live.
    pub fn ids(&self) -> Vec<Id> {
        let slots = 0..(self.chunks.len() * CHUNK) as u32;
        slots.filter_map(|slot| self.at(slot).map(|(id, _)| id)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_id_never_finds_what_took_its_slot() {
        let mut slab = Slab::default();
        let first = slab.insert("first").unwrap();
        assert_eq!(slab.remove(first), Some("first"));
        let second = slab.insert("second").unwrap();
        assert_eq!(first.slot(), second.slot());
        assert_eq!((slab.get(first), slab.get(second)), (None, Some(&"second")));
        assert_eq!(slab.remove(first), None);
        assert_eq!(slab.len(), 1);
    }

    #[test]
    fn an_id_survives_the_trip_through_a_double() {
        let id = Id::new(u32::MAX, (1 << SLOT_BITS) - 1);
        assert_eq!(Id::from_f64(id.as_f64()), Some(id));
        for junk in [f64::NAN, f64::INFINITY, -1.0, 0.5, 9007199254740992.0] {
            assert_eq!(Id::from_f64(junk), None, "{junk}");
        }
    }

    #[test]
    fn a_slot_whose_generation_would_wrap_is_retired() {
        let mut slab = Slab::default();
        let id = slab.insert(0u8).unwrap();
        let last = Id::new(u32::MAX, id.slot());
        slab.chunks[0][id.slot() as usize].id = last;
        assert_eq!(slab.remove(last), Some(0));
        let others: Vec<_> = (0..CHUNK * 2).map(|_| slab.insert(1).unwrap().slot()).collect();
        assert!(!others.contains(&last.slot()));
    }

    #[test]
    fn grows_without_moving_and_reuses_the_last_slot_first() {
        let mut slab = Slab::default();
        let ids: Vec<_> = (0..1000).map(|n| slab.insert(n).unwrap()).collect();
        assert!(ids.iter().enumerate().all(|(n, id)| slab.get(*id) == Some(&n)));
        slab.remove(ids[7]);
        assert_eq!(slab.insert(7).unwrap().slot(), ids[7].slot());
        assert_eq!(slab.ids().len(), 1000);
    }
}
