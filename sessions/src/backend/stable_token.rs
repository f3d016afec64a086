//! Which backends have tokens that clients without cookies can keep.

use super::{AnyBackend, Backend, ServerSide};
use crate::store::Store;

/// A backend whose token stays the same while its session is written: it finds the session, and does not hold it.
///
/// With `#[session(bearer)]` on an interface the compiler refuses every other backend: a client without cookies
/// would have to take a new token with each response that saves.
///
/// A backend of your own opens by [`OpenContext::bearer_token`](crate::interface::OpenContext::bearer_token),
/// returns [`Saved::bearer_token`](crate::interface::Saved::bearer_token) where
/// [`SaveContext::transport`](crate::interface::SaveContext::transport) is `Bearer`, and lets a token of one
/// transport open nothing in the other: its hashes or its signature cover the transport.
///
/// [`AnyBackend`] may hold any backend, so that `check` tells of one without such a token. It then opens no session by
/// a bearer token, and `bearer_token` is an error.
#[diagnostic::on_unimplemented(
    message = "`bearer` needs a token that stays the same, and `{Self}` makes a new one with each write",
    label = "has no token that a client without cookies could keep",
    note = "`bearer` is for `ServerSide<Store>`, for `AnyBackend`, and for a backend of your own that implements `StableToken`"
)]
pub trait StableToken: Backend {}

impl<S: Store> StableToken for ServerSide<S> {}

impl StableToken for AnyBackend {}

/// Returns the backend. Generated code calls this, so that the compiler checks the bound.
pub fn stable_token<B: StableToken>(backend: &B) -> &B {
    backend
}
