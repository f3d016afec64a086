//! The constant `OVERRIDES` with the values that attributes fix.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use sessions_policy::{CookieDomain, CookieName, CookiePath, SameSite};

use crate::attr::{Policy, StructAttrs};

/// Writes the constant, if any attribute has a fixed value.
pub(super) fn overrides(attrs: &StructAttrs, krate: &TokenStream) -> TokenStream {
    let cookie = [
        call("cookie_name", attrs.cookie_name.fixed().map(CookieName::as_str)),
        attrs.domain.fixed().map(|domain| cookie_domain(domain.as_ref())),
        call("cookie_path", attrs.path.fixed().map(CookiePath::as_str)),
        call("cookie_httponly", attrs.httponly.fixed()),
        call("cookie_secure", attrs.secure.fixed()),
        call("cookie_samesite", attrs.samesite.fixed().map(|value| samesite(krate, *value))),
        call("cookie_partitioned", attrs.partitioned.fixed()),
    ];
    let settings = attrs
        .settings
        .iter()
        .filter_map(|(key, setting)| call(key.word(), Some(setting.tokens(krate))));
    let calls = cookie.into_iter().flatten().chain(settings).chain(by_function(attrs));
    let mut calls = calls.peekable();
    if calls.peek().is_none() {
        return TokenStream::new();
    }
    quote! {
        const OVERRIDES: #krate::policy::Overrides = #krate::policy::Overrides::NONE #(#calls)*;
    }
}

fn call(method: &str, value: Option<impl ToTokens>) -> Option<TokenStream> {
    let method = format_ident!("{method}");
    value.map(|value| quote!(.#method(#value)))
}

fn cookie_domain(domain: Option<&CookieDomain>) -> TokenStream {
    domain
        .map(CookieDomain::as_str)
        .map_or_else(|| quote!(.no_cookie_domain()), |domain| quote!(.cookie_domain(#domain)))
}

/// The derived `Debug` of a `SameSite` is its variant's name.
fn samesite(krate: &TokenStream, samesite: SameSite) -> TokenStream {
    let variant = format_ident!("{samesite:?}");
    quote!(#krate::SameSite::#variant)
}

/// Names the policies that a function decides, so that their defaults are not checked.
fn by_function(attrs: &StructAttrs) -> Option<TokenStream> {
    fn decides<T>(policy: &Policy<T>) -> bool {
        policy.function().is_some()
    }
    let names: Vec<_> = [
        ("cookie_name", decides(&attrs.cookie_name)),
        ("cookie_domain", decides(&attrs.domain)),
        ("cookie_path", decides(&attrs.path)),
        ("cookie_httponly", decides(&attrs.httponly)),
        ("cookie_secure", decides(&attrs.secure)),
        ("cookie_samesite", decides(&attrs.samesite)),
        ("cookie_partitioned", decides(&attrs.partitioned)),
    ]
    .into_iter()
    .filter_map(|(name, decides)| decides.then_some(name))
    .collect();
    (!names.is_empty()).then(|| quote!(.by_function(&[#(#names),*])))
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;
    use crate::errors::Errors;

    fn written(attr: syn::Attribute) -> String {
        let mut errors = Errors::default();
        let attrs = StructAttrs::from_syn(&[attr], &mut errors);
        assert_eq!(errors.messages(), [""; 0]);
        overrides(&attrs, &quote!(k)).to_string()
    }

    fn constant(calls: &TokenStream) -> String {
        quote!(const OVERRIDES: k::policy::Overrides = k::policy::Overrides::NONE #calls;)
            .to_string()
    }

    #[test]
    fn is_left_out_when_nothing_is_fixed() {
        assert_eq!(written(parse_quote!(#[session()])), "");
        assert_eq!(written(parse_quote!(#[session(should_set_cookie = f, crate = "k")])), "");
    }

    #[test]
    fn fixes_the_cookie() {
        assert_eq!(
            written(parse_quote!(#[session(
                cookie_name = "__Host-id", domain = false, path = "/", httponly = true,
                secure = true, samesite = "None", partitioned,
            )])),
            constant(&quote! {
                .cookie_name("__Host-id").no_cookie_domain().cookie_path("/").cookie_httponly(true)
                .cookie_secure(true).cookie_samesite(k::SameSite::None).cookie_partitioned(true)
            })
        );
        assert_eq!(
            written(parse_quote!(#[session(domain = ".example.com", samesite = false)])),
            constant(&quote! {
                .cookie_domain(".example.com").cookie_samesite(k::SameSite::Unset)
            })
        );
    }

    #[test]
    fn fixes_lifetimes_in_seconds() {
        assert_eq!(
            written(parse_quote!(#[session(
                permanent = true, lifetime = "14 days", anonymous_lifetime = "6 h",
                refresh_each_request = false,
                idle_timeout = 1_800, absolute_timeout = "12 h", touch_interval = "90",
            )])),
            constant(&quote! {
                .permanent(true)
                .lifetime(::core::time::Duration::from_secs(1209600))
                .anonymous_lifetime(::core::time::Duration::from_secs(21600))
                .refresh_each_request(false)
                .idle_timeout(::core::time::Duration::from_secs(1800))
                .absolute_timeout(::core::time::Duration::from_secs(43200))
                .touch_interval(::core::time::Duration::from_secs(90))
            })
        );
    }

    #[test]
    fn fixes_choices_by_their_variants() {
        assert_eq!(
            written(parse_quote!(#[session(
                salt = "s", open = "eager", save_when = "not_5xx", on_load_error = "null",
                on_save_error = "log", on_gone = "drop", import = "move", rotate_grace = "10 s",
            )])),
            constant(&quote! {
                .salt("s").open(k::policy::OpenMode::Eager).save_when(k::policy::SaveWhen::Not5xx)
                .on_load_error(k::policy::OnLoadError::Null).on_save_error(k::policy::OnSaveError::Log)
                .on_gone(k::policy::OnGone::Drop).import(k::policy::ImportMode::Move)
                .rotate_grace(::core::time::Duration::from_secs(10))
            })
        );
    }

    #[test]
    fn names_what_functions_decide() {
        assert_eq!(
            written(parse_quote!(#[session(
                cookie_name = f, domain = m::f, path = Self::f, httponly = f, secure = f,
                samesite = f, partitioned = f,
            )])),
            constant(&quote! {
                .by_function(&[
                    "cookie_name", "cookie_domain", "cookie_path", "cookie_httponly",
                    "cookie_secure", "cookie_samesite", "cookie_partitioned"
                ])
            })
        );
    }
}
