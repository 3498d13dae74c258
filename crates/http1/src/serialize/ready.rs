//! Response heads that are sent again and again: checked once, then copied whole.

use millrace_error::{Code, Error};

use super::response::{Answer, Written, write_response_head};
use super::{BodySize, put_number};
use crate::event::BodyFraming;

/// A block of fields, and the head that it made last.
///
/// A program sends few heads, and all that differs from one answer to the next is the length of the body; the date
/// changes once a second. So the bytes that [`write_response_head`] made are kept up to the length, with what they
/// depend on, and copied while that is the same. Whatever is out of the ordinary is written as any head is: the bytes
/// are the same in every case.
#[derive(Debug)]
pub struct ReadyHead {
    block: Vec<u8>,
    /// All up to the number of Content-Length; empty: nothing is kept.
    bytes: Vec<u8>,
    key: Key,
}

/// What kept bytes depend on, besides the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    status: u16,
    keep_alive_timeout_s: u32,
    date: [u8; 29],
}

/// What follows the number.
const END: &[u8] = b"\r\n\r\n";

impl ReadyHead {
    /// Takes a block; [`Code::InvalidArgument`] unless it is one that [`write_response_head`] accepts.
    pub fn new(block: &[u8]) -> Result<Self, Error> {
        let trial = Answer {
            to_head: false,
            to_connect: false,
            minor: 1,
            keep_alive: true,
            body: BodySize::Stream,
            date: b"",
            keep_alive_timeout_s: 0,
        };
        write_response_head(&mut Vec::new(), 200, b"", block, &trial)?;
        Ok(Self {
            block: block.to_vec(),
            bytes: Vec::new(),
            key: Key {
                status: 0,
                keep_alive_timeout_s: 0,
                date: [0; 29],
            },
        })
    }

    /// The block.
    pub fn block(&self) -> &[u8] {
        &self.block
    }

    /// Writes the head, as [`write_response_head`] does with the standard reason.
    #[inline]
    pub fn write(&mut self, out: &mut Vec<u8>, status: u16, answer: &Answer<'_>) -> Result<Written, Error> {
        let (BodySize::Known(length), Ok(date)) = (answer.body, answer.date.try_into()) else {
            return write_response_head(out, status, b"", &self.block, answer);
        };
        let key = Key {
            status,
            keep_alive_timeout_s: answer.keep_alive_timeout_s,
            date,
        };
        let usual = answer.keep_alive && !answer.to_head && !answer.to_connect;
        if !usual || key != self.key {
            return self.write_anew(out, key, usual, answer);
        }
        // The longest number is 20 bytes.
        out.reserve(self.bytes.len() + 20 + END.len());
        out.extend_from_slice(&self.bytes);
        put_number(out, length);
        out.extend_from_slice(END);
        Ok(Written {
            framing: BodyFraming::Length(length),
            keep_alive: true,
            suppress_body: false,
        })
    }

    #[cold]
    fn write_anew(&mut self, out: &mut Vec<u8>, key: Key, usual: bool, answer: &Answer<'_>) -> Result<Written, Error> {
        let start = out.len();
        let written = write_response_head(out, key.status, b"", &self.block, answer)?;
        let BodyFraming::Length(length) = written.framing else {
            return Ok(written);
        };
        if !usual || !written.keep_alive || written.suppress_body {
            return Ok(written);
        }
        // A length that the block itself says holds for one body only.
        let mut other = *answer;
        other.body = BodySize::Known(length ^ 1);
        if write_response_head(&mut Vec::new(), key.status, b"", &self.block, &other).is_err() {
            return Ok(written);
        }
        let mut end = Vec::with_capacity(20 + END.len());
        put_number(&mut end, length);
        end.extend_from_slice(END);
        let Some(kept) = out.get(start..).and_then(|head| head.strip_suffix(&end[..])) else {
            return Err(Error::new(Code::Bug));
        };
        self.bytes.clear();
        self.bytes.extend_from_slice(kept);
        self.key = key;
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DATE: &[u8] = b"Thu, 01 Jan 1970 00:00:00 GMT";
    const LATER: &[u8] = b"Thu, 01 Jan 1970 00:00:01 GMT";
    const BLOCKS: [&[u8]; 8] = [
        b"",
        b"Content-Type\0text/plain\0",
        b"a\0b\0c\0\0",
        b"Date\0now\0",
        b"Connection\0close\0",
        b"Connection\0x, keep-alive\0",
        b"Content-Length\x005\0",
        b"Transfer-Encoding\0chunked\0",
    ];

    fn answers() -> impl Strategy<Value = (u16, Answer<'static>)> {
        let sizes = prop_oneof![
            Just(BodySize::None),
            Just(BodySize::Stream),
            Just(BodySize::Known(5)),
            any::<u64>().prop_map(BodySize::Known)
        ];
        let dates = prop_oneof![Just(&b""[..]), Just(DATE), Just(LATER)];
        let statuses = prop_oneof![4 => Just(200), 1 => prop::sample::select(vec![101, 204, 205, 304, 404, 999, 99])];
        let usually = |share| prop::bool::weighted(share);
        let flags = (usually(0.1), usually(0.1), usually(0.9));
        (statuses, flags, 0..=1u8, sizes, dates, prop_oneof![Just(0), Just(5)]).prop_map(
            |(status, (to_head, to_connect, keep_alive), minor, body, date, keep_alive_timeout_s)| {
                let answer = Answer {
                    to_head,
                    to_connect,
                    minor,
                    keep_alive,
                    body,
                    date,
                    keep_alive_timeout_s,
                };
                (status, answer)
            },
        )
    }

    proptest! {
        #[test]
        fn whatever_was_written_before_the_bytes_are_those_of_any_head(
            block in prop::sample::select(BLOCKS.to_vec()),
            answers in prop::collection::vec(answers(), 1..40),
        ) {
            let mut ready = ReadyHead::new(block).unwrap();
            for (status, answer) in answers {
                let (mut expected, mut got) = (b"before".to_vec(), b"before".to_vec());
                let wanted = write_response_head(&mut expected, status, b"", block, &answer);
                prop_assert_eq!(ready.write(&mut got, status, &answer), wanted);
                prop_assert_eq!(got, expected);
            }
        }
    }

    #[test]
    fn the_second_of_two_equal_heads_is_a_copy() {
        let mut ready = ReadyHead::new(BLOCKS[1]).unwrap();
        let answer = Answer {
            to_head: false,
            to_connect: false,
            minor: 1,
            keep_alive: true,
            body: BodySize::Known(13),
            date: DATE,
            keep_alive_timeout_s: 5,
        };
        let mut first = Vec::new();
        ready.write(&mut first, 200, &answer).unwrap();
        assert!(ready.bytes.ends_with(b"Content-Length: "));
        assert!(first.starts_with(&ready.bytes));
    }

    #[test]
    fn a_length_that_the_fields_say_is_not_kept_for_another_body() {
        let mut ready = ReadyHead::new(BLOCKS[6]).unwrap();
        let mut answer = Answer {
            to_head: false,
            to_connect: false,
            minor: 1,
            keep_alive: true,
            body: BodySize::Known(5),
            date: DATE,
            keep_alive_timeout_s: 5,
        };
        ready.write(&mut Vec::new(), 200, &answer).unwrap();
        answer.body = BodySize::Known(6);
        let refused = ready.write(&mut Vec::new(), 200, &answer).unwrap_err();
        assert_eq!(refused.code, Code::HttpResponseBodyMismatch);
    }

    #[test]
    fn a_block_that_could_be_split_is_refused() {
        for block in [
            &b"a\0b"[..],
            b"a b\0c\0",
            b"a\0b\r\nc: d\0",
            b"Transfer-Encoding\0gzip\0",
        ] {
            assert_eq!(ReadyHead::new(block).unwrap_err().code, Code::InvalidArgument);
        }
    }
}
