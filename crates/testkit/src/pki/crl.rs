//! CRLs, as good or as wrong as a test wishes.

use rcgen::SigningKey;

use super::der::{self, explicit, extension, sequence, tagged};
use super::ocsp::ECDSA_SHA256;
use super::{Authority, DAY, NOW};

/// A CRL.
#[derive(Clone, Debug)]
pub struct Crl {
    /// The version that is written down: 1 is version 2.
    pub version: Option<u64>,
    /// When it was issued.
    pub this_update: u64,
    /// When the next one is due.
    pub next_update: Option<u64>,
    /// Serial numbers in DER, each with the extensions of its entry.
    pub entries: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
    /// Its extensions.
    pub extensions: Vec<Vec<u8>>,
}

/// The number of a CRL.
pub fn number(number: u64) -> Vec<u8> {
    extension(&[2, 5, 29, 20], false, &der::integer(number))
}

/// What makes it a delta CRL.
pub fn delta(base: u64) -> Vec<u8> {
    extension(&[2, 5, 29, 27], true, &der::integer(base))
}

/// An issuing distribution point with these fields, behind an address.
pub fn distribution_point(fields: &[Vec<u8>]) -> Vec<u8> {
    let address = tagged(0x86, b"http://crl.test/all");
    let point = explicit(0, &explicit(0, &address));
    let value = sequence(&[&[point][..], fields].concat());
    extension(&[2, 5, 29, 28], true, &value)
}

impl Crl {
    /// A good one with these serial numbers, issued two days ago for a day from now.
    pub fn of(serials: &[u64]) -> Self {
        Self {
            version: Some(1),
            this_update: NOW - 2 * DAY,
            next_update: Some(NOW + DAY),
            entries: serials
                .iter()
                .map(|serial| (der::integer(*serial), Vec::new()))
                .collect(),
            extensions: vec![number(1)],
        }
    }

    /// Signs it.
    pub fn signed_by(&self, authority: &Authority) -> Vec<u8> {
        let algorithm = der::algorithm(ECDSA_SHA256, false);
        let entry = |(serial, extensions): &(Vec<u8>, Vec<Vec<u8>>)| {
            let extensions = match extensions.is_empty() {
                true => Vec::new(),
                false => sequence(extensions),
            };
            sequence(&[serial.clone(), der::time(NOW - DAY), extensions])
        };
        let entries: Vec<Vec<u8>> = self.entries.iter().map(entry).collect();
        let tbs = sequence(&[
            self.version.map(der::integer).unwrap_or_default(),
            algorithm.clone(),
            der::fields(authority.certificate()).subject.to_vec(),
            der::time(self.this_update),
            self.next_update.map(der::time).unwrap_or_default(),
            if entries.is_empty() {
                Vec::new()
            } else {
                sequence(&entries)
            },
            if self.extensions.is_empty() {
                Vec::new()
            } else {
                explicit(0, &sequence(&self.extensions))
            },
        ]);
        let signature = der::bits(&authority.key().sign(&tbs).expect("a key that signs"));
        sequence(&[tbs, algorithm, signature])
    }
}
