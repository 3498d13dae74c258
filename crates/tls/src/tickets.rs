//! Session tickets: the keys that seal them, their rotation, and what binds a ticket to a configuration.
//!
//! A ticket is `key name (16) · nonce (12) · AES-256-GCM(issued at (8) · session) · tag (16)`, as RFC 5077 §4 suggests.
//! The associated data is the key name and a fingerprint of what clients are judged by (CAs, CRLs, whether a
//! certificate is asked for): a ticket from before such a change is refused, on every member of a fleet, with nothing
//! to empty. A key is used to seal until it is rotated, and to open for one ticket lifetime more: the grace key.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::{hmac, rand};
use rustls::server::ProducesTickets;
use zeroize::Zeroizing;

use crate::{Clock, TlsError};

/// The length of key material that a fleet shares, in bytes; Node's `ticketKeys` has the same.
pub const TICKET_KEY_LEN: usize = 48;

/// How long a key made here seals tickets before it is replaced, in seconds.
pub const ROTATION_INTERVAL_S: u64 = 3600;

const NAME_LEN: usize = 16;
const NONCE_LEN: usize = 12;
const TIME_LEN: usize = 8;

/// Key material that the members of a fleet share. It is wiped when it is dropped, and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct TicketSecret(Zeroizing<[u8; TICKET_KEY_LEN]>);

impl TicketSecret {
    /// From [`TICKET_KEY_LEN`] secret bytes.
    ///
    /// # Errors
    /// Another length.
    pub fn new(material: &[u8]) -> Result<Self, TlsError> {
        let material: &[u8; TICKET_KEY_LEN] = material.try_into().map_err(|_| {
            TlsError::configuration(format!(
                "ticket keys must be {TICKET_KEY_LEN} bytes long and are {}",
                material.len()
            ))
        })?;
        Ok(Self(Zeroizing::new(*material)))
    }
}

impl fmt::Debug for TicketSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketSecret")
    }
}

struct Key {
    name: [u8; NAME_LEN],
    aead: RandomizedNonceKey,
}

impl Key {
    fn new(material: &[u8; TICKET_KEY_LEN]) -> Result<Self, TlsError> {
        let derive = |label: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, material), label);
        let name = derive(b"millrace ticket name");
        let secret = derive(b"millrace ticket key");
        let failed = |_| TlsError::configuration("the ticket key cannot be used");
        Ok(Self {
            name: name.as_ref()[..NAME_LEN]
                .try_into()
                // An HMAC-SHA256 has 32 bytes.
                .expect("16 of 32 bytes"),
            aead: RandomizedNonceKey::new(&AES_256_GCM, secret.as_ref()).map_err(failed)?,
        })
    }

    fn random() -> Result<Self, TlsError> {
        let mut material = Zeroizing::new([0; TICKET_KEY_LEN]);
        rand::fill(&mut material[..]).map_err(|_| TlsError::configuration("the system gave no random bytes"))?;
        Self::new(&material)
    }
}

struct Keys {
    current: Key,
    /// The key before, and until when it opens tickets.
    grace: Option<(Key, u64)>,
    /// When `current` is replaced by itself; keys that were given are only rotated by their owner.
    next_rotation: Option<u64>,
}

/// The keys of one context, which outlive its replacements.
pub(crate) struct TicketKeys {
    keys: Mutex<Keys>,
    clock: Clock,
    lifetime_s: u32,
}

impl TicketKeys {
    /// Keys from shared material, or random ones that rotate by themselves every [`ROTATION_INTERVAL_S`].
    ///
    /// A ticket is good for `lifetime_s` seconds from when it was issued.
    ///
    /// # Errors
    /// The system gave no random bytes.
    pub(crate) fn new(secret: Option<&TicketSecret>, lifetime_s: u32, clock: Clock) -> Result<Arc<Self>, TlsError> {
        let now = clock.now();
        let keys = Keys {
            current: Self::key(secret)?,
            grace: None,
            next_rotation: secret.is_none().then(|| now + ROTATION_INTERVAL_S),
        };
        Ok(Arc::new(Self {
            keys: Mutex::new(keys),
            clock,
            lifetime_s,
        }))
    }

    /// Seals with a new key from now on; the one before opens tickets for one lifetime more.
    ///
    /// With a secret, only the owner rotates from now on; without, a random key that rotates by itself follows.
    ///
    /// # Errors
    /// The system gave no random bytes; the keys are as before then.
    pub(crate) fn rotate(&self, secret: Option<&TicketSecret>) -> Result<(), TlsError> {
        let next = Self::key(secret)?;
        let now = self.clock.now();
        self.with_keys(|keys| {
            self.replace(keys, next, now);
            keys.next_rotation = secret.is_none().then(|| now + ROTATION_INTERVAL_S);
        });
        Ok(())
    }

    fn key(secret: Option<&TicketSecret>) -> Result<Key, TlsError> {
        match secret {
            Some(secret) => Key::new(&secret.0),
            None => Key::random(),
        }
    }

    fn replace(&self, keys: &mut Keys, next: Key, now: u64) {
        let before = std::mem::replace(&mut keys.current, next);
        keys.grace = Some((before, now + u64::from(self.lifetime_s)));
    }

    fn with_keys<R>(&self, run: impl FnOnce(&mut Keys) -> R) -> R {
        // No code that can panic runs under the lock; a poisoned one still holds whole keys.
        run(&mut self.keys.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn seal(&self, session: &[u8], binding: &[u8; 32]) -> Option<Vec<u8>> {
        let now = self.clock.now();
        self.with_keys(|keys| {
            if keys.next_rotation.is_some_and(|due| now >= due) {
                self.replace(keys, Key::random().ok()?, now);
                keys.next_rotation = Some(now + ROTATION_INTERVAL_S);
            }
            let key = &keys.current;
            let mut sealed = Vec::with_capacity(TIME_LEN + session.len() + AES_256_GCM.tag_len());
            sealed.extend_from_slice(&now.to_be_bytes());
            sealed.extend_from_slice(session);
            let aad = Aad::from(associated(&key.name, binding));
            let nonce = key.aead.seal_in_place_append_tag(aad, &mut sealed).ok()?;
            Some([&key.name[..], nonce.as_ref(), &sealed].concat())
        })
    }

    /// Opens a ticket and gives the session in it to `read`.
    fn open<R>(&self, ticket: &[u8], binding: &[u8; 32], read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let now = self.clock.now();
        let (name, rest) = ticket.split_at_checked(NAME_LEN)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let plain = self.with_keys(|keys| {
            let key = if name == keys.current.name {
                &keys.current
            } else {
                let (key, until) = keys.grace.as_ref()?;
                (name == key.name && now < *until).then_some(key)?
            };
            let aad = Aad::from(associated(&key.name, binding));
            key.aead.open_in_place(nonce, aad, &mut sealed).ok()
        })?;
        let (issued, session) = plain.split_at_checked(TIME_LEN)?;
        let issued = u64::from_be_bytes(issued.try_into().ok()?);
        let good = now < issued.saturating_add(u64::from(self.lifetime_s));
        good.then(|| read(session))
    }
}

fn associated(name: &[u8; NAME_LEN], binding: &[u8; 32]) -> Vec<u8> {
    [&name[..], &binding[..]].concat()
}

impl fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketKeys")
    }
}

/// Ticket keys as one configuration uses them.
#[derive(Debug)]
pub(crate) struct Ticketer {
    pub(crate) keys: Arc<TicketKeys>,
    /// What clients are judged by, as a digest.
    pub(crate) binding: [u8; 32],
}

impl Ticketer {
    /// Whether a ticket opens.
    pub(crate) fn opens(&self, ticket: &[u8]) -> bool {
        self.keys.open(ticket, &self.binding, |_| ()).is_some()
    }
}

impl ProducesTickets for Ticketer {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        self.keys.lifetime_s
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.keys.seal(plain, &self.binding)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.keys.open(cipher, &self.binding, <[u8]>::to_vec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [u8; 32] = [1; 32];

    fn open(keys: &TicketKeys, ticket: &[u8], binding: &[u8; 32]) -> Option<Vec<u8>> {
        keys.open(ticket, binding, <[u8]>::to_vec)
    }

    fn keys(material: Option<&[u8; TICKET_KEY_LEN]>) -> (Arc<TicketKeys>, Clock) {
        let clock = Clock::manual(1_000_000);
        let secret = material.map(|material| TicketSecret::new(material).expect("48 bytes"));
        (
            TicketKeys::new(secret.as_ref(), 300, clock.clone()).expect("good keys"),
            clock,
        )
    }

    #[test]
    fn a_ticket_opens_until_its_lifetime_has_passed() {
        let (keys, clock) = keys(None);
        let ticket = keys.seal(b"session", &A).expect("sealed");
        clock.set(1_000_299);
        assert_eq!(open(&keys, &ticket, &A).as_deref(), Some(&b"session"[..]));
        clock.set(1_000_300);
        assert_eq!(open(&keys, &ticket, &A), None);
    }

    #[test]
    fn the_grace_key_opens_for_one_lifetime_and_no_key_before_it_does() {
        let (keys, clock) = keys(None);
        let first = keys.seal(b"1", &A).expect("sealed");
        keys.rotate(None).expect("rotated");
        clock.set(1_000_299);
        assert_eq!(open(&keys, &first, &A).as_deref(), Some(&b"1"[..]));
        keys.rotate(None).expect("rotated");
        assert_eq!(open(&keys, &first, &A), None);
    }

    #[test]
    fn random_keys_rotate_by_themselves_and_given_ones_do_not() {
        for (material, same) in [(None, false), (Some(&[7; TICKET_KEY_LEN]), true)] {
            let (keys, clock) = keys(material);
            let name = keys.seal(b"", &A).expect("sealed")[..NAME_LEN].to_vec();
            clock.set(1_000_000 + ROTATION_INTERVAL_S);
            assert_eq!(keys.seal(b"", &A).expect("sealed")[..NAME_LEN] == name, same);
        }
    }

    #[test]
    fn a_fleet_with_the_same_material_opens_each_others_tickets() {
        let (one, _) = keys(Some(&[7; TICKET_KEY_LEN]));
        let (two, _) = keys(Some(&[7; TICKET_KEY_LEN]));
        let (other, _) = keys(Some(&[8; TICKET_KEY_LEN]));
        let ticket = one.seal(b"session", &A).expect("sealed");
        assert_eq!(open(&two, &ticket, &A).as_deref(), Some(&b"session"[..]));
        assert_eq!(open(&other, &ticket, &A), None);
        assert_eq!(open(&two, &ticket, &[2; 32]), None, "another trust configuration");
    }

    #[test]
    fn no_changed_and_no_cut_ticket_opens() {
        let (keys, _) = keys(None);
        let ticket = keys.seal(b"session", &A).expect("sealed");
        for index in 0..ticket.len() {
            let mut changed = ticket.clone();
            changed[index] ^= 1;
            assert_eq!(open(&keys, &changed, &A), None, "byte {index}");
            assert_eq!(open(&keys, &ticket[..index], &A), None, "cut at {index}");
        }
    }

    #[test]
    fn material_of_another_length_is_refused() {
        for len in [0, TICKET_KEY_LEN - 1, TICKET_KEY_LEN + 1] {
            let error = TicketSecret::new(&vec![0; len]).expect_err("not 48 bytes");
            assert!(error.to_string().contains("48 bytes"), "{error}");
        }
    }
}
