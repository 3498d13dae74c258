//! The binding to llhttp 9.2.1, as `libgit2-sys` builds it: the one file of this crate with unsafe code.
//!
//! llhttp reads the field lines of one head here and nothing else. Start lines are our own scanners' (llhttp is laxer,
//! and cannot tell an unknown method from a malformed one), so a parser begins as a copy of one that has just read a
//! start line of ours, and it is paused when the head is complete: no state of one message can reach the next, and
//! none of its opinions on bodies, upgrades and keep-alive are used. Callbacks append and record only; a panic in one
//! would abort the process, so none can.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_int};
use std::mem::MaybeUninit;
use std::sync::OnceLock;

// Links the static library that llhttp is part of; the linker takes llhttp's three objects and nothing of libgit2.
use libgit2_sys as _;

use crate::fields::FieldSink;

/// Which grammar the start line has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Kind {
    Request = 1,
    Response = 2,
}

/// `llhttp_t`: 96 bytes, looked into through its accessors only. It may be copied and moved between calls: it holds
/// pointers to the static settings and, while a call runs, into the input, and none to itself.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Raw([MaybeUninit<u64>; 12]);

impl Raw {
    const fn blank() -> Self {
        Self([MaybeUninit::new(0); 12])
    }

    /// A parser that has read a start line and waits for the first field line.
    fn at_fields(kind: Kind) -> Self {
        static REQUEST: OnceLock<Raw> = OnceLock::new();
        static RESPONSE: OnceLock<Raw> = OnceLock::new();
        let (cell, line) = match kind {
            Kind::Request => (&REQUEST, &b"GET / HTTP/1.1\r\n"[..]),
            Kind::Response => (&RESPONSE, &b"HTTP/1.1 200 OK\r\n"[..]),
        };
        *cell.get_or_init(|| {
            let mut raw = Raw::blank();
            // SAFETY: `raw` has the size and alignment of llhttp_t and the settings are static. No callback that
            // SETTINGS has can fire within a start line, so none takes this `raw` for a HeadParser.
            unsafe {
                llhttp_init(&raw mut raw, kind as c_int, &raw const SETTINGS);
                llhttp_execute(&raw mut raw, line.as_ptr().cast(), line.len());
            }
            raw
        })
    }
}

type Callback = unsafe extern "C" fn(*mut Raw) -> c_int;
type DataCallback = unsafe extern "C" fn(*mut Raw, *const c_char, usize) -> c_int;

/// `llhttp_settings_t` of 9.2.1: the order is the layout. A test shows that each fires under its name.
#[repr(C)]
#[derive(Default)]
struct Settings {
    on_message_begin: Option<Callback>,
    on_url: Option<DataCallback>,
    on_status: Option<DataCallback>,
    on_method: Option<DataCallback>,
    on_version: Option<DataCallback>,
    on_header_field: Option<DataCallback>,
    on_header_value: Option<DataCallback>,
    on_chunk_extension_name: Option<DataCallback>,
    on_chunk_extension_value: Option<DataCallback>,
    on_headers_complete: Option<Callback>,
    on_body: Option<DataCallback>,
    on_message_complete: Option<Callback>,
    on_url_complete: Option<Callback>,
    on_status_complete: Option<Callback>,
    on_method_complete: Option<Callback>,
    on_version_complete: Option<Callback>,
    on_header_field_complete: Option<Callback>,
    on_header_value_complete: Option<Callback>,
    on_chunk_extension_name_complete: Option<Callback>,
    on_chunk_extension_value_complete: Option<Callback>,
    on_chunk_header: Option<Callback>,
    on_chunk_complete: Option<Callback>,
    on_reset: Option<Callback>,
}

unsafe extern "C" {
    fn llhttp_init(parser: *mut Raw, kind: c_int, settings: *const Settings);
    fn llhttp_execute(parser: *mut Raw, data: *const c_char, len: usize) -> c_int;
    fn llhttp_get_error_pos(parser: *const Raw) -> *const c_char;
}

/// The numbers of `llhttp_errno` that can come out of a head; see `fields::code_of`.
pub(crate) mod errno {
    pub(crate) const OK: i32 = 0;
    pub(crate) const STRICT: i32 = 2;
    pub(crate) const LF_EXPECTED: i32 = 3;
    pub(crate) const UNEXPECTED_CONTENT_LENGTH: i32 = 4;
    pub(crate) const INVALID_HEADER_TOKEN: i32 = 10;
    pub(crate) const INVALID_CONTENT_LENGTH: i32 = 11;
    pub(crate) const INVALID_TRANSFER_ENCODING: i32 = 15;
    pub(crate) const PAUSED: i32 = 21;
    pub(crate) const USER: i32 = 24;
    pub(crate) const CR_EXPECTED: i32 = 25;
    pub(crate) const UNEXPECTED_SPACE: i32 = 30;
}

/// What llhttp made of some bytes of the field lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All of them belong to the head, which is not complete.
    More,
    /// The head is complete; so many bytes belong to it.
    Complete(usize),
    /// A rule is broken: llhttp's number, and how many bytes it had taken.
    Failed(i32, usize),
}

/// An llhttp parser and what its callbacks write to.
///
/// `raw` is first and the layout is C's, so a callback reaches the sink through the pointer that llhttp hands it.
#[repr(C)]
pub(crate) struct HeadParser {
    raw: Raw,
    pub(crate) sink: FieldSink,
}

static SETTINGS: Settings = Settings {
    on_message_begin: None,
    on_url: None,
    on_status: None,
    on_method: None,
    on_version: None,
    on_header_field: Some(on_header_field),
    on_header_value: Some(on_header_value),
    on_chunk_extension_name: None,
    on_chunk_extension_value: None,
    on_headers_complete: Some(on_headers_complete),
    on_body: None,
    on_message_complete: None,
    on_url_complete: None,
    on_status_complete: None,
    on_method_complete: None,
    on_version_complete: None,
    on_header_field_complete: None,
    on_header_value_complete: Some(on_header_value_complete),
    on_chunk_extension_name_complete: None,
    on_chunk_extension_value_complete: None,
    on_chunk_header: None,
    on_chunk_complete: None,
    on_reset: None,
};

impl HeadParser {
    pub(crate) fn new(sink: FieldSink) -> Self {
        Self {
            raw: Raw::blank(),
            sink,
        }
    }

    /// Makes ready for the field lines of one head. The sink is the caller's to clear.
    #[inline]
    pub(crate) fn start(&mut self, kind: Kind) {
        self.raw = Raw::at_fields(kind);
    }

    /// Reads bytes of the field lines that [`HeadParser::start`] began; not to be called again after an error.
    #[inline]
    pub(crate) fn execute(&mut self, input: &[u8]) -> Outcome {
        let this = &raw mut *self;
        // SAFETY: `this` points to an initialised parser (`start`), with `raw` as its first field; the callbacks
        // cast it back to the whole, for which this pointer has provenance. `input` outlives the call, and llhttp
        // keeps no pointer into it that it would read in a later call (it resets its span start on entry).
        let result = unsafe { llhttp_execute(this.cast::<Raw>(), input.as_ptr().cast(), input.len()) };
        if result == errno::OK {
            return Outcome::More;
        }
        // SAFETY: as above.
        let position = unsafe { llhttp_get_error_pos(this.cast::<Raw>()) };
        // Both point into (or one past) `input`; were that not so, all of it counts as taken.
        let taken = (position as usize)
            .wrapping_sub(input.as_ptr() as usize)
            .min(input.len());
        match result {
            errno::PAUSED => Outcome::Complete(taken),
            _ => Outcome::Failed(result, taken),
        }
    }
}

/// The sink behind a parser that llhttp hands to a callback.
///
/// # Safety
/// `raw` is the pointer that `execute` gave to llhttp, so it points to a `HeadParser` that nobody else borrows.
unsafe fn sink<'a>(raw: *mut Raw) -> &'a mut FieldSink {
    // SAFETY: by the contract above and by `HeadParser` being repr(C) with `raw` first.
    unsafe { &mut (*raw.cast::<HeadParser>()).sink }
}

/// The bytes of a span.
///
/// # Safety
/// `at` and `len` are a span that llhttp handed to a callback: part of the input of the running `execute`.
unsafe fn span<'a>(at: *const c_char, len: usize) -> &'a [u8] {
    if len == 0 {
        return &[];
    }
    // SAFETY: by the contract above.
    unsafe { std::slice::from_raw_parts(at.cast(), len) }
}

unsafe extern "C" fn on_header_field(raw: *mut Raw, at: *const c_char, len: usize) -> c_int {
    // SAFETY: llhttp calls this from `execute`, with its parser and a span of its input.
    unsafe { sink(raw).name(span(at, len)) };
    errno::OK
}

unsafe extern "C" fn on_header_value(raw: *mut Raw, at: *const c_char, len: usize) -> c_int {
    // SAFETY: llhttp calls this from `execute`, with its parser and a span of its input.
    unsafe { sink(raw).value(span(at, len)) };
    errno::OK
}

unsafe extern "C" fn on_header_value_complete(raw: *mut Raw) -> c_int {
    // SAFETY: llhttp calls this from `execute`, with its parser.
    let accepted = unsafe { sink(raw) }.field_complete();
    if accepted { errno::OK } else { errno::USER }
}

unsafe extern "C" fn on_headers_complete(_: *mut Raw) -> c_int {
    errno::PAUSED
}

#[cfg(test)]
#[path = "llhttp_tests.rs"]
mod tests;
