//! The configuration from the environment, under Flask's names.

use std::env;

use super::{
    SessionConfig,
    setting::{NAMES, TakeKey, Value},
};
use crate::{error::InvalidSetting, key::SecretKey};

impl SessionConfig {
    /// Reads the settings from the environment. An empty variable counts as not set; variables that
    /// are not in this table are passed over.
    ///
    /// | variables | values |
    /// |---|---|
    /// | `SECRET_KEY` | the key's bytes as they are |
    /// | `SECRET_KEY_FALLBACKS` | a JSON list of keys |
    /// | `SERVER_NAME` | a host name, with or without a port; the cookie's domain comes from it |
    /// | `APPLICATION_ROOT`, `SESSION_COOKIE_PATH` | a path |
    /// | `SESSION_COOKIE_NAME` | a name |
    /// | `SESSION_COOKIE_DOMAIN` | a domain, or `false` for none |
    /// | `SESSION_COOKIE_HTTPONLY`, `SESSION_COOKIE_SECURE`, `SESSION_COOKIE_PARTITIONED` | `true`, `false`, `1`, `0` |
    /// | `SESSION_COOKIE_SAMESITE` | `Strict`, `Lax`, `None`, or `false` for no attribute |
    /// | `SESSION_PERMANENT`, `SESSION_REFRESH_EACH_REQUEST` | `true`, `false`, `1`, `0` |
    /// | `PERMANENT_SESSION_LIFETIME`, `SESSION_IDLE_TIMEOUT`, `SESSION_ABSOLUTE_TIMEOUT`, `SESSION_TOUCH_INTERVAL` | `14 days`, `30 min`, or a number of seconds |
    /// | `SESSION_OPEN` | `lazy`, `eager` |
    /// | `SESSION_SAVE_WHEN` | `always`, `not_5xx`, `success` |
    /// | `SESSION_ON_LOAD_ERROR` | `error`, `null` |
    /// | `SESSION_ON_SAVE_ERROR` | `error`, `log` |
    /// | `SESSION_ON_GONE` | `error`, `drop` |
    /// | `SESSION_ON_DECODE_ERROR` | `default`, `error` |
    /// | `SESSION_IMPORT` | `copy`, `move` |
    /// | `SESSION_SALT` | a text |
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
    /// value instead of the environment. Other names among them are passed over.
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
    ///     "`SESSION_COOKIE_SECURE` is wrong: expected true or false; \
    ///      a right value is `true`, `false`, `1` or `0`",
    /// );
    /// ```
    pub fn from_vars<'v>(
        vars: impl IntoIterator<Item = (&'v str, &'v str)>,
    ) -> Result<Self, InvalidSetting> {
        Self::new().with_lookup(SecretKey::from_bytes, "", among(vars))
    }

    /// Sets what the variables say, keys as `take_key` takes them.
    pub(super) fn with_lookup(
        mut self,
        take_key: TakeKey,
        prefix: &str,
        lookup: impl Fn(&str) -> Option<Found>,
    ) -> Result<Self, InvalidSetting> {
        for (field, variable) in NAMES {
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
