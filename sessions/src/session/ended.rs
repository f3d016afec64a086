//! The end of a session, for a connection that stays open.

use std::time::Duration;

use tokio::time::sleep;

use super::{Session, SessionSelector};

/// The shortest time between two questions.
const SHORTEST: Duration = Duration::from_millis(100);

/// # Connections that stay open
impl<I: SessionSelector> Session<I> {
    /// Waits for the end of the session: for web sockets, server-sent events and long polling, which would
    /// otherwise outlive it. The session is asked for once in each `interval`, which is at least 100 ms, so
    /// that its end is noticed within one. Ends
    ///
    /// - when the session was purged, here or by another request, or ended by
    ///   [`end`](crate::ServerSide::end), [`end_others`](crate::ServerSide::end_others) or
    ///   [`end_all`](crate::ServerSide::end_all);
    /// - when a client logged in with it, or [`renew`](Self::renew) changed its rights, after this request
    ///   opened it: the client connects again with its new token. A [`rotate`](Self::rotate) ends nothing;
    /// - when it has expired: by `lifetime`, `idle_timeout` or `absolute_timeout`, or by `remembered`, for a
    ///   session that [is](Self::remembered);
    /// - at once, after one interval, where there is no session: a null session, an empty one, one that
    ///   could not be saved.
    ///
    /// A store that fails is no end: the next question tells. And asking is no use: it prolongs no session.
    /// A connection on which a user is active uses the session by requests of its own.
    ///
    /// | backend | what it asks | what it does not see |
    /// |---|---|---|
    /// | [`ServerSide`](crate::ServerSide) | one call of the store, which reads the record | |
    /// | cookies that are [`revocable`](crate::SignedCookie::revocable) | nothing; with an owner one call, which reads the last end | a logout of this session alone |
    /// | other cookies | nothing | a logout |
    ///
    /// A session in its cookie expires with the token that this request brought, or set: requests that have
    /// set a newer one since do not count. The client connects again with that one.
    ///
    /// With a [backend](crate::backend::Backend::is_alive) or an
    /// [interface](crate::SessionInterface::is_alive) of your own that cannot tell it ends at the first question.
    ///
    /// The future may be sent to another task; it holds the session of the request. Save the session
    /// before a handler that goes on ([`save_now`](Self::save_now)): a new one that is not saved cannot end.
    ///
    /// # Panics
    ///
    /// When it is awaited outside a Tokio runtime.
    pub fn ended(&self, interval: Duration) -> impl Future<Output = ()> + Send + use<I> {
        // What the client gets depends on the session.
        self.look(|_| ());
        let slot = I::erased(&self.slot);
        let since = slot.now();
        async move {
            loop {
                sleep(interval.max(SHORTEST)).await;
                let is_alive = slot.is_alive(since);
                if let Ok(false) = is_alive.await {
                    return;
                }
            }
        }
    }
}
