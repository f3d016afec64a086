//! Backends: from the token in a cookie to a session, and back.

mod any;
mod circuit_breaker;
pub(crate) mod confidential;
pub(crate) mod cookie;
mod from_config;
mod log_ids;
mod login_time;
mod refused_tokens;
mod revocation;
mod server_side;
pub(crate) mod stable_token;
#[cfg(feature = "import-actix-session")]
mod takeover;

pub use self::{
    any::AnyBackend,
    confidential::Confidential,
    cookie::{DecodedToken, EncryptedCookie, SignedCookie, TokenError, TokenScope},
    revocation::Revocation,
    server_side::{OwnedSession, ServerSide},
    stable_token::StableToken,
};
#[cfg(feature = "import-actix-session")]
pub(crate) use self::{
    server_side::run_to_completion,
    takeover::{LegacySession, MarkId, Standing, Taken, TakeoverHook},
};
pub use crate::{error::OwnerError, token::signed::HashAlgorithm};
use crate::{
    error::{ConfigError, NotReady, OpenError, Outages, SaveError},
    interface::{
        AliveContext, CheckContext, IsAlive, OpenContext, Opened, SaveContext, Saved, known,
    },
    state::SessionState,
};

/// Opens and saves sessions: the part of an interface that is the same for every application.
///
/// The derive opens and saves through a field of this type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session backend",
    label = "does not turn tokens into sessions",
    note = "the field `backend` is one of `SignedCookie`, `EncryptedCookie`, `ServerSide<Store>` and `AnyBackend`, or a type of your own that implements `Backend`"
)]
#[expect(
    async_fn_in_trait,
    reason = "Actix runs handlers on the thread that accepted the connection"
)]
pub trait Backend: Send + Sync + 'static {
    /// Opens the session of a request, as
    /// [`SessionInterface::open_session`](crate::SessionInterface::open_session) does.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when there may be a session that cannot be read. A bad token is not an error:
    /// there is no session.
    async fn open(&self, cx: &OpenContext<'_>) -> Result<Opened<SessionState>, OpenError>;

    /// Opens the session now, if nothing has to be waited for, as where it lives in its cookie. `None`, the
    /// default, leaves it to [`open`](Self::open), which must give the same answer: nothing was done then that
    /// `open` would do again. A backend around another one whose `open` adds nothing asks it.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open).
    fn open_at_once(
        &self,
        _cx: &OpenContext<'_>,
    ) -> Option<Result<Opened<SessionState>, OpenError>> {
        None
    }

    /// Saves the session now, if nothing has to be waited for. `None`, the default, leaves it to
    /// [`save`](Self::save): nothing was written then. A backend around another one whose `save` adds
    /// nothing asks it.
    ///
    /// # Errors
    ///
    /// Those of [`save`](Self::save).
    fn save_at_once(
        &self,
        _state: &SessionState,
        _cx: &SaveContext<'_>,
    ) -> Option<Result<Saved, SaveError>> {
        None
    }

    /// Saves the session when its request is answered, as
    /// [`SessionInterface::save_session`](crate::SessionInterface::save_session) does.
    ///
    /// # Errors
    ///
    /// [`SaveError`] when the session cannot be kept. [`SaveError::Gone`] and a [`Saved`] of a session
    /// that [has ended](Saved::has_ended) are the same answer.
    async fn save(&self, state: &SessionState, cx: &SaveContext<'_>) -> Result<Saved, SaveError>;

    /// Checks the backend when the program starts: that it has what it needs, and that each policy
    /// that is set has an effect. A backend around another one asks it. Defaults to no check.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with what to change.
    fn check(&self, _cx: &CheckContext<'_>) -> Result<(), ConfigError> {
        Ok(())
    }

    /// Asks the store whether it serves sessions now, within the deadline of a request: also while it fails
    /// and requests are refused without asking it. A backend around another one asks it. Defaults to `Ok`,
    /// for backends without a store: one of your own that has a store, or wraps a backend, writes this method,
    /// or its health checks always succeed.
    ///
    /// # Errors
    ///
    /// [`NotReady`], whose message is one line that names the server, the cause and what to do.
    async fn ready(&self) -> Result<(), NotReady> {
        Ok(())
    }

    /// Asks whether the session of a request still lives, for [`Session::ended`](crate::Session::ended):
    /// without using it, so that asking prolongs nothing. The request may be over. A backend around another
    /// one asks it. Defaults to an end at the first question, for backends that cannot tell: better a
    /// connection that begins again than one that outlives its session.
    ///
    /// The answer owns what it needs, since the session stays in use meanwhile.
    fn is_alive(&self, _state: &SessionState, _cx: &AliveContext<'_>) -> IsAlive {
        known(false)
    }

    /// Returns where the lines of an outage of the store are counted, which all workers share.
    #[doc(hidden)]
    fn outages(&self) -> Outages {
        None
    }

    /// Returns what takes each session of another framework over once. Without it an import adopts one
    /// with each request that brings its cookie, as with cookies and no store.
    #[cfg(feature = "import-actix-session")]
    #[doc(hidden)]
    fn takeover(&self) -> Option<TakeoverHook<'_>> {
        None
    }
}
