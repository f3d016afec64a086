//! What the checked texts (name, domain, path) share: their conversions, and how an error shows a byte.

use std::fmt;

/// Writes the conversions of a checked text, all of which go through its `new`.
macro_rules! impl_checked_text {
    ($text:ident, $error:ident) => {
        impl ::std::fmt::Display for $text {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl AsRef<str> for $text {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl ::std::str::FromStr for $text {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text.to_owned())
            }
        }

        impl TryFrom<&str> for $text {
            type Error = $error;

            fn try_from(text: &str) -> Result<Self, Self::Error> {
                Self::new(text.to_owned())
            }
        }

        impl TryFrom<String> for $text {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }
    };
}

pub(crate) use impl_checked_text;

/// A byte as an error message shows it: never raw when it could break the line of a log.
pub(crate) struct ShownByte(pub(crate) u8);

impl fmt::Display for ShownByte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            b' ' => f.write_str("the space"),
            b'`' => f.write_str("the backtick"),
            byte if byte.is_ascii_control() => {
                write!(f, "the control character `{}`", byte.escape_ascii())
            }
            byte if byte.is_ascii() => write!(f, "`{}`", char::from(byte)),
            _ => f.write_str("what is not ASCII"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_every_byte_as_one_printable_line() {
        for byte in 0..=u8::MAX {
            let shown = ShownByte(byte).to_string();
            assert!(shown.bytes().all(|b| (0x20..0x7f).contains(&b)), "{shown:?}");
        }
    }

    #[test]
    fn names_what_cannot_be_seen() {
        assert_eq!(ShownByte(b'\n').to_string(), r"the control character `\n`");
        assert_eq!(ShownByte(b' ').to_string(), "the space");
        assert_eq!(ShownByte(0xc3).to_string(), "what is not ASCII");
        assert_eq!(ShownByte(b'"').to_string(), "`\"`");
    }
}
