//! Request targets (RFC 9112 §3.2).

use millrace_error::{Code, Error};

use crate::Method;
use crate::bytes::{TARGET, run};
use crate::host::check_authority;

/// Which of the four forms a request target has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetForm {
    /// `/path?query`
    Origin,
    /// `http://host/path`
    Absolute,
    /// `host:port`, for CONNECT alone
    Authority,
    /// `*`, for OPTIONS alone
    Asterisk,
}

const REFUSED: Error = Error::new(Code::HttpInvalidTarget);

/// Checks a request target and says which form it has.
///
/// Only visible ASCII, no fragment. The absolute form must be http or https with a non-empty authority and no user
/// information; the authority form belongs to CONNECT and needs a port; `*` belongs to OPTIONS.
///
/// RFC 3986 leaves out a few visible bytes (`"`, `<`, `|`, …); we let them pass because browsers send them, and no
/// reading of such a target changes where the message ends.
#[inline]
pub fn check_target(method: Method, target: &[u8]) -> Result<TargetForm, Error> {
    if target.is_empty() || run(target, TARGET) != target.len() {
        return Err(REFUSED);
    }
    if method == Method::Connect {
        return check_authority(target, true)
            .map(|()| TargetForm::Authority)
            .map_err(|_| REFUSED);
    }
    match target {
        [b'/', ..] => Ok(TargetForm::Origin),
        [b'*'] if method == Method::Options => Ok(TargetForm::Asterisk),
        _ => absolute(target),
    }
}

fn absolute(target: &[u8]) -> Result<TargetForm, Error> {
    let rest = strip(target, b"http://")
        .or_else(|| strip(target, b"https://"))
        .ok_or(REFUSED)?;
    let end = rest.iter().position(|b| matches!(b, b'/' | b'?')).unwrap_or(rest.len());
    check_authority(&rest[..end], false)
        .map(|()| TargetForm::Absolute)
        .map_err(|_| REFUSED)
}

fn strip<'a>(target: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = target.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_four_forms() {
        use TargetForm::*;
        let rows: &[(Method, &str, TargetForm)] = &[
            (Method::Get, "/", Origin),
            (Method::Get, "//a?b?c|\"", Origin),
            (Method::Options, "*", Asterisk),
            (Method::Options, "/x", Origin),
            (Method::Get, "http://a/b", Absolute),
            (Method::Get, "HTTPS://a:1?x", Absolute),
            (Method::Get, "http://[::1]:80", Absolute),
            (Method::Connect, "a:443", Authority),
        ];
        for &(method, target, form) in rows {
            assert_eq!(check_target(method, target.as_bytes()), Ok(form), "{target}");
        }
    }

    #[test]
    fn refuses_targets_of_no_form_or_of_another_method() {
        let rows: &[(Method, &str)] = &[
            (Method::Get, ""),
            (Method::Get, "*"),
            (Method::Get, "a"),
            (Method::Get, "a:443"),
            (Method::Options, "*x"),
            (Method::Get, "/a#b"),
            (Method::Get, "/a b"),
            (Method::Get, "/\u{e9}"),
            (Method::Get, "/\x7f"),
            (Method::Get, "http://"),
            (Method::Get, "http:///a"),
            (Method::Get, "http://u@a/"),
            (Method::Get, "http://a:x/"),
            (Method::Get, "ftp://a/"),
            (Method::Get, "http:/a"),
            (Method::Connect, "/"),
            (Method::Connect, "a"),
            (Method::Connect, "http://a:443"),
            (Method::Connect, "*"),
        ];
        for &(method, target) in rows {
            assert_eq!(check_target(method, target.as_bytes()), Err(REFUSED), "{target}");
        }
    }
}
