//! Relays: two tunnels joined. Every byte once and in order, ends passed on, nothing left behind.

mod any_order;
mod bytes;
mod ends;
mod joined;
mod times;
