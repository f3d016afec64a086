//! Why a value is not written or read.

use std::{borrow::Cow, fmt};

use serde_json::error::Category;

use crate::codec::finite::NOT_FINITE;

/// Why a value cannot be written as JSON or read from it.
///
/// serde's own message may quote the value, which must not reach a log: this one names the kind of
/// failure and its place in the JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct ValueError {
    problem: Cow<'static, str>,
    /// Line and column, counted from 1, where the JSON was read.
    place: Option<(usize, usize)>,
}

/// Messages of `serde_json` and of our own codecs, which quote nothing. Any other may be of the type that
/// is read or written.
const KNOWN: [&str; 16] = [
    "key must be a string",
    "float key must be finite (got NaN or +/-inf)",
    "number out of range",
    "recursion limit exceeded",
    "a `Tuple` holds a sequence",
    "a key must be a string",
    "the bytes are not in base64",
    "the integer has more than 64 bits",
    "the name of a variant has an escape",
    NOT_FINITE,
    "the number is not finite",
    "the raw value is not valid JSON",
    "the value has another tag",
    "the value is not valid JSON",
    "the variant is not a tag",
    "the tag ` di` needs a dictionary with one key that ends in `__`",
];

impl ValueError {
    /// Makes an error with a message of our own.
    pub(crate) fn new(problem: impl Into<Cow<'static, str>>) -> Self {
        Self { problem: problem.into(), place: None }
    }
}

impl From<serde_json::Error> for ValueError {
    fn from(err: serde_json::Error) -> Self {
        let text = err.to_string();
        let known = KNOWN.into_iter().find(|known| text.starts_with(known));
        let problem = known.unwrap_or_else(|| match err.classify() {
            Category::Data => "its type does not accept the value",
            Category::Syntax => "it is not valid JSON",
            Category::Eof => "the JSON ends too early",
            Category::Io => "the JSON cannot be written",
        });
        let place = (err.line() > 0).then(|| (err.line(), err.column()));
        Self { problem: problem.into(), place }
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)?;
        match self.place {
            Some((line, column)) => write!(f, " (line {line}, column {column} of its JSON)"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValueError({self})")
    }
}

impl std::error::Error for ValueError {}

#[cfg(test)]
mod tests {
    use serde::de::Error as _;

    use super::{KNOWN, ValueError};

    #[test]
    fn the_messages_of_our_codecs_are_known_and_a_type_s_own_are_not_shown() {
        #[cfg(feature = "flask")]
        for source in [
            include_str!("../codec/flask/read.rs"),
            include_str!("../codec/flask/write.rs"),
            include_str!("../codec/flask/wrappers.rs"),
            include_str!("../codec/flask/value.rs"),
        ] {
            for text in source.split("custom(\"").skip(1) {
                let text = text.split('"').next().expect("a text before the quote");
                let err = ValueError::from(serde_json::Error::custom(text));
                assert!(err.to_string().starts_with(text), "add this one to `KNOWN`: {text}");
            }
        }
        for known in KNOWN {
            let err = ValueError::from(<serde_json::Error as serde::ser::Error>::custom(known));
            assert_eq!(err.to_string(), known);
        }
        let own = ValueError::from(serde_json::Error::custom("4111 is no card"));
        assert_eq!(own.to_string(), "its type does not accept the value");
        let wrong = serde_json::from_str::<u8>("\n  true").unwrap_err();
        let shown = ValueError::from(wrong).to_string();
        assert_eq!(shown, "its type does not accept the value (line 2, column 6 of its JSON)");
        assert_eq!(format!("{:?}", ValueError::new("a")), "ValueError(a)");
    }
}
