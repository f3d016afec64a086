//! The rules between attributes and fields. `sessions_policy` has those of cookies and timeouts.

use proc_macro2::Ident;
use sessions_policy::{
    KnownAttributes, check_remembered, check_timeouts, check_within_lifetime, violations,
};

use crate::{
    ast::Input,
    attr::{Key, SECOND},
    errors::Errors,
};

/// Checks the rules between keys.
pub(crate) fn check(input: &Input<'_>, errors: &mut Errors) {
    if input.is_struct() {
        check_roles(input, errors);
        check_backend(input, errors);
    }
    check_data(input, errors);
    check_confidential(input, errors);
    check_bearer(input, errors);
    check_cookie(input, errors);
    check_durations(input, errors);
}

/// Each role belongs to one field.
fn check_roles(input: &Input<'_>, errors: &mut Errors) {
    for key in [Key::Backend, Key::Config] {
        let marks = input.fields.iter().filter_map(|field| field.mark(key));
        for second in marks.skip(1) {
            let word = key.word();
            errors.push_at(
                second,
                format!("duplicate key `{word}`; only one field can be the `{word}`"),
            );
        }
    }
}

/// A field or a function has to open, and another to save.
fn check_backend(input: &Input<'_>, errors: &mut Errors) {
    // The legal shapes:
    //   struct AppSessions { backend: SignedCookie }
    //   struct AppSessions { config: SessionConfig }
    //   #[session(open_with = open, save_with = save)] struct AppSessions;
    let has = |key| input.attrs.seen.ident(key);
    if input.backend().is_some() || input.fields.iter().any(|field| field.attrs.is_none()) {
        return;
    }
    match (has(Key::OpenWith), has(Key::SaveWith)) {
        (Some(_), Some(_)) => {}
        (Some(open), None) => errors
            .push_at(open, "`open_with` requires `save_with`, or a field `backend` that saves"),
        (None, Some(save)) => errors
            .push_at(save, "`save_with` requires `open_with`, or a field `backend` that opens"),
        (None, None) => errors.push_at(
            &input.original.ident,
            "expected a field `backend` that opens and saves the sessions; add one such as \
             `backend: SignedCookie` or `config: SessionConfig`, or mark one with \
             `#[session(backend)]`",
        ),
    }
}

/// Decoding fails only with typed content.
fn check_data(input: &Input<'_>, errors: &mut Errors) {
    let seen = &input.attrs.seen;
    if let (Some(key), None) = (seen.ident(Key::OnDecodeError), seen.ident(Key::Data)) {
        errors.push_at(key, "`on_decode_error` requires `data`");
    }
}

/// Whether a function of the user writes confidential content is unknown.
fn check_confidential(input: &Input<'_>, errors: &mut Errors) {
    let seen = &input.attrs.seen;
    if let (Some(key), Some(_)) = (seen.ident(Key::Confidential), seen.ident(Key::SaveWith)) {
        errors.push_at(key, "`confidential` requires a backend that saves; remove `save_with`");
    }
}

/// Whether a function of the user knows of bearer tokens is unknown.
fn check_bearer(input: &Input<'_>, errors: &mut Errors) {
    let seen = &input.attrs.seen;
    let Some(key) = seen.ident(Key::Bearer) else { return };
    for (function, word) in [(Key::OpenWith, "open_with"), (Key::SaveWith, "save_with")] {
        if seen.ident(function).is_some() {
            let message = format!(
                "`bearer` requires a backend that opens and saves; remove `{word}`, or write the interface by hand"
            );
            errors.push_at(key, message);
        }
    }
}

/// An absent attribute has a default, which breaks no rule, or is set at run time; the result of a
/// function is unknown as well. Neither is checked.
fn check_cookie(input: &Input<'_>, errors: &mut Errors) {
    let attrs = &input.attrs;
    let known = KnownAttributes {
        name: attrs.cookie_name.fixed(),
        has_domain: attrs.domain.fixed().map(Option::is_some),
        path: attrs.path.fixed(),
        secure: attrs.secure.fixed().copied(),
        httponly: attrs.httponly.fixed().copied(),
        samesite: attrs.samesite.fixed().copied(),
        partitioned: attrs.partitioned.fixed().copied(),
    };
    for violation in violations(&known) {
        errors.push_at(first_of(input, violation.attributes()), violation);
    }
}

/// Each rule between two durations is checked by itself: the functions stop at the first.
fn check_durations(input: &Input<'_>, errors: &mut Errors) {
    let duration = |key| input.attrs.duration(key);
    let (idle, touch) = (duration(Key::IdleTimeout), duration(Key::TouchInterval));
    let within_lifetime = |idle, touch| {
        duration(Key::Lifetime).map(|lifetime| check_within_lifetime(lifetime, idle, touch))
    };
    let rules = [
        Some(check_timeouts(idle, duration(Key::AbsoluteTimeout), SECOND)),
        Some(check_timeouts(idle, None, touch.unwrap_or(SECOND))),
        duration(Key::Remembered)
            .map(|remembered| check_remembered(remembered, duration(Key::AbsoluteTimeout))),
        within_lifetime(idle, None),
        within_lifetime(None, touch),
    ];
    for err in rules.into_iter().flatten().filter_map(Result::err) {
        errors.push_at(first_of(input, err.attributes()), err);
    }
}

/// Returns the first of these attributes that is written; the first listed is the one to edit.
fn first_of<'a>(input: &'a Input<'_>, attributes: &[&str]) -> &'a Ident {
    attributes
        .iter()
        .filter_map(|word| Key::from_word(word))
        .find_map(|key| input.attrs.seen.ident(key))
        .unwrap_or(&input.original.ident)
}

#[cfg(test)]
mod tests {
    use quote::quote;
    use syn::parse_quote;

    use super::*;

    fn mistakes(item: &syn::DeriveInput) -> Vec<String> {
        let mut errors = Errors::default();
        let input = Input::from_syn(item, &mut errors);
        check(&input, &mut errors);
        errors.messages()
    }

    #[test]
    fn the_legal_shapes_are_legal() {
        let legal: [syn::DeriveInput; 7] = [
            parse_quote!(
                struct A {
                    backend: B,
                }
            ),
            parse_quote!(
                struct A {
                    config: C,
                }
            ),
            parse_quote!(
                struct A {
                    config: C,
                    backend: B,
                }
            ),
            parse_quote!(
                struct A(#[session(backend)] B, #[session(config)] C);
            ),
            parse_quote!(
                struct A {
                    backend: X,
                    #[session(backend)]
                    store: B,
                }
            ),
            parse_quote!(
                #[session(open_with = f)]
                struct A {
                    backend: B,
                }
            ),
            parse_quote!(
                #[session(open_with = f, save_with = f)]
                struct A;
            ),
        ];
        for item in legal {
            assert_eq!(mistakes(&item), [""; 0], "{}", quote!(#item));
        }
    }

    #[test]
    fn something_has_to_open_and_to_save() {
        let messages = mistakes(&parse_quote!(
            struct A {
                store: B,
            }
        ));
        assert_eq!(messages.len(), 1);
        assert!(messages[0].starts_with("expected a field `backend`"));
        assert_eq!(
            mistakes(&parse_quote!(
                #[session(open_with = f)]
                struct A;
            )),
            ["`open_with` requires `save_with`, or a field `backend` that saves"]
        );
        assert_eq!(
            mistakes(&parse_quote!(
                #[session(save_with = f)]
                struct A;
            )),
            ["`save_with` requires `open_with`, or a field `backend` that opens"]
        );
    }

    #[test]
    fn a_function_that_saves_is_not_known_to_be_confidential() {
        assert_eq!(
            mistakes(&parse_quote!(
                #[session(confidential, save_with = f)]
                struct A {
                    backend: B,
                }
            )),
            ["`confidential` requires a backend that saves; remove `save_with`"]
        );
        let opened: syn::DeriveInput = parse_quote!(
            #[session(confidential, open_with = f)]
            struct A {
                backend: B,
            }
        );
        assert_eq!(mistakes(&opened), [""; 0]);
    }

    #[test]
    fn a_function_that_opens_or_saves_is_not_known_to_take_bearer_tokens() {
        let messages = |function: &str| {
            let function = quote::format_ident!("{function}");
            mistakes(&parse_quote!(
                #[session(bearer, #function = f)]
                struct A {
                    backend: B,
                }
            ))
        };
        for word in ["open_with", "save_with"] {
            let expected = format!(
                "`bearer` requires a backend that opens and saves; remove `{word}`, or write the interface by hand"
            );
            assert_eq!(messages(word), [expected]);
        }
    }

    #[test]
    fn a_wrong_attribute_of_a_field_is_not_a_missing_backend_as_well() {
        let messages = mistakes(&parse_quote!(
            struct A {
                #[session(bakend)]
                store: B,
            }
        ));
        // 1 key = 1
        assert_eq!(messages.len(), 1, "{messages:#?}");
    }

    #[test]
    fn a_role_belongs_to_one_field() {
        let messages = mistakes(&parse_quote! {
            struct A(#[session(backend, config)] B, #[session(backend)] B, #[session(config)] C);
        });
        assert_eq!(
            messages,
            [
                "duplicate key `backend`; only one field can be the `backend`",
                "duplicate key `config`; only one field can be the `config`",
            ]
        );
    }

    #[test]
    fn conflicts_are_reported_together() {
        let messages = mistakes(&parse_quote! {
            #[session(cookie_name = "__Host-a", domain = "example.com", path = "/app")]
            #[session(secure = false, samesite = "None", partitioned, idle_timeout = "1 h")]
            #[session(absolute_timeout = "30 min", touch_interval = "2 h", lifetime = 0)]
            struct A { store: B }
        });
        // 1 value + 1 backend + 3 prefix + 1 samesite + 1 partitioned + 2 timeouts = 9
        assert_eq!(messages.len(), 9, "{messages:#?}");
    }

    #[test]
    fn durations_are_compared_with_the_lifetime() {
        let messages = mistakes(&parse_quote! {
            #[session(lifetime = "1 min", idle_timeout = "2 min", touch_interval = "60 s")]
            struct A { backend: B }
        });
        assert_eq!(
            messages,
            [
                "`idle_timeout` of 2 min must not exceed `lifetime` of 1 min, else it never applies; \
                 lower `idle_timeout` or raise `lifetime`",
                "`touch_interval` of 1 min must be below `lifetime` of 1 min, else sessions in use \
                 expire; lower `touch_interval` or raise `lifetime`",
            ]
        );
    }

    #[test]
    fn http_names_need_httponly() {
        for name in ["__Http-a", "__host-http-a"] {
            let messages = mistakes(&parse_quote! {
                #[session(cookie_name = #name, httponly = false)]
                struct A { backend: B }
            });
            assert_eq!(messages.len(), 1, "{messages:#?}");
            assert!(messages[0].contains("cookies require `httponly`"), "{messages:#?}");
        }
    }

    #[test]
    fn what_is_not_known_breaks_no_rule() {
        let item = parse_quote! {
            #[session(cookie_name = "__Host-a", domain = f, path = f, secure = f, partitioned)]
            #[session(samesite = "None", touch_interval = "2 h")]
            struct A { config: C }
        };
        assert_eq!(mistakes(&item), [""; 0]);
    }

    #[test]
    fn only_structs_are_interfaces() {
        let union: syn::DeriveInput = parse_quote!(union A { backend: B });
        for item in [
            parse_quote!(
                enum A {
                    B,
                }
            ),
            union,
        ] {
            assert_eq!(mistakes(&item), ["`SessionInterface` can only be derived for structs"]);
        }
    }
}
