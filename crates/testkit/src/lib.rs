//! What the tests of every crate share: scripted peers, the three-way feeder, the bodies of the fuzz targets.
#![forbid(unsafe_code)]

pub mod feed;
pub mod fuzz;
pub mod http1;
