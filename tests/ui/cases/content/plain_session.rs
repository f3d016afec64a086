//! A plain `Session` has no typed content: the interface stands in the handler's argument.

use serde::{Deserialize, Serialize};
use sessions::{Session, SessionError, SessionInterface, SignedCookie};

#[derive(Default, Serialize, Deserialize)]
struct Cart {
    items: Vec<String>,
}

#[derive(Clone, SessionInterface)]
#[session(data = Cart)]
struct Shop {
    backend: SignedCookie,
}

fn add(session: Session) -> Result<(), SessionError> {
    session.modify(|cart: &mut Cart| cart.items.push("tea".into()))
}

fn right(session: Session<Shop>) -> Result<(), SessionError> {
    session.modify(|cart| cart.items.push("tea".into()))
}

fn main() {}
