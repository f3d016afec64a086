//! Entries: `key`, or `key = value`, between commas. A mistake in one hides none of the others.

use proc_macro2::{Ident, TokenTree};
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

/// A key and what stands behind it.
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
                    list_of(input, place, errors, &mut visit)
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

fn list_of(
    input: ParseStream<'_>,
    place: Place,
    errors: &mut Errors,
    visit: &mut impl FnMut(&Entry, &mut Errors),
) -> Result<()> {
    while !input.is_empty() {
        if let Some(entry) = entry(input, place, errors) {
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
fn entry(input: ParseStream<'_>, place: Place, errors: &mut Errors) -> Option<Entry> {
    let Ok(ident) = input.call(Ident::parse_any) else {
        errors.push(input.error("expected a key"));
        skip(input);
        return None;
    };
    match Key::from_ident(&ident, place) {
        Ok(key) => {
            let value = value(input, key, &ident, errors);
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

fn value(input: ParseStream<'_>, key: Key, ident: &Ident, errors: &mut Errors) -> Option<Value> {
    if ends(input) {
        return Some(Value::Bare(ident.clone()));
    }
    if input.parse::<Token![=]>().is_err() {
        errors.push(input.error(format!("expected `=` after `{ident}`")));
        skip(input);
        return None;
    }
    let (start, ahead) = (input.cursor(), input.fork());
    match ahead.parse::<Value>() {
        Ok(value) if ends(&ahead) => {
            input.advance_to(&ahead);
            errors.handle(value.check_suffix())?;
            Some(value)
        }
        _ => {
            skip(input);
            errors.push(if input.cursor() == start {
                Error::new(ident.span(), key.expected())
            } else {
                Error::new_range(start..input.cursor(), key.expected())
            });
            None
        }
    }
}

/// Whether an entry may end here: before a comma, or where one is missing.
fn ends(input: ParseStream<'_>) -> bool {
    input.is_empty()
        || input.peek(Token![,])
        || begins(input).is_some_and(|(ident, has_value)| {
            has_value || Key::from_word(&ident.to_string()).is_some()
        })
}

/// Goes on to where the next entry is sure to begin. Not every comma ends what is skipped: one of
/// a closure does not.
fn skip(input: ParseStream<'_>) {
    while !input.is_empty() && !matches!(begins(input), Some((_, true))) {
        let ahead = input.fork();
        if ahead.parse::<Token![,]>().is_ok() && (ahead.is_empty() || begins(&ahead).is_some()) {
            break;
        }
        if input.parse::<TokenTree>().is_err() {
            break;
        }
    }
}

/// Returns the key of the entry that seems to begin here, and whether it has a value.
fn begins(input: ParseStream<'_>) -> Option<(Ident, bool)> {
    let ahead = input.fork();
    let ident = ahead.call(Ident::parse_any).ok()?;
    let has_value = ahead.peek(Token![=]);
    (has_value || ahead.is_empty() || ahead.peek(Token![,])).then_some((ident, has_value))
}
