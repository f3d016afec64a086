//! Spans: errors about generated tokens point at what the user wrote.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::ToTokens;

/// Gives tokens the location of others. Their names are still resolved as names of the derive.
pub(super) fn placed(tokens: TokenStream, at: &impl ToTokens) -> TokenStream {
    let mut spans = at.to_token_stream().into_iter().map(|token| token.span());
    let Some(first) = spans.next() else {
        return tokens;
    };
    let last = spans.last().unwrap_or(first);
    // Several tokens are underlined together from the first to the last.
    let mut tokens: Vec<_> = tokens.into_iter().map(|token| moved(token, first)).collect();
    if let Some(token) = tokens.last_mut() {
        token.set_span(token.span().located_at(last));
    }
    tokens.into_iter().collect()
}

fn moved(mut token: TokenTree, to: Span) -> TokenTree {
    if let TokenTree::Group(group) = &token {
        let inner = group.stream().into_iter().map(|token| moved(token, to));
        let mut outer = Group::new(group.delimiter(), inner.collect());
        outer.set_span(group.span());
        token = outer.into();
    }
    token.set_span(token.span().located_at(to));
    token
}
