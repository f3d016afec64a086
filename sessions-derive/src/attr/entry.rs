//! Entries: `key`, or `key = value`, between commas. A mistake in one hides none of the others.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::{
    Attribute, Error, MacroDelimiter, Meta, Result, Token,
    ext::IdentExt,
    parse::{ParseStream, discouraged::Speculative},
};

use super::{
    key::{Key, Place},
    value::Value,
};
use crate::errors::Errors;

/// A key and its value.
pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) ident: Ident,
    /// `None` when it could not be read, which is reported already.
    pub(super) value: Option<Value>,
}

/// Visits the entries of every `#[session(…)]` among the attributes of one item.
pub(super) fn visit(
    attrs: &[Attribute],
    place: Place,
    errors: &mut Errors,
    mut visit: impl FnMut(&Entry, &mut Errors),
) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("session")) {
        let result = match &attr.meta {
            Meta::List(list) if matches!(list.delimiter, MacroDelimiter::Paren(_)) => attr
                .parse_args_with(|input: ParseStream<'_>| {
                    read_list(input, place, errors, &mut visit)
                }),
            meta => Err(Error::new_spanned(meta, shape(place))),
        };
        errors.handle(result);
    }
}

fn shape(place: Place) -> &'static str {
    match place {
        Place::Struct => "expected `#[session(key = value, …)]`",
        Place::Field => "expected `#[session(backend)]` or `#[session(config)]`",
    }
}

fn read_list(
    input: ParseStream<'_>,
    place: Place,
    errors: &mut Errors,
    visit: &mut impl FnMut(&Entry, &mut Errors),
) -> Result<()> {
    while !input.is_empty() {
        if let Some(entry) = read_entry(input, place, errors) {
            visit(&entry, errors);
        }
        if input.is_empty() {
            break;
        }
        if !input.peek(Token![,]) {
            errors.push(input.error("expected `,`"));
            continue;
        }
        input.parse::<Token![,]>()?;
    }
    Ok(())
}

/// Reads up to the next comma, or up to the next entry where the comma is missing.
fn read_entry(input: ParseStream<'_>, place: Place, errors: &mut Errors) -> Option<Entry> {
    let Ok(ident) = input.call(Ident::parse_any) else {
        errors.push(input.error("expected a key"));
        skip(input);
        return None;
    };
    match Key::from_ident(&ident, place) {
        Ok(key) => {
            let value = read_value(input, key, &ident, errors);
            Some(Entry { key, ident, value })
        }
        Err(message) => {
            errors.push_at(ident, message);
            if !ends(input) {
                skip(input);
            }
            None
        }
    }
}

fn read_value(
    input: ParseStream<'_>,
    key: Key,
    ident: &Ident,
    errors: &mut Errors,
) -> Option<Value> {
    if ends(input) {
        return Some(Value::Bare(ident.clone()));
    }
    if input.parse::<Token![=]>().is_err() {
        errors.push(input.error(format!("expected `=` after `{ident}`")));
        skip(input);
        return None;
    }
    let ahead = input.fork();
    match Value::of(key, &ahead) {
        Ok(value) if ends(&ahead) => {
            input.advance_to(&ahead);
            errors.handle(value.check_suffix())?;
            Some(value)
        }
        _ if ends(input) => {
            errors.push_at(ident, key.expected());
            None
        }
        _ => {
            errors.push_at(skip(input), key.expected());
            None
        }
    }
}

/// Returns whether an entry may end here: before a comma, or where a comma is missing.
fn ends(input: ParseStream<'_>) -> bool {
    input.is_empty()
        || input.peek(Token![,])
        || Next::of(input).is_some_and(|next| next.has_value || next.is_key && next.is_alone)
}

/// Skips to the next entry and returns the skipped tokens. A comma ends the skipped part only when
/// an entry follows; a comma between the parameters of a closure does not.
fn skip(input: ParseStream<'_>) -> TokenStream {
    let mut skipped = TokenStream::new();
    while !input.is_empty() && !Next::of(input).is_some_and(|next| next.has_value) {
        let ahead = input.fork();
        if ahead.parse::<Token![,]>().is_ok() && (ahead.is_empty() || Next::of(&ahead).is_some()) {
            break;
        }
        let Ok(token) = input.parse::<TokenTree>() else { break };
        skipped.extend([token]);
    }
    skipped
}

/// The beginning of an entry: a key, or any word in the position of a key.
struct Next {
    is_key: bool,
    is_alone: bool,
    has_value: bool,
}

impl Next {
    fn of(input: ParseStream<'_>) -> Option<Self> {
        let ahead = input.fork();
        let ident = ahead.call(Ident::parse_any).ok()?;
        let next = Self {
            is_key: Key::from_word(&ident.to_string()).is_some(),
            is_alone: ends(&ahead),
            has_value: ahead.peek(Token![=]),
        };
        (next.is_key || next.is_alone || next.has_value).then_some(next)
    }
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;
    use syn::parse_quote;

    use super::*;

    /// Returns the entries, with `?` for a value that could not be read, and the mistakes.
    fn read(attr: Attribute) -> (Vec<String>, Vec<String>) {
        let (mut entries, mut errors) = (Vec::new(), Errors::default());
        visit(&[attr], Place::Struct, &mut errors, |entry, _| {
            let value = entry
                .value
                .as_ref()
                .map_or_else(|| "?".to_owned(), |value| value.to_token_stream().to_string());
            entries.push(format!("{} = {value}", entry.ident));
        });
        (entries, errors.messages())
    }

    #[test]
    fn reads_values_of_every_kind() {
        let (entries, errors) = read(parse_quote!(#[session(
            cookie_name = "a", secure = false, lifetime = 60, domain = Self::f::<u8>, partitioned,
        )]));
        assert_eq!(
            entries,
            [
                "cookie_name = \"a\"",
                "secure = false",
                "lifetime = 60",
                "domain = Self :: f :: < u8 >",
                "partitioned = partitioned",
            ]
        );
        assert_eq!(errors, [""; 0]);
    }

    #[test]
    fn a_path_may_end_in_a_key() {
        let (entries, errors) =
            read(parse_quote!(#[session(path = tenant::path, secure = secure)]));
        assert_eq!(entries, ["path = tenant :: path", "secure = secure"]);
        assert_eq!(errors, [""; 0]);
    }

    #[test]
    fn missing_commas_hide_nothing() {
        let (entries, errors) = read(parse_quote!(#[session(
            cookie_name = "a" secure = true partitioned permanent = true, salt = f open
        )]));
        assert_eq!(entries.len(), 6);
        // 3 before `permanent` + 1 before `open` = 4
        assert_eq!(errors, ["expected `,`"; 4]);
    }

    #[test]
    fn wrong_values_hide_nothing() {
        let (entries, errors) = read(parse_quote!(#[session(
            lifetime = 14 days, secure = !true, domain = |_, request| None, path = concat!("/", "a"),
            salt = "x"y, idle_timeout = 14u8 open = "lazy", httponly = , touch_interval = 2 * 30,
            permanent =
        )]));
        assert_eq!(
            entries,
            [
                "lifetime = ?",
                "secure = ?",
                "domain = ?",
                "path = ?",
                "salt = ?",
                "idle_timeout = ?",
                "open = \"lazy\"",
                "httponly = ?",
                "touch_interval = ?",
                "permanent = ?",
            ]
        );
        // 9 values + 1 comma = 10
        assert_eq!(errors.len(), 10, "{errors:#?}");
        assert_eq!(errors[4], "unexpected suffix `y`; remove it");
        assert_eq!(errors[5], "unexpected suffix `u8`; remove it");
    }

    #[test]
    fn what_is_no_entry_hides_nothing() {
        let (entries, errors) = read(parse_quote!(#[session(
            , cookie_name: "a", httponly "x" salt = "s",, path == "/", partitioned, 5 = 3, secure, "x"
        )]));
        assert_eq!(
            entries,
            [
                "cookie_name = ?",
                "httponly = ?",
                "salt = \"s\"",
                "path = ?",
                "partitioned = partitioned",
                "secure = secure",
            ]
        );
        // 2 commas too many + 1 too few + 2 without `=` + 2 without a key + 1 `==` = 8
        assert_eq!(errors.len(), 8, "{errors:#?}");
    }

    #[test]
    fn unknown_keys_hide_nothing() {
        let (entries, errors) = read(parse_quote!(#[session(
            same_site = "Lax", ttl, kind = Cart<Item>, expires = 1 + 2 secure = true, x(y), salt = "s"
        )]));
        assert_eq!(entries, ["secure = true", "salt = \"s\""]);
        // 5 keys + 1 comma = 6
        assert_eq!(errors.len(), 6, "{errors:#?}");
    }

    #[test]
    fn other_shapes_are_told_the_right_one() {
        let wrong: [Attribute; 4] = [
            parse_quote!(#[session]),
            parse_quote!(#[session = "a"]),
            parse_quote!(#[session[secure = true]]),
            parse_quote!(#[session { secure = true }]),
        ];
        for attr in wrong {
            let (entries, errors) = read(attr);
            assert_eq!(entries, [""; 0]);
            assert_eq!(errors, ["expected `#[session(key = value, …)]`"]);
        }
    }

    #[test]
    fn attributes_of_others_are_left_alone() {
        let (entries, errors) = read(parse_quote!(#[other::session(secure)]));
        assert_eq!((entries.len(), errors.len()), (0, 0));
    }

    #[test]
    fn nothing_is_fine() {
        let (entries, errors) = read(parse_quote!(#[session()]));
        assert_eq!((entries.len(), errors.len()), (0, 0));
    }
}
