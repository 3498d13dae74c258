//! The error codes of millrace and the one error type that crosses its crates.
//!
//! `codes.json` beside this crate is the only list. `scripts/generate.mjs` makes [`Code`] from it, the TypeScript
//! table and `docs/errors.md`; the check fails when one of them has drifted. Codes are promises, texts are not.
#![forbid(unsafe_code)]

mod generated;

pub use generated::Code;

/// Whose fault an error is, and so who has to change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The peer broke a rule of its protocol.
    Protocol,
    /// A limit of ours was reached; the error names the option.
    Limit,
    /// Our caller broke a rule.
    Misuse,
    /// The operating system refused.
    System,
    /// A deadline passed.
    Timeout,
    /// The thing had ended, in an orderly way or not.
    Closed,
    /// We broke a rule of our own.
    Bug,
}

/// The limit that an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The configured value.
    pub value: u64,
    /// What was seen: at least one past `value`, and no more than had arrived.
    pub seen: u64,
}

/// A coded error. Small and `Copy`: it is returned from parsers on hostile input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// The stable code.
    pub code: Code,
    /// For limits: the value and what was seen.
    pub limit: Option<Limit>,
    /// For system errors: the number the system gave.
    pub errno: Option<i32>,
    /// For system errors: the call that failed.
    pub syscall: Option<&'static str>,
    /// For an alert that was received: its number (RFC 8446 §6).
    pub alert: Option<u8>,
}

impl Error {
    /// An error that its code says all about.
    pub const fn new(code: Code) -> Self {
        Self {
            code,
            limit: None,
            errno: None,
            syscall: None,
            alert: None,
        }
    }

    /// A limit that was passed: its value, and what was seen.
    pub const fn limit(code: Code, value: u64, seen: u64) -> Self {
        Self {
            code,
            limit: Some(Limit { value, seen }),
            errno: None,
            syscall: None,
            alert: None,
        }
    }

    /// What of it is numbers: the limit's value and what was seen, or the number of the alert; else zeros.
    pub fn numbers(&self) -> (u64, u64) {
        match (self.limit, self.alert) {
            (Some(Limit { value, seen }), _) => (value, seen),
            (None, alert) => (alert.map_or(0, u64::from), 0),
        }
    }

    /// A system call that failed.
    pub fn system(syscall: &'static str, error: &std::io::Error) -> Self {
        Self {
            code: Code::System,
            limit: None,
            errno: error.raw_os_error(),
            syscall: Some(syscall),
            alert: None,
        }
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.code.text())?;
        if let Some(Limit { value, seen }) = self.limit {
            write!(f, " (limit {value}, seen {seen})")?;
        }
        if let (Some(call), Some(errno)) = (self.syscall, self.errno) {
            write!(f, " ({call}: errno {errno})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_again_by_its_number() {
        for code in Code::ALL {
            assert_eq!(Code::from_id(code.id()), Some(*code));
        }
        assert_eq!(Code::from_id(0), None);
    }

    #[test]
    fn its_numbers_are_those_of_its_limit_or_of_its_alert() {
        assert_eq!(Error::limit(Code::HttpBodyTooLarge, 10, 11).numbers(), (10, 11));
        let alert = Error {
            alert: Some(116),
            ..Error::new(Code::TlsAlertReceived)
        };
        assert_eq!(alert.numbers(), (116, 0));
        assert_eq!(Error::new(Code::ConnectionReset).numbers(), (0, 0));
    }

    #[test]
    fn a_limit_error_names_what_was_allowed_and_what_came() {
        let text = Error::limit(Code::HttpBodyTooLarge, 10, 11).to_string();
        assert!(
            text.contains("MILLRACE_HTTP_BODY_TOO_LARGE") && text.contains("limit 10, seen 11"),
            "{text}"
        );
    }
}
