//! Deadlines by the thousand.
//!
//! Five wheels of 64 slots each: a slot of the first is 1 ms wide, and a slot of each further wheel is as wide as the
//! whole wheel before it. A deadline lies in the wheel of the highest base-64 digit in which it differs from the
//! current time, in the slot that its digit names. When time reaches the start of a slot of an upper wheel, its entries
//! are dealt out to lower ones ("cascade"), where now only lower digits differ; an entry of the first wheel is due
//! when its slot begins. So all slots of a wheel lie ahead of the current digit, and what a lower wheel holds comes
//! before what an upper one holds. Deadlines further away than a turn of the
//! last wheel, 2³⁰ ms (12 days), lie in the slot that their digit names too, and are put there again at each turn.
//!
//! A bitmap per wheel says which slots hold something, so a stretch of time in which nothing lies costs nothing.

/// Bits of time per wheel.
const BITS: u32 = 6;
/// Slots per wheel.
const SLOTS: u32 = 1 << BITS;
const WHEELS: usize = 5;
/// The list of entries that were late already when they were scheduled.
const DUE: u32 = WHEELS as u32 * SLOTS;
const LISTS: usize = DUE as usize + 1;

/// No next entry.
const NONE: u32 = u32::MAX;
/// In `previous`: there is none, the other bits name the list whose first entry this is.
const FIRST: u32 = 1 << 31;
/// In `previous`: not scheduled. No list has this number.
const IDLE: u32 = u32::MAX;

/// The place of one key, member of the list of its slot.
#[derive(Clone, Copy, Debug)]
struct Node {
    deadline: u64,
    next: u32,
    previous: u32,
}

const _: () = assert!(size_of::<Node>() <= 16);

const VACANT: Node = Node {
    deadline: 0,
    next: NONE,
    previous: IDLE,
};

/// A hierarchical timer wheel of millisecond ticks with one entry per key.
///
/// Keys are slots of a slab: small numbers, dense from 0 and below 2³¹; the wheel keeps 16 bytes for each up to the
/// largest it has seen. Scheduling and cancelling cost the same however many entries there are. Time is handed in and
/// never asked for; it never goes back (an earlier time than the last is taken for the last).
///
/// Drive it so: after the changes of a wake, ask [`next_expiry`](Self::next_expiry) and sleep until then; then call
/// [`expire`](Self::expire) with the time and handle each key it yields.
#[derive(Debug)]
pub struct TimerWheel {
    nodes: Vec<Node>,
    /// The first entry of each list: the wheels' slots, then `DUE`.
    heads: Box<[u32; LISTS]>,
    /// Which slots of each wheel hold something.
    occupied: [u64; WHEELS],
    /// All deadlines up to here were yielded, but for those in `DUE`.
    now: u64,
    len: usize,
}

impl TimerWheel {
    /// An empty wheel that starts at `now_ms`.
    pub fn new(now_ms: u64) -> Self {
        Self {
            nodes: Vec::new(),
            heads: Box::new([NONE; LISTS]),
            occupied: [0; WHEELS],
            now: now_ms,
            len: 0,
        }
    }

    /// Sets the deadline of a key, in place of one that it has.
    ///
    /// A deadline that has passed is due at the next [`expire`](Self::expire), whatever time that is called with.
    ///
    /// # Panics
    /// If `key` is 2³¹ or more.
    pub fn schedule(&mut self, key: u32, deadline_ms: u64) {
        assert!(key < FIRST, "a timer key must be less than 2^31");
        let index = key as usize;
        if index >= self.nodes.len() {
            self.nodes.resize(index + 1, VACANT);
        } else if self.nodes[index].previous != IDLE {
            self.unlink(key);
        }
        self.nodes[index].deadline = deadline_ms;
        self.link(key);
    }

    /// Takes a key's deadline away and says whether it had one.
    pub fn cancel(&mut self, key: u32) -> bool {
        let scheduled = self.is_scheduled(key);
        if scheduled {
            self.unlink(key);
        }
        scheduled
    }

    /// Whether a key has a deadline that was not yielded yet.
    pub fn is_scheduled(&self, key: u32) -> bool {
        self.nodes.get(key as usize).is_some_and(|node| node.previous != IDLE)
    }

    /// How many keys have a deadline.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether no key has a deadline.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends each key whose deadline is at or before `now_ms` to `due`, once; it is then no longer scheduled.
    ///
    /// Keys of earlier milliseconds come first, but for those that were late when they were scheduled: they lead.
    pub fn expire(&mut self, now_ms: u64, due: &mut Vec<u32>) {
        self.take_list(DUE, due);
        while let Some((wheel, list, start)) = self.next_slot() {
            if start > now_ms {
                break;
            }
            self.now = start;
            if wheel == 0 {
                self.take_list(list, due);
            } else {
                self.cascade(list, due);
            }
        }
        self.now = self.now.max(now_ms);
    }

    /// Whether time has been let pass up to here, and nothing that came later is due.
    pub fn has_passed(&self, now_ms: u64) -> bool {
        self.now >= now_ms && self.heads[DUE as usize] == NONE
    }

    /// Lets time pass in which nothing is due: what is scheduled next is dealt out from here, and not once more.
    pub fn pass(&mut self, now_ms: u64) {
        debug_assert!(self.next_expiry().is_none_or(|at| at > now_ms), "something is due");
        self.now = self.now.max(now_ms);
    }

    /// The time at which [`expire`](Self::expire) must be called, in milliseconds: never later than the first
    /// deadline, but maybe earlier, to deal out a slot. `None` when nothing is scheduled.
    pub fn next_expiry(&self) -> Option<u64> {
        if self.heads[DUE as usize] != NONE {
            return Some(self.now);
        }
        self.next_slot().map(|(_, _, start)| start)
    }

    /// The next slot that holds something: its wheel, its list and when it begins.
    fn next_slot(&self) -> Option<(usize, u32, u64)> {
        let wheel = self.occupied.iter().position(|&slots| slots != 0)?;
        let shift = BITS * wheel as u32;
        let current = (self.now >> shift) as u32 % SLOTS;
        // How many slots from the current one: 1..=64, for in the last wheel the current digit means a whole turn.
        let ahead = self.occupied[wheel]
            .rotate_right((current + 1) % SLOTS)
            .trailing_zeros()
            + 1;
        let list = wheel as u32 * SLOTS + (current + ahead) % SLOTS;
        // Near the end of time the slot would begin after it; it then begins with its last millisecond.
        let start = ((self.now >> shift) + u64::from(ahead)).saturating_mul(1 << shift);
        Some((wheel, list, start))
    }

    /// The list in which a deadline belongs at the current time.
    fn list_of(&self, deadline: u64) -> u32 {
        if deadline <= self.now {
            return DUE;
        }
        let highest_bit = (deadline ^ self.now).ilog2();
        // A digit above the last wheel differs for what lies beyond its turn, and by a carry for what lies within.
        let wheel = (highest_bit / BITS).min(WHEELS as u32 - 1);
        wheel * SLOTS + (deadline >> (BITS * wheel)) as u32 % SLOTS
    }

    fn link(&mut self, key: u32) {
        let list = self.list_of(self.nodes[key as usize].deadline);
        let next = self.heads[list as usize];
        if next != NONE {
            self.nodes[next as usize].previous = key;
        } else if list != DUE {
            self.occupied[(list / SLOTS) as usize] |= 1 << (list % SLOTS);
        }
        let node = &mut self.nodes[key as usize];
        node.next = next;
        node.previous = FIRST | list;
        self.heads[list as usize] = key;
        self.len += 1;
    }

    /// Takes a scheduled key out of its list.
    fn unlink(&mut self, key: u32) {
        let Node { next, previous, .. } = self.nodes[key as usize];
        if next != NONE {
            self.nodes[next as usize].previous = previous;
        }
        if previous & FIRST == 0 {
            self.nodes[previous as usize].next = next;
        } else {
            let list = previous & !FIRST;
            self.heads[list as usize] = next;
            if next == NONE && list != DUE {
                self.occupied[(list / SLOTS) as usize] &= !(1 << (list % SLOTS));
            }
        }
        self.nodes[key as usize].previous = IDLE;
        self.len -= 1;
    }

    /// Yields all entries of a list.
    fn take_list(&mut self, list: u32, due: &mut Vec<u32>) {
        while self.heads[list as usize] != NONE {
            let key = self.heads[list as usize];
            self.unlink(key);
            due.push(key);
        }
    }

    /// Deals out the entries of a slot that has just begun; those that are due now are yielded.
    fn cascade(&mut self, list: u32, due: &mut Vec<u32>) {
        // Detached as a whole first: an entry that waits for another turn goes into the same slot again.
        let mut key = std::mem::replace(&mut self.heads[list as usize], NONE);
        self.occupied[(list / SLOTS) as usize] &= !(1 << (list % SLOTS));
        while key != NONE {
            let node = &mut self.nodes[key as usize];
            let next = node.next;
            node.previous = IDLE;
            self.len -= 1;
            if node.deadline <= self.now {
                due.push(key);
            } else {
                self.link(key);
            }
            key = next;
        }
    }
}
