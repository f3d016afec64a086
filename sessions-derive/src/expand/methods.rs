//! The methods of the interface.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::ExprPath;

use super::place::placed;
use crate::{
    ast::Input,
    attr::{Key, StructAttrs},
};

/// Writes `open_session`: with a function, else through the backend.
pub(super) fn open_session(input: &Input<'_>, krate: &TokenStream) -> TokenStream {
    let ty = content_type(&input.attrs, krate);
    let result = quote! {
        ::core::result::Result<#krate::interface::Opened<#ty>, #krate::error::OpenError>
    };
    let cx = parameter("cx");
    if let Some(path) = &input.attrs.open_with {
        let parameters = [("cx", quote!(#krate::interface::OpenContext<'__c>))];
        return asking("open_session", path, &quote!('__c), &parameters, &result);
    }
    let body = input.backend().map(|field| {
        let member = &field.member;
        let call = quote!(#krate::backend::Backend::open(&self.#member, &#cx).await);
        let opened = placed(call, &field.original.ty);
        match input.attrs.data {
            Some(_) => quote! {
                ::core::result::Result::map(#opened, |opened| {
                    #krate::interface::Opened::map(opened, #krate::session::Typed::from)
                })
            },
            None => opened,
        }
    });
    let at_once = input.backend().map(|field| {
        let member = &field.member;
        let call = quote!(#krate::backend::Backend::open_at_once(&self.#member, #cx));
        let opened = placed(call, &field.original.ty);
        match input.attrs.data {
            Some(_) => quote! {
                ::core::option::Option::map(#opened, |opened| {
                    ::core::result::Result::map(opened, |opened| {
                        #krate::interface::Opened::map(opened, #krate::session::Typed::from)
                    })
                })
            },
            None => opened,
        }
    });
    quote! {
        async fn open_session(&self, #cx: #krate::interface::OpenContext<'_>) -> #result {
            #body
        }

        fn open_at_once(
            &self,
            #cx: &#krate::interface::OpenContext<'_>,
        ) -> ::core::option::Option<#result> {
            #at_once
        }
    }
}

/// Writes `outages`, where the backend opens: its workers share one count of the lines of an outage.
pub(super) fn outages(input: &Input<'_>, krate: &TokenStream) -> Option<TokenStream> {
    let field = input.backend().filter(|_| input.attrs.open_with.is_none())?;
    let (private, member) = (quote!(#krate::__private), &field.member);
    let call = placed(quote!(#krate::backend::Backend::outages(&self.#member)), &field.original.ty);
    Some(quote! {
        fn outages(&self) -> #private::Outages {
            #call
        }
    })
}

/// Writes `save_session`: with a function, else through the backend.
pub(super) fn save_session(input: &Input<'_>, krate: &TokenStream) -> TokenStream {
    let ty = content_type(&input.attrs, krate);
    let result = quote!(::core::result::Result<#krate::interface::Saved, #krate::error::SaveError>);
    if let Some(path) = &input.attrs.save_with {
        let parameters =
            [("content", quote!(&'__b #ty)), ("cx", quote!(#krate::interface::SaveContext<'__c>))];
        return asking("save_session", path, &quote!('__b, '__c), &parameters, &result);
    }
    let (content, cx) = (parameter("content"), parameter("cx"));
    let body = input.backend().map(|field| {
        let member = &field.member;
        let backend = match input.attrs.seen.ident(Key::Confidential) {
            Some(_) => quote!(#krate::__private::confidential(&self.#member)),
            None => quote!(&self.#member),
        };
        let backend = match input.attrs.seen.ident(Key::Bearer) {
            Some(_) => quote!(#krate::__private::stable_token(#backend)),
            None => backend,
        };
        let state = state(input, krate, &content);
        let call = quote!(#krate::backend::Backend::save(#backend, #state, &#cx).await);
        placed(call, &field.original.ty)
    });
    let at_once = input.backend().map(|field| {
        let (member, state) = (&field.member, state(input, krate, &content));
        let call = quote!(#krate::backend::Backend::save_at_once(&self.#member, #state, #cx));
        placed(call, &field.original.ty)
    });
    quote! {
        async fn save_session(
            &self,
            #content: &#ty,
            #cx: #krate::interface::SaveContext<'_>,
        ) -> #result {
            #body
        }

        fn save_at_once(
            &self,
            #content: &#ty,
            #cx: &#krate::interface::SaveContext<'_>,
        ) -> ::core::option::Option<#result> {
            #at_once
        }
    }
}

/// Returns the state of the content.
fn state(input: &Input<'_>, krate: &TokenStream, content: &Ident) -> TokenStream {
    match input.attrs.data {
        Some(_) => quote!(::core::convert::AsRef::<#krate::SessionState>::as_ref(#content)),
        None => quote!(#content),
    }
}

/// Writes `check_backend`, if the sessions are opened or saved through a backend.
pub(super) fn check_backend(input: &Input<'_>, krate: &TokenStream) -> Option<TokenStream> {
    if input.attrs.open_with.is_some() && input.attrs.save_with.is_some() {
        return None;
    }
    let field = input.backend()?;
    let (member, cx) = (&field.member, parameter("cx"));
    let body =
        placed(quote!(#krate::backend::Backend::check(&self.#member, #cx)), &field.original.ty);
    Some(quote! {
        fn check_backend(
            &self,
            #cx: &#krate::interface::CheckContext<'_>,
        ) -> ::core::result::Result<(), #krate::error::ConfigError> {
            #body
        }
    })
}

/// Writes `ready`, if the sessions are opened or saved through a backend.
pub(super) fn ready(input: &Input<'_>, krate: &TokenStream) -> Option<TokenStream> {
    if input.attrs.open_with.is_some() && input.attrs.save_with.is_some() {
        return None;
    }
    let field = input.backend()?;
    let member = &field.member;
    let body =
        placed(quote!(#krate::backend::Backend::ready(&self.#member).await), &field.original.ty);
    Some(quote! {
        async fn ready(&self) -> ::core::result::Result<(), #krate::error::NotReady> {
            #body
        }
    })
}

/// Writes `is_alive`, where the backend opens.
pub(super) fn is_alive(input: &Input<'_>, krate: &TokenStream) -> Option<TokenStream> {
    let field = input.backend().filter(|_| input.attrs.open_with.is_none())?;
    let (ty, member) = (content_type(&input.attrs, krate), &field.member);
    let (content, cx) = (parameter("content"), parameter("cx"));
    let state = state(input, krate, &content);
    let call = quote!(#krate::backend::Backend::is_alive(&self.#member, #state, #cx));
    let body = placed(call, &field.original.ty);
    Some(quote! {
        fn is_alive(
            &self,
            #content: &#ty,
            #cx: &#krate::interface::AliveContext<'_>,
        ) -> #krate::interface::IsAlive {
            #body
        }
    })
}

/// Writes `bearer`, with the attribute.
pub(super) fn bearer(attrs: &StructAttrs) -> Option<TokenStream> {
    attrs.seen.ident(Key::Bearer)?;
    Some(quote! {
        fn bearer(&self) -> bool {
            true
        }
    })
}

/// Writes `config`, if a field is the configuration.
pub(super) fn config(input: &Input<'_>, krate: &TokenStream) -> Option<TokenStream> {
    let field = input.config()?;
    let member = &field.member;
    let body = placed(quote!(&self.#member), &field.original.ty);
    Some(quote! {
        fn config(&self) -> &#krate::SessionConfig {
            #body
        }
    })
}

/// Writes the methods that depend on the request and that functions decide.
pub(super) fn request_policies(attrs: &StructAttrs, krate: &TokenStream) -> TokenStream {
    let cow = |lifetime| quote!(#krate::__private::Cow<#lifetime, str>);
    let optional_cow = |lifetime| {
        let cow = cow(lifetime);
        quote!(::core::option::Option<#cow>)
    };
    let text = |name, path| borrowing(name, path, krate, cow);
    let optional_text = |name, path| borrowing(name, path, krate, optional_cow);
    let request = [("request", quote!(&#krate::__private::HttpRequest))];
    let flag = |name, path| method(name, path, &request, &quote!(bool));
    let samesite = |name, path| method(name, path, &request, &quote!(#krate::SameSite));
    [
        text("cookie_name", attrs.cookie_name.function()),
        optional_text("cookie_domain", attrs.domain.function()),
        text("cookie_path", attrs.path.function()),
        flag("cookie_httponly", attrs.httponly.function()),
        flag("cookie_secure", attrs.secure.function()),
        samesite("cookie_samesite", attrs.samesite.function()),
        flag("cookie_partitioned", attrs.partitioned.function()),
        flag("is_use", attrs.is_use.as_ref()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Writes the methods that depend on the content and that functions decide.
pub(super) fn content_policies(attrs: &StructAttrs, krate: &TokenStream) -> TokenStream {
    let time = quote!(#krate::__private::SystemTime);
    let ty = content_type(attrs, krate);
    let content = ("content", quote!(&#ty));
    let now = ("now", time.clone());
    let null = ("null", quote!(#krate::interface::NullSession));
    let path = attrs.expiration_time.as_ref();
    let output = quote!(::core::option::Option<#time>);
    let expiration_time = method("expiration_time", path, &[content.clone(), now], &output);
    let path = attrs.should_set_cookie.as_ref();
    let should_set_cookie = method("should_set_cookie", path, &[content], &quote!(bool));
    let path = attrs.null_session.as_ref();
    let null_session = method("make_null_session", path, &[null], &ty);
    quote!(#expiration_time #should_set_cookie #null_session)
}

/// Writes the method that calls a function, if there is one. The type of the function has the span
/// of its path, so that a wrong signature is one error there, which prints the right signature.
fn method(
    name: &str,
    path: Option<&ExprPath>,
    parameters: &[(&str, TokenStream)],
    output: &TokenStream,
) -> Option<TokenStream> {
    let path = path?;
    let name = format_ident!("{name}");
    let names: Vec<_> = parameters.iter().map(|(name, _)| parameter(name)).collect();
    let types: Vec<_> = parameters.iter().map(|(_, ty)| ty).collect();
    let signature = placed(quote!(fn(&Self, #(#types),*) -> #output), path);
    Some(quote! {
        fn #name(&self, #(#names: #types),*) -> #output {
            let policy: #signature = #path;
            policy(self, #(#names),*)
        }
    })
}

/// Writes the method that calls a function whose result may borrow from the interface and the
/// request, if there is one. The names of the lifetimes are unlikely in a struct.
fn borrowing(
    name: &str,
    path: Option<&ExprPath>,
    krate: &TokenStream,
    output: impl Fn(TokenStream) -> TokenStream,
) -> Option<TokenStream> {
    let path = path?;
    let (name, request) = (format_ident!("{name}"), parameter("request"));
    let http_request = quote!(#krate::__private::HttpRequest);
    let (output, policy_output) = (output(quote!('__a)), output(quote!('__p)));
    let signature = quote!(for<'__p> fn(&'__p Self, &'__p #http_request) -> #policy_output);
    let signature = placed(signature, path);
    Some(quote! {
        fn #name<'__a>(&'__a self, #request: &'__a #http_request) -> #output {
            let policy: #signature = #path;
            policy(self, #request)
        }
    })
}

/// Writes the method that calls an async function. Its future may borrow from every parameter, so
/// its type cannot be written, and the lifetimes need names.
fn asking(
    name: &str,
    path: &ExprPath,
    lifetimes: &TokenStream,
    parameters: &[(&str, TokenStream)],
    output: &TokenStream,
) -> TokenStream {
    let name = format_ident!("{name}");
    let names: Vec<_> = parameters.iter().map(|(name, _)| parameter(name)).collect();
    let types: Vec<_> = parameters.iter().map(|(_, ty)| ty).collect();
    let signature = placed(quote!(fn(&'__a Self, #(#types),*) -> _), path);
    let answer = placed(quote!(policy(self, #(#names),*).await), path);
    let placed_output = placed(output.clone(), path);
    quote! {
        async fn #name<'__a, #lifetimes>(&'__a self, #(#names: #types),*) -> #output {
            let policy: #signature = #path;
            let result: #placed_output = #answer;
            result
        }
    }
}

/// Returns the type of the content. `Self::Content` is the same type, but would repeat each error
/// about the implementation. Errors about the type point at where the user wrote it.
pub(crate) fn content_type(attrs: &StructAttrs, krate: &TokenStream) -> TokenStream {
    match &attrs.data {
        Some(data) => {
            let (before, after) =
                (placed(quote!(#krate::session::Typed<), data), placed(quote!(>), data));
            quote!(#before #data #after)
        }
        None => quote!(#krate::SessionState),
    }
}

/// Names a parameter so that a function of that name can still be called below it.
fn parameter(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}
