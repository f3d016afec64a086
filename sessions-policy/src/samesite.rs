//! The `SameSite` attribute of a cookie.

use std::{error::Error, fmt, str::FromStr};

/// When browsers send a cookie along with requests that come from other sites.
///
/// Defaults to [`Lax`](Self::Lax), which is always written, as browsers differ in what they do without the attribute
/// (6265bis, section 5.6.7; OWASP Session Management Cheat Sheet, section on the attribute).
///
/// # Examples
///
/// ```
/// use sessions_policy::SameSite;
///
/// assert_eq!("Strict".parse(), Ok(SameSite::Strict));
/// assert!("strict".parse::<SameSite>().is_err());
/// assert_eq!(SameSite::default().as_str(), Some("Lax"));
/// assert_eq!(SameSite::Unset.as_str(), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SameSite {
    /// Never with a request from another site, not even when the user follows a link.
    Strict,
    /// From another site only when the user follows a link.
    #[default]
    Lax,
    /// With every request; browsers require `Secure` beside it.
    None,
    /// No attribute is written, and each browser follows its own default.
    Unset,
}

impl SameSite {
    /// Returns the attribute's value as it is written in headers, or `None` when no attribute is to be written.
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Strict => Some("Strict"),
            Self::Lax => Some("Lax"),
            Self::None => Some("None"),
            Self::Unset => None,
        }
    }
}

/// Writes the attribute's value, or `unset`.
impl fmt::Display for SameSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str().unwrap_or("unset"))
    }
}

/// Reads `Strict`, `Lax` or `None`, spelt exactly so; [`Unset`](SameSite::Unset) has no spelling.
impl FromStr for SameSite {
    type Err = SameSiteError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let near = [Self::Strict, Self::Lax, Self::None]
            .into_iter()
            .find(|value| value.to_string().eq_ignore_ascii_case(text.trim()));
        match near {
            Some(value) if value.as_str() == Some(text) => Ok(value),
            near => Err(SameSiteError { near }),
        }
    }
}

/// Why a text is not a [`SameSite`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SameSiteError {
    /// The value that differs from the text in letter case or white space only.
    near: Option<SameSite>,
}

impl fmt::Display for SameSiteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected `\"Strict\"`, `\"Lax\"` or `\"None\"`; ")?;
        match self.near {
            Some(value) => write!(f, "write `\"{value}\"`"),
            None => f.write_str("write one of them, or `false` for no attribute"),
        }
    }
}

impl Error for SameSiteError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_writes() {
        for value in [SameSite::Strict, SameSite::Lax, SameSite::None] {
            assert_eq!(value.to_string().parse(), Ok(value));
        }
    }

    #[test]
    fn names_the_right_spelling() {
        for (text, right) in
            [("strict", "Strict"), ("LAX", "Lax"), ("none", "None"), (" Lax", "Lax")]
        {
            assert_eq!(
                text.parse::<SameSite>().unwrap_err().to_string(),
                format!("expected `\"Strict\"`, `\"Lax\"` or `\"None\"`; write `\"{right}\"`")
            );
        }
    }

    #[test]
    fn refuses_what_is_no_value() {
        for text in ["", "Unset", "unset", "false", "Strict; Domain=evil.example"] {
            assert_eq!(
                text.parse::<SameSite>().unwrap_err().to_string(),
                "expected `\"Strict\"`, `\"Lax\"` or `\"None\"`; write one of them, or `false` for no attribute"
            );
        }
    }

    #[test]
    fn unset_writes_no_attribute() {
        assert_eq!(SameSite::Unset.as_str(), None);
        assert_eq!(SameSite::Unset.to_string(), "unset");
    }

    #[test]
    fn defaults_to_lax() {
        assert_eq!(SameSite::default(), SameSite::Lax);
    }
}
