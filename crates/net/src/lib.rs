//! What the engine needs of the operating system: readiness, sockets, timers and clocks.
//!
//! Nothing here knows a protocol or decides anything. A [`Poller`] yields the tokens of ready descriptors,
//! [`socket`] holds thin non-blocking calls, a [`TimerWheel`] says which deadlines have passed of a time that is
//! handed in. All that depends on the system, and all unsafe code, lies in `sys/`.
#![deny(unsafe_code)]

pub mod clock;
mod destination;
mod poller;
mod receive_buffer;
pub mod relay;
pub mod socket;
#[allow(unsafe_code)]
mod sys;
mod timer_wheel;

pub use clock::{Clock, http_date};
pub use destination::{interleave, sort_by_source, sort_destinations};
pub use poller::{Interest, Poller, Ready, ReadyFlags};
pub use receive_buffer::{RECEIVE_BUFFER_SIZE, ReceiveBuffer};
pub use socket::{AcceptError, Accepted, ListenTcp, Peer, Spare};
pub use sys::NestedEpoll;
pub use timer_wheel::TimerWheel;
