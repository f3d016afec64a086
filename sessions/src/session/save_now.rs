//! Saving before the response is made.

use super::{Session, SessionSelector};
use crate::{error::SaveError, request::SavedSession};

/// Saving at once.
impl<I: SessionSelector> Session<I> {
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
        I::erased(&self.slot).save_now().await
    }
}
