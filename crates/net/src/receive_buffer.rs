//! The buffer into which all connections of a reactor are read.

/// The size of the shared receive buffer, in bytes.
pub const RECEIVE_BUFFER_SIZE: usize = 128 * 1024;

/// The one shared receive buffer of a reactor.
///
/// Bytes pass through it within a wake and never stay, so an idle connection owns no buffer. The memory is asked for
/// at first use: a reactor that only dials or has no traffic yet costs nothing.
#[derive(Debug, Default)]
pub struct ReceiveBuffer {
    bytes: Vec<u8>,
}

impl ReceiveBuffer {
    /// A buffer that has no memory yet.
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// All [`RECEIVE_BUFFER_SIZE`] bytes, holding whatever the last user left.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        if self.bytes.is_empty() {
            self.bytes = vec![0; RECEIVE_BUFFER_SIZE];
        }
        &mut self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_no_memory_before_its_first_use_and_one_block_after() {
        let mut buffer = ReceiveBuffer::new();
        assert_eq!(buffer.bytes.capacity(), 0);
        let first = buffer.as_mut_slice().as_ptr();
        assert_eq!(buffer.as_mut_slice().len(), RECEIVE_BUFFER_SIZE);
        assert_eq!(buffer.as_mut_slice().as_ptr(), first);
    }
}
