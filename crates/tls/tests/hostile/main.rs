//! Peers that break the rules, or off.

mod ends;
mod messages;
mod openings;
mod renegotiation;
#[path = "../support/mod.rs"]
mod support;
