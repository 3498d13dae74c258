//! The binding to llhttp 9.2.1, as `libgit2-sys` builds it: the one file of this crate with unsafe code.
//!
//! llhttp reads whole messages here: the start line and the field lines of a head, and the sizes, data and trailers of
//! a chunked body. It pauses where one of these parts ends. Content-Length bodies are counted elsewhere and never
//! shown to it; each message begins with a fresh state, so nothing of one can reach the next, and none of llhttp's
//! opinions on upgrades and keep-alive are used. Callbacks append and record only; a panic in one would abort the
//! process, so none can.
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

    /// A parser before its first byte.
    #[inline]
    fn fresh(kind: Kind) -> Self {
        static REQUEST: OnceLock<Raw> = OnceLock::new();
        static RESPONSE: OnceLock<Raw> = OnceLock::new();
        let cell = match kind {
            Kind::Request => &REQUEST,
            Kind::Response => &RESPONSE,
        };
        *cell.get_or_init(|| {
            let mut raw = Raw::blank();
            // SAFETY: `raw` has the size and alignment of llhttp_t and the settings are static.
            unsafe { llhttp_init(&raw mut raw, kind as c_int, &raw const SETTINGS) };
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
    fn llhttp_resume(parser: *mut Raw);
    fn llhttp_message_needs_eof(parser: *const Raw) -> c_int;
}

/// The numbers of `llhttp_errno` that are told apart; see `fields::code_of`.
pub(crate) mod errno {
    pub(crate) const OK: i32 = 0;
    pub(crate) const STRICT: i32 = 2;
    pub(crate) const LF_EXPECTED: i32 = 3;
    pub(crate) const UNEXPECTED_CONTENT_LENGTH: i32 = 4;
    pub(crate) const INVALID_URL: i32 = 7;
    pub(crate) const INVALID_HEADER_TOKEN: i32 = 10;
    pub(crate) const INVALID_CONTENT_LENGTH: i32 = 11;
    pub(crate) const INVALID_TRANSFER_ENCODING: i32 = 15;
    pub(crate) const PAUSED: i32 = 21;
    pub(crate) const USER: i32 = 24;
    pub(crate) const CR_EXPECTED: i32 = 25;
    pub(crate) const UNEXPECTED_SPACE: i32 = 30;
}

/// Where llhttp pauses: the part of a message that has just ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// The head, with its empty line.
    Head,
    /// The line with the size of a chunk.
    ChunkLine,
    /// A run of chunk data: all that was taken is data.
    Data,
    /// The CRLF behind the data of a chunk.
    ChunkEnd,
    /// A chunked body, with its trailers.
    Message,
}

/// What llhttp made of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It took all of them and wants more.
    More,
    /// It stopped behind a part; so many bytes belong to it.
    Paused(Pause, usize),
    /// A rule is broken: llhttp's number, and how many bytes it had taken.
    Failed(i32, usize),
}

/// An llhttp parser and what its callbacks write to.
///
/// `raw` is first and the layout is C's, so a callback reaches the sink through the pointer that llhttp hands it.
#[repr(C)]
pub(crate) struct Parser {
    raw: Raw,
    pub(crate) sink: FieldSink,
}

static SETTINGS: Settings = Settings {
    on_message_begin: None,
    on_url: Some(on_start_line),
    on_status: Some(on_start_line),
    on_method: None,
    on_version: None,
    on_header_field: Some(on_header_field),
    on_header_value: Some(on_header_value),
    on_chunk_extension_name: None,
    on_chunk_extension_value: None,
    on_headers_complete: Some(on_headers_complete),
    on_body: Some(on_body),
    on_message_complete: Some(on_message_complete),
    on_url_complete: None,
    on_status_complete: None,
    on_method_complete: None,
    on_version_complete: None,
    on_header_field_complete: None,
    on_header_value_complete: Some(on_header_value_complete),
    on_chunk_extension_name_complete: None,
    on_chunk_extension_value_complete: None,
    on_chunk_header: Some(on_chunk_header),
    on_chunk_complete: Some(on_chunk_complete),
    on_reset: None,
};

impl Parser {
    pub(crate) fn new(kind: Kind, sink: FieldSink) -> Self {
        Self {
            raw: Raw::fresh(kind),
            sink,
        }
    }

    /// Makes ready for a message. The sink is the caller's to clear.
    #[inline]
    pub(crate) fn start(&mut self, kind: Kind) {
        self.raw = Raw::fresh(kind);
    }

    /// Goes on behind a pause; nothing happens where there was none.
    #[inline]
    pub(crate) fn resume(&mut self) {
        // SAFETY: `raw` is initialised; the call changes its error number and nothing else.
        unsafe { llhttp_resume(&raw mut self.raw) };
    }

    /// Whether the head that has been read leaves the end of the body to the end of the connection.
    pub(crate) fn needs_eof(&self) -> bool {
        // SAFETY: `raw` is initialised; the call reads it alone.
        unsafe { llhttp_message_needs_eof(&raw const self.raw) != 0 }
    }

    /// Reads on; not to be called again after an error, and after a pause only behind [`Parser::resume`].
    #[inline]
    pub(crate) fn execute(&mut self, input: &[u8]) -> Outcome {
        let this = &raw mut *self;
        // SAFETY: `this` points to an initialised parser, with `raw` as its first field; the callbacks cast it back
        // to the whole, for which this pointer has provenance. `input` outlives the call, and llhttp keeps no
        // pointer into it that it would read in a later call (it resets its span start on entry).
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
            errno::PAUSED => Outcome::Paused(self.sink.pause, taken),
            _ => Outcome::Failed(result, taken),
        }
    }
}

/// The sink behind a parser that llhttp hands to a callback.
///
/// # Safety
/// `raw` is the pointer that `execute` gave to llhttp, so it points to a `Parser` that nobody else borrows.
unsafe fn sink<'a>(raw: *mut Raw) -> &'a mut FieldSink {
    // SAFETY: by the contract above and by `Parser` being repr(C) with `raw` first.
    unsafe { &mut (*raw.cast::<Parser>()).sink }
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

/// The request target, or the reason phrase.
unsafe extern "C" fn on_start_line(raw: *mut Raw, at: *const c_char, len: usize) -> c_int {
    // SAFETY: llhttp calls this from `execute`, with its parser and a span of its input.
    unsafe { sink(raw).start_line(span(at, len)) };
    errno::OK
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

/// Pauses, and notes where.
///
/// # Safety
/// As for [`sink`].
unsafe fn pause(raw: *mut Raw, at: Pause) -> c_int {
    // SAFETY: by the contract.
    unsafe { sink(raw) }.pause = at;
    errno::PAUSED
}

unsafe extern "C" fn on_headers_complete(raw: *mut Raw) -> c_int {
    // SAFETY: llhttp calls this from `execute`, with its parser.
    unsafe { pause(raw, Pause::Head) }
}

unsafe extern "C" fn on_chunk_header(raw: *mut Raw) -> c_int {
    // SAFETY: llhttp calls this from `execute`, with its parser.
    unsafe { pause(raw, Pause::ChunkLine) }
}

/// The span is all that `execute` has taken, because it was called at the first byte of data.
unsafe extern "C" fn on_body(raw: *mut Raw, _: *const c_char, _: usize) -> c_int {
    // SAFETY: llhttp calls this from `execute`, with its parser.
    unsafe { pause(raw, Pause::Data) }
}

/// The last chunk has no data and no CRLF behind it: llhttp calls this behind the trailers.
unsafe extern "C" fn on_chunk_complete(raw: *mut Raw) -> c_int {
    // SAFETY: llhttp calls this from `execute`, with its parser.
    if unsafe { sink(raw) }.in_trailers() {
        return errno::OK;
    }
    // SAFETY: as above.
    unsafe { pause(raw, Pause::ChunkEnd) }
}

unsafe extern "C" fn on_message_complete(raw: *mut Raw) -> c_int {
    // SAFETY: llhttp calls this from `execute`, with its parser.
    unsafe { pause(raw, Pause::Message) }
}

#[cfg(test)]
#[path = "llhttp_tests.rs"]
mod tests;
