//! The messages of SOCKS5 (RFC 1928) and of its user name and password method (RFC 1929).
//!
//! ```text
//!  greeting   05 NMETHODS METHODS…            choice   05 METHOD
//!  password   01 ULEN UNAME… PLEN PASSWD…     verdict  01 STATUS
//!  request    05 CMD 00 ATYP ADDR… PORT       reply    05 REP 00 ATYP ADDR… PORT
//! ```

use millrace_error::{Code, Error};

use crate::address::{self, Endpoint};
use crate::collect::Measure;
use crate::secret::Credentials;

pub(crate) const VERSION: u8 = 5;
pub(crate) const PASSWORD_VERSION: u8 = 1;

pub(crate) const NO_AUTHENTICATION: u8 = 0;
pub(crate) const USER_PASSWORD: u8 = 2;
pub(crate) const NO_ACCEPTABLE: u8 = 0xff;

pub(crate) const CONNECT: u8 = 1;
pub(crate) const UDP_ASSOCIATE: u8 = 3;

pub(crate) const SUCCEEDED: u8 = 0;

const REPLY: Error = Error::new(Code::SocksMalformedReply);

/// What a reply other than 0 means (RFC 1928 §6).
pub(crate) fn error_of(reply: u8) -> Error {
    Error::new(match reply {
        1 => Code::SocksGeneralFailure,
        2 => Code::SocksForbidden,
        3 => Code::SocksNetworkUnreachable,
        4 => Code::SocksHostUnreachable,
        5 => Code::SocksConnectionRefused,
        6 => Code::SocksTtlExpired,
        7 => Code::SocksCommandUnsupported,
        8 => Code::SocksAddressUnsupported,
        _ => Code::SocksMalformedReply,
    })
}

pub(crate) fn write_greeting(out: &mut Vec<u8>, with_password: bool) {
    if with_password {
        out.extend_from_slice(&[VERSION, 2, NO_AUTHENTICATION, USER_PASSWORD]);
    } else {
        out.extend_from_slice(&[VERSION, 1, NO_AUTHENTICATION]);
    }
}

/// User name and password of at most 255 bytes each, which [`crate::Client::new`] has checked.
pub(crate) fn write_password(out: &mut Vec<u8>, credentials: &Credentials) {
    out.push(PASSWORD_VERSION);
    for part in [credentials.username(), credentials.password()] {
        out.push(part.len() as u8);
        out.extend_from_slice(part);
    }
}

/// A request, or with a reply code in place of the command a reply: they have one form.
pub(crate) fn write_message(out: &mut Vec<u8>, code: u8, endpoint: &Endpoint) {
    out.extend_from_slice(&[VERSION, code, 0]);
    endpoint.write(out);
}

/// The server's choice of a method, or its verdict on a password: a version and a byte.
pub(crate) fn measure_pair(bytes: &[u8], version: u8) -> Result<Measure, Error> {
    match bytes {
        [first, ..] if *first != version => Err(REPLY),
        _ => Ok(Measure::Whole(2)),
    }
}

/// A reply. What follows a failure is not waited for: some servers leave it out.
///
/// The reserved byte is not looked at; proxies exist that do not clear it, and nothing hangs on it.
pub(crate) fn measure_reply(bytes: &[u8]) -> Result<Measure, Error> {
    match bytes {
        [] => Ok(Measure::AtLeast(1)),
        [VERSION] => Ok(Measure::AtLeast(2)),
        [VERSION, SUCCEEDED, rest @ ..] => match rest {
            [] => Ok(Measure::AtLeast(4)),
            [_, address @ ..] => shifted(address::measure(address), 3).map_err(|()| REPLY),
        },
        [VERSION, reply, ..] => Err(error_of(*reply)),
        _ => Err(REPLY),
    }
}

/// Adds what stands before an address to its measure.
pub(crate) fn shifted(measure: Result<Measure, ()>, by: usize) -> Result<Measure, ()> {
    Ok(match measure? {
        Measure::AtLeast(length) => Measure::AtLeast(length + by),
        Measure::Whole(length) => Measure::Whole(length + by),
    })
}

/// The bound address of a whole reply that [`measure_reply`] let pass.
pub(crate) fn read_reply(bytes: &[u8]) -> Result<Endpoint, Error> {
    bytes.get(3..).and_then(Endpoint::read).ok_or(REPLY)
}

// ---- what a server reads

const REQUEST: Error = Error::new(Code::SocksMalformedRequest);

/// A client's offer of methods. None at all is an offer that no server accepts, not a malformed one.
pub(crate) fn measure_greeting(bytes: &[u8]) -> Result<Measure, Error> {
    match bytes {
        [] => Ok(Measure::AtLeast(1)),
        [VERSION] => Ok(Measure::AtLeast(2)),
        [VERSION, methods, ..] => Ok(Measure::Whole(2 + usize::from(*methods))),
        _ => Err(REQUEST),
    }
}

/// User name and password; the password may be empty, the user name not (RFC 1929 §2).
pub(crate) fn measure_password(bytes: &[u8]) -> Result<Measure, Error> {
    match bytes {
        [] => Ok(Measure::AtLeast(1)),
        [PASSWORD_VERSION] => Ok(Measure::AtLeast(2)),
        [PASSWORD_VERSION, 0, ..] => Err(REQUEST),
        [PASSWORD_VERSION, name, rest @ ..] => Ok(match rest.get(usize::from(*name)) {
            None => Measure::AtLeast(2 + usize::from(*name) + 1),
            Some(password) => Measure::Whole(2 + usize::from(*name) + 1 + usize::from(*password)),
        }),
        _ => Err(REQUEST),
    }
}

/// The credentials of a whole message that [`measure_password`] let pass.
pub(crate) fn read_password(bytes: &[u8]) -> Result<Credentials, Error> {
    let rest = bytes.get(2..).ok_or(REQUEST)?;
    let (name, password) = rest.split_at_checked(usize::from(bytes[1])).ok_or(REQUEST)?;
    Ok(Credentials::new(name, password.get(1..).ok_or(REQUEST)?))
}

/// A client's request. An address type that nobody defined is refused at its byte, since no length is known of it.
pub(crate) fn measure_request(bytes: &[u8]) -> Result<Measure, Error> {
    match bytes {
        [] => Ok(Measure::AtLeast(1)),
        [VERSION] | [VERSION, _] => Ok(Measure::AtLeast(bytes.len() + 1)),
        [VERSION, _, 0] => Ok(Measure::AtLeast(4)),
        [VERSION, _, 0, kind, ..] if !address::is_known_type(*kind) => Err(Error::new(Code::SocksAddressUnsupported)),
        [VERSION, _, 0, address @ ..] => shifted(address::measure(address), 3).map_err(|()| REQUEST),
        _ => Err(REQUEST),
    }
}

/// The reply code that says what an error of [`measure_request`] or of the request's meaning is.
pub(crate) fn reply_of(error: Error) -> u8 {
    match error.code {
        Code::SocksForbidden => 2,
        Code::SocksNetworkUnreachable => 3,
        Code::SocksHostUnreachable => 4,
        Code::SocksConnectionRefused => 5,
        Code::SocksTtlExpired => 6,
        Code::SocksCommandUnsupported => 7,
        Code::SocksAddressUnsupported => 8,
        _ => 1,
    }
}
