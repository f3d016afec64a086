//! The accumulator: every mistake in one compilation.

use std::fmt::Display;

use quote::ToTokens;
use syn::{Error, Result};

/// The mistakes found so far.
#[derive(Default)]
#[must_use = "only `finish` reports the mistakes"]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    /// Adds a mistake.
    pub(crate) fn push(&mut self, err: Error) {
        match &mut self.0 {
            Some(first) => first.combine(err),
            None => self.0 = Some(err),
        }
    }

    /// Adds a mistake at these tokens.
    pub(crate) fn push_at(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.push(Error::new_spanned(tokens, message));
    }

    /// Returns the value, or adds the error.
    pub(crate) fn handle<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|err| self.push(err)).ok()
    }

    /// Returns the value if there was no mistake.
    pub(crate) fn finish<T>(self, value: T) -> Result<T> {
        match self.0 {
            Some(err) => Err(err),
            None => Ok(value),
        }
    }
}

#[cfg(test)]
impl Errors {
    /// Returns the messages, in the order of their discovery.
    pub(crate) fn messages(self) -> Vec<String> {
        self.0.into_iter().flatten().map(|err| err.to_string()).collect()
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn keeps_every_mistake_in_order() {
        let mut errors = Errors::default();
        errors.push_at(quote!(a), "first");
        assert_eq!(errors.handle(Ok(1)), Some(1));
        assert_eq!(errors.handle::<()>(Err(Error::new_spanned(quote!(b), "second"))), None);
        assert_eq!(errors.messages(), ["first", "second"]);
    }

    #[test]
    fn finishes_with_the_value_only_when_nothing_was_found() {
        assert_eq!(Errors::default().finish(1).unwrap(), 1);
        let mut errors = Errors::default();
        errors.push_at(quote!(a), "wrong");
        assert!(errors.finish(1).is_err());
    }
}
