//! The server's side of HTTP: one request head, CONNECT or in absolute form (RFC 9110 §9.3.6, RFC 9112 §3.2.2).

use millrace_error::{Code, Error};
use millrace_head::{Method, TargetForm, check_target, eq_name, fields};
use millrace_http1::{Answer, BodySize, Event, RequestParser, write_response_head};
use zeroize::Zeroize;

use super::{Protocol, ProxyRequest, Reply, Server, ServerEvent, State};
use crate::address::{Endpoint, Host};
use crate::secret::Credentials;
use crate::{Command, basic};

/// What a 407 asks for (RFC 7617 §2).
const CHALLENGE: &[u8] = b"Proxy-Authenticate\0Basic realm=\"proxy\", charset=\"UTF-8\"\0";

const NO_TARGET: Error = Error::new(Code::HttpInvalidTarget);

impl Server {
    pub(super) fn read_http(&mut self, input: &[u8], at: &mut usize) -> Result<Option<ServerEvent>, Error> {
        let limits = self.config.limits;
        let parser = self.parser.get_or_insert_with(|| Box::new(RequestParser::new(limits)));
        let step = parser.handle_bytes(input.get(*at..).unwrap_or_default());
        match step.event {
            Event::NeedMore => {
                *at += step.consumed;
                Ok(Some(ServerEvent::NeedMore))
            }
            Event::Head { .. } => {
                *at += step.consumed;
                self.take_head()
            }
            Event::Error(error) => Err(error),
            // No body comes before a head, and after it nothing is read here.
            Event::Body { .. } | Event::End => Err(Error::new(Code::Bug)),
        }
    }

    fn take_head(&mut self) -> Result<Option<ServerEvent>, Error> {
        let Some(parser) = &self.parser else {
            return Err(Error::new(Code::Bug));
        };
        let head = parser.head();
        self.minor = head.minor;
        let forward = head.method != Method::Connect;
        let target = match check_target(head.method, head.target())? {
            TargetForm::Authority => Endpoint::from_authority(head.target()),
            TargetForm::Absolute => absolute(head.target()),
            // Such a request is for an origin server, which we are not.
            TargetForm::Origin | TargetForm::Asterisk => None,
        };
        let target = target.filter(|target| target.port != 0).ok_or(NO_TARGET)?;
        let credentials = match self.config.auth {
            true => credentials(head.fields())?,
            false => None,
        };
        self.request = Some(ProxyRequest {
            protocol: Protocol::Http,
            command: Command::Connect,
            target,
        });
        if !forward {
            self.drop_head();
        }
        if !self.config.auth {
            return Ok(self.show_http());
        }
        if credentials.is_none() {
            return Err(Error::new(Code::ProxyAuthenticationRequired));
        }
        self.credentials = credentials;
        self.state = State::Deciding;
        Ok(Some(ServerEvent::Credentials))
    }

    /// The parser is kept for a request to forward alone.
    pub(super) fn show_http(&mut self) -> Option<ServerEvent> {
        let (state, event) = match self.parser {
            Some(_) => (State::Forward, ServerEvent::Forward),
            None => (State::Replying, ServerEvent::Request),
        };
        self.state = state;
        Some(event)
    }

    /// Lets go of a head that is not needed any more, and wipes it: it may hold credentials.
    fn drop_head(&mut self) {
        if let Some(parser) = self.parser.take() {
            parser.into_head().block.zeroize();
        }
    }

    pub(super) fn reply_http(&mut self, reply: &Reply) {
        match reply {
            Reply::Granted(_) => {
                self.answer_http(200, b"");
                self.state = State::Open;
            }
            Reply::Forbidden => self.refuse_http(403),
            Reply::TimedOut => self.refuse_http(504),
            _ => self.refuse_http(502),
        }
    }

    /// Answers with an error status and ends the connection.
    pub(super) fn refuse_http(&mut self, status: u16) {
        self.answer_http(status, if status == 407 { CHALLENGE } else { b"" });
        self.drop_head();
        self.state = State::Closing;
    }

    fn answer_http(&mut self, status: u16, block: &[u8]) {
        let answer = Answer {
            to_head: false,
            to_connect: true,
            minor: self.minor,
            keep_alive: false,
            body: BodySize::None,
            date: b"", // a proxy without a clock sends none (RFC 9110 §6.6.1)
            keep_alive_timeout_s: 0,
        };
        let mut out = Vec::with_capacity(128);
        // The block is one of ours and the status one that we chose: there is nothing to refuse.
        if write_response_head(&mut out, status, b"", block, &answer).is_ok() {
            self.send(out);
        }
    }
}

/// The credentials of a head: none, or those of its one `Proxy-Authorization`.
fn credentials(block: &[u8]) -> Result<Option<Credentials>, Error> {
    let mut values = fields(block).filter(|(name, _)| eq_name(name, b"proxy-authorization"));
    let first = values.next().and_then(|(_, value)| basic::read_value(value));
    match values.next() {
        Some(_) => Err(Error::new(Code::HttpInvalidHeader)),
        None => Ok(first),
    }
}

/// The endpoint of a checked target in absolute form, with the port of its scheme.
fn absolute(target: &[u8]) -> Option<Endpoint> {
    let secure = target.get(4).is_some_and(|b| b.eq_ignore_ascii_case(&b's'));
    let rest = target.get(if secure { 8 } else { 7 }..)?;
    let end = rest.iter().position(|b| matches!(b, b'/' | b'?')).unwrap_or(rest.len());
    let authority = &rest[..end];
    let default = if secure { 443 } else { 80 };
    let host = match authority {
        [b'[', inner @ .., b']'] => inner,
        [b'[', ..] => return Endpoint::from_authority(authority),
        _ => match authority.iter().position(|&b| b == b':') {
            Some(colon) if colon + 1 < authority.len() => return Endpoint::from_authority(authority),
            Some(colon) => &authority[..colon],
            None => authority,
        },
    };
    Some(Endpoint {
        host: Host::parse(host)?,
        port: default,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_absolute_form_names_an_endpoint() {
        let rows = [
            ("http://a", "a:80"),
            ("http://a/", "a:80"),
            ("http://a:8080/x:1", "a:8080"),
            ("https://a?b", "a:443"),
            ("HTTPS://a:/", "a:443"),
            ("http://[::1]", "[::1]:80"),
            ("http://[::1]:81/", "[::1]:81"),
            ("http://1.2.3.4/", "1.2.3.4:80"),
        ];
        for (target, endpoint) in rows {
            let found = absolute(target.as_bytes()).map(|found| found.to_string());
            assert_eq!(found.as_deref(), Some(endpoint), "{target}");
        }
    }
}
