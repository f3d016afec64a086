//! The methods of the interface.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::ExprPath;

use crate::{
    ast::{Input, located},
    attr::StructAttrs,
};

/// Opens with a function, else through the backend.
pub(super) fn open_session(input: &Input<'_>, krate: &TokenStream) -> TokenStream {
    let result = quote! {
        ::core::result::Result<::core::option::Option<Self::Content>, #krate::OpenError>
    };
    let body = match (&input.attrs.open_with, input.backend()) {
        (Some(path), _) => awaited(path, &quote!((self, cx)), &result),
        (None, Some(field)) => {
            let member = &field.member;
            quote_spanned!(field.span()=> #krate::Backend::open(&self.#member, &cx).await)
        }
        // `check` has refused it.
        (None, None) => TokenStream::new(),
    };
    quote! {
        async fn open_session(&self, cx: #krate::OpenContext<'_>) -> #result {
            #body
        }
    }
}

/// Saves with a function, else through the backend.
pub(super) fn save_session(input: &Input<'_>, krate: &TokenStream) -> TokenStream {
    let result = quote!(::core::result::Result<#krate::Saved, #krate::SaveError>);
    let body = match (&input.attrs.save_with, input.backend()) {
        (Some(path), _) => awaited(path, &quote!((self, content, cx)), &result),
        (None, Some(field)) => {
            let member = &field.member;
            quote_spanned!(field.span()=> #krate::Backend::save(&self.#member, content, &cx).await)
        }
        // `check` has refused it.
        (None, None) => TokenStream::new(),
    };
    quote! {
        async fn save_session(
            &self,
            content: &Self::Content,
            cx: #krate::SaveContext<'_>,
        ) -> #result {
            #body
        }
    }
}

/// Returns the configuration, if there is a field with one.
pub(super) fn config(input: &Input<'_>, krate: &TokenStream) -> Option<TokenStream> {
    let field = input.config()?;
    let member = &field.member;
    let body = quote_spanned!(field.span()=> &self.#member);
    Some(quote! {
        fn config(&self) -> &#krate::SessionConfig {
            #body
        }
    })
}

/// Asks the functions that decide the cookie's policies.
pub(super) fn cookie_policies(attrs: &StructAttrs, krate: &TokenStream) -> TokenStream {
    let cow = |lifetime| quote!(#krate::__private::Cow<#lifetime, str>);
    let optional_cow = |lifetime| {
        let cow = cow(lifetime);
        quote!(::core::option::Option<#cow>)
    };
    let request = [("request", quote!(&#krate::__private::HttpRequest))];
    let (flag, samesite) = (quote!(bool), quote!(#krate::SameSite));
    [
        borrowing("cookie_name", attrs.cookie_name.function(), krate, cow),
        borrowing(
            "cookie_domain",
            attrs.domain.function(),
            krate,
            optional_cow,
        ),
        borrowing("cookie_path", attrs.path.function(), krate, cow),
        method(
            "cookie_httponly",
            attrs.httponly.function(),
            &request,
            &flag,
        ),
        method("cookie_secure", attrs.secure.function(), &request, &flag),
        method(
            "cookie_samesite",
            attrs.samesite.function(),
            &request,
            &samesite,
        ),
        method(
            "cookie_partitioned",
            attrs.partitioned.function(),
            &request,
            &flag,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Asks the functions that decide what depends on the content.
pub(super) fn content_policies(attrs: &StructAttrs, krate: &TokenStream) -> TokenStream {
    let time = quote!(#krate::__private::SystemTime);
    let optional_time = quote!(::core::option::Option<#time>);
    let content_and_now = [("content", quote!(&Self::Content)), ("now", time)];
    let content = &content_and_now[..1];
    let null = [("null", quote!(#krate::NullSession))];
    [
        method(
            "expiration_time",
            attrs.expiration_time.as_ref(),
            &content_and_now,
            &optional_time,
        ),
        method(
            "should_set_cookie",
            attrs.should_set_cookie.as_ref(),
            content,
            &quote!(bool),
        ),
        method(
            "make_null_session",
            attrs.null_session.as_ref(),
            &null,
            &quote!(Self::Content),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Asks a function, if there is one. Its type stands where its path stands, so that a wrong signature is one error,
/// there, which prints the right one.
fn method(
    name: &str,
    path: Option<&ExprPath>,
    parameters: &[(&str, TokenStream)],
    output: &TokenStream,
) -> Option<TokenStream> {
    let path = path?;
    let name = format_ident!("{name}");
    let names: Vec<_> = parameters
        .iter()
        .map(|(name, _)| format_ident!("{name}"))
        .collect();
    let types: Vec<_> = parameters.iter().map(|(_, ty)| ty).collect();
    let signature = quote_spanned!(located(path)=> fn(&Self, #(#types),*) -> #output);
    Some(quote! {
        fn #name(&self, #(#names: #types),*) -> #output {
            let policy: #signature = #path;
            policy(self, #(#names),*)
        }
    })
}

/// Asks a function, if there is one, whose answer may borrow from the interface and the request. The lifetimes have
/// names that no struct has.
fn borrowing(
    name: &str,
    path: Option<&ExprPath>,
    krate: &TokenStream,
    output: impl Fn(TokenStream) -> TokenStream,
) -> Option<TokenStream> {
    let path = path?;
    let name = format_ident!("{name}");
    let request = quote!(#krate::__private::HttpRequest);
    let (output, policy_output) = (output(quote!('__a)), output(quote!('__p)));
    let signature = quote_spanned! {located(path)=>
        for<'__p> fn(&'__p Self, &'__p #request) -> #policy_output
    };
    Some(quote! {
        fn #name<'__a>(&'__a self, request: &'__a #request) -> #output {
            let policy: #signature = #path;
            policy(self, request)
        }
    })
}

/// Awaits a function, and says where its path stands what it has to come to.
fn awaited(path: &ExprPath, arguments: &TokenStream, result: &TokenStream) -> TokenStream {
    let at = located(path);
    let call = quote_spanned!(at=> #arguments.await);
    quote! {
        let result: #result = #path #call;
        result
    }
}
