//! Python's `uuid.UUID`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{tag, wrappers::read};

/// Python's `uuid.UUID`: 16 bytes, written as text with hyphens.
///
/// The type of the crate `uuid` reads it too. To write one of those, convert it:
/// `Uuid(id.into_bytes())`.
///
/// # Examples
///
/// ```
/// use sessions::flask::Uuid;
///
/// let id: Uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8".parse()?;
/// assert_eq!(id.0[0], 0x6b);
/// assert_eq!(id.to_string(), "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
/// # Ok::<(), sessions::flask::UuidError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

/// The error of a text that is not a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a UUID: 32 hexadecimal digits, with or without hyphens")]
pub struct UuidError;

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl FromStr for Uuid {
    type Err = UuidError;

    fn from_str(text: &str) -> Result<Self, UuidError> {
        let parts: Vec<_> = text.split('-').map(str::len).collect();
        let digits = text.replace('-', "");
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex || !matches!(*parts, [32] | [8, 4, 4, 4, 12]) {
            return Err(UuidError);
        }
        u128::from_str_radix(&digits, 16).map(|id| Self(id.to_be_bytes())).map_err(|_| UuidError)
    }
}

impl Serialize for Uuid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hex = format!("{:032x}", u128::from_be_bytes(self.0));
        serializer.serialize_newtype_struct(tag::UUID, &hex)
    }
}

impl<'de> Deserialize<'de> for Uuid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text: String = read(deserializer, tag::UUID)?;
        text.parse().map_err(D::Error::custom)
    }
}
