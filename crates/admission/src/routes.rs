//! From paths to the longest of many prefixes.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use millrace_error::{Code, Error};

/// A tree of path segments.
///
/// A lookup goes down one segment at a time and ends at the first that no prefix has, so its cost grows with the depth
/// of the prefixes and not with their number, and no path makes it walk further.
///
/// A prefix ends where a segment does: `/api` covers `/api`, `/api/` and `/api/v1`, and not `/apis`. Letters of ASCII
/// are equal in both cases, as routers take them by default. A path that routers read differently is looked up both
/// ways, as it stands and in its plain form (see [`plain_form`]), so that neither reading is a way round a rule.
#[derive(Debug)]
pub(crate) struct Routes {
    nodes: Vec<Node>,
    /// The length of the longest prefix in its plain form: what lies behind it decides nothing.
    longest: usize,
    /// The path in lower case, or in its plain form; as large as the longest odd path so far.
    scratch: Vec<u8>,
}

#[derive(Debug, Default)]
struct Node {
    children: HashMap<Box<[u8]>, usize, RandomState>,
    rules: Vec<u32>,
}

/// The rules that a path falls under: those of the longest prefix of the path as it stands, and where another prefix
/// is the longest of its plain form, those as well.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub(crate) literal: &'a [u32],
    pub(crate) plain: &'a [u32],
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self {
            nodes: vec![Node::default()],
            longest: 0,
            scratch: Vec::new(),
        }
    }

    /// Adds a rule, and says the prefix in its plain form. Rules of one prefix keep their order.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for what is not a path: no `/` in front, or a query or fragment behind.
    pub(crate) fn add(&mut self, prefix: &str, rule: u32) -> Result<Vec<u8>, Error> {
        if !prefix.starts_with('/') || prefix.contains(['?', '#']) {
            return Err(Code::InvalidArgument.into());
        }
        let mut plain = Vec::new();
        plain_form(prefix.as_bytes(), &mut plain);
        let mut at = 0;
        for segment in segments(&plain) {
            at = match self.nodes[at].children.get(segment) {
                Some(child) => *child,
                None => {
                    self.nodes.push(Node::default());
                    let child = self.nodes.len() - 1;
                    self.nodes[at].children.insert(segment.into(), child);
                    child
                }
            };
        }
        self.nodes[at].rules.push(rule);
        self.longest = self.longest.max(plain.len());
        Ok(plain)
    }

    /// The rules for a path; a query or fragment behind it is ignored.
    pub(crate) fn find(&mut self, path: &[u8]) -> Found<'_> {
        let (path, odd) = survey(path);
        self.scratch.clear();
        let seen = &path[..path.len().min(self.longest + 1)];
        // `longest` is the configuration's and no path's, so this reservation is bounded.
        self.scratch.extend(seen.iter().map(u8::to_ascii_lowercase));
        let literal = self.deepest();
        let mut plain = literal;
        // A system without memory for the copy of an odd path gets the literal reading only.
        if odd && self.scratch.try_reserve(path.len() + 1).is_ok() {
            self.scratch.clear();
            plain_form(path, &mut self.scratch);
            plain = self.deepest();
        }
        let rules = |node: Option<usize>| node.map_or(&[][..], |node| &self.nodes[node].rules);
        Found {
            literal: rules(literal),
            plain: rules(plain.filter(|_| plain != literal)),
        }
    }

    /// The node of the longest prefix of the path in `scratch` that has rules.
    fn deepest(&self) -> Option<usize> {
        let mut at = 0;
        let mut found = None;
        if !self.nodes[at].rules.is_empty() {
            found = Some(at);
        }
        for segment in segments(&self.scratch) {
            let Some(child) = self.nodes[at].children.get(segment) else {
                break;
            };
            at = *child;
            if !self.nodes[at].rules.is_empty() {
                found = Some(at);
            }
        }
        found
    }
}

/// The segments behind each `/`.
fn segments(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').skip(1)
}

/// The path without query and fragment, and whether routers may read it differently: it has an escape, a backslash,
/// or a segment that is empty or begins with a dot, before its end.
fn survey(path: &[u8]) -> (&[u8], bool) {
    let mut odd = false;
    let mut before = 0;
    for (at, byte) in path.iter().enumerate() {
        match byte {
            b'?' | b'#' => return (&path[..at], odd),
            b'%' | b'\\' => odd = true,
            b'/' | b'.' => odd |= before == b'/',
            _ => {}
        }
        before = *byte;
    }
    (path, odd)
}

/// Appends the plain form of a path: escapes decoded once (RFC 3986 §6.2.2.2), except for those of `/` and `\`, which
/// would be other segments; `\` taken for `/` as URLs of the WHATWG are read; empty segments, `.` and `..` resolved
/// (§5.2.4); no `/` at the end; ASCII letters in lower case.
fn plain_form(path: &[u8], out: &mut Vec<u8>) {
    for segment in path.split(|byte| matches!(byte, b'/' | b'\\')) {
        let start = out.len();
        out.push(b'/');
        decode(segment, out);
        match &out[start + 1..] {
            b"" | b"." => out.truncate(start),
            b".." => {
                let parent = out[..start].iter().rposition(|byte| *byte == b'/');
                out.truncate(parent.unwrap_or(0));
            }
            _ => {}
        }
    }
}

fn decode(segment: &[u8], out: &mut Vec<u8>) {
    let mut rest = segment;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        let escaped = match (first, behind) {
            (b'%', [high, low, behind @ ..]) => hex(*high).zip(hex(*low)).map(|(h, l)| (h << 4 | l, behind)),
            _ => None,
        };
        let byte = match escaped {
            Some((byte, behind)) if !matches!(byte, b'/' | b'\\') => {
                rest = behind;
                byte
            }
            _ => *first,
        };
        out.push(byte.to_ascii_lowercase());
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(path: &str) -> String {
        let mut out = Vec::new();
        plain_form(path.as_bytes(), &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn the_plain_form_resolves_what_routers_read_differently() {
        for (path, expected) in [
            ("/", ""),
            ("", ""),
            ("/api", "/api"),
            ("/API/", "/api"),
            ("//api///v1", "/api/v1"),
            ("/./api/.", "/api"),
            ("/x/../api", "/api"),
            ("/../../api", "/api"),
            ("/x/%2e%2E/api", "/api"),
            ("/%61p%69", "/api"),
            ("/%2561pi", "/%61pi"),
            ("/a%2Fb", "/a%2fb"),
            ("/a%5cb", "/a%5cb"),
            ("\\x\\..\\api", "/api"),
            ("/%", "/%"),
            ("/%6", "/%6"),
            ("/%zz", "/%zz"),
            ("/...", "/..."),
        ] {
            assert_eq!(plain(path), expected, "{path}");
        }
    }

    #[test]
    fn only_odd_paths_are_looked_up_twice() {
        for path in [
            "/",
            "/api/v1",
            "/a.b/c",
            "/a.",
            "/api/",
            "/api?x=//../%61",
            "/a#/../b",
            "*",
            "",
        ] {
            assert!(!survey(path.as_bytes()).1, "{path}");
        }
        for path in ["//", "/.", "/a/..", "/%61", "/a\\b", "/a//b?x"] {
            assert!(survey(path.as_bytes()).1, "{path}");
        }
    }

    #[test]
    fn refuses_prefixes_that_are_no_paths() {
        for prefix in ["", "api", "*", "/a?b", "/a#b", "http://a/b"] {
            assert!(Routes::new().add(prefix, 0).is_err(), "{prefix}");
        }
    }

    #[test]
    fn a_path_cut_behind_the_longest_prefix_is_not_taken_for_it() {
        let mut routes = Routes::new();
        routes.add("/ab", 0).expect("a path");
        routes.add("/ab/c", 1).expect("a path");
        for (path, expected) in [("/ab/c", 1), ("/ab/c/d", 1), ("/ab/cd", 0), ("/ab/", 0)] {
            assert_eq!(routes.find(path.as_bytes()).literal, [expected], "{path}");
        }
        assert!(routes.find(b"/abc").literal.is_empty());
    }
}
