//! The tokens when the input is invalid: the mistakes, and an implementation so that the compiler does
//! not report a missing trait as well.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Error;

use crate::{
    ast::Input,
    attr::Key,
    expand::{content_type, transform},
};

/// Writes the mistakes and, unless the path of `sessions` is invalid, the implementation.
pub(crate) fn expand(input: &Input<'_>, err: &Error) -> TokenStream {
    let mut tokens = err.to_compile_error();
    if input.attrs.seen.ident(Key::Crate).is_none() || input.attrs.krate.is_some() {
        tokens.extend(interface(input));
        tokens.extend(transform(input));
    }
    tokens
}

fn interface(input: &Input<'_>) -> TokenStream {
    let krate = input.krate();
    let content = content_type(&input.attrs, &krate);
    let name = &input.original.ident;
    let (impl_generics, type_generics, where_clause) = input.original.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::SessionInterface for #name #type_generics #where_clause {
            type Content = #content;

            async fn open_session(
                &self,
                _: #krate::interface::OpenContext<'_>,
            ) -> ::core::result::Result<#krate::interface::Opened<#content>, #krate::error::OpenError> {
                ::core::unreachable!()
            }

            async fn save_session(
                &self,
                _: &#content,
                _: #krate::interface::SaveContext<'_>,
            ) -> ::core::result::Result<#krate::interface::Saved, #krate::error::SaveError> {
                ::core::unreachable!()
            }
        }
    }
}
