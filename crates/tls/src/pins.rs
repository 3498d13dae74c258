//! Public keys that a peer must have (`sha256/…`, RFC 7469 §2.4).

use pki_types::CertificateDer;

use crate::{TlsError, certificate};

/// Pinned keys: one of them must be the peer's own or on the path from it to a trusted CA (RFC 7469 §2.6). Without any, nothing is asked.
#[derive(Clone, Debug, Default)]
pub struct Pins {
    digests: Vec<[u8; 32]>,
    /// Whether a chain without a pinned key is let pass and only reported.
    pub report_only: bool,
}

const PREFIX: &str = "sha256/";

impl Pins {
    /// From `sha256/` and the digest of a SubjectPublicKeyInfo in base64, as curl and HPKP write it.
    ///
    /// # Errors
    /// A pin of another form.
    pub fn parse<'a>(pins: impl IntoIterator<Item = &'a str>, report_only: bool) -> Result<Self, TlsError> {
        let digests = pins
            .into_iter()
            .map(|pin| {
                pin.strip_prefix(PREFIX).and_then(digest_of).ok_or_else(|| {
                    TlsError::configuration(format!(
                        "expected a pin as sha256/ and 32 bytes in base64, got {}",
                        crate::error::bounded(pin, 80)
                    ))
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { digests, report_only })
    }

    /// The pin of a certificate in DER, to print or to configure.
    pub fn of(certificate: &[u8]) -> Option<String> {
        let digest = certificate::spki_digest(&CertificateDer::from(certificate))?;
        Some(format!("{PREFIX}{}", base64(&digest)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    /// Whether a key is pinned, by its digest.
    pub(crate) fn allow(&self, digest: Option<[u8; 32]>) -> bool {
        digest.is_some_and(|digest| self.digests.contains(&digest))
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648 §4 of 32 bytes: 44 characters, of which the last is padding.
fn base64(digest: &[u8; 32]) -> String {
    let mut out = String::with_capacity(44);
    for group in digest.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let index = (bits >> (18 - 6 * place)) & 63;
            out.push(if place <= group.len() {
                char::from(ALPHABET[index as usize])
            } else {
                '='
            });
        }
    }
    out
}

fn digest_of(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_suffix('=').unwrap_or(text);
    if digits.len() != 43 {
        return None;
    }
    let (mut out, mut count, mut bits, mut held) = ([0; 32], 0, 0_u32, 0);
    for digit in digits.bytes() {
        let value = ALPHABET.iter().position(|known| *known == digit)?;
        bits = bits << 6 | value as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            *out.get_mut(count)? = (bits >> held) as u8;
            count += 1;
        }
    }
    // What is left of the last digit must be zero, so that one digest has one form.
    (count == 32 && bits & ((1 << held) - 1) == 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_survives_its_text_form() {
        for seed in 0..=255_u8 {
            let digest: [u8; 32] = std::array::from_fn(|index| seed.wrapping_mul(31).wrapping_add(index as u8 * 7));
            assert_eq!(digest_of(&base64(&digest)), Some(digest));
        }
        // RFC 7469 §2.1.1's first example.
        assert!(Pins::parse(["sha256/d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmM="], false).is_ok());
    }

    #[test]
    fn a_pin_of_another_form_is_refused() {
        let good = "d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmM=";
        let bad = [
            good.to_owned(),
            format!("sha1/{good}"),
            format!("sha256/{}", &good[1..]),
            format!("sha256/A{good}"),
            format!("sha256/{}", good.replace('d', "-")),
            format!("sha256/{}n=", &good[..42]),
        ];
        for pin in &bad {
            let error = Pins::parse([pin.as_str()], false).expect_err(pin);
            assert!(error.to_string().contains("expected a pin"), "{error}");
        }
    }
}
