//! Each deadline, at its edge and a millisecond before, on a clock of our own.

mod handlers;
mod late;
mod readers;
mod requests;
mod rest;
mod support;
