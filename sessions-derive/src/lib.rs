//! `#[derive(SessionInterface)]`, which `sessions` re-exports and documents.

mod ast;
mod attr;
mod check;
mod errors;
mod expand;
mod fallback;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

use crate::{ast::Input, check::check, errors::Errors};

#[expect(missing_docs, reason = "`sessions` documents it where it re-exports it")]
#[proc_macro_derive(SessionInterface, attributes(session))]
pub fn derive_session_interface(input: TokenStream) -> TokenStream {
    derive(&parse_macro_input!(input as DeriveInput)).into()
}

/// Writes the implementations, or the errors and a fallback.
fn derive(original: &DeriveInput) -> proc_macro2::TokenStream {
    let mut errors = Errors::default();
    let input = Input::from_syn(original, &mut errors);
    check(&input, &mut errors);
    match errors.finish(()) {
        Ok(()) => expand::expand(&input),
        Err(err) => fallback::expand(&input, &err),
    }
}
