//! The keys of `#[session(…)]` in one table, and the messages that are composed from it.

use proc_macro2::Ident;
use sessions_policy::{
    Choice, ImportMode, OnDecodeError, OnGone, OnLoadError, OnSaveError, OpenMode, SaveWhen,
};

use self::{
    Expects::{Nothing, OneOf, Word},
    Place::{Field, Struct},
};

/// The kind of item that an attribute is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Struct,
    Field,
}

/// The value that a key expects after its `=`.
enum Expects {
    /// The key stands alone.
    Nothing,
    /// One of these kinds, in the words of the messages.
    OneOf(&'static [&'static str]),
    /// One of these words, in quotes.
    Word(&'static [&'static str]),
}

macro_rules! keys {
    ($($key:ident = $word:literal on $place:ident: $expects:expr,)*) => {
        /// A key of `#[session(…)]`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Key {
            $($key,)*
        }

        impl Key {
            pub(super) const ALL: &[Self] = &[$(Self::$key),*];

            /// Returns the key as it is written.
            pub(crate) const fn word(self) -> &'static str {
                match self {
                    $(Self::$key => $word,)*
                }
            }

            pub(super) const fn place(self) -> Place {
                match self {
                    $(Self::$key => $place,)*
                }
            }

            const fn expects(self) -> Expects {
                match self {
                    $(Self::$key => $expects,)*
                }
            }
        }
    };
}

const FUNCTION: &str = "the path of a function";
const ASYNC_FUNCTION: &str = "the path of an async function";
const TRUE: &str = "`true`";
const FALSE: &str = "`false`";
const SECONDS: &str = "a number of seconds";

keys! {
    CookieName = "cookie_name" on Struct: OneOf(&["a name such as `\"__Host-id\"`", FUNCTION]),
    Domain = "domain" on Struct: OneOf(&["a domain such as `\"example.com\"`", FALSE, FUNCTION]),
    Path = "path" on Struct: OneOf(&["a path such as `\"/app\"`", FUNCTION]),
    HttpOnly = "httponly" on Struct: OneOf(&[TRUE, FALSE, FUNCTION]),
    Secure = "secure" on Struct: OneOf(&[TRUE, FALSE, FUNCTION]),
    SameSite = "samesite" on Struct: OneOf(&["`\"Strict\"`", "`\"Lax\"`", "`\"None\"`", FALSE, FUNCTION]),
    Partitioned = "partitioned" on Struct: OneOf(&["no value", TRUE, FALSE, FUNCTION]),
    Permanent = "permanent" on Struct: OneOf(&[TRUE, FALSE]),
    Lifetime = "lifetime" on Struct: OneOf(&["a duration such as `\"14 days\"`", SECONDS]),
    AnonymousLifetime = "anonymous_lifetime" on Struct: OneOf(&["a duration such as `\"1 day\"`", SECONDS]),
    RefreshEachRequest = "refresh_each_request" on Struct: OneOf(&[TRUE, FALSE]),
    Salt = "salt" on Struct: OneOf(&["a text such as `\"my-app.session\"`"]),
    Open = "open" on Struct: Word(OpenMode::WORDS),
    SaveWhen = "save_when" on Struct: Word(SaveWhen::WORDS),
    OnLoadError = "on_load_error" on Struct: Word(OnLoadError::WORDS),
    OnSaveError = "on_save_error" on Struct: Word(OnSaveError::WORDS),
    OnGone = "on_gone" on Struct: Word(OnGone::WORDS),
    OnDecodeError = "on_decode_error" on Struct: Word(OnDecodeError::WORDS),
    Import = "import" on Struct: Word(ImportMode::WORDS),
    IdleTimeout = "idle_timeout" on Struct: OneOf(&["a duration such as `\"30 min\"`", SECONDS]),
    AbsoluteTimeout = "absolute_timeout" on Struct: OneOf(&["a duration such as `\"12 h\"`", SECONDS]),
    Remembered = "remembered" on Struct: OneOf(&["a duration such as `\"30 days\"`", SECONDS]),
    TouchInterval = "touch_interval" on Struct: OneOf(&["a duration such as `\"60 s\"`", SECONDS]),
    RotateGrace = "rotate_grace" on Struct: OneOf(&["a duration such as `\"10 s\"`", SECONDS]),
    ExpirationTime = "expiration_time" on Struct: OneOf(&[FUNCTION]),
    ShouldSetCookie = "should_set_cookie" on Struct: OneOf(&[FUNCTION]),
    IsUse = "is_use" on Struct: OneOf(&[FUNCTION]),
    OpenWith = "open_with" on Struct: OneOf(&[ASYNC_FUNCTION]),
    SaveWith = "save_with" on Struct: OneOf(&[ASYNC_FUNCTION]),
    NullSession = "null_session" on Struct: OneOf(&[FUNCTION]),
    Confidential = "confidential" on Struct: Nothing,
    Bearer = "bearer" on Struct: Nothing,
    Data = "data" on Struct: OneOf(&["a type such as `Cart`"]),
    Crate = "crate" on Struct: OneOf(&["a path in quotes such as `\"my_app::sessions\"`"]),
    Backend = "backend" on Field: Nothing,
    Config = "config" on Field: Nothing,
}

impl Key {
    /// Returns the key of this word.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|key| key.word() == word)
    }

    /// Returns the key of this word, or the message about an unknown word.
    pub(super) fn from_ident(ident: &Ident, place: Place) -> Result<Self, String> {
        let word = ident.to_string();
        Self::from_word(&word).ok_or_else(|| unknown(&word, place))
    }

    /// Returns the message about a key in the wrong place.
    pub(super) fn misplaced(self) -> String {
        let (right, wrong) = match self.place() {
            Struct => ("struct", "field"),
            Field => ("field", "struct"),
        };
        format!("`{}` is only valid on a {right}, not on a {wrong}", self.word())
    }

    /// Returns the message about a value of the wrong kind.
    pub(super) fn expected(self) -> String {
        let word = self.word();
        match self.alternatives().as_slice() {
            [] => format!("`{word}` takes no value; write `#[session({word})]`"),
            [one] => format!("`{word}` expects {one}"),
            [init @ .., last] => format!("`{word}` expects {} or {last}", init.join(", ")),
        }
    }

    /// Returns whether the messages offer exactly this value.
    pub(super) fn accepts(self, value: &str) -> bool {
        let shown = format!("`{value}`");
        self.alternatives().contains(&shown)
    }

    /// Returns whether the key expects the path of a function and nothing else.
    pub(super) fn is_function(self) -> bool {
        matches!(self.expects(), OneOf(&[FUNCTION | ASYNC_FUNCTION]))
    }

    fn alternatives(self) -> Vec<String> {
        match self.expects() {
            Nothing => Vec::new(),
            OneOf(alternatives) => alternatives.iter().copied().map(Into::into).collect(),
            Word(words) => words.iter().map(|word| format!("`\"{word}\"`")).collect(),
        }
    }
}

/// Where every key stands with its values.
const ALL_KEYS: &str =
    "https://docs.rs/actix-web-sessions/latest/sessions/derive.SessionInterface.html";

/// What other frameworks call a key, or a part of its name.
const OTHER_NAMES: &[(&[&str], &[Key])] = &[
    (&["max_age", "ttl", "expires", "expiry", "duration", "age"], &[Key::Lifetime]),
    (&["timeout", "expiration"], &[Key::IdleTimeout, Key::AbsoluteTimeout]),
    (&["idle", "inactivity", "visit_deadline"], &[Key::IdleTimeout]),
    (&["login_deadline"], &[Key::AbsoluteTimeout]),
    (&["persistent"], &[Key::Permanent]),
];

fn unknown(word: &str, place: Place) -> String {
    let keys = || Key::ALL.iter().copied().filter(|key| key.place() == place);
    let near: Vec<_> =
        near(word, keys()).into_iter().map(|key| format!("`{}`", key.word())).collect();
    let hint = if near.is_empty() {
        String::new()
    } else {
        format!("did you mean {}? ", near.join(" or "))
    };
    let known = match place {
        Struct => format!("all keys: {ALL_KEYS}"),
        Field => {
            let words: Vec<_> = keys().map(|key| format!("`{}`", key.word())).collect();
            format!("expected one of {}", words.join(", "))
        }
    };
    format!("unknown key `{word}`; {hint}{known}")
}

/// Returns the keys that the word may mean: those that other frameworks call so, else the closest one, if at
/// most a third of its letters differ from the word.
///
/// Methods and settings say `cookie_samesite` where the key is `samesite`, and only `cookie_name`
/// keeps its prefix: `cookie_` is therefore not compared, and neither is letter case.
fn near(word: &str, keys: impl Iterator<Item = Key> + Clone) -> Vec<Key> {
    let stem = |word: &str| word.strip_prefix("cookie_").unwrap_or(word).to_ascii_lowercase();
    let word = stem(word);
    let other = OTHER_NAMES.iter().find(|(names, _)| names.contains(&&*word));
    if let Some((_, meant)) = other {
        return keys.filter(|key| meant.contains(key)).collect();
    }
    keys.map(|key| (distance(&word, &stem(key.word())), key))
        .filter(|(distance, key)| distance * 3 <= stem(key.word()).len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, key)| key)
        .into_iter()
        .collect()
}

/// Counts the letters to add, remove or replace (Levenshtein distance).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (above, from) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (at, to) in to.chars().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[row.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(word: &str) -> Vec<&'static str> {
        near(word, Key::ALL.iter().copied()).into_iter().map(Key::word).collect()
    }

    #[test]
    fn counts_the_letters_that_differ() {
        assert_eq!(distance("", ""), 0);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("same_site", "samesite"), 1);
        assert_eq!(distance("äpen", "open"), 1);
    }

    #[test]
    fn suggests_the_key_that_is_close() {
        for (word, key) in [
            ("same_site", "samesite"),
            ("http_only", "httponly"),
            ("SameSite", "samesite"),
            ("cookie_domain", "domain"),
            ("cookie_path", "path"),
            ("cookie_httponly", "httponly"),
            ("cookie_secure", "secure"),
            ("cookie_partitioned", "partitioned"),
            ("cookie_same_site", "samesite"),
            ("cookie_samesite", "samesite"),
            ("name", "cookie_name"),
            ("idle_timout", "idle_timeout"),
            ("bakend", "backend"),
            ("remember", "remembered"),
            ("remember_me", "remembered"),
        ] {
            assert_eq!(meant(word), [key], "{word}");
        }
    }

    #[test]
    fn suggests_what_other_frameworks_call_so() {
        for word in ["max_age", "ttl", "expires", "cookie_max_age", "TTL"] {
            assert_eq!(meant(word), ["lifetime"], "{word}");
        }
        assert_eq!(meant("timeout"), ["idle_timeout", "absolute_timeout"]);
        assert!(unknown("timeout", Struct).starts_with(
            "unknown key `timeout`; did you mean `idle_timeout` or `absolute_timeout`? all keys: "
        ));
    }

    #[test]
    fn suggests_nothing_for_a_word_of_its_own() {
        for word in ["x", "", "redis", "_"] {
            assert_eq!(meant(word), [""; 0], "{word}");
        }
    }

    #[test]
    fn unknown_keys_are_told_those_of_their_place() {
        assert_eq!(
            unknown("bakend", Field),
            "unknown key `bakend`; did you mean `backend`? expected one of `backend`, `config`"
        );
        assert_eq!(unknown("ttl", Field), "unknown key `ttl`; expected one of `backend`, `config`");
        assert_eq!(
            unknown("same_site", Struct),
            format!("unknown key `same_site`; did you mean `samesite`? all keys: {ALL_KEYS}")
        );
        assert_eq!(unknown("redis", Struct), format!("unknown key `redis`; all keys: {ALL_KEYS}"));
    }

    #[test]
    fn messages_are_composed_from_the_table() {
        for (key, message) in [
            (Key::Secure, "`secure` expects `true`, `false` or the path of a function"),
            (Key::Open, "`open` expects `\"lazy\"` or `\"eager\"`"),
            (Key::OpenWith, "`open_with` expects the path of an async function"),
            (Key::Backend, "`backend` takes no value; write `#[session(backend)]`"),
        ] {
            assert_eq!(key.expected(), message);
        }
        assert_eq!(
            Key::Lifetime.misplaced(),
            "`lifetime` is only valid on a struct, not on a field"
        );
    }

    #[test]
    fn words_are_read_back() {
        for key in Key::ALL {
            assert_eq!(Key::from_word(key.word()), Some(*key));
        }
    }
}
