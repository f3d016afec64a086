//! Which backends keep the content of sessions from the client.

use super::{Backend, EncryptedCookie, ServerSide};
use crate::store::Store;

/// A backend whose content the client cannot read: encrypted in the cookie, or not in the cookie at
/// all.
///
/// With `#[session(confidential)]` on an interface the compiler refuses every other backend. The
/// length of a session is not hidden, nor is its content from an attacker who reads the store.
#[diagnostic::on_unimplemented(
    message = "clients can read sessions of `{Self}`, which `confidential` rules out",
    label = "does not keep the content of sessions from the client",
    note = "confidential are `EncryptedCookie` and `ServerSide<Store>`, and a backend of your own that implements `Confidential`"
)]
pub trait Confidential: Backend {}

impl Confidential for EncryptedCookie {}

impl<S: Store> Confidential for ServerSide<S> {}

/// Returns the backend. Generated code calls this, so that the compiler checks the bound.
pub fn confidential<B: Confidential>(backend: &B) -> &B {
    backend
}
