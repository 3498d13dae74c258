//! The client as its driver sees it: commands and inputs in every state, limits, the round trip of a 407.

mod challenges;
mod requests;
mod states;
mod support;
