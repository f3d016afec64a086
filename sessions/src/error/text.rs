//! The texts of errors: with all causes, and without characters that would forge a line of a log.

use std::{error::Error as StdError, fmt};

/// Returns the message of an error, with those of its sources.
pub(crate) fn chain(err: &dyn StdError) -> String {
    let mut text = err.to_string();
    let mut next = err.source();
    while let Some(source) = next {
        let message = source.to_string();
        // Some errors repeat their source.
        if !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        next = source.source();
    }
    text
}

/// Shows a text with its control characters and line breaks escaped: a key that a client chose must not
/// begin a line of the log, nor command a terminal (OWASP ASVS 16.4.1; CWE-117).
#[derive(Clone, Copy)]
pub(crate) struct Escaped<T>(pub(crate) T);

impl<T: AsRef<str>> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_ref();
        while let Some(at) = rest.find(is_deceptive) {
            let (plain, tail) = rest.split_at(at);
            f.write_str(plain)?;
            let mut characters = tail.chars();
            if let Some(character) = characters.next() {
                write!(f, "{}", character.escape_default())?;
            }
            rest = characters.as_str();
        }
        f.write_str(rest)
    }
}

/// Whether a character changes how the text around it is shown: control characters, line and paragraph
/// separators, and those that change the direction of writing (CVE-2021-42574).
fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::{Escaped, chain};

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Failed(&'static str, #[source] Option<Box<Failed>>);

    #[test]
    fn a_text_that_would_forge_a_line_is_escaped_and_any_other_is_shown_as_it_is() {
        for (text, shown) in [
            ("a\nb", "a\\nb"),
            ("\r\n", "\\r\\n"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"),
            ("\u{202e}txt.exe", "\\u{202e}txt.exe"),
            ("\0\u{7f}\u{85}", "\\u{0}\\u{7f}\\u{85}"),
            ("größe \"日本\" `k` e\u{301} \\n", "größe \"日本\" `k` e\u{301} \\n"),
            ("", ""),
        ] {
            assert_eq!(Escaped(text).to_string(), shown);
        }
    }

    #[test]
    fn a_chain_names_every_cause_once() {
        let refused = || Some(Box::new(Failed("connection refused", None)));
        let err = Failed("store down", Some(Box::new(Failed("cannot connect", refused()))));
        assert_eq!(chain(&err), "store down: cannot connect: connection refused");
        let repeats = Failed("store down: connection refused", refused());
        assert_eq!(chain(&repeats), "store down: connection refused");
    }
}
