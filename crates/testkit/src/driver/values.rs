//! The host of tests.

use millrace_engine::Host;
use millrace_engine::buffer::PinId;
use std::collections::HashMap;

/// A host whose values are copies, by index, of what the engine handed over.
#[derive(Debug, Default)]
pub struct Values {
    pub(super) values: Vec<Vec<u8>>,
    lent: Vec<u8>,
    /// It has no memory to lend.
    pub lends_nothing: bool,
    /// What pinned chunks hold; a test that removes one has detached it.
    pub pins: HashMap<u32, Vec<u8>>,
}

impl Host for Values {
    type Value = usize;

    fn text(&mut self, latin1: &[u8]) -> usize {
        self.bytes(latin1)
    }

    fn bytes(&mut self, bytes: &[u8]) -> usize {
        self.values.push(bytes.to_vec());
        self.values.len() - 1
    }

    fn lend(&mut self, size: usize) -> Option<&mut [u8]> {
        self.lent.resize(size.max(self.lent.len()), 0);
        (!self.lends_nothing).then_some(&mut self.lent[..size])
    }

    fn take_lent(&mut self, length: usize) -> usize {
        let mut bytes = std::mem::take(&mut self.lent);
        bytes.truncate(length);
        self.values.push(bytes);
        self.values.len() - 1
    }

    fn pinned(&self, pin: PinId) -> Option<&[u8]> {
        self.pins.get(&pin.0).map(Vec::as_slice)
    }
}
