//! One pass over a caller's block: check each field, write it, and note those that are ours to decide.

use millrace_error::{Code, Error};
use millrace_head::{eq_name, fields, list_items};

use crate::facts::parse_length;

/// What a caller's fields say about framing and connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Given {
    pub(super) content_length: Option<u64>,
    pub(super) date: bool,
    pub(super) host: bool,
    /// `Connection` names `close`.
    pub(super) close: bool,
    /// `Connection` has members other than `close` and `keep-alive`.
    pub(super) other_members: bool,
    /// There is a `Connection` field.
    pub(super) connection: bool,
}

impl Given {
    /// Both blocks of one head; `None` where they repeat what may stand once.
    pub(super) fn and(&self, more: &Self) -> Option<Self> {
        let twice = (self.host && more.host) || (self.content_length.is_some() && more.content_length.is_some());
        (!twice).then_some(Self {
            content_length: self.content_length.or(more.content_length),
            date: self.date || more.date,
            host: self.host || more.host,
            close: self.close || more.close,
            other_members: self.other_members || more.other_members,
            connection: self.connection || more.connection,
        })
    }
}

const REFUSED: Error = Error::new(Code::InvalidArgument);

/// Which of the fields that we frame by are written as they are given, besides all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// `Connection` and `Keep-Alive` are left out, for the writer to decide.
    Answer,
    /// `Connection` stands as given.
    Request,
}

/// Checks and writes the fields of a block. Content-Length and Transfer-Encoding are left out always.
#[inline]
pub(super) fn write_fields(out: &mut Vec<u8>, block: &[u8], keep: Keep) -> Result<Given, Error> {
    let mut given = Given::default();
    let mut rest = fields(block);
    while let Some((name, value)) = rest.next_checked()? {
        let written = match name.len() {
            4 => {
                given.date |= eq_name(name, b"date");
                let host = eq_name(name, b"host");
                if host && given.host && keep == Keep::Request {
                    return Err(REFUSED);
                }
                given.host |= host;
                true
            }
            10 if eq_name(name, b"connection") => {
                note_connection(&mut given, value);
                keep == Keep::Request
            }
            10 if eq_name(name, b"keep-alive") => keep == Keep::Request,
            14 if eq_name(name, b"content-length") => {
                if given.content_length.is_some() {
                    return Err(REFUSED);
                }
                given.content_length = Some(parse_length(value).ok_or(REFUSED)?);
                false
            }
            17 if eq_name(name, b"transfer-encoding") => {
                if !eq_name(value, b"chunked") {
                    return Err(REFUSED);
                }
                false
            }
            _ => true,
        };
        if written {
            put_field(out, name, value);
        }
    }
    Ok(given)
}

#[inline]
pub(super) fn put_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn note_connection(given: &mut Given, value: &[u8]) {
    given.connection = true;
    for item in list_items(value) {
        if eq_name(item, b"close") {
            given.close = true;
        } else if !eq_name(item, b"keep-alive") {
            given.other_members = true;
        }
    }
}

/// The members of the block's `Connection` fields other than `close` and `keep-alive`, each after `between`.
pub(super) fn put_other_members(out: &mut Vec<u8>, block: &[u8], mut between: &[u8]) {
    for (name, value) in fields(block) {
        if !eq_name(name, b"connection") {
            continue;
        }
        for item in list_items(value) {
            if !eq_name(item, b"close") && !eq_name(item, b"keep-alive") {
                out.extend_from_slice(between);
                out.extend_from_slice(item);
                between = b", ";
            }
        }
    }
}
