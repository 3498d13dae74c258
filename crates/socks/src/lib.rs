//! Handshakes with proxies, both sides: SOCKS4, 4a, 5 and HTTP CONNECT, and the head of SOCKS5's datagrams. Sans I/O,
//! no clock, no randomness of its own.
//!
//! A handshake turns a connection to a proxy into a connection to a target. [`Client`] asks for one, [`Server`] is
//! asked. Both read messages whose length stands at their beginning, take exactly their bytes, and decide at a byte,
//! never at the end of an input: so the events are the same however the input was cut, and what follows the handshake
//! is left in the driver's hands, untouched. Nothing is stored but the one message that is being read, and none is
//! longer than 520 bytes but an HTTP head, which `crates/http1` bounds.
//!
//! The states of the client, and every move between them, stand in one table, [`TRANSITIONS`].
//!
//! Credentials are wiped when the handshake is over, failed or cancelled; no `Debug` text has them. Two copies are
//! out of our reach: what the driver makes of [`Output`], and what `crates/http1` leaves in memory where its buffer
//! grows while it reads a head with `Proxy-Authorization`.
//!
//! # Getting started
//!
//! A client is a layer below the tunnel's bytes: output goes to the socket, input comes from it until `Open`.
//!
//! ```
//! use millrace_socks::{Client, ClientConfig, ClientEvent, Credentials, Endpoint, Kind};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let target = Endpoint::new(b"example.com", 443)?;
//! let mut config = ClientConfig::new(Kind::Socks5h, target);
//! config.credentials = Some(Credentials::new(b"alice", b"secret"));
//! let mut client = Client::new(config)?;
//!
//! client.connected()?; // the dial has ended well
//! assert_eq!(&*client.poll_output().expect("a greeting"), b"\x05\x02\x00\x02");
//!
//! assert_eq!(client.handle_bytes(b"\x05\x00").event, ClientEvent::Send); // no password wanted
//! let request = client.poll_output().expect("a request");
//! assert_eq!(&*request, b"\x05\x01\x00\x03\x0bexample.com\x01\xbb");
//!
//! let input = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00220 hello";
//! let step = client.handle_bytes(input);
//! assert_eq!(step.event, ClientEvent::Open);
//! assert_eq!(&input[step.consumed..], b"220 hello"); // the tunnel's
//! # Ok(())
//! # }
//! ```
//!
//! A server stops at each decision and goes on when it is made.
//!
//! ```
//! use millrace_socks::{Endpoint, Reply, Server, ServerConfig, ServerEvent};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut server = Server::new(ServerConfig::default());
//! let input = b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n\x16\x03\x01";
//! let step = server.handle_bytes(input);
//! assert_eq!(step.event, ServerEvent::Request);
//! assert_eq!(server.request().expect("one").target.to_string(), "example.com:443");
//! let rest = &input[step.consumed..]; // kept until the target has been dialled
//!
//! server.reply(&Reply::Granted(Endpoint::UNSPECIFIED))?;
//! assert_eq!(&*server.poll_output().expect("a reply"), b"HTTP/1.1 200 OK\r\n\r\n");
//! assert_eq!(server.handle_bytes(rest).event, ServerEvent::Open);
//! assert_eq!(rest, b"\x16\x03\x01"); // the tunnel's
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod address;
mod basic;
mod challenge;
mod client;
mod collect;
mod digest;
mod secret;
mod server;
mod socks4;
mod socks5;
mod step;
mod udp;

pub use address::{Endpoint, Host, MAX_NAME};
pub use client::{Client, ClientConfig, ClientEvent, Kind, Move, Refusal, State, TRANSITIONS};
pub use secret::{Credentials, Output};
pub use server::{Protocol, ProxyRequest, Reply, Server, ServerConfig, ServerEvent};
pub use socks4::MAX_USER_ID;
pub use step::{Command, IllegalMove, Step};
pub use udp::{Datagram, Dropped, MAX_DATAGRAM_HEAD, read_datagram, write_datagram_head};
