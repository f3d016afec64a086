//! Settings: values that go into the constant `OVERRIDES` as they are.

use std::{fmt::Debug, time::Duration};

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, format_ident, quote};
use sessions_policy::Choice;

/// The value of a setting.
pub(crate) enum Setting {
    Flag(bool),
    Text(String),
    Duration(Duration),
    /// A variant of one of the enums in `sessions_policy`.
    Choice {
        name: &'static str,
        variant: String,
    },
}

impl Setting {
    /// The derived `Debug` of a choice is its variant's name.
    pub(crate) fn choice<C: Choice + Debug>(choice: C) -> Self {
        Self::Choice { name: C::NAME, variant: format!("{choice:?}") }
    }

    /// Writes the value as a method of `Overrides` takes it.
    pub(crate) fn tokens(&self, krate: &TokenStream) -> TokenStream {
        match self {
            Self::Flag(flag) => flag.to_token_stream(),
            Self::Text(text) => text.to_token_stream(),
            Self::Duration(duration) => {
                let seconds = Literal::u64_unsuffixed(duration.as_secs());
                quote!(::core::time::Duration::from_secs(#seconds))
            }
            Self::Choice { name, variant } => {
                let (name, variant) = (format_ident!("{name}"), format_ident!("{variant}"));
                quote!(#krate::policy::#name::#variant)
            }
        }
    }
}
