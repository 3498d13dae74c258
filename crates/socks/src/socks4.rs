//! The messages of SOCKS4 and SOCKS4a ("SOCKS: A protocol for TCP proxy across firewalls", Y.-D. Lee 1992, and "SOCKS
//! 4A: A Simple Extension to SOCKS 4 Protocol").
//!
//! ```text
//!  request  04 CD PORT(2) IP(4) USERID… 00        with 4a: IP 0.0.0.x (x ≠ 0), and behind the user id  NAME… 00
//!  reply    00 CD PORT(2) IP(4)
//! ```

use std::net::{IpAddr, Ipv4Addr};

use millrace_error::{Code, Error};

use crate::address::{Endpoint, Host, MAX_NAME};
use crate::collect::Measure;

pub(crate) const VERSION: u8 = 4;
pub(crate) const CONNECT: u8 = 1;
pub(crate) const GRANTED: u8 = 90;
pub(crate) const REJECTED: u8 = 91;

/// The longest user id. The protocol has no limit; ours is that of every other string here.
pub const MAX_USER_ID: usize = 255;

const REQUEST: Error = Error::new(Code::SocksMalformedRequest);
const REPLY: Error = Error::new(Code::SocksMalformedReply);

/// Appends a CONNECT request. The user id holds no NUL; an IPv6 target has been refused before.
pub(crate) fn write_request(out: &mut Vec<u8>, target: &Endpoint, user_id: &[u8]) {
    out.extend_from_slice(&[VERSION, CONNECT]);
    out.extend_from_slice(&target.port.to_be_bytes());
    let (address, name) = match &target.host {
        Host::Address(IpAddr::V4(address)) => (*address, None),
        Host::Address(IpAddr::V6(_)) => (Ipv4Addr::UNSPECIFIED, None),
        Host::Name(name) => (Ipv4Addr::new(0, 0, 0, 1), Some(name)),
    };
    out.extend_from_slice(&address.octets());
    out.extend_from_slice(user_id);
    out.push(0);
    if let Some(name) = name {
        out.extend_from_slice(name.as_bytes());
        out.push(0);
    }
}

/// Appends a reply.
pub(crate) fn write_reply(out: &mut Vec<u8>, code: u8, bound: &Endpoint) {
    let address = match bound.host {
        Host::Address(IpAddr::V4(address)) => address,
        _ => Ipv4Addr::UNSPECIFIED,
    };
    out.extend_from_slice(&[0, code]);
    out.extend_from_slice(&bound.port.to_be_bytes());
    out.extend_from_slice(&address.octets());
}

/// Measures a reply: 8 bytes, of which the first two decide. What follows a failure is not waited for.
pub(crate) fn measure_reply(bytes: &[u8]) -> Result<Measure, Error> {
    match bytes {
        [] => Ok(Measure::AtLeast(1)),
        [0] => Ok(Measure::AtLeast(2)),
        [0, GRANTED, ..] => Ok(Measure::Whole(8)),
        [0, REJECTED, ..] => Err(Error::new(Code::Socks4Rejected)),
        [0, 92, ..] => Err(Error::new(Code::Socks4IdentdUnreachable)),
        [0, 93, ..] => Err(Error::new(Code::Socks4UserRejected)),
        _ => Err(REPLY),
    }
}

/// Port and address of a whole reply.
pub(crate) fn read_reply(bytes: &[u8]) -> Result<Endpoint, Error> {
    match *bytes {
        [_, _, high, low, a, b, c, d] => Ok(Endpoint {
            host: Host::Address(Ipv4Addr::new(a, b, c, d).into()),
            port: u16::from_be_bytes([high, low]),
        }),
        _ => Err(REPLY),
    }
}

/// A request in its parts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    pub(crate) command: u8,
    pub(crate) port: u16,
    pub(crate) address: Ipv4Addr,
    pub(crate) user_id: &'a [u8],
    pub(crate) name: Option<&'a [u8]>,
}

/// Where the user id begins.
const USER_ID: usize = 8;

fn names_a_host(address: &[u8]) -> bool {
    matches!(address, [0, 0, 0, last] if *last != 0)
}

/// The text that a NUL ends at the start of `bytes`: `None` while it may go on.
fn text(bytes: &[u8], longest: usize) -> Result<Option<&[u8]>, Error> {
    match bytes.iter().position(|&b| b == 0) {
        Some(end) if end <= longest => Ok(Some(&bytes[..end])),
        None if bytes.len() <= longest => Ok(None),
        _ => Err(Error::limit(
            Code::SocksFieldTooLarge,
            longest as u64,
            longest as u64 + 1,
        )),
    }
}

/// Measures a request.
pub(crate) fn measure_request(bytes: &[u8]) -> Result<Measure, Error> {
    if bytes.len() < USER_ID {
        return match bytes {
            [] => Ok(Measure::AtLeast(1)),
            [VERSION, ..] => Ok(Measure::AtLeast(USER_ID)),
            _ => Err(REQUEST),
        };
    }
    let next = Measure::AtLeast(bytes.len() + 1);
    let Some(user_id) = text(&bytes[USER_ID..], MAX_USER_ID)? else {
        return Ok(next);
    };
    let end = USER_ID + user_id.len() + 1;
    if !names_a_host(&bytes[4..USER_ID]) {
        return Ok(Measure::Whole(end));
    }
    match text(&bytes[end..], MAX_NAME)? {
        Some(name) => Ok(Measure::Whole(end + name.len() + 1)),
        None => Ok(next),
    }
}

/// The parts of a whole request.
pub(crate) fn read_request(bytes: &[u8]) -> Result<Parts<'_>, Error> {
    let [_, command, high, low, a, b, c, d, rest @ ..] = bytes else {
        return Err(REQUEST);
    };
    let user_id = text(rest, MAX_USER_ID)?.ok_or(REQUEST)?;
    let name = match names_a_host(&[*a, *b, *c, *d]) {
        true => Some(text(&rest[user_id.len() + 1..], MAX_NAME)?.ok_or(REQUEST)?),
        false => None,
    };
    Ok(Parts {
        command: *command,
        port: u16::from_be_bytes([*high, *low]),
        address: Ipv4Addr::new(*a, *b, *c, *d),
        user_id,
        name,
    })
}
