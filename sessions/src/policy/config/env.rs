//! The configuration from the environment, under Flask's names.

use std::env;

use super::{
    SessionConfig,
    setting::{NAMES, TakeKey, Value},
};
use crate::{error::InvalidSetting, key::SecretKey, policy::policies};

/// Writes the lines of the table of variables.
macro_rules! variables {
    ($($group:ident { $(
        $field:ident: $type:ty $(=> $resolved:ty)? {
            what: $what:literal,
            default: $default_doc:literal $(= $default:expr)?,
            variable: $variable:literal: $values:literal,
            $($rest:tt)*
        }
    )* })*) => {
        concat!($($("| `", $variable, "` | ", $values, " |\n",)*)*)
    };
}

impl SessionConfig {
    /// Reads the settings from the environment.
    ///
    /// An empty variable counts as not set; variables that are not in this table are ignored.
    /// A flag is `true`, `false`, `1` or `0`, and a duration `14 days`, `30 min`, or a number of
    /// seconds.
    ///
    /// | variable | value |
    /// |---|---|
    /// | `SECRET_KEY` | the key's bytes as they are |
    /// | `SECRET_KEY_FALLBACKS` | a JSON list of keys |
    /// | `SERVER_NAME` | a host name, with or without a port; gives the cookie's domain |
    /// | `APPLICATION_ROOT` | a path |
    /// | `SESSION_COOKIE_NAME` | a name |
    /// | `SESSION_COOKIE_DOMAIN` | a domain, or `false` for none |
    /// | `SESSION_COOKIE_PATH` | a path |
    /// | `SESSION_SALT` | a text |
    #[doc = policies!(variables)]
    ///
    /// # Errors
    ///
    /// [`InvalidSetting`] names the variable, the problem, and an example of a right value.
    pub fn from_env() -> Result<Self, InvalidSetting> {
        Self::from_prefixed_env("")
    }

    /// Reads the settings as [`from_env`](Self::from_env) does, from variables whose names begin
    /// with `prefix`: with `FLASK_`, the secret key is `FLASK_SECRET_KEY`.
    ///
    /// # Errors
    ///
    /// Those of [`from_env`](Self::from_env).
    pub fn from_prefixed_env(prefix: &str) -> Result<Self, InvalidSetting> {
        Self::new().with_lookup(SecretKey::from_bytes, prefix, variable)
    }

    /// Reads the settings as [`from_env`](Self::from_env) does, from these pairs of name and
    /// value instead of the environment. Other names among them are ignored.
    ///
    /// # Errors
    ///
    /// Those of [`from_env`](Self::from_env).
    ///
    /// # Examples
    ///
    /// ```
    /// use sessions::SessionConfig;
    ///
    /// let err = SessionConfig::from_vars([("SESSION_COOKIE_SECURE", "maybe")]).unwrap_err();
    /// assert_eq!(
    ///     err.to_string(),
    ///     "`SESSION_COOKIE_SECURE` is invalid: expected true or false; \
    ///      a valid value is `true`, `false`, `1` or `0`",
    /// );
    /// ```
    pub fn from_vars<'v>(
        vars: impl IntoIterator<Item = (&'v str, &'v str)>,
    ) -> Result<Self, InvalidSetting> {
        Self::new().with_lookup(SecretKey::from_bytes, "", among(vars))
    }

    /// Sets the values of the variables. `take_key` makes keys of their texts.
    pub(super) fn with_lookup(
        mut self,
        take_key: TakeKey,
        prefix: &str,
        lookup: impl Fn(&str) -> Option<Found>,
    ) -> Result<Self, InvalidSetting> {
        for &(field, variable) in NAMES {
            let name = format!("{prefix}{variable}");
            let text = match lookup(&name) {
                Some(Ok(text)) if !text.is_empty() => text,
                Some(Err(problem)) => {
                    return Err(InvalidSetting {
                        name,
                        problem: problem.to_owned(),
                        example: "text in UTF-8",
                    });
                }
                _ => continue,
            };
            self.set(field, &name, Value::Text(text), take_key)
                .expect("the table names the fields there are")?;
        }
        Ok(self)
    }
}

/// A variable's value, or what is wrong with it.
pub(super) type Found = Result<String, &'static str>;

pub(super) fn variable(name: &str) -> Option<Found> {
    env::var_os(name).map(|value| value.into_string().map_err(|_| "it is not UTF-8"))
}

pub(super) fn among<'v>(
    vars: impl IntoIterator<Item = (&'v str, &'v str)>,
) -> impl Fn(&str) -> Option<Found> {
    let vars: Vec<_> = vars.into_iter().collect();
    move |name| {
        let found = vars.iter().rev().find(|(candidate, _)| *candidate == name);
        found.map(|(_, value)| Ok((*value).to_owned()))
    }
}
