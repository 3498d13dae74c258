//! Certificates that are refused, each with its code, its alert and its facts in words.

mod certificates;
mod revocation;
#[path = "../support/mod.rs"]
mod support;
mod trust;
mod verdict;
