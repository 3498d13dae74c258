//! Credentials, and the bytes that carry them: wiped when dropped, never in a `Debug` text.

use std::fmt;

use zeroize::Zeroizing;

/// A user name and a password. Both may be empty here; what a kind of proxy can carry is checked by its user.
///
/// The bytes are wiped when it is dropped. `Debug` shows neither.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    username: Zeroizing<Vec<u8>>,
    password: Zeroizing<Vec<u8>>,
}

impl Credentials {
    /// Copies both; the copies are ours to wipe, the originals are the caller's.
    pub fn new(username: &[u8], password: &[u8]) -> Self {
        Self {
            username: Zeroizing::new(username.to_vec()),
            password: Zeroizing::new(password.to_vec()),
        }
    }

    /// The user name.
    pub fn username(&self) -> &[u8] {
        &self.username
    }

    /// The password.
    pub fn password(&self) -> &[u8] {
        &self.password
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// Bytes for the peer, which may carry credentials: wiped when dropped, and `Debug` shows their number alone.
///
/// Where the driver copies them to, they are in its hands.
pub struct Output(Zeroizing<Vec<u8>>);

impl Output {
    /// Queues bytes behind those that wait. Whatever is copied is wiped where it was.
    pub(crate) fn push(queue: &mut Option<Self>, bytes: Vec<u8>) {
        let bytes = Zeroizing::new(bytes);
        *queue = Some(Self(match queue.take() {
            None => bytes,
            Some(Self(before)) => Zeroizing::new([&before[..], &bytes[..]].concat()),
        }));
    }
}

impl std::ops::Deref for Output {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Output({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_debug_text_shows_a_secret() {
        let credentials = Credentials::new(b"alice", b"hunter2");
        let mut queue = None;
        Output::push(&mut queue, b"hunter2".to_vec());
        Output::push(&mut queue, b"!".to_vec());
        let output = queue.expect("two pushed");
        let text = format!("{credentials:?} {credentials:#?} {output:?}");
        assert!(!text.contains("alice") && !text.contains("hunter2"), "{text}");
        assert_eq!(&*output, b"hunter2!");
    }
}
