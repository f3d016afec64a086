//! The tokens of a valid struct: two implementations that call into `sessions`.

mod methods;
mod overrides;
mod place;

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse_quote;

pub(crate) use self::methods::content_type;
use self::{
    methods::{
        bearer, check_backend, config, content_policies, is_alive, open_session, outages, ready,
        request_policies, save_session,
    },
    overrides::overrides,
    place::placed,
};
use crate::ast::Input;

/// Writes the implementations.
pub(crate) fn expand(input: &Input<'_>) -> TokenStream {
    let mut tokens = interface(input);
    tokens.extend(transform(input));
    tokens
}

fn interface(input: &Input<'_>) -> TokenStream {
    let krate = input.krate();
    let name = &input.original.ident;
    let (impl_generics, type_generics, where_clause) = input.original.generics.split_for_impl();
    let content = content_type(&input.attrs, &krate);
    let overrides = overrides(&input.attrs, &krate);
    let open_session = open_session(input, &krate);
    let save_session = save_session(input, &krate);
    let check_backend = check_backend(input, &krate);
    let ready = ready(input, &krate);
    let is_alive = is_alive(input, &krate);
    let outages = outages(input, &krate);
    let bearer = bearer(&input.attrs);
    let config = config(input, &krate);
    let request_policies = request_policies(&input.attrs, &krate);
    let content_policies = content_policies(&input.attrs, &krate);
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::SessionInterface for #name #type_generics #where_clause {
            type Content = #content;
            #overrides
            #open_session
            #save_session
            #check_backend
            #ready
            #is_alive
            #outages
            #bearer
            #config
            #request_policies
            #content_policies
        }
    }
}

/// Writes the implementation that lets `App::wrap` take the value. A missing `Clone` is one error, at
/// the type's name.
pub(crate) fn transform(input: &Input<'_>) -> TokenStream {
    let krate = input.krate();
    let private = quote!(#krate::__private);
    let name = &input.original.ident;
    let (_, type_generics, _) = input.original.generics.split_for_impl();
    let mut generics = input.original.generics.clone();
    generics.params.push(parse_quote!(__S));
    generics.params.push(parse_quote!(__B));
    let clone = placed(quote!(Self: ::core::clone::Clone), name);
    let predicates = &mut generics.make_where_clause().predicates;
    predicates.push(parse_quote! {
        __S: #private::Service<
            #private::ServiceRequest,
            Response = #private::ServiceResponse<__B>,
            Error = #private::Error,
        > + 'static
    });
    predicates.push(parse_quote!(__B: #private::MessageBody + 'static));
    predicates.push(parse_quote!(#clone));
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics #private::Transform<__S, #private::ServiceRequest>
            for #name #type_generics #where_clause
        {
            type Response = #private::ServiceResponse;
            type Error = #private::Error;
            type Transform = #krate::request::SessionService<__S, Self>;
            type InitError = ();
            type Future = #private::Ready<::core::result::Result<Self::Transform, ()>>;

            fn new_transform(&self, service: __S) -> Self::Future {
                #private::new_transform(self, service)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use syn::DeriveInput;

    use super::*;
    use crate::errors::Errors;

    fn assert_expands(item: &DeriveInput, expected: &TokenStream) {
        let mut errors = Errors::default();
        let input = Input::from_syn(item, &mut errors);
        assert_eq!(errors.messages(), [""; 0]);
        // Whether `>>` is one token or two makes no difference.
        let spaceless = |tokens: &TokenStream| tokens.to_string().replace(' ', "");
        assert_eq!(spaceless(&interface(&input)), spaceless(expected));
    }

    /// Returns the struct with this name of a text that shows it.
    fn shown(text: &str, name: &str) -> DeriveInput {
        let at = text.find(&format!("\nstruct {name} {{")).expect("the struct is shown");
        let (before, after) = text.split_at(at);
        let begin = before.rfind("\n\n").expect("an empty line before it");
        let end = after.find("\n}").expect("its end") + 2;
        syn::parse_str(&text[begin..at + end]).expect("it is a struct")
    }

    #[test]
    fn the_struct_of_the_readme_expands_to_what_a_screen_shows() {
        let readme = include_str!("../../../README.md");
        let expanded = crate::derive(&shown(readme, "AppSessions"));
        assert!(!expanded.to_string().contains("compile_error"), "{expanded}");
        let file = syn::parse2(expanded).expect("items");
        let formatted = prettyplease::unparse(&file);
        println!("{formatted}");
        assert!(formatted.contains(".cookie_name(\"__Host-app\")"), "{formatted}");
        let lines = formatted.lines().count();
        assert!(lines <= 100, "{lines} lines");
    }

    #[test]
    fn opens_and_saves_through_the_backend() {
        assert_expands(
            &parse_quote! {
                #[session(cookie_name = "__Host-app", samesite = "Strict", lifetime = "14 days")]
                struct AppSessions {
                    backend: SignedCookie,
                }
            },
            &quote! {
                #[automatically_derived]
                impl ::sessions::SessionInterface for AppSessions {
                    type Content = ::sessions::SessionState;
                    const OVERRIDES: ::sessions::policy::Overrides = ::sessions::policy::Overrides::NONE
                        .cookie_name("__Host-app")
                        .cookie_samesite(::sessions::SameSite::Strict)
                        .lifetime(::core::time::Duration::from_secs(1209600));
                    async fn open_session(&self, cx: ::sessions::interface::OpenContext<'_>)
                        -> ::core::result::Result<::sessions::interface::Opened<::sessions::SessionState>, ::sessions::error::OpenError>
                    {
                        ::sessions::backend::Backend::open(&self.backend, &cx).await
                    }
                    fn open_at_once(&self, cx: &::sessions::interface::OpenContext<'_>,)
                        -> ::core::option::Option<
                            ::core::result::Result<::sessions::interface::Opened<::sessions::SessionState>, ::sessions::error::OpenError>
                        >
                    {
                        ::sessions::backend::Backend::open_at_once(&self.backend, cx)
                    }
                    async fn save_session(
                        &self,
                        content: &::sessions::SessionState,
                        cx: ::sessions::interface::SaveContext<'_>,
                    ) -> ::core::result::Result<::sessions::interface::Saved, ::sessions::error::SaveError> {
                        ::sessions::backend::Backend::save(&self.backend, content, &cx).await
                    }
                    fn save_at_once(
                        &self,
                        content: &::sessions::SessionState,
                        cx: &::sessions::interface::SaveContext<'_>,
                    ) -> ::core::option::Option<
                        ::core::result::Result<::sessions::interface::Saved, ::sessions::error::SaveError>
                    > {
                        ::sessions::backend::Backend::save_at_once(&self.backend, content, cx)
                    }
                    fn check_backend(&self, cx: &::sessions::interface::CheckContext<'_>,)
                        -> ::core::result::Result<(), ::sessions::error::ConfigError>
                    {
                        ::sessions::backend::Backend::check(&self.backend, cx)
                    }

                    async fn ready(&self) -> ::core::result::Result<(), ::sessions::error::NotReady> {
                        ::sessions::backend::Backend::ready(&self.backend).await
                    }

                    fn is_alive(
                        &self,
                        content: &::sessions::SessionState,
                        cx: &::sessions::interface::AliveContext<'_>,
                    ) -> ::sessions::interface::IsAlive {
                        ::sessions::backend::Backend::is_alive(&self.backend, content, cx)
                    }

                    fn outages(&self) -> ::sessions::__private::Outages {
                        ::sessions::backend::Backend::outages(&self.backend)
                    }
                }
            },
        );
    }

    #[test]
    fn asks_functions_with_the_generics_of_the_struct() {
        assert_expands(
            &parse_quote! {
                #[session(domain = m::f, secure = Self::g, open_with = open, save_with = save)]
                #[session(crate = "k")]
                struct A<T: Send = u8, const N: usize>(#[session(config)] C<T, N>) where T: Sync;
            },
            &quote! {
                #[automatically_derived]
                impl<T: Send, const N: usize> k::SessionInterface for A<T, N> where T: Sync {
                    type Content = k::SessionState;
                    const OVERRIDES: k::policy::Overrides = k::policy::Overrides::NONE
                        .by_function(&["cookie_domain", "cookie_secure"]);
                    async fn open_session<'__a, '__c>(&'__a self, cx: k::interface::OpenContext<'__c>)
                        -> ::core::result::Result<k::interface::Opened<k::SessionState>, k::error::OpenError>
                    {
                        let policy: fn(&'__a Self, k::interface::OpenContext<'__c>) -> _ = open;
                        let result: ::core::result::Result<k::interface::Opened<k::SessionState>, k::error::OpenError> =
                            policy(self, cx).await;
                        result
                    }
                    async fn save_session<'__a, '__b, '__c>(
                        &'__a self, content: &'__b k::SessionState, cx: k::interface::SaveContext<'__c>
                    )
                        -> ::core::result::Result<k::interface::Saved, k::error::SaveError>
                    {
                        let policy: fn(&'__a Self, &'__b k::SessionState, k::interface::SaveContext<'__c>) -> _ = save;
                        let result: ::core::result::Result<k::interface::Saved, k::error::SaveError> =
                            policy(self, content, cx).await;
                        result
                    }
                    fn config(&self) -> &k::SessionConfig {
                        &self.0
                    }
                    fn cookie_domain<'__a>(&'__a self, request: &'__a k::__private::HttpRequest)
                        -> ::core::option::Option<k::__private::Cow<'__a, str>>
                    {
                        let policy: for<'__p> fn(&'__p Self, &'__p k::__private::HttpRequest)
                            -> ::core::option::Option<k::__private::Cow<'__p, str>> = m::f;
                        policy(self, request)
                    }
                    fn cookie_secure(&self, request: &k::__private::HttpRequest) -> bool {
                        let policy: fn(&Self, &k::__private::HttpRequest) -> bool = Self::g;
                        policy(self, request)
                    }
                }
            },
        );
    }

    #[test]
    fn the_middleware_keeps_the_generics_apart() {
        let item = parse_quote!(
            struct A<S: Backend, B = u8>(#[session(backend)] S, B);
        );
        let input = Input::from_syn(&item, &mut Errors::default());
        let expanded = transform(&input).to_string();
        let header = quote!(impl<S: Backend, B, __S, __B> ::sessions::__private::Transform);
        assert!(expanded.contains(&header.to_string()), "{expanded}");
    }

    #[test]
    fn mistakes_come_with_an_implementation() {
        let expanded = crate::derive(&parse_quote! {
            #[session(bogus, secure = 1)]
            enum A<T> where T: Clone { B(T) }
        })
        .to_string();
        // 2 keys + 1 shape = 3
        assert_eq!(expanded.matches("compile_error").count(), 3);
        let header = quote!(impl<T> ::sessions::SessionInterface for A<T> where T: Clone);
        assert!(expanded.contains(&header.to_string()), "{expanded}");
        assert_eq!(expanded.matches("automatically_derived").count(), 2);
    }

    #[test]
    fn mistakes_come_alone_when_it_is_not_known_where_the_library_is() {
        let expanded = crate::derive(&parse_quote!(
            #[session(crate = 1)]
            struct A {
                backend: B,
            }
        ));
        assert!(!expanded.to_string().contains("automatically_derived"));
    }
}
