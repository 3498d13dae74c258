//! The names that Rust has for what libraries say, taken apart into words.

use std::fmt::{self, Write};

/// The RFC's name of a type of message, or its number.
pub(super) fn type_name(each: &dyn fmt::Debug) -> String {
    let (name, inside) = parts(each);
    inside.unwrap_or(name)
}

/// The name of a variant in lower-case words, and what is inside of it where that is a text or a number.
pub(super) fn taken_apart(variant: &dyn fmt::Debug) -> String {
    let (name, inside) = parts(variant);
    let mut words = String::new();
    for (place, char) in name.char_indices() {
        if char.is_ascii_uppercase() && place > 0 {
            words.push(' ');
        }
        words.push(char.to_ascii_lowercase());
    }
    if let Some(inside) = inside {
        // A string takes everything.
        let _ = write!(words, ": {inside}");
    }
    words
}

/// The name in front of what a Debug text has in brackets, and what is there where it is plain.
fn parts(variant: &dyn fmt::Debug) -> (String, Option<String>) {
    let text = format!("{variant:?}");
    let end = text
        .find(|char: char| !char.is_ascii_alphanumeric())
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let inside = rest
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
        .map(|inside| inside.trim_matches('"'))
        .filter(|inside| inside.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    (name.to_owned(), inside.map(str::to_owned))
}
