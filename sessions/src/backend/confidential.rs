//! Which backends keep the content of sessions from the client.

use super::{Backend, EncryptedCookie, ServerSide};
use crate::store::Store;

/// A backend whose content the client cannot read: encrypted in the cookie, or not in the cookie at
/// all.
///
/// `#[session(confidential)]` on an interface makes every other backend a mistake that the compiler
/// finds. It holds for what is in the session, not for how long it is, nor for whoever reads the
/// store.
#[diagnostic::on_unimplemented(
    message = "clients can read sessions of `{Self}`, which `confidential` rules out",
    label = "does not keep the content of sessions from the client",
    note = "confidential are `EncryptedCookie` and `ServerSide<Store>`, and a backend of your own that implements `Confidential`"
)]
pub trait Confidential: Backend {}

impl Confidential for EncryptedCookie {}

impl<S: Store> Confidential for ServerSide<S> {}

/// What the derive sends a backend through.
pub fn confidential<B: Confidential>(backend: &B) -> &B {
    backend
}
