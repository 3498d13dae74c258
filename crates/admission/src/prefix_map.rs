//! Longest prefix match over addresses, as a binary search.

use std::net::IpAddr;

use crate::cidr::{Family, Network};

/// From networks to values; of all networks that hold an address, the longest decides.
///
/// Two networks are nested or disjoint. So the space of a family falls into runs of addresses with one answer each, at
/// most two runs more for each network; they are worked out once, and a lookup is a binary search for the last run
/// that begins at or before the address. Memory: at most 10 bytes a network for IPv4 where the values
/// are flags, 34 for IPv6.
#[derive(Clone, Debug)]
pub(crate) struct PrefixMap<V> {
    v4: Runs<u32, V>,
    v6: Runs<u128, V>,
}

impl<V: Copy + PartialEq> PrefixMap<V> {
    /// A map of these pairs. Where a network comes twice, the later pair counts.
    pub(crate) fn new(pairs: impl IntoIterator<Item = (Network, V)>) -> Self {
        let (v4, v6): (Vec<_>, Vec<_>) = pairs
            .into_iter()
            .partition(|(network, _)| network.family() == Family::V4);
        Self {
            v4: Runs::new(v4, u128::from(u32::MAX), |bits| bits as u32),
            v6: Runs::new(v6, u128::MAX, |bits| bits),
        }
    }

    /// The value of the longest network that holds the address; an IPv4-mapped IPv6 address is its IPv4 address.
    pub(crate) fn get(&self, address: IpAddr) -> Option<V> {
        match address.to_canonical() {
            IpAddr::V4(address) => self.v4.get(address.to_bits()),
            IpAddr::V6(address) => self.v6.get(address.to_bits()),
        }
    }
}

/// The runs of one family, in order: run `i` reaches from `starts[i]` to before `starts[i + 1]`.
#[derive(Clone, Debug)]
struct Runs<A, V> {
    starts: Box<[A]>,
    values: Box<[Option<V>]>,
}

impl<A: Copy + Ord, V: Copy + PartialEq> Runs<A, V> {
    fn new(mut pairs: Vec<(Network, V)>, last: u128, narrow: impl Fn(u128) -> A) -> Self {
        // Outer networks come before what lies within them. The sort is stable, so of equals the later stays later.
        pairs.sort_by_key(|(network, _)| (network.first_bits(), network.prefix()));
        let mut runs = Builder {
            runs: Vec::new(),
            open: Vec::new(),
        };
        for (network, value) in pairs {
            runs.close_before(network.first_bits());
            runs.begin(network.first_bits(), Some(value));
            runs.open.push((network.last_bits(), value));
        }
        // What begins behind the last address of the family is no run.
        runs.close_before(last);
        let starts = runs.runs.iter().map(|(start, _)| narrow(*start)).collect();
        let values = runs.runs.iter().map(|(_, value)| *value).collect();
        Self { starts, values }
    }

    fn get(&self, address: A) -> Option<V> {
        let after = self.starts.partition_point(|start| *start <= address);
        self.values[after.checked_sub(1)?]
    }
}

struct Builder<V> {
    runs: Vec<(u128, Option<V>)>,
    /// The networks that the sweep is inside, outermost first: last address and value.
    open: Vec<(u128, V)>,
}

impl<V: Copy + PartialEq> Builder<V> {
    /// Ends the open networks whose last address lies before `bits`.
    fn close_before(&mut self, bits: u128) {
        while let Some((last, _)) = self.open.pop_if(|(last, _)| *last < bits) {
            self.begin(last + 1, self.open.last().map(|(_, value)| *value));
        }
    }

    /// Begins a run; a run that is empty or continues the one before is none.
    fn begin(&mut self, start: u128, value: Option<V>) {
        self.runs.pop_if(|(before, _)| *before == start);
        let before = self.runs.last().and_then(|(_, value)| *value);
        if before != value {
            self.runs.push((start, value));
        }
    }
}
