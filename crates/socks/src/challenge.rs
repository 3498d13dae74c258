//! Challenges: what the `Proxy-Authenticate` fields of a 407 offer (RFC 9110 §11.6.1 and §11.7.1).
//!
//! ```text
//!  Proxy-Authenticate = #challenge
//!  challenge          = auth-scheme [ 1*SP ( token68 / #auth-param ) ]
//!  auth-param         = token BWS "=" BWS ( token / quoted-string )
//! ```
//!
//! Several challenges may stand in one field, so a comma may end a parameter or a challenge: a token that no `=`
//! follows begins the next challenge. What is malformed ends the reading of its field; what was read before counts.

use millrace_head::{eq_name, fields, token_run};

/// One challenge.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Challenge<'a> {
    pub(crate) scheme: &'a [u8],
    /// Names as received; quoted values without quotes and escapes.
    pub(crate) params: Vec<(&'a [u8], Vec<u8>)>,
}

impl Challenge<'_> {
    /// The value of a parameter; of one that is repeated, the first.
    pub(crate) fn param(&self, name: &[u8]) -> Option<&[u8]> {
        let found = self.params.iter().find(|(known, _)| eq_name(known, name));
        found.map(|(_, value)| &value[..])
    }
}

/// More challenges, or more parameters of one, are not read.
const MAX_CHALLENGES: usize = 16;
const MAX_PARAMS: usize = 16;

/// All challenges in a block of fields.
pub(crate) fn challenges(block: &[u8]) -> Vec<Challenge<'_>> {
    let mut found = Vec::new();
    for (name, value) in fields(block) {
        if eq_name(name, b"proxy-authenticate") {
            read_field(&mut found, value);
        }
    }
    found
}

fn skip<'a>(text: &'a [u8], bytes: &[u8]) -> &'a [u8] {
    let run = text.iter().position(|b| !bytes.contains(b)).unwrap_or(text.len());
    &text[run..]
}

fn read_field<'a>(found: &mut Vec<Challenge<'a>>, mut rest: &'a [u8]) {
    // A parameter belongs to a challenge of its own field.
    let mut within = false;
    loop {
        rest = skip(rest, b" \t,");
        let run = token_run(rest);
        if run == 0 {
            return;
        }
        let (token, after) = rest.split_at(run);
        let value = skip(after, b" \t");
        match value {
            // `token68` may end in `=` as well, but then nothing but `=`, a comma or the end follows.
            [b'=', value @ ..] if within => {
                let Some((value, after)) = read_param(skip(value, b" \t")) else {
                    return;
                };
                let params = &mut found.last_mut().expect("a challenge was pushed before `within`").params;
                if params.len() < MAX_PARAMS {
                    params.push((token, value));
                }
                rest = after;
            }
            _ => {
                if found.len() == MAX_CHALLENGES {
                    return;
                }
                found.push(Challenge {
                    scheme: token,
                    params: Vec::new(),
                });
                within = true;
                rest = skip_token68(after);
            }
        }
    }
}

/// Skips the `token68` of a challenge such as `Negotiate YII=`, if there is one.
fn skip_token68(after: &[u8]) -> &[u8] {
    let text = skip(after, b" ");
    let run = text
        .iter()
        .position(|&b| !(b.is_ascii_alphanumeric() || b"-._~+/".contains(&b)))
        .unwrap_or(text.len());
    let end = skip(skip(&text[run..], b"="), b" \t");
    if run > 0 && text.len() < after.len() && matches!(end, [] | [b',', ..]) {
        end
    } else {
        after
    }
}

/// A token or a quoted string, and what follows it.
fn read_param(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let [b'"', quoted @ ..] = text else {
        let run = token_run(text);
        return (run > 0).then(|| (text[..run].to_vec(), &text[run..]));
    };
    let mut value = Vec::new();
    let mut at = 0;
    loop {
        match quoted[at..] {
            [b'"', ..] => return Some((value, &quoted[at + 1..])),
            [b'\\', escaped, ..] => {
                value.push(escaped);
                at += 2;
            }
            [b'\\'] | [] => return None,
            [byte, ..] => {
                value.push(byte);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Vec<String> {
        let block: Vec<u8> = values
            .iter()
            .flat_map(|value| [b"Proxy-Authenticate\0", value.as_bytes(), b"\0"].concat())
            .collect();
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        challenges(&block)
            .iter()
            .map(|challenge| {
                let params = challenge.params.iter();
                let params = params.map(|(name, value)| format!(" {}={}", text(name), text(value)));
                text(challenge.scheme) + &params.collect::<String>()
            })
            .collect()
    }

    #[test]
    fn reads_every_challenge_of_every_field() {
        let rows: &[(&[&str], &[&str])] = &[
            (&[""], &[]),
            (&["Basic"], &["Basic"]),
            (&["Basic realm=\"a b\""], &["Basic realm=a b"]),
            (
                &["Basic realm=a", "Digest realm=\"b\", nonce=\"c\""],
                &["Basic realm=a", "Digest realm=b nonce=c"],
            ),
            (
                &["Basic realm=a, Digest realm=\"b\", nonce=\"c\""],
                &["Basic realm=a", "Digest realm=b nonce=c"],
            ),
            (
                &["Negotiate, NTLM , Basic realm = \"x\""],
                &["Negotiate", "NTLM", "Basic realm=x"],
            ),
            (&["Negotiate YII==, Basic realm=x"], &["Negotiate", "Basic realm=x"]),
            (&["NTLM TlRM=,Basic realm=x"], &["NTLM", "Basic realm=x"]),
            (&["Bearer abc, Basic realm=x"], &["Bearer", "Basic realm=x"]),
            (
                &["Basic realm=\"a, Digest b=\\\"c\\\"\""],
                &["Basic realm=a, Digest b=\\\"c\\\""],
            ),
            (&[",, ,Basic,,realm=a,,"], &["Basic realm=a"]),
            (
                &["Digest qop=\"auth,auth-int\",nonce=n"],
                &["Digest qop=auth,auth-int nonce=n"],
            ),
            (&["Basic realm=\"open"], &["Basic"]),
            (&["Basic realm=\"x\\"], &["Basic"]),
            (&["Basic realm=, Digest nonce=n"], &["Basic", "Digest nonce=n"]),
            (&["realm=x"], &["realm"]),
            (
                &["Basic realm=a @", "Digest nonce=n"],
                &["Basic realm=a", "Digest nonce=n"],
            ),
        ];
        for (values, expected) in rows {
            assert_eq!(read(values), *expected, "{values:?}");
        }
    }

    #[test]
    fn reads_sixteen_challenges_and_no_more() {
        let many = vec!["Basic"; 17].join(", ");
        assert_eq!(read(&[&many]).len(), 16);
        let params: String = (0..17).map(|i| format!("p{i}=v,")).collect();
        assert_eq!(read(&[&format!("Digest {params}")])[0].matches("=v").count(), 16);
    }
}
