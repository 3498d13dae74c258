//! Collects one message that arrives in pieces, and not a byte more.

use zeroize::Zeroizing;

/// What the beginning of a message says about its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// So many bytes at least; the rest is known when they are there.
    AtLeast(usize),
    /// So many bytes in all.
    Whole(usize),
}

/// The bytes of a message so far, wiped when dropped: they may hold a password.
#[derive(Default)]
pub(crate) struct Collect {
    kept: Zeroizing<Vec<u8>>,
}

/// No message of SOCKS is longer: SOCKS4a, 8 bytes, user id and name of 255 with their NULs. Room for one is made at
/// once, so that no byte is left behind in a buffer that was outgrown.
const LONGEST: usize = 8 + 256 + 256;

impl Collect {
    /// Takes what belongs to the message from `input`, from `*at` on. True when the message is whole.
    ///
    /// `measure` sees the beginning of the message and grows its demand until it is sure; what it refuses it refuses
    /// at the same byte however the input was cut, because it is never shown more than it has asked for.
    pub(crate) fn fill<E>(
        &mut self,
        input: &[u8],
        at: &mut usize,
        measure: impl Fn(&[u8]) -> Result<Measure, E>,
    ) -> Result<bool, E> {
        if self.kept.capacity() == 0 {
            self.kept.reserve_exact(LONGEST);
        }
        loop {
            let wanted = match measure(&self.kept)? {
                Measure::Whole(length) if length <= self.kept.len() => return Ok(true),
                Measure::AtLeast(length) => length.max(self.kept.len() + 1),
                Measure::Whole(length) => length,
            };
            let rest = input.get(*at..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(false);
            }
            let taken = rest.len().min(wanted - self.kept.len());
            self.kept.extend_from_slice(&rest[..taken]);
            *at += taken;
        }
    }

    /// The message, or its beginning.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.kept
    }

    /// Wipes it and makes ready for the next message.
    pub(crate) fn clear(&mut self) {
        use zeroize::Zeroize;
        self.kept.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One byte of length, then so many bytes.
    fn counted(bytes: &[u8]) -> Result<Measure, ()> {
        match bytes.first() {
            None => Ok(Measure::AtLeast(1)),
            Some(0xff) => Err(()),
            Some(length) => Ok(Measure::Whole(1 + usize::from(*length))),
        }
    }

    #[test]
    fn takes_the_message_and_leaves_what_follows() {
        for cut in 0..4 {
            let input = [3, b'a', b'b', b'c', b'd'];
            let (first, second) = input.split_at(cut);
            let (mut collect, mut at) = (Collect::default(), 0);
            assert_eq!(collect.fill(first, &mut at, counted), Ok(false));
            assert_eq!(at, cut);
            at = 0;
            assert_eq!(collect.fill(second, &mut at, counted), Ok(true));
            assert_eq!((collect.bytes(), &second[at..]), (&input[..4], &b"d"[..]));
        }
    }

    #[test]
    fn refuses_at_the_byte_that_is_wrong() {
        let mut at = 0;
        assert_eq!(Collect::default().fill(b"\xff", &mut at, counted), Err(()));
    }
}
