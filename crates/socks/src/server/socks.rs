//! The server's side of SOCKS4, 4a and 5.

use millrace_error::{Code, Error};

use super::{Protocol, ProxyRequest, Reply, Server, ServerEvent, State};
use crate::address::{Endpoint, Host};
use crate::secret::Credentials;
use crate::{Command, socks4, socks5};

type Found = Result<Option<ServerEvent>, Error>;

const MALFORMED: Error = Error::new(Code::SocksMalformedRequest);

/// `None`: the message is whole.
fn unless(whole: bool) -> Option<ServerEvent> {
    (!whole).then_some(ServerEvent::NeedMore)
}

impl Server {
    pub(super) fn read_greeting(&mut self, input: &[u8], at: &mut usize) -> Found {
        if let Some(more) = unless(self.collect.fill(input, at, socks5::measure_greeting)?) {
            return Ok(Some(more));
        }
        let (method, next) = match self.config.auth {
            true => (socks5::USER_PASSWORD, State::Password),
            false => (socks5::NO_AUTHENTICATION, State::Request),
        };
        let offered = self.collect.bytes().get(2..).unwrap_or_default().contains(&method);
        self.collect.clear();
        if !offered {
            self.send(vec![socks5::VERSION, socks5::NO_ACCEPTABLE]);
            return Err(Error::new(Code::SocksNoAcceptableMethod));
        }
        self.send(vec![socks5::VERSION, method]);
        self.state = next;
        Ok(None)
    }

    pub(super) fn read_password(&mut self, input: &[u8], at: &mut usize) -> Found {
        if let Some(more) = unless(self.collect.fill(input, at, socks5::measure_password)?) {
            return Ok(Some(more));
        }
        self.credentials = Some(socks5::read_password(self.collect.bytes())?);
        self.collect.clear();
        self.state = State::Deciding;
        Ok(Some(ServerEvent::Credentials))
    }

    pub(super) fn read_socks5(&mut self, input: &[u8], at: &mut usize) -> Found {
        if let Some(more) = unless(self.collect.fill(input, at, socks5::measure_request)?) {
            return Ok(Some(more));
        }
        let bytes = self.collect.bytes();
        let target = bytes.get(3..).and_then(Endpoint::read).ok_or(MALFORMED)?;
        let command = match bytes.get(1) {
            Some(&socks5::CONNECT) if target.port == 0 => return Err(MALFORMED),
            Some(&socks5::CONNECT) => Command::Connect,
            Some(&socks5::UDP_ASSOCIATE) if self.config.udp => Command::UdpAssociate,
            _ => return Err(Error::new(Code::SocksCommandUnsupported)),
        };
        Ok(Some(self.show(Protocol::Socks5, command, target)))
    }

    /// The whole request is read before it is refused: unread bytes behind a close would reset the connection, and
    /// the reply with it.
    pub(super) fn read_socks4(&mut self, input: &[u8], at: &mut usize) -> Found {
        if let Some(more) = unless(self.collect.fill(input, at, socks4::measure_request)?) {
            return Ok(Some(more));
        }
        let parts = socks4::read_request(self.collect.bytes())?;
        if self.config.auth {
            return Err(Error::new(Code::Socks4Unauthenticated));
        }
        if parts.command != socks4::CONNECT {
            return Err(Error::new(Code::SocksCommandUnsupported));
        }
        let host = match parts.name {
            Some(name) => Host::parse(name).ok_or(MALFORMED)?,
            None => Host::Address(parts.address.into()),
        };
        if parts.port == 0 {
            return Err(MALFORMED);
        }
        let target = Endpoint { host, port: parts.port };
        self.credentials = Some(Credentials::new(parts.user_id, b""));
        Ok(Some(self.show(Protocol::Socks4, Command::Connect, target)))
    }

    pub(super) fn show(&mut self, protocol: Protocol, command: Command, target: Endpoint) -> ServerEvent {
        self.collect.clear();
        self.state = State::Replying;
        self.request = Some(ProxyRequest {
            protocol,
            command,
            target,
        });
        ServerEvent::Request
    }

    pub(super) fn reply_socks4(&mut self, reply: &Reply) {
        if let Reply::Granted(bound) = reply {
            self.answer_socks4(socks4::GRANTED, bound);
            self.state = State::Open;
        } else {
            self.answer_socks4(socks4::REJECTED, &Endpoint::UNSPECIFIED);
            self.state = State::Closing;
        }
    }

    pub(super) fn reply_socks5(&mut self, reply: &Reply) {
        let code = match reply {
            Reply::Granted(bound) => {
                self.answer_socks5(socks5::SUCCEEDED, bound);
                self.state = State::Open;
                return;
            }
            Reply::GeneralFailure => Code::SocksGeneralFailure,
            Reply::Forbidden => Code::SocksForbidden,
            Reply::NetworkUnreachable => Code::SocksNetworkUnreachable,
            Reply::HostUnreachable => Code::SocksHostUnreachable,
            Reply::ConnectionRefused => Code::SocksConnectionRefused,
            Reply::TimedOut => Code::SocksTtlExpired,
        };
        self.answer_socks5(socks5::reply_of(Error::new(code)), &Endpoint::UNSPECIFIED);
        self.state = State::Closing;
    }

    pub(super) fn answer_socks4(&mut self, code: u8, bound: &Endpoint) {
        let mut out = Vec::with_capacity(8);
        socks4::write_reply(&mut out, code, bound);
        self.send(out);
    }

    pub(super) fn answer_socks5(&mut self, code: u8, bound: &Endpoint) {
        let mut out = Vec::with_capacity(22);
        socks5::write_message(&mut out, code, bound);
        self.send(out);
    }
}
