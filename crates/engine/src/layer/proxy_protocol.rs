//! The PROXY protocol, versions 1 and 2, on the receiving side (haproxy.org, proxy-protocol.txt, 2020-03-05).
//!
//! The head comes before anything else, in one piece or many. Bytes are kept until it is whole; what follows belongs
//! to the next layer. In optional mode a connection that does not begin with a head is passed on untouched.

use millrace_error::{Code, Error};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const V1_LONGEST: usize = 107;
const V2_SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
const V2_FIXED: usize = 16;
/// The longest v2 head taken: addresses and a generous room for TLVs. The format allows 64 KiB.
const V2_LONGEST: usize = 4096;

/// What the head said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyHead {
    /// The client's address; the proxy speaks for it.
    Client(SocketAddr),
    /// `UNKNOWN`, `LOCAL` or another family: the connection's own address stands.
    Own,
}

/// What the parser makes of the bytes so far.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The head is not whole yet; all input is kept.
    NeedMore,
    /// The head is whole.
    Done(ProxyHead),
    /// There is no head: everything kept is payload. Optional mode only.
    Absent,
    /// The head is malformed, or absent where it is required.
    Error(Error),
}

/// Parses one head.
pub struct ProxyHeadParser {
    required: bool,
    kept: Vec<u8>,
}

impl ProxyHeadParser {
    /// A parser for a connection that must, or may, begin with a head.
    pub fn new(required: bool) -> Self {
        Self {
            required,
            kept: Vec::new(),
        }
    }

    /// Takes the next bytes; keeps them.
    pub fn handle_bytes(&mut self, input: &[u8]) -> Verdict {
        self.kept.extend_from_slice(input);
        let bytes = &self.kept;
        let v1 = is_prefix(bytes, b"PROXY ");
        let v2 = is_prefix(bytes, V2_SIGNATURE);
        if !v1 && !v2 {
            return if self.required {
                Verdict::Error(Code::ProxyProtocolMissing.into())
            } else {
                Verdict::Absent
            };
        }
        let found = if v2 { version_2(bytes) } else { version_1(bytes) };
        match found {
            Ok(Some((head, used))) => {
                self.kept.drain(..used);
                Verdict::Done(head)
            }
            Ok(None) => Verdict::NeedMore,
            Err(()) => Verdict::Error(Code::ProxyProtocolInvalid.into()),
        }
    }

    /// After `Done` or `Absent`: the bytes that belong to the next layer.
    pub fn into_rest(self) -> Vec<u8> {
        self.kept
    }
}

/// Whether one begins with the other.
fn is_prefix(bytes: &[u8], magic: &[u8]) -> bool {
    let shared = bytes.len().min(magic.len());
    bytes[..shared] == magic[..shared]
}

type Found = Result<Option<(ProxyHead, usize)>, ()>;

fn version_1(bytes: &[u8]) -> Found {
    let window = &bytes[..bytes.len().min(V1_LONGEST)];
    let Some(end) = window.windows(2).position(|pair| pair == b"\r\n") else {
        return if bytes.len() >= V1_LONGEST { Err(()) } else { Ok(None) };
    };
    let line = std::str::from_utf8(&bytes[..end]).map_err(drop)?;
    let mut words = line.split(' ');
    words.next(); // "PROXY", seen before
    let family = words.next().ok_or(())?;
    if family == "UNKNOWN" {
        return Ok(Some((ProxyHead::Own, end + 2)));
    }
    let mut word = || words.next().ok_or(());
    let (source, _target) = (word()?, word()?);
    let (port, target_port) = (word()?, word()?);
    if words.next().is_some() {
        return Err(());
    }
    let address: IpAddr = match family {
        "TCP4" => IpAddr::V4(source.parse::<Ipv4Addr>().map_err(drop)?),
        "TCP6" => IpAddr::V6(source.parse::<Ipv6Addr>().map_err(drop)?),
        _ => return Err(()),
    };
    decimal_port(target_port)?;
    Ok(Some((
        ProxyHead::Client(SocketAddr::new(address, decimal_port(port)?)),
        end + 2,
    )))
}

/// A port without sign or leading zeros.
fn decimal_port(text: &str) -> Result<u16, ()> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    if plain { text.parse().map_err(drop) } else { Err(()) }
}

fn version_2(bytes: &[u8]) -> Found {
    if bytes.len() < V2_FIXED {
        return Ok(None);
    }
    let (version, command) = (bytes[12] >> 4, bytes[12] & 15);
    let length = V2_FIXED + usize::from(u16::from_be_bytes([bytes[14], bytes[15]]));
    if version != 2 || command > 1 || length > V2_LONGEST {
        return Err(());
    }
    if bytes.len() < length {
        return Ok(None);
    }
    let body = &bytes[V2_FIXED..length];
    let head = match (command, bytes[13]) {
        (0, _) => ProxyHead::Own,
        (_, 0x11) => {
            let body: &[u8; 12] = body.get(..12).and_then(|b| b.try_into().ok()).ok_or(())?;
            let ip = Ipv4Addr::new(body[0], body[1], body[2], body[3]);
            ProxyHead::Client(SocketAddr::new(ip.into(), u16::from_be_bytes([body[8], body[9]])))
        }
        (_, 0x21) => {
            let body: &[u8; 36] = body.get(..36).and_then(|b| b.try_into().ok()).ok_or(())?;
            let mut ip = [0; 16];
            ip.copy_from_slice(&body[..16]);
            ProxyHead::Client(SocketAddr::new(
                Ipv6Addr::from(ip).into(),
                u16::from_be_bytes([body[32], body[33]]),
            ))
        }
        // UNSPEC, UDP and Unix peers: nothing that a TCP server can show as its client.
        (_, 0x00 | 0x12 | 0x22 | 0x31 | 0x32) => ProxyHead::Own,
        _ => return Err(()),
    };
    Ok(Some((head, length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let mut head = V2_SIGNATURE.to_vec();
        head.extend([0x20 | command, family]);
        head.extend((body.len() as u16).to_be_bytes());
        head.extend(body);
        head
    }

    /// Feeds whole and byte by byte, with payload behind; both must agree, and the payload must come out.
    fn parse(head: &[u8], required: bool) -> Verdict {
        let mut whole = ProxyHeadParser::new(required);
        let first = whole.handle_bytes(&[head, b"GET /"].concat());
        let mut single = ProxyHeadParser::new(required);
        let mut last = Verdict::NeedMore;
        let mut used = 0;
        for byte in head.iter().chain(b"GET /") {
            last = single.handle_bytes(std::slice::from_ref(byte));
            used += 1;
            if last != Verdict::NeedMore {
                break;
            }
        }
        assert_eq!(first, last, "split changes the verdict");
        if let Verdict::Done(_) = first {
            assert_eq!(whole.into_rest(), b"GET /");
            assert_eq!((single.into_rest().len(), used), (0, head.len()));
        }
        first
    }

    #[test]
    fn reads_version_1_addresses() {
        let client = |text: &str| Verdict::Done(ProxyHead::Client(text.parse().unwrap()));
        assert_eq!(
            parse(b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n", true),
            client("192.0.2.1:56324")
        );
        assert_eq!(
            parse(b"PROXY TCP6 2001:db8::1 ::1 1 65535\r\n", true),
            client("[2001:db8::1]:1")
        );
        assert_eq!(parse(b"PROXY UNKNOWN\r\n", true), Verdict::Done(ProxyHead::Own));
        assert_eq!(
            parse(b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", true),
            Verdict::Done(ProxyHead::Own)
        );
    }

    #[test]
    fn reads_version_2_addresses_and_skips_tlvs() {
        let v4 = [&[192, 0, 2, 9, 1, 1, 1, 1, 0x1f, 0x90, 0, 80][..], &[4, 0, 1, 7]].concat();
        assert_eq!(
            parse(&v2(1, 0x11, &v4), true),
            Verdict::Done(ProxyHead::Client("192.0.2.9:8080".parse().unwrap()))
        );
        let mut v6 = [0u8; 36];
        v6[15] = 1;
        v6[32..34].copy_from_slice(&99u16.to_be_bytes());
        assert_eq!(
            parse(&v2(1, 0x21, &v6), false),
            Verdict::Done(ProxyHead::Client("[::1]:99".parse().unwrap()))
        );
        assert_eq!(parse(&v2(0, 0, b""), true), Verdict::Done(ProxyHead::Own));
    }

    #[test]
    fn refuses_malformed_heads() {
        let bad: [&[u8]; 9] = [
            b"PROXY TCP4 999.0.2.1 192.0.2.2 1 2\r\n",
            b"PROXY TCP4 ::1 ::2 1 2\r\n",
            b"PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n",
            b"PROXY TCP4 1.1.1.1 2.2.2.2 65536 2\r\n",
            b"PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n",
            b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n",
            b"PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n",
            &[b"PROXY TCP4 ".as_slice(), &[b'1'; 100]].concat(),
            &v2(2, 0x11, &[0; 12]),
        ];
        for head in bad {
            assert_eq!(
                parse(head, false),
                Verdict::Error(Code::ProxyProtocolInvalid.into()),
                "{head:?}"
            );
        }
        for head in [v2(1, 0x11, &[0; 11]), v2(1, 0x77, &[0; 12]), v2(1, 0x11, &[0; 5000])] {
            assert_eq!(parse(&head, false), Verdict::Error(Code::ProxyProtocolInvalid.into()));
        }
    }

    #[test]
    fn a_connection_without_a_head_is_an_error_only_where_one_is_required() {
        assert_eq!(
            parse(b"GET / HTTP/1.1\r\n", true),
            Verdict::Error(Code::ProxyProtocolMissing.into())
        );
        let mut optional = ProxyHeadParser::new(false);
        assert_eq!(optional.handle_bytes(b"P"), Verdict::NeedMore);
        assert_eq!(optional.handle_bytes(b"OST /"), Verdict::Absent);
        assert_eq!(optional.into_rest(), b"POST /");
    }
}
