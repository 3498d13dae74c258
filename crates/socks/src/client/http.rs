//! The CONNECT request and its response (RFC 9110 §9.3.6), with the round trip of a 407.

use millrace_error::{Code, Error};
use millrace_head::{eq_name, fields};
use millrace_http1::{BodyFraming, BodySize, Event, ResponseContext, ResponseParser, write_request_head};
use zeroize::Zeroizing;

use super::{ClientConfig, Refusal};
use crate::basic;
use crate::challenge::challenges;
use crate::digest::DigestChallenge;

/// The body of a 407 is read away up to this many bytes; past it another connection is cheaper.
pub(crate) const MAX_DRAINED: u64 = 65_536;

/// Requests of one handshake: the first, an answer, and answers to nonces that were too old.
const MAX_REQUESTS: u8 = 4;

const CONNECT: ResponseContext = ResponseContext {
    head_request: false,
    connect: true,
};

/// How the next request shows its credentials.
#[derive(Clone, Debug)]
enum Answer {
    None,
    Basic,
    Digest(Box<DigestChallenge>),
}

/// What reading some bytes gave.
pub(super) enum Progress {
    /// All input is consumed.
    NeedMore,
    /// A 1xx response, or a part of a body.
    Skipped,
    Granted,
    /// A 407 whose body is still to come.
    Challenged,
    /// A 407 is over, and the connection goes on.
    AskAgain,
    /// The request needs another connection.
    Redial,
}

/// One CONNECT, however many requests it takes.
pub(super) struct Exchange {
    parser: ResponseParser,
    answer: Answer,
    requests: u8,
    /// A 407 whose challenge will be answered is being read to its end.
    draining: bool,
    drained: u64,
    /// A challenge was answered on the connection that it came over, and nothing has come back yet.
    reused: bool,
}

impl Exchange {
    /// Checks that the request can be written, whatever its credentials will be.
    pub(super) fn new(config: &ClientConfig) -> Result<Self, Error> {
        let authorized = fields(&config.headers).any(|(name, _)| eq_name(name, b"proxy-authorization"));
        if authorized && config.credentials.is_some() {
            return Err(Error::new(Code::InvalidArgument));
        }
        write(&Answer::None, config)?;
        let at_once = config.basic_at_once && config.credentials.is_some();
        Ok(Self {
            parser: ResponseParser::new(config.limits, CONNECT),
            answer: if at_once { Answer::Basic } else { Answer::None },
            requests: 0,
            draining: false,
            drained: 0,
            reused: false,
        })
    }

    /// The next request.
    pub(super) fn write_request(&mut self, config: &ClientConfig) -> Result<Vec<u8>, Error> {
        self.requests = self.requests.saturating_add(1);
        write(&self.answer, config)
    }

    /// Whether a connection that ended may be the proxy's way to say "again": it ended within the 407 or did not
    /// answer the request that followed.
    pub(super) fn may_redial(&self) -> bool {
        (self.draining || self.reused) && self.requests < MAX_REQUESTS
    }

    /// Another that knows what this one knows, for a connection of its own.
    pub(super) fn again(&self, config: &ClientConfig) -> Self {
        Self {
            parser: ResponseParser::new(config.limits, CONNECT),
            answer: self.answer.clone(),
            requests: self.requests,
            draining: false,
            drained: self.drained,
            reused: false,
        }
    }

    /// Makes ready for another connection.
    pub(super) fn redial(&mut self, config: &ClientConfig) {
        self.parser.reset(config.limits, CONNECT);
        self.draining = false;
        self.reused = false;
    }

    /// Takes one step of the response.
    pub(super) fn read(
        &mut self,
        input: &[u8],
        at: &mut usize,
        config: &ClientConfig,
        refusal: &mut Option<Refusal>,
    ) -> Result<Progress, Error> {
        let rest = input.get(*at..).unwrap_or_default();
        self.reused &= rest.is_empty();
        let step = self.parser.handle_bytes(rest);
        *at += step.consumed;
        match step.event {
            Event::NeedMore => Ok(Progress::NeedMore),
            Event::Head { ended } => self.head(ended, config, refusal),
            Event::Body { start, end } => {
                self.drained = self.drained.saturating_add((end - start) as u64);
                match self.drained > MAX_DRAINED {
                    true => Ok(Progress::Redial),
                    false => Ok(Progress::Skipped),
                }
            }
            Event::End => self.ask_again(),
            Event::Error(error) => Err(error),
        }
    }

    fn head(&mut self, ended: bool, config: &ClientConfig, refusal: &mut Option<Refusal>) -> Result<Progress, Error> {
        let head = self.parser.head();
        match head.status {
            101 => {}
            100..=199 => return Ok(Progress::Skipped),
            200..=299 => return Ok(Progress::Granted),
            _ => {}
        }
        *refusal = Some(Refusal {
            status: head.status,
            reason: head.reason().to_vec(),
        });
        if head.status != 407 {
            return Err(Error::new(Code::ProxyStatus));
        }
        let (framing, keep_alive) = (head.framing, head.keep_alive);
        self.answer = self.choose(config)?;
        match framing {
            _ if !keep_alive => Ok(Progress::Redial),
            BodyFraming::Length(length) if length > MAX_DRAINED => Ok(Progress::Redial),
            _ if ended => self.ask_again(),
            _ => {
                (self.draining, self.drained) = (true, 0);
                Ok(Progress::Challenged)
            }
        }
    }

    fn ask_again(&mut self) -> Result<Progress, Error> {
        if self.parser.begin(CONNECT).is_err() {
            return Ok(Progress::Redial);
        }
        (self.draining, self.reused) = (false, true);
        Ok(Progress::AskAgain)
    }

    /// The strongest challenge that can be answered: Digest by its hash, then Basic (RFC 7616 §3.7).
    ///
    /// An answer that was refused is not given again, except for a nonce that the proxy calls stale.
    fn choose(&self, config: &ClientConfig) -> Result<Answer, Error> {
        const REQUIRED: Error = Error::new(Code::ProxyAuthenticationRequired);
        if config.credentials.is_none() {
            return Err(REQUIRED);
        }
        let offered = challenges(self.parser.head().fields());
        let digests = offered.iter().filter(|offer| eq_name(offer.scheme, b"digest"));
        let digest = digests
            .filter_map(DigestChallenge::read)
            .max_by_key(DigestChallenge::strength);
        let basic = offered.iter().any(|offer| eq_name(offer.scheme, b"basic"));
        match (digest, &self.answer) {
            _ if self.requests >= MAX_REQUESTS => Err(REQUIRED),
            (Some(digest), Answer::Digest(_)) if !digest.stale => Err(REQUIRED),
            (Some(digest), _) => Ok(Answer::Digest(Box::new(digest))),
            (None, Answer::None) if basic => Ok(Answer::Basic),
            (None, _) if basic => Err(REQUIRED),
            (None, _) => Err(Error::new(Code::ProxyAuthenticationUnsupported)),
        }
    }
}

/// The request head. Its buffer does not grow once credentials are in it, so that no copy stays behind.
fn write(answer: &Answer, config: &ClientConfig) -> Result<Vec<u8>, Error> {
    let target = config.target.to_string();
    let secret = config.credentials.as_ref();
    let secret = secret.map_or(0, |known| known.username().len() + known.password().len());
    let mut block = Zeroizing::new(Vec::with_capacity(
        target.len() + config.headers.len() + 2 * secret + 256,
    ));
    if !fields(&config.headers).any(|(name, _)| eq_name(name, b"host")) {
        put(&mut block, b"Host", |value| value.extend_from_slice(target.as_bytes()));
    }
    block.extend_from_slice(&config.headers);
    if let Some(credentials) = &config.credentials {
        match answer {
            Answer::None => {}
            Answer::Basic => put(&mut block, b"Proxy-Authorization", |value| {
                basic::write_value(value, credentials);
            }),
            Answer::Digest(challenge) => put(&mut block, b"Proxy-Authorization", |value| {
                challenge.write_value(value, credentials, target.as_bytes(), &config.entropy);
            }),
        }
    }
    // On the wire a field has four bytes around name and value where the block has two.
    let mut out = Vec::with_capacity(2 * block.len() + target.len() + 64);
    write_request_head(&mut out, b"CONNECT", target.as_bytes(), &block, BodySize::None)?;
    Ok(out)
}

fn put(block: &mut Vec<u8>, name: &[u8], value: impl FnOnce(&mut Vec<u8>)) {
    block.extend_from_slice(name);
    block.push(0);
    value(block);
    block.push(0);
}
