//! Bodies of requests, by each consumer, and of answers, by each framing.

mod answers;
mod expectations;
mod requests;
mod support;
