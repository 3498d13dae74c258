//! The client's side: one handshake with one proxy.
//!
//! The driver dials and says `connected`; the handshake queues the first message and goes from state to state as the
//! answers arrive ([`TRANSITIONS`] is the whole table). SOCKS4 and HTTP begin with the request, SOCKS5 with a
//! greeting. HTTP may come back from `Request` to `Auth` when a 407 can be answered: the rest of the 407 is read away,
//! or the driver is told to dial again, and the request goes out once more with credentials. What an answer does in
//! each state stands in `advance`.

mod advance;
mod config;
mod http;
mod transition;

use millrace_error::{Code, Error};

use crate::address::Endpoint;
use crate::collect::Collect;
use crate::secret::Output;
use crate::{Command, IllegalMove, Step, socks4, socks5};

pub use config::{ClientConfig, Kind};
pub use transition::{Move, State, TRANSITIONS};

use http::Exchange;

/// What a client's handshake found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// All input is consumed and more is needed.
    NeedMore,
    /// Send the output, then give what was not consumed again: it answers the output, if it is anything.
    Send,
    /// The tunnel is open. What was not consumed is its first bytes.
    Open,
    /// Close this connection, dial the proxy again, and say [`Client::connected`]. At most three times in a row.
    DialAgain,
    /// The handshake has failed for good.
    Error(Error),
}

/// What the proxy said when it refused with an HTTP status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status, outside 2xx.
    pub status: u16,
    /// The reason phrase: bytes from the network, to be escaped before they are shown.
    pub reason: Vec<u8>,
}

/// A handshake with a proxy, without I/O.
///
/// Drive it so: dial the proxy, call [`connected`](Self::connected) (and, with TLS, [`secured`](Self::secured) once
/// its handshake is done, the bytes going through TLS from there on), send what [`poll_output`](Self::poll_output)
/// gives, and pass what arrives to [`handle_bytes`](Self::handle_bytes), after `Send` what it left of it once more,
/// until an event ends the handshake. A deadline is the driver's: [`cancel`](Self::cancel) then.
///
/// Credentials are wiped as soon as the handshake is over.
pub struct Client {
    state: State,
    error: Option<Error>,
    config: ClientConfig,
    collect: Collect,
    exchange: Option<Box<Exchange>>,
    output: Option<Output>,
    bound: Option<Endpoint>,
    refusal: Option<Refusal>,
}

impl Client {
    // ---- commands

    /// A handshake that waits for its connection.
    ///
    /// What this kind of proxy cannot be asked for, or cannot carry, is refused here:
    /// [`Code::ProxyTargetUnsupported`], [`Code::ProxyTargetInvalid`], [`Code::ProxyCredentialsInvalid`], and for
    /// fields that no request may have the codes of [`millrace_http1::write_request_head`].
    pub fn new(config: ClientConfig) -> Result<Self, Error> {
        config.check()?;
        let exchange = match config.kind {
            Kind::Connect => Some(Box::new(Exchange::new(&config)?)),
            _ => None,
        };
        Ok(Self {
            state: State::Connecting,
            error: None,
            config,
            collect: Collect::default(),
            exchange,
            output: None,
            bound: None,
            refusal: None,
        })
    }

    /// Another that knows what this one has learnt, after [`ClientEvent::DialAgain`]: for who has to go through this proxy more
    /// than once to reach the one behind it.
    pub fn again(&self) -> Self {
        Self {
            state: self.state,
            error: None,
            config: self.config.clone(),
            collect: Collect::default(),
            exchange: self
                .exchange
                .as_ref()
                .map(|exchange| Box::new(exchange.again(&self.config))),
            output: None,
            bound: None,
            refusal: None,
        }
    }

    /// The connection to the proxy stands.
    pub fn connected(&mut self) -> Result<(), IllegalMove> {
        if self.config.tls {
            self.state = self.state.after(Move::Secure)?;
            return Ok(());
        }
        self.begin()
    }

    /// The TLS handshake with the proxy is done.
    pub fn secured(&mut self) -> Result<(), IllegalMove> {
        match self.state {
            State::Tls => self.begin(),
            _ => Err(IllegalMove {
                rule: "TLS ends where it has begun",
            }),
        }
    }

    /// Gives up. The credentials are wiped and pending output is dropped.
    pub fn cancel(&mut self) -> Result<(), IllegalMove> {
        self.state = self.state.after(Move::Cancel)?;
        self.error = Some(Error::new(Code::ProxyCancelled));
        self.output = None;
        self.wipe();
        Ok(())
    }

    // ---- inputs

    /// Reads on from what arrived. Give again what was not consumed; after `Open` it is the tunnel's.
    pub fn handle_bytes(&mut self, input: &[u8]) -> Step<ClientEvent> {
        let mut at = 0;
        match self.advance(input, &mut at) {
            Ok(event) => Step { consumed: at, event },
            Err(error) => Step {
                consumed: 0,
                event: self.fail(error),
            },
        }
    }

    /// The proxy has ended its side, or the connection was lost.
    pub fn handle_end(&mut self) -> ClientEvent {
        let may_redial = self.exchange.as_deref().is_some_and(|http| http.may_redial());
        match self.state {
            State::Open => ClientEvent::Open,
            State::Auth | State::Request if may_redial => match self.redial() {
                Ok(event) => event,
                Err(error) => self.fail(error),
            },
            _ => self.fail(Error::new(Code::ProxyClosed)),
        }
    }

    // ---- outputs

    /// Bytes for the proxy, in order; `None` when there are none for now.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.output.take()
    }

    // ---- getters

    /// The state.
    pub fn state(&self) -> State {
        self.state
    }

    /// Why it failed or was cancelled.
    pub fn error(&self) -> Option<Error> {
        self.error
    }

    /// After `Open` through SOCKS: the address that the proxy reports (BND), for UDP ASSOCIATE that of its relay.
    pub fn bound(&self) -> Option<&Endpoint> {
        self.bound.as_ref()
    }

    /// The last status outside 2xx that an HTTP proxy answered with.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    // ---- the rest is private

    /// Sends the first message on a connection.
    fn begin(&mut self) -> Result<(), IllegalMove> {
        if self.config.kind.is_socks5() {
            self.state = self.state.after(Move::Greet)?;
            let mut out = Vec::with_capacity(4);
            socks5::write_greeting(&mut out, self.config.credentials.is_some());
            self.send(out);
            return Ok(());
        }
        self.state = self.state.after(Move::Ask)?;
        self.ask();
        Ok(())
    }

    /// Queues the request. The state is `Request` already.
    fn ask(&mut self) {
        let mut out = Vec::with_capacity(600); // more than any SOCKS request has
        let ClientConfig {
            kind,
            target,
            credentials,
            command,
            ..
        } = &self.config;
        match kind {
            Kind::Socks4 | Kind::Socks4a => {
                let user_id = credentials.as_ref().map_or(&[][..], |known| known.username());
                socks4::write_request(&mut out, target, user_id);
            }
            Kind::Socks5 | Kind::Socks5h => {
                let code = match command {
                    Command::Connect => socks5::CONNECT,
                    Command::UdpAssociate => socks5::UDP_ASSOCIATE,
                };
                socks5::write_message(&mut out, code, target);
            }
            Kind::Connect => {
                let written = self.exchange.as_mut().map(|http| http.write_request(&self.config));
                match written.unwrap_or(Err(Error::new(Code::Bug))) {
                    Ok(head) => out = head,
                    Err(error) => {
                        self.fail(error);
                        return;
                    }
                }
            }
        }
        self.send(out);
    }

    fn send(&mut self, bytes: Vec<u8>) {
        Output::push(&mut self.output, bytes);
    }

    fn redial(&mut self) -> Result<ClientEvent, Error> {
        self.state = self.state.after(Move::Redial)?;
        self.output = None;
        if let Some(exchange) = &mut self.exchange {
            exchange.redial(&self.config);
        }
        Ok(ClientEvent::DialAgain)
    }

    fn grant(&mut self) -> Result<(), Error> {
        self.state = self.state.after(Move::Grant)?;
        self.wipe();
        Ok(())
    }

    fn fail(&mut self, error: Error) -> ClientEvent {
        if let Ok(state) = self.state.after(Move::Fail) {
            self.state = state;
            self.error = Some(error);
            self.output = None;
            self.wipe();
        }
        ClientEvent::Error(self.error.unwrap_or(error))
    }

    /// Nothing is left to prove.
    fn wipe(&mut self) {
        self.config.credentials = None;
        self.config.headers = Default::default();
        self.collect.clear();
        self.exchange = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Credentials;

    fn client(kind: Kind) -> Client {
        let mut config = ClientConfig::new(kind, Endpoint::new(b"192.0.2.9", 443).expect("an address"));
        config.credentials = Some(Credentials::new(b"alice", b"x"));
        if kind == Kind::Connect {
            config.headers = b"X-Key\0secret\0".to_vec().into();
        }
        let mut client = Client::new(config).expect("a client");
        client.connected().expect("it waits for its connection");
        client
    }

    fn holds_a_secret(client: &Client) -> bool {
        let config = &client.config;
        let pending = client.output.is_some() || !client.collect.bytes().is_empty() || client.exchange.is_some();
        pending || config.credentials.is_some() || !config.headers.is_empty()
    }

    #[test]
    fn credentials_are_gone_when_the_handshake_is_over_however_it_ended() {
        type End = fn(&mut Client);
        let ends: [(Kind, &[u8], End); 6] = [
            (Kind::Socks5, b"\x05\x00", |c| {
                c.handle_bytes(b"\x05\0\0\x01\0\0\0\0\0\0");
            }),
            (Kind::Socks5, b"\x05\x02", |c| {
                c.handle_bytes(b"\x01\x01");
            }),
            (Kind::Socks5, b"\x05\x02", |c| {
                c.handle_end();
            }),
            (Kind::Socks5, b"\x05\x02", |c| c.cancel().expect("it goes on")),
            (Kind::Connect, b"", |c| {
                c.handle_bytes(b"HTTP/1.1 200 OK\r\n\r\n");
            }),
            (Kind::Connect, b"", |c| {
                c.handle_bytes(b"HTTP/1.1 502 No\r\n\r\n");
            }),
        ];
        for (index, (kind, first, end)) in ends.into_iter().enumerate() {
            let mut client = client(kind);
            client.handle_bytes(first);
            client.poll_output();
            assert!(holds_a_secret(&client), "row {index}");
            end(&mut client);
            assert!(client.state().is_over() && !holds_a_secret(&client), "row {index}");
        }
    }
}
