//! What handlers use: [`Session`], its extractors, and typed content.

// rustdoc lists the methods of `Session` in the order of the modules: keys and values come first.
mod keys;

mod bearer;
mod ended;
mod ext;
mod extractors;
mod flash;
pub mod layers;
mod lifecycle;
mod read_only;
mod replay;
mod running_update;
mod save_now;
mod selector;
mod typed;

use std::{fmt, sync::Arc};

use self::running_update::RunningUpdate;
pub use self::{
    ext::{OpenedSessionExt, SessionExt, is_bearer},
    extractors::TrySession,
    read_only::ReadSession,
    selector::{Inferred, SessionSelector},
    typed::{SessionData, Typed, TypedContent},
};
use crate::{dictionary::Encoder, error::SessionError, state::SessionState};
pub use crate::{
    interface::Transport,
    request::{BearerToken, SaveOutcome, SavedSession},
    state::PurgeOutcome,
};

/// The session of the request.
///
/// A handler takes it as an argument; a middleware calls [`SessionExt::session`]. It is a cheap
/// handle: clones share one session and may be sent to other threads.
///
/// `Session` without a parameter is the only session of the request. An application with several
/// names one by its interface: `Session<AppSessions>`.
///
/// In an expression it is `<Session>::extract(&request)`, or
/// [`request.session()`](SessionExt::session).
///
/// - Extracting a `Session` opens it. The response varies by the cookie (`Vary: Cookie`) only if a
///   method reads or writes the session.
/// - Changes are saved after the handler returns and before the response head is sent. After that,
///   for example in a streamed body, the session can be read and no longer written.
///
/// # Examples
///
/// ```
/// use actix_web::{Responder, get};
/// use sessions::Session;
///
/// #[get("/")]
/// async fn index(session: Session) -> actix_web::Result<impl Responder> {
///     let visits = session.update("visits", |n: Option<u32>| n.unwrap_or(0) + 1)?;
///     Ok(format!("visit number {visits}"))
/// }
/// ```
pub struct Session<I: SessionSelector = Inferred> {
    slot: Arc<I::Slot>,
    encoder: Encoder,
}

impl<I: SessionSelector> Session<I> {
    /// Returns the handle of a slot that was opened, with its encoder.
    pub(crate) fn new(slot: Arc<I::Slot>, encoder: Encoder) -> Self {
        Self { slot, encoder }
    }

    /// Reads the state without marking the session as accessed.
    pub(crate) fn peek<R>(&self, look: impl FnOnce(&SessionState) -> R) -> R {
        let mut look = Some(look);
        let mut result = None;
        I::any(&self.slot).read(&mut |state| result = look.take().map(|look| look(state)));
        result.expect("a slot calls back once")
    }

    fn look<R>(&self, look: impl FnOnce(&SessionState) -> R) -> R {
        self.peek(|state| {
            state.mark_accessed();
            look(state)
        })
    }

    pub(crate) fn change<R>(
        &self,
        change: impl FnOnce(&mut SessionState) -> Result<R, SessionError>,
    ) -> Result<R, SessionError> {
        if RunningUpdate::is_of(I::any(&self.slot)) {
            return Err(SessionError::WithinUpdate);
        }
        let mut change = Some(change);
        let mut result = None;
        I::any(&self.slot).write(&mut |state| {
            state.mark_accessed();
            result = change.take().map(|change| change(state)).transpose()?;
            Ok(())
        })?;
        Ok(result.expect("a slot calls back once"))
    }
}

impl<I: SessionSelector> Clone for Session<I> {
    fn clone(&self) -> Self {
        Self { slot: Arc::clone(&self.slot), encoder: self.encoder }
    }
}

impl<I: SessionSelector> fmt::Debug for Session<I> {
    /// Shows neither keys nor values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("interface", &I::any(&self.slot).interface_name())
            .finish_non_exhaustive()
    }
}
