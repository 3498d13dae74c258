//! What a parser takes from its peer before it refuses.

/// The limits of one parser. The defaults are the product's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request target (or of a reason phrase); past it 414. Default 16 KiB.
    pub target_size: u32,
    /// Bytes of the field lines of a head as they stand on the wire (name, colon, white space, value, CRLF: for
    /// `Name: value` that is name + value + 4), without the empty line; past it 431. Default 64 KiB.
    pub header_size: u32,
    /// Fields of a head, and as many again in a trailer section; past it 431. Default 128.
    pub header_fields: u32,
    /// Bytes of chunk extensions, counted over one whole body; past it 400. Default 4 KiB.
    pub chunk_extensions: u32,
    /// Bytes of a trailer section, counted like `header_size`; past it 431. Default 16 KiB.
    pub trailers: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            target_size: 16_384,
            header_size: 65_536,
            header_fields: 128,
            chunk_extensions: 4_096,
            trailers: 16_384,
        }
    }
}
