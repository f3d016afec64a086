//! The configuration from the environment, under Flask's names.

use std::{env, mem};

use zeroize::Zeroizing;

use super::{
    SessionConfig,
    setting::{NAMES, Parsed, TakeKey, Wrong},
    value::Value,
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
    /// | `SECRET_KEY_NEXT` | the bytes of the key that becomes `SECRET_KEY` next |
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
    /// with `prefix`: with `APP_`, the secret key is `APP_SECRET_KEY`.
    ///
    /// A Flask application reads its own variables as JSON: to share its session, use
    /// `from_flask_prefixed_env` (feature `flask`).
    ///
    /// # Errors
    ///
    /// Those of [`from_env`](Self::from_env).
    pub fn from_prefixed_env(prefix: &str) -> Result<Self, InvalidSetting> {
        Self::new().with_variables(&PLAIN, prefix, &Variables::Environment)
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
        Self::new().with_variables(&PLAIN, "", &Variables::given(vars))
    }

    /// Sets the values of the variables.
    pub(super) fn with_variables(
        mut self,
        dialect: &Dialect,
        prefix: &str,
        variables: &Variables<'_>,
    ) -> Result<Self, InvalidSetting> {
        for &(field, variable) in NAMES {
            let name = format!("{prefix}{variable}");
            let value = match variables.get(&name) {
                Some(text) => text.and_then(|text| (dialect.read)(field, &name, text)),
                None => continue,
            };
            self.set(field, &name, value.map_err(|wrong| wrong.of(&name))?, dialect.take_key)
                .expect("the table names the fields there are")?;
        }
        Ok(self)
    }
}

/// How the text of a variable becomes a value.
pub(super) struct Dialect {
    pub(super) take_key: TakeKey,
    /// Gets the field and the variable's name beside the text.
    pub(super) read: fn(&str, &str, Zeroizing<String>) -> Parsed<Value>,
}

/// Texts are taken as they are, and an empty one counts as not set.
const PLAIN: Dialect = Dialect {
    take_key: SecretKey::from_bytes,
    read: |_, _, text| Ok(if text.is_empty() { Value::Null } else { Value::Text(text) }),
};

/// Where variables come from.
pub(super) enum Variables<'v> {
    Environment,
    /// Of two with one name, the last counts.
    Given(Vec<(&'v str, &'v str)>),
}

impl<'v> Variables<'v> {
    pub(super) fn given(vars: impl IntoIterator<Item = (&'v str, &'v str)>) -> Self {
        Self::Given(vars.into_iter().collect())
    }

    fn get(&self, name: &str) -> Option<Parsed<Zeroizing<String>>> {
        match self {
            Self::Environment => env::var_os(name).map(|value| text(value.into_encoded_bytes())),
            Self::Given(vars) => {
                let found = vars.iter().rev().find(|(candidate, _)| *candidate == name);
                found.map(|(_, value)| Ok(Zeroizing::new((*value).to_owned())))
            }
        }
    }

    /// Returns the names of the variables. Their values, of which the environment hands out copies,
    /// are overwritten.
    #[cfg(feature = "flask")]
    pub(super) fn names(&self) -> Vec<String> {
        match self {
            Self::Environment => env::vars_os()
                .map(|(name, value)| {
                    drop(Zeroizing::new(value.into_encoded_bytes()));
                    name.to_string_lossy().into_owned()
                })
                .collect(),
            Self::Given(vars) => vars.iter().map(|(name, _)| (*name).to_owned()).collect(),
        }
    }
}

/// Makes a text of these bytes, in their buffer.
fn text(bytes: Vec<u8>) -> Parsed<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(bytes);
    match str::from_utf8(&bytes) {
        Ok(_) => {
            let bytes = mem::take(&mut *bytes);
            Ok(Zeroizing::new(String::from_utf8(bytes).expect("it was checked")))
        }
        Err(_) => Err(Wrong::new("it is not UTF-8", "text in UTF-8")),
    }
}
