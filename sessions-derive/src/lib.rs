//! `#[derive(SessionInterface)]`, which `sessions` re-exports and documents.

mod ast;
mod attr;
mod check;
mod errors;
mod expand;
mod fallback;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

#[expect(missing_docs, reason = "`sessions` documents it where it re-exports it")]
#[proc_macro_derive(SessionInterface, attributes(session))]
pub fn derive_session_interface(input: TokenStream) -> TokenStream {
    expand::derive(&parse_macro_input!(input as DeriveInput)).into()
}
