//! What is done to the session as a whole, and the messages for the next page.

use super::{Session, SessionSelector, flash::Flash};
use crate::{
    dictionary::{Dictionary, FLASHES, PurgeOutcome},
    error::{SaveError, SessionError},
    request::SavedSession,
};

/// The session as a whole.
impl<I: SessionSelector> Session<I> {
    /// Whether the session outlives the browser session.
    pub fn permanent(&self) -> bool {
        self.look(Dictionary::permanent)
    }

    /// Makes the session permanent, so that its cookie gets an expiry, or not.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`].
    pub fn set_permanent(&self, permanent: bool) -> Result<(), SessionError> {
        self.change(|dictionary| dictionary.set_permanent(permanent))
    }

    /// Whether no former request left this session.
    pub fn is_new(&self) -> bool {
        self.look(Dictionary::is_new)
    }

    /// Whether this request changed the session so far. Asking is no access.
    pub fn is_modified(&self) -> bool {
        self.peek(Dictionary::is_modified)
    }

    /// Declares the session modified, so that it is saved though no key changed, or takes that
    /// back.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`].
    pub fn set_modified(&self, modified: bool) -> Result<(), SessionError> {
        self.change(|dictionary| dictionary.set_modified(modified))
    }

    /// Whether this request looked into the session so far. Asking is no access.
    pub fn is_accessed(&self) -> bool {
        self.peek(Dictionary::is_accessed)
    }

    /// Ends the session: log out. What is written after it starts a new one, a message for the
    /// next page say. Carried out whatever the status of the response.
    ///
    /// Returns what that comes to: a session that is kept on the server is [`PurgeOutcome::TokenRevoked`] once
    /// the response is sent, and if that fails the client gets an error; one that lives in its
    /// cookie is [`PurgeOutcome::CookieRemoved`] by this client, and a copy of the cookie goes on (OWASP
    /// ASVS 5.0, 7.4.1).
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`].
    pub fn purge(&self) -> Result<PurgeOutcome, SessionError> {
        self.change(Dictionary::purge)
    }

    /// Gives the session a new token: at login, and wherever rights change (OWASP Session
    /// Management, renewal after any privilege change). Its content stays, and so does the time it
    /// began, which `absolute_timeout` counts from. Carried out whatever the status of the
    /// response.
    ///
    /// # Security
    ///
    /// What the session held before the login stays in it, and someone else may have planted that:
    /// remove what should not come along, or [`purge`](Self::purge) and then insert. A
    /// [`SignedCookie`](crate::SignedCookie) from before stays valid, with what it held then.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`].
    pub fn renew(&self) -> Result<(), SessionError> {
        self.change(Dictionary::renew)
    }

    /// Logs `owner` in: notes the id of whose session it is, gives the session a new token, and
    /// starts its `absolute_timeout` anew. The session of another owner ends first, so that nothing
    /// of it comes along. What the session held before the login stays in it.
    ///
    /// The id is what the application knows the owner by, a number or a UUID say. With a
    /// server-side store, sessions can then be [listed](crate::ServerSide::sessions_of) and [ended
    /// together](crate::ServerSide::end_all).
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use sessions::{Session, SessionError};
    /// fn log_in(session: &Session, user_id: u64) -> Result<(), SessionError> {
    ///     session.set_owner(user_id)?;
    ///     session.insert("device", "Firefox on Linux")
    /// }
    /// ```
    pub fn set_owner(&self, owner: impl std::fmt::Display) -> Result<(), SessionError> {
        self.change(|dictionary| dictionary.set_owner(owner))
    }

    /// Returns whose session it is, as [`set_owner`](Self::set_owner) noted it, or `None` when
    /// nobody is logged in.
    pub fn owner(&self) -> Option<String> {
        self.look(Dictionary::owner)
    }

    /// Saves the session now instead of when the handler has returned, and closes it for writes: for
    /// a handler that goes on after its response began, with server-sent events or a WebSocket, or
    /// that must know what is stored before it answers. The response carries the cookie all the
    /// same; it is saved as for a response with status 200.
    ///
    /// # Errors
    ///
    /// [`SaveError`]. The handler decides what the client gets; nothing else is saved for this
    /// request. When the future is dropped before it is done, the client gets 500.
    ///
    /// # Examples
    ///
    /// ```
    /// # use actix_web::{HttpResponse, get};
    /// # use sessions::Session;
    /// #[get("/ticket")]
    /// async fn ticket(session: Session) -> actix_web::Result<HttpResponse> {
    ///     session.update("tickets", |n: Option<u32>| n.unwrap_or(0) + 1)?;
    ///     let saved = session.save_now().await?;
    ///     let tickets: Option<u32> = saved.get("tickets")?;
    ///     Ok(HttpResponse::Ok().body(format!("you have {} tickets", tickets.unwrap_or(0))))
    /// }
    /// ```
    pub async fn save_now(&self) -> Result<SavedSession, SaveError> {
        // What the outcome tells of the session reaches the response, as from any other read.
        self.look(|_| ());
        I::any_arc(&self.slot).save_now().await
    }

    /// Takes back what this request changed so far. A [`renew`](Self::renew) or a
    /// [`purge`](Self::purge) stands.
    ///
    /// # Errors
    ///
    /// [`SessionError::Null`], [`SessionError::Saved`].
    pub fn rollback(&self) -> Result<(), SessionError> {
        self.change(Dictionary::rollback)
    }
}

/// Messages for the next page.
impl<I: SessionSelector> Session<I> {
    /// Leaves a message for the next page, under a category of your choice: Flask's `flash`.
    ///
    /// # Errors
    ///
    /// Those of [`update`](Self::update).
    ///
    /// # Examples
    ///
    /// ```
    /// # use sessions::{Session, SessionError};
    /// fn saved(session: &Session) -> Result<(), SessionError> {
    ///     session.flash("success", "Your changes are saved.")
    /// }
    /// ```
    pub fn flash(
        &self,
        category: impl Into<String>,
        message: impl Into<String>,
    ) -> Result<(), SessionError> {
        self.rerun(Flash { category: category.into(), message: message.into() })
    }

    /// Takes the messages that [`flash`](Self::flash) left, as pairs of category and message, the
    /// oldest first. Taking none is no change.
    ///
    /// # Errors
    ///
    /// Those of [`take`](Self::take).
    pub fn take_flashes(&self) -> Result<Vec<(String, String)>, SessionError> {
        if !self.contains_key(FLASHES) {
            return Ok(Vec::new());
        }
        Ok(self.take(FLASHES)?.unwrap_or_default())
    }
}
