//! Connections that we begin: the race of addresses (RFC 8305), proxies on the way, and what is left of either.

mod addresses;
mod connect;
mod socks;
mod support;
