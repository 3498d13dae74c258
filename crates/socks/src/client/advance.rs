//! What a proxy's bytes do in each state.

use millrace_error::{Code, Error};

use super::http::Progress;
use super::{Client, ClientEvent, Kind, Move, State};
use crate::{socks4, socks5};

impl Client {
    pub(super) fn advance(&mut self, input: &[u8], at: &mut usize) -> Result<ClientEvent, Error> {
        loop {
            match self.state {
                State::Open => return Ok(ClientEvent::Open),
                State::Failed | State::Cancelled => return Err(self.error.unwrap_or(Error::new(Code::Bug))),
                State::Connecting | State::Tls if input.len() == *at => return Ok(ClientEvent::NeedMore),
                // The driver has no connection, or its bytes are TLS's.
                State::Connecting | State::Tls => return Err(Error::new(Code::InvalidState)),
                State::Greeting | State::Auth | State::Request => {}
            }
            let event = match self.config.kind {
                Kind::Connect => self.advance_http(input, at)?,
                Kind::Socks4 | Kind::Socks4a => self.advance_socks4(input, at)?,
                Kind::Socks5 | Kind::Socks5h => self.advance_socks5(input, at)?,
            };
            if let Some(event) = event {
                return Ok(event);
            }
        }
    }

    /// Each takes one message; `None`: look at the state again.
    fn advance_socks4(&mut self, input: &[u8], at: &mut usize) -> Result<Option<ClientEvent>, Error> {
        if !self.collect.fill(input, at, socks4::measure_reply)? {
            return Ok(Some(ClientEvent::NeedMore));
        }
        self.bound = Some(socks4::read_reply(self.collect.bytes())?);
        self.grant()?;
        Ok(None)
    }

    fn advance_socks5(&mut self, input: &[u8], at: &mut usize) -> Result<Option<ClientEvent>, Error> {
        let whole = match self.state {
            State::Greeting => self
                .collect
                .fill(input, at, |b| socks5::measure_pair(b, socks5::VERSION))?,
            State::Auth => {
                let measure = |b: &[u8]| socks5::measure_pair(b, socks5::PASSWORD_VERSION);
                self.collect.fill(input, at, measure)?
            }
            _ => self.collect.fill(input, at, socks5::measure_reply)?,
        };
        if !whole {
            return Ok(Some(ClientEvent::NeedMore));
        }
        let second = self.collect.bytes().get(1).copied().unwrap_or_default();
        match (self.state, second) {
            (State::Greeting, socks5::NO_AUTHENTICATION) | (State::Auth, 0) => {
                self.state = self.state.after(Move::Ask)?;
                self.ask();
            }
            (State::Greeting, socks5::NO_ACCEPTABLE) => return Err(Error::new(Code::SocksNoAcceptableMethod)),
            (State::Greeting, method) => match &self.config.credentials {
                Some(credentials) if method == socks5::USER_PASSWORD => {
                    let mut out = Vec::with_capacity(3 + 255 + 255);
                    socks5::write_password(&mut out, credentials);
                    self.state = self.state.after(Move::Authenticate)?;
                    self.send(out);
                }
                _ => return Err(Error::new(Code::SocksMalformedReply)), // a method that was not offered
            },
            (State::Auth, _) => return Err(Error::new(Code::SocksAuthenticationRefused)),
            _ => {
                self.bound = Some(socks5::read_reply(self.collect.bytes())?);
                self.grant()?;
                return Ok(None);
            }
        }
        self.collect.clear();
        Ok(Some(ClientEvent::Send))
    }

    fn advance_http(&mut self, input: &[u8], at: &mut usize) -> Result<Option<ClientEvent>, Error> {
        let Some(exchange) = &mut self.exchange else {
            return Err(Error::new(Code::Bug));
        };
        match exchange.read(input, at, &self.config, &mut self.refusal)? {
            Progress::NeedMore => return Ok(Some(ClientEvent::NeedMore)),
            Progress::Skipped => {}
            Progress::Granted => self.grant()?,
            Progress::Challenged => self.state = self.state.after(Move::Challenge)?,
            Progress::AskAgain => {
                if self.state == State::Request {
                    self.state = self.state.after(Move::Challenge)?;
                }
                self.state = self.state.after(Move::Ask)?;
                self.ask();
                return Ok(Some(ClientEvent::Send));
            }
            Progress::Redial => {
                *at = input.len(); // what is left of this connection is nobody's
                return self.redial().map(Some);
            }
        }
        Ok(None)
    }
}
