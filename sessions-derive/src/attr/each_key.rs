//! What is said about each key of the table when it is repeated, misplaced or has a value of the
//! wrong kind.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, parse_quote};

use super::{FieldAttrs, Key, StructAttrs, key::Place};
use crate::errors::Errors;

/// Each key, a value of a kind that it does not take, and the message about that value.
fn wrong_values() -> Vec<(Key, TokenStream, &'static str)> {
    let flag = "`true` or `false`";
    let flag_or_function = "`true`, `false` or the path of a function";
    let function = "the path of a function";
    let async_function = "the path of an async function";
    vec![
        (Key::CookieName, quote!(true), "a name such as `\"__Host-id\"` or the path of a function"),
        (
            Key::Domain,
            quote!(true),
            "a domain such as `\"example.com\"`, `false` or the path of a function",
        ),
        (Key::Path, quote!(1), "a path such as `\"/app\"` or the path of a function"),
        (Key::HttpOnly, quote!(1), flag_or_function),
        (Key::Secure, quote!("yes"), flag_or_function),
        (
            Key::SameSite,
            quote!(true),
            "`\"Strict\"`, `\"Lax\"`, `\"None\"`, `false` or the path of a function",
        ),
        (Key::Partitioned, quote!(1), "no value, `true`, `false` or the path of a function"),
        (Key::Permanent, quote!(1), flag),
        (Key::Lifetime, quote!(true), "a duration such as `\"14 days\"` or a number of seconds"),
        (
            Key::AnonymousLifetime,
            quote!(true),
            "a duration such as `\"1 day\"` or a number of seconds",
        ),
        (Key::RefreshEachRequest, quote!(refresh), flag),
        (Key::Salt, quote!(1), "a text such as `\"my-app.session\"`"),
        (Key::Open, quote!(1), "`\"lazy\"` or `\"eager\"`"),
        (Key::SaveWhen, quote!(true), "`\"always\"`, `\"not_5xx\"` or `\"success\"`"),
        (Key::OnLoadError, quote!(false), "`\"error\"` or `\"null\"`"),
        (Key::OnSaveError, quote!(false), "`\"error\"` or `\"log\"`"),
        (Key::OnGone, quote!(false), "`\"error\"` or `\"drop\"`"),
        (Key::OnDecodeError, quote!(Default), "`\"default\"` or `\"error\"`"),
        (Key::Import, quote!(false), "`\"copy\"` or `\"move\"`"),
        (Key::IdleTimeout, quote!(1.5), "a duration such as `\"30 min\"` or a number of seconds"),
        (
            Key::AbsoluteTimeout,
            quote!(false),
            "a duration such as `\"12 h\"` or a number of seconds",
        ),
        (Key::Remembered, quote!(true), "a duration such as `\"30 days\"` or a number of seconds"),
        (Key::TouchInterval, quote!('s'), "a duration such as `\"60 s\"` or a number of seconds"),
        (Key::RotateGrace, quote!('s'), "a duration such as `\"10 s\"` or a number of seconds"),
        (Key::ExpirationTime, quote!("14 days"), function),
        (Key::ShouldSetCookie, quote!(true), function),
        (Key::IsUse, quote!(false), function),
        (Key::OpenWith, quote!(1), async_function),
        (Key::SaveWith, quote!('s'), async_function),
        (Key::NullSession, quote!(|_, null| null), function),
        (Key::Confidential, quote!(true), ""),
        (Key::Bearer, quote!(true), ""),
        (Key::Data, quote!(1), "a type such as `Cart`"),
        (Key::Crate, quote!(sessions), "a path in quotes such as `\"my_app::sessions\"`"),
        (Key::Backend, quote!(true), ""),
        (Key::Config, quote!(true), ""),
    ]
}

/// Returns the mistakes in the attributes of an item that stands in this place.
fn mistakes(place: Place, attrs: &[Attribute]) -> Vec<String> {
    let mut errors = Errors::default();
    match place {
        Place::Struct => drop(StructAttrs::from_syn(attrs, &mut errors)),
        Place::Field => drop(errors.handle(FieldAttrs::from_syn(attrs))),
    }
    errors.messages()
}

fn word(key: Key) -> TokenStream {
    key.word().parse().expect("a key is a word")
}

/// Returns the message about a value of the wrong kind.
fn wrong(key: Key, expected: &str) -> String {
    let word = key.word();
    match expected {
        "" => format!("`{word}` takes no value; write `#[session({word})]`"),
        expected => format!("`{word}` expects {expected}"),
    }
}

#[test]
fn the_values_are_those_of_the_keys_of_the_table() {
    let keys: Vec<_> = wrong_values().into_iter().map(|(key, ..)| key).collect();
    assert_eq!(keys, Key::ALL);
}

#[test]
fn a_value_of_the_wrong_kind_is_told_the_right_one() {
    for (key, value, expected) in wrong_values() {
        let word = word(key);
        let errors = mistakes(key.place(), &[parse_quote!(#[session(#word = #value)])]);
        assert_eq!(errors, [wrong(key, expected)]);
        // No key takes one of these.
        for value in [quote!(1.5), quote!('s'), quote!(b"s"), quote!(!true), quote!(|_| 1)] {
            let errors = mistakes(key.place(), &[parse_quote!(#[session(#word = #value)])]);
            assert_eq!(errors, [wrong(key, expected)], "{value}");
        }
    }
}

#[test]
fn a_key_is_given_once_in_one_attribute_or_in_several() {
    for (key, value, expected) in wrong_values() {
        let (word, wrong) = (word(key), wrong(key, expected));
        let duplicate = format!("duplicate key `{}`", key.word());
        let one = [parse_quote!(#[session(#word = #value, #word = #value)])];
        let errors = mistakes(key.place(), &one);
        assert_eq!(errors, [wrong.as_str(), &wrong, &duplicate]);
        let several = [parse_quote!(#[session(#word)]), parse_quote!(#[session(#word)])];
        let errors = mistakes(key.place(), &several);
        assert_eq!(errors.last(), Some(&duplicate));
        assert_eq!(errors.iter().filter(|error| error.starts_with("duplicate")).count(), 1);
    }
}

#[test]
fn a_key_belongs_to_the_struct_or_to_a_field() {
    for &key in Key::ALL {
        let word = word(key);
        let (right, wrong, place) = match key {
            Key::Backend | Key::Config => ("field", "struct", Place::Struct),
            _ => ("struct", "field", Place::Field),
        };
        let message = format!("`{}` is only valid on a {right}, not on a {wrong}", key.word());
        let errors = mistakes(place, &[parse_quote!(#[session(#word)])]);
        assert_eq!(errors, [message]);
    }
}
