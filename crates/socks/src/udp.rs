//! The head of a datagram through UDP ASSOCIATE (RFC 1928 §7).
//!
//! ```text
//!  RSV(2) = 0   FRAG   ATYP ADDR… PORT   DATA…
//! ```

use crate::address::{self, Endpoint};
use crate::collect::Measure;

/// A datagram without its head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// To the proxy: whom the data is for. From it: who sent the data.
    pub endpoint: Endpoint,
    /// The data, perhaps none.
    pub data: &'a [u8],
}

/// Why a datagram is dropped. Nobody is told: RFC 1928 §7 has them dropped silently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// It is a fragment. RFC 1928 §7: who does not put fragments together must drop those with FRAG ≠ 0.
    Fragment,
    /// It is shorter than its head, the reserved bytes are set, or the address is none.
    Malformed,
}

/// The longest head: 3 bytes, type, length, a name of 255 bytes, port.
pub const MAX_DATAGRAM_HEAD: usize = 3 + 1 + 1 + 255 + 2;

/// Takes the head off a datagram.
pub fn read_datagram(bytes: &[u8]) -> Result<Datagram<'_>, Dropped> {
    let [0, 0, fragment, rest @ ..] = bytes else {
        return Err(Dropped::Malformed);
    };
    if *fragment != 0 {
        return Err(Dropped::Fragment);
    }
    let length = rest.get(1..).and_then(|_| match address::measure(rest) {
        Ok(Measure::Whole(length)) => Some(length),
        _ => None,
    });
    let (head, data) = length
        .and_then(|length| rest.split_at_checked(length))
        .ok_or(Dropped::Malformed)?;
    let endpoint = Endpoint::read(head).ok_or(Dropped::Malformed)?;
    Ok(Datagram { endpoint, data })
}

/// Appends the head of a datagram; its data follow. At most [`MAX_DATAGRAM_HEAD`] bytes.
pub fn write_datagram_head(out: &mut Vec<u8>, endpoint: &Endpoint) {
    out.extend_from_slice(&[0, 0, 0]);
    endpoint.write(out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for authority in ["192.0.2.1:53", "[2001:db8::1]:53", "dns.example:53"] {
            let endpoint = Endpoint::from_authority(authority.as_bytes()).unwrap();
            for data in [&b""[..], b"data"] {
                let mut bytes = Vec::new();
                write_datagram_head(&mut bytes, &endpoint);
                bytes.extend_from_slice(data);
                let endpoint = endpoint.clone();
                assert_eq!(read_datagram(&bytes), Ok(Datagram { endpoint, data }));
            }
        }
    }

    #[test]
    fn every_datagram_that_is_cut_within_its_head_is_dropped() {
        for authority in ["192.0.2.1:53", "[2001:db8::1]:53", "dns.example:53"] {
            let mut bytes = Vec::new();
            write_datagram_head(&mut bytes, &Endpoint::from_authority(authority.as_bytes()).unwrap());
            for end in 0..bytes.len() {
                assert_eq!(read_datagram(&bytes[..end]), Err(Dropped::Malformed), "cut at {end}");
            }
        }
    }

    #[test]
    fn fragments_reserved_bytes_and_unknown_addresses_are_dropped() {
        let rows: &[(&[u8], Dropped)] = &[
            (b"\0\0\x01\x01\x01\x02\x03\x04\0\x35x", Dropped::Fragment),
            (b"\0\0\x80\x01\x01\x02\x03\x04\0\x35x", Dropped::Fragment),
            (b"\0\0\xff", Dropped::Fragment),
            (b"\x01\0\0\x01\x01\x02\x03\x04\0\x35x", Dropped::Malformed),
            (b"\0\x01\0\x01\x01\x02\x03\x04\0\x35x", Dropped::Malformed),
            (b"\0\0\0\x00\x01\x02\x03\x04\0\x35x", Dropped::Malformed),
            (b"\0\0\0\x02\x01\x02\x03\x04\0\x35x", Dropped::Malformed),
            (b"\0\0\0\x03\0\0\x35x", Dropped::Malformed),
            (b"\0\0\0\x03\x03a\0b\0\x35x", Dropped::Malformed),
        ];
        for (bytes, dropped) in rows {
            assert_eq!(read_datagram(bytes), Err(*dropped), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn the_longest_head_is_as_long_as_said() {
        let endpoint = Endpoint::new(&[b'n'; 255], 1).unwrap();
        let mut head = Vec::new();
        write_datagram_head(&mut head, &endpoint);
        assert_eq!(head.len(), MAX_DATAGRAM_HEAD);
    }
}
