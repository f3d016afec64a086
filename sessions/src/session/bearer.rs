//! Tokens for clients without cookies.

use super::{Session, SessionSelector};
use crate::{error::SaveError, interface::Transport, request::BearerToken};

/// # Clients without cookies
impl<I: SessionSelector> Session<I> {
    /// Saves the session now, as [`save_now`](Self::save_now) does, and returns a new token of it for a client
    /// without cookies: a program, or an app on a phone. The client sends it in `Authorization: Bearer` from then
    /// on. This response sets no cookie, and no cache keeps it (`no-store`, RFC 6750, 5.3).
    ///
    /// Only for interfaces with [`bearer`](crate::SessionInterface::bearer), and not where the request brings the
    /// session's cookie: script in a page would get what `HttpOnly` keeps from it.
    ///
    /// Call it after each login and each [`renew`](Self::renew) of such a client, in the same request: without it
    /// the new token would be lost, so that the response is an error and nothing is stored. Without one of these
    /// the token that the request brought is [rotated](Self::rotate): it opens the session until `rotate_grace` is
    /// over.
    ///
    /// # Errors
    ///
    /// - [`SaveError::NoBearer`]: the interface, or its backend, has no bearer tokens.
    /// - [`SaveError::CameInCookie`]: the request brings the session's cookie. The client gets 403.
    /// - [`SaveError::NothingToHandOut`]: the session holds nothing, so that it is not stored.
    /// - [`SaveError::Null`] in a null session, [`SaveError::Saved`] after the response or `save_now`.
    /// - [`SaveError::Superseded`]: another request has replaced this one's token meanwhile.
    /// - those of `save_now`.
    ///
    /// After `CameInCookie` the session can still be written, and is saved with the response. So it can after
    /// `NoBearer` where the interface has no `bearer`, and after `NothingToHandOut` in a new session.
    ///
    /// # Examples
    ///
    /// ```
    /// # use actix_web::{Responder, post, web::Json};
    /// # use serde_json::json;
    /// # use sessions::Session;
    /// #[post("/api/token")]
    /// async fn token(session: Session) -> actix_web::Result<impl Responder> {
    ///     session.set_owner(7)?; // the password was verified
    ///     let token = session.bearer_token().await?;
    ///     Ok(Json(json!({"access_token": token, "token_type": "Bearer"})))
    /// }
    /// ```
    pub async fn bearer_token(&self) -> Result<BearerToken, SaveError> {
        self.look(|_| ());
        I::erased(&self.slot).bearer_token().await
    }

    /// Returns how the session's token came with this request.
    pub fn transport(&self) -> Transport {
        self.look(|_| ());
        I::any(&self.slot).transport()
    }
}
