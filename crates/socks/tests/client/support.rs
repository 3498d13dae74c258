//! Clients of each kind, and what they have said.

use millrace_error::{Code, Error};
use millrace_socks::{Client, ClientConfig, Credentials, Endpoint, Kind};

pub const TARGET: &str = "192.0.2.9";

pub fn config(kind: Kind) -> ClientConfig {
    ClientConfig::new(kind, Endpoint::new(TARGET.as_bytes(), 443).expect("an address"))
}

pub fn with_password(kind: Kind) -> ClientConfig {
    let mut config = config(kind);
    config.credentials = Some(Credentials::new(b"alice", b"opensesame"));
    config
}

pub fn sent(client: &mut Client) -> Vec<u8> {
    client.poll_output().map(|output| output.to_vec()).unwrap_or_default()
}

pub fn text(client: &mut Client) -> String {
    String::from_utf8(sent(client)).expect("ASCII")
}

pub fn code(result: Result<Client, Error>) -> Option<Code> {
    result.err().map(|error| error.code)
}

pub fn connected(config: ClientConfig) -> Client {
    let mut client = Client::new(config).expect("a client");
    client.connected().expect("a new client waits for its connection");
    client
}

pub const CHALLENGE: &[u8] = b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 4\r\n\r\n";
