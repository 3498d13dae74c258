//! What the tests of every crate share: scripted peers, the three-way feeder, a driver for engines, certificates and TLS
//! contexts, TLS sessions on a simulated link, the bodies of the fuzz targets.
#![forbid(unsafe_code)]

pub mod client;
pub mod contexts;
pub mod driver;
pub mod feed;
pub mod fuzz;
pub mod http1;
pub mod pki;
pub mod secure;
pub mod socks;
pub mod tls;
