//! Digest authentication of a CONNECT request (RFC 7616), with RFC 2617's algorithm and RFC 2069's form without `qop`.
//!
//! ```text
//!  HA1      = H(user ":" realm ":" password)              -sess: H(HA1 ":" nonce ":" cnonce)
//!  HA2      = H("CONNECT:" target)                        auth-int: … ":" H("")
//!  response = H(HA1 ":" nonce ":" nc ":" cnonce ":" qop ":" HA2)        without qop: H(HA1 ":" nonce ":" HA2)
//! ```
//!
//! Each answer uses its nonce once, so `nc` is always 1.

use md5::Md5;
use sha2::digest::{Digest as Hash, Output};
use sha2::{Sha256, Sha512_256};
use zeroize::{Zeroize, Zeroizing};

use crate::challenge::Challenge;
use crate::secret::Credentials;

/// A hash, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Algorithm {
    Md5,
    Sha256,
    Sha512256,
}

impl Algorithm {
    /// The name of the parameter `algorithm`, and whether it ends in `-sess`.
    fn parse(name: &[u8]) -> Option<(Self, bool)> {
        let (name, session) = match name.len().checked_sub(5).map(|at| name.split_at(at)) {
            Some((name, ending)) if ending.eq_ignore_ascii_case(b"-sess") => (name, true),
            _ => (name, false),
        };
        let algorithm = match name.to_ascii_lowercase().as_slice() {
            b"md5" => Self::Md5,
            b"sha-256" => Self::Sha256,
            b"sha-512-256" => Self::Sha512256,
            _ => return None,
        };
        Some((algorithm, session))
    }

    /// The hash of all parts with colons between, in lower-case hex.
    fn hash(self, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
        fn run<H: Hash>(parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
            let mut hash = H::new();
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    hash.update(b":");
                }
                hash.update(part);
            }
            let mut digest: Output<H> = hash.finalize();
            let mut hex = Zeroizing::new(Vec::with_capacity(digest.len() * 2));
            push_hex(&mut hex, &digest);
            digest.as_mut_slice().zeroize();
            hex
        }
        match self {
            Self::Md5 => run::<Md5>(parts),
            Self::Sha256 => run::<Sha256>(parts),
            Self::Sha512256 => run::<Sha512_256>(parts),
        }
    }
}

fn push_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// The quality of protection that is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protection {
    /// None was offered: RFC 2069's form.
    None,
    Auth,
    /// Offered alone. The body that it protects is empty.
    AuthInt,
}

/// A Digest challenge that can be answered.
#[derive(Clone, Debug)]
pub(crate) struct DigestChallenge {
    algorithm: Algorithm,
    session: bool,
    protection: Protection,
    realm: Vec<u8>,
    nonce: Vec<u8>,
    opaque: Option<Vec<u8>>,
    /// As received, to be sent back so.
    algorithm_name: Option<Vec<u8>>,
    user_hash: bool,
    /// The credentials were right and the nonce too old: the same credentials may be sent again.
    pub(crate) stale: bool,
}

impl DigestChallenge {
    /// `None` where a parameter is missing, or one that must be understood is not.
    pub(crate) fn read(challenge: &Challenge<'_>) -> Option<Self> {
        let owned = |name: &[u8]| challenge.param(name).map(<[u8]>::to_vec);
        let is_true = |name: &[u8]| {
            challenge
                .param(name)
                .is_some_and(|value| value.eq_ignore_ascii_case(b"true"))
        };
        // Without the parameter: MD5, for RFC 2069's servers (RFC 7616 §3.3).
        let (algorithm, session) = Algorithm::parse(challenge.param(b"algorithm").unwrap_or(b"MD5"))?;
        let protection = match challenge.param(b"qop") {
            None => Protection::None,
            Some(offer) => {
                let offers = |name: &[u8]| {
                    let mut items = offer.split(|&b| b == b',');
                    items.any(|item| item.trim_ascii().eq_ignore_ascii_case(name))
                };
                match (offers(b"auth"), offers(b"auth-int")) {
                    (true, _) => Protection::Auth,
                    (false, true) => Protection::AuthInt,
                    (false, false) => return None,
                }
            }
        };
        let (realm, nonce) = (owned(b"realm")?, owned(b"nonce")?);
        if protection == Protection::None && session {
            return None; // a session needs a cnonce, which RFC 2069's form has no place for
        }
        Some(Self {
            algorithm,
            session,
            protection,
            realm,
            nonce,
            opaque: owned(b"opaque"),
            algorithm_name: owned(b"algorithm"),
            user_hash: is_true(b"userhash"),
            stale: is_true(b"stale"),
        })
    }

    /// Which of two to answer: the greater number.
    pub(crate) fn strength(&self) -> u8 {
        self.algorithm as u8
    }

    /// Appends the value of `Proxy-Authorization` for a CONNECT to `target`.
    ///
    /// `entropy` is 16 random bytes of the driver's: the client nonce is made of them.
    pub(crate) fn write_value(&self, out: &mut Vec<u8>, credentials: &Credentials, target: &[u8], entropy: &[u8; 16]) {
        let mut cnonce = Vec::with_capacity(32);
        push_hex(&mut cnonce, entropy);
        let hash = |parts: &[&[u8]]| self.algorithm.hash(parts);
        let username = credentials.username();
        let mut ha1 = hash(&[username, &self.realm, credentials.password()]);
        if self.session {
            ha1 = hash(&[&ha1, &self.nonce, &cnonce]);
        }
        const COUNT: &[u8] = b"00000001";
        let (qop, ha2): (&[u8], _) = match self.protection {
            Protection::AuthInt => (b"auth-int", hash(&[b"CONNECT", target, &hash(&[b""])])),
            Protection::Auth | Protection::None => (b"auth", hash(&[b"CONNECT", target])),
        };
        let response = match self.protection {
            Protection::None => hash(&[&ha1, &self.nonce, &ha2]),
            _ => hash(&[&ha1, &self.nonce, COUNT, &cnonce, qop, &ha2]),
        };
        out.extend_from_slice(b"Digest username=");
        if self.user_hash {
            put_quoted(out, &hash(&[username, &self.realm]));
        } else {
            put_quoted(out, username);
        }
        put(out, b", realm=", &self.realm);
        put(out, b", nonce=", &self.nonce);
        put(out, b", uri=", target);
        put(out, b", response=", &response);
        if let Some(name) = &self.algorithm_name {
            out.extend_from_slice(b", algorithm=");
            out.extend_from_slice(name); // one of the six that `parse` knows, in some case
        }
        if let Some(opaque) = &self.opaque {
            put(out, b", opaque=", opaque);
        }
        if self.protection != Protection::None {
            out.extend_from_slice(b", qop=");
            out.extend_from_slice(qop);
            out.extend_from_slice(b", nc=");
            out.extend_from_slice(COUNT);
            put(out, b", cnonce=", &cnonce);
        }
        if self.user_hash {
            out.extend_from_slice(b", userhash=true");
        }
    }
}

fn put(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    put_quoted(out, value);
}

/// A quoted string (RFC 9110 §5.6.4). The value holds no control bytes: a field of a parsed head, or checked.
fn put_quoted(out: &mut Vec<u8>, value: &[u8]) {
    out.push(b'"');
    for &byte in value {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::challenge::challenges;

    fn read(value: &str) -> Option<DigestChallenge> {
        let block = [b"Proxy-Authenticate\0", value.as_bytes(), b"\0"].concat();
        challenges(&block).first().and_then(DigestChallenge::read)
    }

    fn answer(value: &str, target: &str) -> String {
        let mut out = Vec::new();
        let credentials = Credentials::new(b"Mufasa", b"Circle of Life");
        let challenge = read(value).expect("a challenge that can be answered");
        challenge.write_value(&mut out, &credentials, target.as_bytes(), &[0xab; 16]);
        String::from_utf8(out).expect("ASCII")
    }

    /// `openssl dgst` or `md5sum` of the same texts give these.
    #[test]
    fn hashes_are_those_of_the_algorithms() {
        let rows = [
            (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (
                Algorithm::Sha256,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                Algorithm::Sha512256,
                "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23",
            ),
        ];
        for (algorithm, expected) in rows {
            assert_eq!(&*algorithm.hash(&[b"abc"]), expected.as_bytes());
        }
        // RFC 7616 §3.9.1: HA1 and the response of its GET, by our parts.
        let ha1 = Algorithm::Md5.hash(&[b"Mufasa", b"http-auth@example.org", b"Circle of Life"]);
        let ha2 = Algorithm::Md5.hash(&[b"GET", b"/dir/index.html"]);
        let nonce = b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
        let cnonce = b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let response = Algorithm::Md5.hash(&[&ha1, nonce, b"00000001", cnonce, b"auth", &ha2]);
        assert_eq!(&*response, b"8ca523f5e9506fed4657c9700eebdbec");
        let ha1 = Algorithm::Sha256.hash(&[b"Mufasa", b"http-auth@example.org", b"Circle of Life"]);
        let ha2 = Algorithm::Sha256.hash(&[b"GET", b"/dir/index.html"]);
        let response = Algorithm::Sha256.hash(&[&ha1, nonce, b"00000001", cnonce, b"auth", &ha2]);
        assert_eq!(
            &*response,
            b"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
    }

    #[test]
    fn an_answer_repeats_the_challenge_and_quotes_what_must_be() {
        let text = answer(
            "Digest realm=\"a \\\"b\\\"\", nonce=\"n\", qop=\"auth-int, auth\", algorithm=SHA-256, opaque=\"o\"",
            "a:443",
        );
        assert!(
            text.starts_with(
                "Digest username=\"Mufasa\", realm=\"a \\\"b\\\"\", nonce=\"n\", uri=\"a:443\", response=\""
            )
        );
        assert!(text.ends_with(&format!(
            "\", algorithm=SHA-256, opaque=\"o\", qop=auth, nc=00000001, cnonce=\"{}\"",
            "ab".repeat(16)
        )));
    }

    #[test]
    fn every_form_of_answer_has_its_own_response() {
        let mut seen = Vec::new();
        for challenge in [
            "Digest realm=r, nonce=n",
            "Digest realm=r, nonce=n, qop=auth",
            "Digest realm=r, nonce=n, qop=auth-int",
            "Digest realm=r, nonce=n, qop=auth, algorithm=MD5-sess",
            "Digest realm=r, nonce=n, qop=auth, algorithm=SHA-256",
            "Digest realm=r, nonce=n, qop=auth, algorithm=sha-256-SESS",
            "Digest realm=r, nonce=n, qop=auth, algorithm=SHA-512-256",
            "Digest realm=r, nonce=n, qop=auth, algorithm=SHA-512-256-sess",
        ] {
            let text = answer(challenge, "a:443");
            let response = text.split("response=\"").nth(1).and_then(|rest| rest.split('"').next());
            let response = response.expect("a response").to_owned();
            assert!(response.len() >= 32 && !seen.contains(&response), "{challenge}: {text}");
            assert_eq!(text.contains("cnonce"), challenge.contains("qop"), "{text}");
            seen.push(response);
        }
    }

    #[test]
    fn a_user_hash_hides_the_user_name() {
        let text = answer("Digest realm=r, nonce=n, qop=auth, userhash=true", "a:443");
        assert!(!text.contains("Mufasa") && text.ends_with(", userhash=true"), "{text}");
    }

    #[test]
    fn challenges_that_cannot_be_answered_are_none() {
        for challenge in [
            "Digest nonce=n, qop=auth",
            "Digest realm=r, qop=auth",
            "Digest realm=r, nonce=n, algorithm=SHA-1",
            "Digest realm=r, nonce=n, algorithm=-sess",
            "Digest realm=r, nonce=n, qop=token",
            "Digest realm=r, nonce=n, algorithm=MD5-sess",
        ] {
            assert!(read(challenge).is_none(), "{challenge}");
        }
        assert!(read("Digest realm=r, nonce=n, stale=TRUE").expect("one").stale);
    }
}
