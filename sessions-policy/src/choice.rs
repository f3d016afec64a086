//! Policies that are a choice between a few words.

use std::{error::Error, fmt, str::FromStr};

/// A policy that is set by one of a few words, spelt exactly.
pub trait Choice: Copy + 'static {
    /// The type's name, for code that names it.
    const NAME: &'static str;

    /// The words, in the order of the documentation: the default first.
    const WORDS: &'static [&'static str];

    /// Returns the choice that this word makes, or `None` when it is not in
    /// [`WORDS`](Self::WORDS).
    fn from_word(word: &str) -> Option<Self>;
}

/// A word that a policy does not choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChoiceError {
    expected: &'static [&'static str],
}

impl fmt::Display for ChoiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected ")?;
        for (at, word) in self.expected.iter().enumerate() {
            let separator = match at {
                0 => "",
                _ if at + 1 == self.expected.len() => " or ",
                _ => ", ",
            };
            write!(f, "{separator}`\"{word}\"`")?;
        }
        Ok(())
    }
}

impl Error for ChoiceError {}

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl Choice for $name {
            const NAME: &'static str = stringify!($name);

            const WORDS: &'static [&'static str] = &[$($word),*];

            fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }

        impl FromStr for $name {
            type Err = ChoiceError;

            fn from_str(word: &str) -> Result<Self, ChoiceError> {
                Self::from_word(word).ok_or(ChoiceError { expected: Self::WORDS })
            }
        }

        /// Writes the word that makes this choice.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $word,)*
                })
            }
        }
    };
}

choice! {
    /// When a session is opened.
    OpenMode {
        /// On first use: a request that does not use its session costs nothing. `"lazy"`.
        #[default]
        Lazy = "lazy",
        /// Before the handler, as Flask does. `"eager"`.
        Eager = "eager",
    }
}

choice! {
    /// Which responses save what the request changed. Purging a session and giving it a new token
    /// are always carried out.
    SaveWhen {
        /// All of them, as Flask does. `"always"`.
        #[default]
        Always = "always",
        /// All but those with a status of 500 and above. `"not_5xx"`.
        Not5xx = "not_5xx",
        /// Those with a status below 400. `"success"`.
        Success = "success",
    }
}

impl SaveWhen {
    /// Whether a response with this status code saves.
    pub const fn saves(self, status: u16) -> bool {
        match self {
            Self::Always => true,
            Self::Not5xx => status < 500,
            Self::Success => status < 400,
        }
    }
}

choice! {
    /// What a request gets when its session could not be opened.
    OnLoadError {
        /// An error: 503 to the client. `"error"`.
        #[default]
        Error = "error",
        /// The null session: reads see nothing, writes are errors, nothing is saved. `"null"`.
        Null = "null",
    }
}

choice! {
    /// What a request gets when its changes could not be saved. When purging a session or giving
    /// it a new token fails, that is always an error.
    OnSaveError {
        /// An error: 500 to the client. `"error"`.
        #[default]
        Error = "error",
        /// The handler's response, without the cookie, and a line in the log. `"log"`.
        Log = "log",
    }
}

choice! {
    /// What a request gets that changed a session which was ended elsewhere while it ran. Its
    /// changes are dropped in both cases.
    OnGone {
        /// An error: 409 to the client. `"error"`.
        #[default]
        Error = "error",
        /// The handler's response, and a line in the log. `"drop"`.
        Drop = "drop",
    }
}

choice! {
    /// What happens to a session of another framework that is taken over, for example by
    /// `ImportActixSession`.
    ImportMode {
        /// Its cookie and its record stay as they are, so that a rollback finds its users logged
        /// in. `"copy"`.
        #[default]
        Copy = "copy",
        /// Its cookie is removed and its record deleted, once it is saved here. `"move"`.
        Move = "move",
    }
}

choice! {
    /// The result of reading a field of typed content whose stored value does not parse.
    OnDecodeError {
        /// Its default, and a line in the log. `"default"`.
        #[default]
        Default = "default",
        /// An error of the method that reads. `"error"`.
        Error = "error",
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Choice, ImportMode, OnDecodeError, OnGone, OnLoadError, OnSaveError, OpenMode, SaveWhen,
    };

    fn spells_exactly<C: Choice + std::fmt::Display + Default>() {
        for word in C::WORDS {
            assert_eq!(C::from_word(word).unwrap().to_string(), *word);
            assert!(C::from_word(&word.to_uppercase()).is_none());
            assert!(C::from_word(&format!("{word} ")).is_none());
        }
        assert_eq!(C::default().to_string(), C::WORDS[0]);
    }

    #[test]
    fn words_are_exact_and_the_default_comes_first() {
        spells_exactly::<OpenMode>();
        spells_exactly::<SaveWhen>();
        spells_exactly::<OnLoadError>();
        spells_exactly::<OnSaveError>();
        spells_exactly::<OnDecodeError>();
        spells_exactly::<OnGone>();
        spells_exactly::<ImportMode>();
    }

    #[test]
    fn a_wrong_word_is_an_error_that_names_the_right_ones() {
        let err = "never".parse::<SaveWhen>().unwrap_err();
        assert_eq!(err.to_string(), "expected `\"always\"`, `\"not_5xx\"` or `\"success\"`");
    }

    #[test]
    fn each_choice_saves_below_its_limit() {
        let statuses = [200, 302, 399, 400, 404, 499, 500, 503];
        let saved = |when: SaveWhen| statuses.iter().filter(|status| when.saves(**status)).count();
        assert_eq!(saved(SaveWhen::Always), 8);
        assert_eq!(saved(SaveWhen::Not5xx), 6);
        assert_eq!(saved(SaveWhen::Success), 3);
    }
}
