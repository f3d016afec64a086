//! For crates that build on this one, such as `actix-web-sessions-login`: what their middleware tells their
//! methods on the handle, and how it fails a request.

use std::{fmt, sync::Arc};

use actix_web::{HttpMessage, HttpRequest};
use serde::Serialize;

use super::{Session, SessionSelector, extractors::find};
use crate::{
    error::{OpenError, SessionError},
    events::event,
    request::CurrentSlot,
    state::LOGIN,
};

/// Attaches a value to the session of this request, for [`attached`]. The session is not opened. One value
/// of each type is kept: the last.
///
/// Does nothing where the request has no such session.
pub fn attach<I: SessionSelector, T: Send + Sync + 'static>(request: &HttpRequest, value: T) {
    if let Ok(slot) = find::<I>(&request.extensions()) {
        I::any(&slot).attached().insert(value);
    }
}

/// Returns what a middleware [attached](attach) to the session. The call does not count as access.
pub fn attached<I: SessionSelector, T: Send + Sync + 'static>(
    session: &Session<I>,
) -> Option<Arc<T>> {
    I::any(&session.slot).attached().get_shared()
}

/// Fails a request whose handler asks for what no middleware offers: a bug, which must not look like a
/// client that is not logged in, even to a handler that takes an `Option`. Writes the line
/// [`SessionMisused`](crate::events::Event::SessionMisused) with the problem, which says what to wrap. The
/// client gets an empty 500 from the session's middleware, whatever the handler answers.
///
/// Without a session around the route there is the line alone.
pub fn refuse(request: &HttpRequest, problem: &dyn fmt::Display) {
    event!(SessionMisused, path = request.path(), "{problem}");
    if let Some(CurrentSlot(slot)) = request.extensions().get() {
        slot.refuse(&OpenError::misused(problem));
    }
}

/// Replaces the note about a login, or removes it with `None`: also without an owner, where another
/// application notes logins in keys of its own, in a session that both share. The session keeps its token:
/// call [`Session::renew`] where rights change.
///
/// # Errors
///
/// Those of [`Session::set_login_note`], without [`SessionError::NoOwner`].
pub fn write_login_note<I: SessionSelector, N: Serialize + ?Sized>(
    session: &Session<I>,
    note: Option<&N>,
) -> Result<(), SessionError> {
    let note = note.map(|note| session.encoder.encode(LOGIN, note)).transpose()?;
    session.change(|state| state.write_login_note(note))
}
