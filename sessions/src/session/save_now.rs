//! Saving before the handler returns.

use super::{Session, SessionSelector};
use crate::{error::SaveError, request::SavedSession};

/// # Saving before the response
impl<I: SessionSelector> Session<I> {
    /// Saves the session now instead of after the handler, and closes it for writes.
    ///
    /// For a handler that keeps running after its response began (server-sent events, a WebSocket),
    /// or that must know what is stored before it answers. The session is saved as for a response
    /// with status 200, and the response carries the cookie as usual.
    ///
    /// # Errors
    ///
    /// [`SaveError`]. The handler decides what the client gets; the request does not save the
    /// session again. If the future is dropped before it completes, the client gets 500.
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
        // The handler reads the stored values, so that the response varies by the cookie.
        self.look(|_| ());
        I::erased(&self.slot).save_now().await
    }
}
