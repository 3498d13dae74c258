//! What a client makes of a staple by its policy, and which staples a server shows.

mod policy;
mod requests;
mod scene;
mod staples;
#[path = "../support/mod.rs"]
mod support;
