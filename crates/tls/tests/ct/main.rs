//! Certificate Transparency: which timestamps count, and when they are enough.

mod lists;
mod policy;
mod scene;
mod staples;
#[path = "../support/mod.rs"]
mod support;
mod timestamps;
