//! The server's side: one port for SOCKS4, 4a, 5 and HTTP.
//!
//! The first byte tells the protocol. SOCKS5 offers methods, and of them the server takes the one that it wants: none,
//! or with `auth` user name and password. HTTP is one request head: CONNECT, or the absolute form that a proxy
//! forwards. Wherever somebody else has to decide (about credentials, about a target that must be dialled) an event
//! says so, nothing more is read, and a command brings the decision, at once or later.
//!
//! ```text
//!  First ─┬ 05 → Greeting ─┬ Password ─ Credentials event → Deciding ┐
//!         ├ 04 ────────────┴───────────────→ Request ←──────────────┘
//!         └ HTTP → Request ─ with auth: Credentials event → Deciding
//!  Request ─ Request event → Replying ─ granted → Open          absolute form: Forward
//!  a refusal of ours → Closing          what the peer breaks → Failed
//! ```
//!
//! A refused CONNECT ends its connection, also with 407: a client may have sent the tunnel's first bytes behind it
//! already, and read as a next request they would be smuggled past everybody in front of us.

mod http;
mod socks;

use millrace_error::{Code, Error};
use millrace_http1::{Limits, RequestParser};

use crate::address::Endpoint;
use crate::collect::Collect;
use crate::secret::{Credentials, Output};
use crate::{Command, IllegalMove, Step, socks4, socks5};

/// A protocol that a proxy's client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// SOCKS4 or 4a.
    Socks4,
    /// SOCKS5.
    Socks5,
    /// HTTP/1.
    Http,
}

impl Protocol {
    /// The protocol that a connection's first byte begins; `None` for a byte that begins none.
    ///
    /// HTTP begins with a method, or with an empty line before it (RFC 9112 §2.2).
    pub fn sniff(first: u8) -> Option<Self> {
        match first {
            socks4::VERSION => Some(Self::Socks4),
            socks5::VERSION => Some(Self::Socks5),
            b'\r' | b'\n' => Some(Self::Http),
            byte if millrace_head::is_token_byte(byte) => Some(Self::Http),
            _ => None,
        }
    }
}

/// What a server asks of its clients.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerConfig {
    /// Every client must show user name and password. SOCKS4, which has none, is refused.
    pub auth: bool,
    /// UDP ASSOCIATE is served; otherwise it is a command that is not supported.
    pub udp: bool,
    /// Limits of an HTTP request head.
    pub limits: Limits,
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyRequest {
    /// How it asks.
    pub protocol: Protocol,
    /// What it asks for; a request to forward is a `Connect`.
    pub command: Command,
    /// The target. For UDP ASSOCIATE: from where the client will send, often unspecified.
    pub target: Endpoint,
}

/// What a server's handshake found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerEvent {
    /// All input is consumed and more is needed.
    NeedMore,
    /// Look at [`Server::credentials`] and call [`Server::auth_decision`], now or later.
    Credentials,
    /// Look at [`Server::request`] and call [`Server::reply`], now or later.
    Request,
    /// A command is due, and until then nothing is read: keep the input and stop reading.
    Wait,
    /// The tunnel is open. What was not consumed is its first bytes.
    Open,
    /// A request in absolute form: [`Server::into_parser`] has its head, what was not consumed is its body.
    Forward,
    /// The client was refused: send what the output has, then close.
    Close,
    /// The client broke a rule: send what the output has, then close.
    Error(Error),
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is granted; the address that the target is reached from, or of the relay for datagrams.
    Granted(Endpoint),
    /// It failed for a reason that is not the client's to know.
    GeneralFailure,
    /// A rule forbids it.
    Forbidden,
    /// No route to the target's network.
    NetworkUnreachable,
    /// The name does not resolve, or the target is not reached.
    HostUnreachable,
    /// The target refused the connection.
    ConnectionRefused,
    /// The target did not answer in time.
    TimedOut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The first byte.
    First,
    /// SOCKS5: the client's methods.
    Greeting,
    /// SOCKS5: user name and password.
    Password,
    /// A decision about credentials; they have been shown.
    Deciding,
    /// What is asked for.
    Request,
    /// HTTP: nothing; the request was read before its credentials were judged.
    Judged,
    /// A decision about a request; it has been shown.
    Replying,
    Open,
    Forward,
    Closing,
    Failed(Error),
}

/// A handshake with a client of ours, without I/O.
///
/// Drive it so: pass what arrives to [`handle_bytes`](Self::handle_bytes) until an event other than `NeedMore`, give
/// the command that the event asks for, then call `handle_bytes` again with what was not consumed, be it empty. Send
/// what [`poll_output`](Self::poll_output) gives after each call. A deadline is the driver's: drop the server then.
pub struct Server {
    state: State,
    config: ServerConfig,
    protocol: Option<Protocol>,
    collect: Collect,
    parser: Option<Box<RequestParser>>,
    /// The minor version of an HTTP request.
    minor: u8,
    credentials: Option<Credentials>,
    request: Option<ProxyRequest>,
    output: Option<Output>,
}

impl Server {
    // ---- commands

    /// A handshake before its first byte.
    pub fn new(config: ServerConfig) -> Self {
        Self {
            state: State::First,
            config,
            protocol: None,
            collect: Collect::default(),
            parser: None,
            minor: 1,
            credentials: None,
            request: None,
            output: None,
        }
    }

    /// Whether the credentials are right. They are wiped.
    pub fn auth_decision(&mut self, accepted: bool) -> Result<(), IllegalMove> {
        if self.state != State::Deciding {
            return Err(IllegalMove {
                rule: "a decision about credentials answers the event Credentials",
            });
        }
        self.credentials = None;
        match (self.protocol, accepted) {
            (Some(Protocol::Http), true) => self.state = State::Judged,
            (Some(Protocol::Http), false) => self.refuse_http(407),
            (_, true) => {
                self.send(vec![socks5::PASSWORD_VERSION, 0]);
                self.state = State::Request;
            }
            (_, false) => {
                self.send(vec![socks5::PASSWORD_VERSION, 1]);
                self.state = State::Closing;
            }
        }
        Ok(())
    }

    /// What becomes of the request.
    pub fn reply(&mut self, reply: &Reply) -> Result<(), IllegalMove> {
        if self.state != State::Replying {
            return Err(IllegalMove {
                rule: "a reply answers the event Request",
            });
        }
        self.credentials = None;
        match self.protocol {
            Some(Protocol::Http) => self.reply_http(reply),
            Some(Protocol::Socks4) => self.reply_socks4(reply),
            _ => self.reply_socks5(reply),
        }
        Ok(())
    }

    // ---- inputs

    /// Reads on from what arrived.
    pub fn handle_bytes(&mut self, input: &[u8]) -> Step<ServerEvent> {
        let mut at = 0;
        let event = self.advance(input, &mut at).unwrap_or_else(|error| self.fail(error));
        Step { consumed: at, event }
    }

    /// The client has ended its side.
    ///
    /// While a decision is due, and in a tunnel, that is no end of the handshake: `Wait` and `Open`.
    pub fn handle_end(&mut self) -> ServerEvent {
        match self.state {
            State::First => {
                self.state = State::Closing;
                ServerEvent::Close
            }
            State::Deciding | State::Judged | State::Replying => ServerEvent::Wait,
            State::Open => ServerEvent::Open,
            State::Forward => ServerEvent::Forward,
            State::Closing => ServerEvent::Close,
            State::Failed(error) => ServerEvent::Error(error),
            State::Greeting | State::Password | State::Request => {
                self.end_with(Error::new(Code::ConnectionClosed));
                ServerEvent::Error(Error::new(Code::ConnectionClosed))
            }
        }
    }

    // ---- outputs

    /// Bytes for the client, in order; `None` when there are none for now.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.output.take()
    }

    /// After `Forward`: the parser, which has read the head of the request and reads its body next.
    ///
    /// `Proxy-Authorization` is in the head still; a proxy does not forward it (RFC 9110 §11.7.2).
    pub fn into_parser(self) -> Option<RequestParser> {
        match self.state {
            State::Forward => self.parser.map(|parser| *parser),
            _ => None,
        }
    }

    // ---- getters

    /// The protocol, once the first byte has come.
    pub fn protocol(&self) -> Option<Protocol> {
        self.protocol
    }

    /// The credentials to be judged; beside a SOCKS4 request its user id, which proves nothing. Wiped by the command.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// What the client asks for, from `Request` or `Forward` on.
    pub fn request(&self) -> Option<&ProxyRequest> {
        self.request.as_ref()
    }

    // ---- the rest is private

    fn send(&mut self, bytes: Vec<u8>) {
        Output::push(&mut self.output, bytes);
    }

    fn advance(&mut self, input: &[u8], at: &mut usize) -> Result<ServerEvent, Error> {
        loop {
            let more = match self.state {
                State::First => match input.get(*at) {
                    None => return Ok(ServerEvent::NeedMore),
                    Some(first) => self.choose_protocol(*first)?,
                },
                State::Greeting => self.read_greeting(input, at)?,
                State::Password => self.read_password(input, at)?,
                State::Request => match self.protocol {
                    Some(Protocol::Http) => self.read_http(input, at)?,
                    Some(Protocol::Socks4) => self.read_socks4(input, at)?,
                    _ => self.read_socks5(input, at)?,
                },
                State::Judged => self.show_http(),
                State::Deciding | State::Replying => Some(ServerEvent::Wait),
                State::Open => Some(ServerEvent::Open),
                State::Forward => Some(ServerEvent::Forward),
                State::Closing => Some(ServerEvent::Close),
                State::Failed(error) => return Err(error),
            };
            if let Some(event) = more {
                return Ok(event);
            }
        }
    }

    fn choose_protocol(&mut self, first: u8) -> Result<Option<ServerEvent>, Error> {
        let protocol = Protocol::sniff(first).ok_or(Error::new(Code::ProxyRequestUnrecognised))?;
        self.protocol = Some(protocol);
        self.state = match protocol {
            Protocol::Socks5 => State::Greeting,
            Protocol::Socks4 | Protocol::Http => State::Request,
        };
        Ok(None)
    }

    /// Answers what can be answered, once.
    fn fail(&mut self, error: Error) -> ServerEvent {
        if !matches!(self.state, State::Failed(_)) {
            self.answer_error(error);
            self.end_with(error);
        }
        ServerEvent::Error(error)
    }

    fn answer_error(&mut self, error: Error) {
        match (self.protocol, self.state) {
            (Some(Protocol::Http), _) => self.refuse_http(error.code.status().unwrap_or(400)),
            (Some(Protocol::Socks4), _) => self.answer_socks4(socks4::REJECTED, &Endpoint::UNSPECIFIED),
            (Some(Protocol::Socks5), State::Request) => {
                self.answer_socks5(socks5::reply_of(error), &Endpoint::UNSPECIFIED);
            }
            (Some(Protocol::Socks5), State::Password) => self.send(vec![socks5::PASSWORD_VERSION, 1]),
            // A greeting of no version that we know: no answer is one that the client would understand.
            _ => {}
        }
    }

    fn end_with(&mut self, error: Error) {
        self.state = State::Failed(error);
        self.collect.clear();
        self.credentials = None;
        self.parser = None;
    }
}
