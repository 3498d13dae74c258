//! The states of a client's handshake, and every move between them.
//!
//! ```text
//!  Connecting ─ Secure → Tls
//!  Connecting, Tls ─ Greet → Greeting ─ Authenticate → Auth        SOCKS5
//!  Connecting, Tls, Greeting, Auth ─ Ask → Request ─ Grant → Open
//!  Request ─ Challenge → Auth;  Request, Auth ─ Redial → Connecting        HTTP, after a 407
//! ```
//!
//! Fail and Cancel lead from every state that is not over into Failed and Cancelled.

use crate::IllegalMove;

/// Where a handshake stands, named by what is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// The connection to the proxy.
    Connecting,
    /// The TLS handshake with the proxy.
    Tls,
    /// SOCKS5: the proxy's choice of a method.
    Greeting,
    /// SOCKS5: the verdict on user name and password. HTTP: the end of a 407 whose challenge will be answered.
    Auth,
    /// The answer to the request.
    Request,
    /// Nothing: the bytes are the tunnel's.
    Open,
    /// Nothing: the proxy refused or broke a rule, or the connection ended.
    Failed,
    /// Nothing: our side has given up.
    Cancelled,
}

/// What leads from one state to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Move {
    /// The connection stands and TLS comes first.
    Secure,
    /// The greeting goes out.
    Greet,
    /// The proxy chose user name and password, which go out.
    Authenticate,
    /// The request goes out.
    Ask,
    /// A 407 came whose challenge can be answered.
    Challenge,
    /// The answer to a challenge needs another connection.
    Redial,
    /// The proxy has opened the tunnel.
    Grant,
    /// The handshake cannot succeed any more.
    Fail,
    /// Our side gives up.
    Cancel,
}

impl State {
    /// All states.
    pub const ALL: [Self; 8] = [
        Self::Connecting,
        Self::Tls,
        Self::Greeting,
        Self::Auth,
        Self::Request,
        Self::Open,
        Self::Failed,
        Self::Cancelled,
    ];
}

impl Move {
    /// All moves.
    pub const ALL: [Self; 9] = [
        Self::Secure,
        Self::Greet,
        Self::Authenticate,
        Self::Ask,
        Self::Challenge,
        Self::Redial,
        Self::Grant,
        Self::Fail,
        Self::Cancel,
    ];

    /// What an illegal attempt at it breaks.
    const fn rule(self) -> &'static str {
        match self {
            Self::Secure => "TLS begins where a connection was awaited",
            Self::Greet => "a greeting goes out first on a connection, after TLS if there is any",
            Self::Authenticate => "user name and password answer the proxy's choice of a method",
            Self::Ask => "a request goes out first on a connection, or after greeting and authentication",
            Self::Challenge => "a challenge answers a request",
            Self::Redial => "a connection is dialled again for a challenge or a request that was not answered",
            Self::Grant => "a grant answers a request",
            Self::Fail => "only a handshake that goes on can fail",
            Self::Cancel => "only a handshake that goes on can be cancelled",
        }
    }
}

/// The one table: from a state, by a move, to a state. What is not here is illegal.
pub const TRANSITIONS: &[(State, Move, State)] = {
    use Move::*;
    use State::*;
    // `Request` is a state, `Ask` the move to it.
    &[
        (Connecting, Secure, Tls),
        (Connecting, Greet, Greeting),
        (Connecting, Ask, Request),
        (Connecting, Fail, Failed),
        (Connecting, Cancel, Cancelled),
        (Tls, Greet, Greeting),
        (Tls, Ask, Request),
        (Tls, Fail, Failed),
        (Tls, Cancel, Cancelled),
        (Greeting, Authenticate, Auth),
        (Greeting, Ask, Request),
        (Greeting, Fail, Failed),
        (Greeting, Cancel, Cancelled),
        (Auth, Ask, Request),
        (Auth, Redial, Connecting),
        (Auth, Fail, Failed),
        (Auth, Cancel, Cancelled),
        (Request, Challenge, Auth),
        (Request, Redial, Connecting),
        (Request, Grant, Open),
        (Request, Fail, Failed),
        (Request, Cancel, Cancelled),
    ]
};

impl State {
    /// The state that a move leads to.
    pub fn after(self, by: Move) -> Result<Self, IllegalMove> {
        let row = TRANSITIONS.iter().find(|(from, with, _)| (*from, *with) == (self, by));
        row.map(|(_, _, to)| *to).ok_or(IllegalMove { rule: by.rule() })
    }

    /// Whether the handshake is over, one way or another.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Open | Self::Failed | Self::Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use millrace_error::{Code, Error};

    use super::*;

    /// The table again, drawn: a row for each state, a column for each move, `-` for illegal.
    const DRAWN: &str = "
                   Secure Greet    Authenticate Ask     Challenge Redial     Grant Fail   Cancel
        Connecting Tls    Greeting -            Request -         -          -     Failed Cancelled
        Tls        -      Greeting -            Request -         -          -     Failed Cancelled
        Greeting   -      -        Auth         Request -         -          -     Failed Cancelled
        Auth       -      -        -            Request -         Connecting -     Failed Cancelled
        Request    -      -        -            -       Auth      Connecting Open  Failed Cancelled
        Open       -      -        -            -       -         -          -     -      -
        Failed     -      -        -            -       -         -          -     -      -
        Cancelled  -      -        -            -       -         -          -     -      -
    ";

    #[test]
    fn every_state_takes_every_move_as_drawn() {
        let mut rows = DRAWN.lines().filter(|line| !line.trim().is_empty());
        let moves: Vec<&str> = rows.next().expect("a head").split_whitespace().collect();
        assert_eq!(moves, Move::ALL.map(|by| format!("{by:?}")));
        let mut seen = 0;
        for (row, state) in rows.zip(State::ALL) {
            let mut words = row.split_whitespace();
            assert_eq!(words.next(), Some(format!("{state:?}").as_str()));
            for (word, by) in words.zip(Move::ALL) {
                let got = state.after(by).map_or("-".into(), |to| format!("{to:?}"));
                assert_eq!(got, word, "{state:?} by {by:?}");
                seen += 1;
            }
        }
        assert_eq!(seen, State::ALL.len() * Move::ALL.len());
    }

    #[test]
    fn no_pair_stands_twice_in_the_table() {
        for (index, (from, by, _)) in TRANSITIONS.iter().enumerate() {
            let again = TRANSITIONS[index + 1..].iter().any(|(f, b, _)| (f, b) == (from, by));
            assert!(!again, "{from:?} by {by:?}");
        }
    }

    #[test]
    fn a_state_that_is_over_has_no_way_out_and_every_other_may_fail_and_be_cancelled() {
        for state in State::ALL {
            let ways = TRANSITIONS.iter().filter(|(from, ..)| *from == state).count();
            assert_eq!(state.is_over(), ways == 0, "{state:?}");
            assert_eq!(state.after(Move::Fail).is_ok(), !state.is_over());
            assert_eq!(state.after(Move::Cancel).is_ok(), !state.is_over());
        }
    }

    #[test]
    fn an_illegal_move_names_its_rule() {
        let illegal = State::Open.after(Move::Grant).expect_err("the tunnel is open");
        assert_eq!(illegal.to_string(), "a grant answers a request");
        assert_eq!(Error::from(illegal).code, Code::InvalidState);
    }
}
