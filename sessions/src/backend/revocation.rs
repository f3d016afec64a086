//! Ending sessions that live in their cookies, by the time before which each owner's are ended.

use std::{fmt, sync::Arc, time::Duration};

use super::{
    OwnerError,
    circuit_breaker::{Call, CircuitBreaker, Deadline, Deadlines},
    monotonic_clock::MonotonicClock,
};
use crate::{
    error::{OpenError, SaveError},
    interface::OpenContext,
    session::{Session, SessionSelector},
    state::SessionState,
    store::{OwnerIndex, OwnerKey, Store, Timestamp},
};

/// Longer than any token is accepted: a lifetime has at most 400 days, and a request that began before
/// may seal one more token.
const REVOCATION_TTL: Duration = Duration::from_secs(401 * 24 * 60 * 60);

/// Ends sessions that live in their cookies: "log out everywhere".
///
/// A store keeps for each owner the time before which their sessions are ended, and each session holds
/// the time of its login. A request that uses a session with an owner makes one call of the store;
/// without an owner, or without using the session, it makes none. A store that does not answer is an
/// error, never a session: 503 within the deadline, as with [`ServerSide`](crate::ServerSide).
///
/// Any [`Store`] with [`owners`](Store::owners) will do. It holds one small entry for 401 days for each
/// owner whose sessions were ended. A [`ServerSide`](crate::ServerSide) must not use the same store
/// with the same prefix: ending all sessions would then reach both.
///
/// Hosts' clocks must agree within the time of a request.
///
/// # Examples
///
/// ```
/// use sessions::{MemoryStore, SecretKey, SessionInterface, SignedCookie};
///
/// #[derive(Clone, SessionInterface)]
/// #[session(cookie_name = "__Host-app")]
/// struct AppSessions {
///     backend: SignedCookie,
/// }
///
/// let backend = SignedCookie::new(SecretKey::generate()).revocable(MemoryStore::new());
/// let sessions = AppSessions { backend };
///
/// async fn log_out_everywhere(sessions: &AppSessions, user_id: u64) -> actix_web::Result<()> {
///     Ok(sessions.backend.end_all(user_id).await?)
/// }
/// ```
#[derive(Clone)]
pub struct Revocation {
    store: Arc<dyn HasOwnerIndex>,
    deadlines: Deadlines,
    shared: Arc<Shared>,
}

/// State that clones share.
struct Shared {
    breaker: CircuitBreaker,
    clock: MonotonicClock,
}

/// The index of owners of a store whose type is erased.
trait HasOwnerIndex: Send + Sync {
    fn index(&self) -> Option<&dyn OwnerIndex>;
}

impl<S: Store> HasOwnerIndex for S {
    fn index(&self) -> Option<&dyn OwnerIndex> {
        self.owners()
    }
}

impl Revocation {
    /// Returns a revocation that keeps its entries in this store.
    ///
    /// If the store has no index of owners, every request with an owner's session fails with 500.
    pub fn new(store: impl Store) -> Self {
        Self {
            store: Arc::new(store),
            deadlines: Deadlines::default(),
            shared: Arc::new(Shared {
                breaker: CircuitBreaker::new(),
                clock: MonotonicClock::default(),
            }),
        }
    }

    /// Sets how long one call of the store may take. Defaults to 500 ms.
    #[must_use]
    pub fn with_call_deadline(mut self, deadline: Duration) -> Self {
        self.deadlines.call = deadline;
        self
    }

    /// Sets how long a request may wait for the store in all. Defaults to one second.
    #[must_use]
    pub fn with_request_deadline(mut self, deadline: Duration) -> Self {
        self.deadlines.request = deadline;
        self
    }

    /// Ends all sessions of the owner, on every client and with every copy of a cookie. Sessions that
    /// begin with a later login are not affected.
    ///
    /// The session of the calling request is among them: [`purge`](Session::purge) it as well, so that
    /// its cookie is removed.
    ///
    /// # Errors
    ///
    /// [`OwnerError::Store`] when the store failed, and the sessions may not have ended;
    /// [`OwnerError::Unsupported`] when it has no index of owners.
    pub async fn end_all(&self, owner: impl fmt::Display) -> Result<(), OwnerError> {
        let owner = OwnerKey::of_id(&owner.to_string());
        let before = self.shared.clock.now();
        self.revoke_before(owner, before).await
    }

    /// Ends all sessions of the owner of `current`, except that one, for example after a change of
    /// password. This response sets its cookie again; until the client has it, it is logged out too.
    ///
    /// # Errors
    ///
    /// [`OwnerError::NoOwner`] when the session has no owner or is saved already, and the errors of
    /// [`end_all`](Self::end_all).
    pub async fn end_others<I: SessionSelector>(
        &self,
        current: &Session<I>,
    ) -> Result<(), OwnerError> {
        let owner = current.owner().ok_or(OwnerError::NoOwner)?;
        let before = self.shared.clock.now();
        let after = self.shared.clock.now();
        current
            .change(|state| {
                state.begin_again(after);
                Ok(())
            })
            .map_err(|_| OwnerError::NoOwner)?;
        self.revoke_before(OwnerKey::of_id(&owner), before).await
    }

    async fn revoke_before(&self, owner: OwnerKey, before: Timestamp) -> Result<(), OwnerError> {
        let index = self.store.index().ok_or(OwnerError::Unsupported)?;
        let deadline = Deadline::after(self.deadlines.request);
        Ok(self.call(&deadline, index.revoke_before(&owner, before, REVOCATION_TTL)).await?)
    }

    /// Returns when a request began. A login of this request is dated to it.
    pub(super) fn request_start(&self, cx: &OpenContext<'_>) -> Timestamp {
        self.shared.clock.request_start(cx.clock, cx.now())
    }

    pub(super) fn deadline(&self) -> Deadline {
        Deadline::after(self.deadlines.request)
    }

    /// Whether the sessions of its owner were ended after this one began.
    pub(super) async fn has_ended(
        &self,
        state: &SessionState,
        deadline: &Deadline,
    ) -> Result<bool, OpenError> {
        let Some(owner) = state.owner() else { return Ok(false) };
        let index =
            self.store.index().ok_or_else(|| OpenError::internal(OwnerError::Unsupported))?;
        let owner = OwnerKey::of_id(&owner);
        let revoked_before = self.call(deadline, index.revoked_before(&owner)).await?;
        Ok(revoked_before.is_some_and(|revoked_before| state.owner_since() <= revoked_before))
    }

    /// Refuses a login that began before its owner's sessions were ended: its token would open nothing.
    pub(super) async fn check_login(&self, state: &SessionState) -> Result<(), SaveError> {
        if !state.logs_in() {
            return Ok(());
        }
        match self.has_ended(state, &self.deadline()).await {
            Ok(false) => Ok(()),
            Ok(true) => Err(SaveError::Gone),
            Err(OpenError::Timeout) => Err(SaveError::Timeout),
            Err(OpenError::Unavailable { source }) => Err(SaveError::Unavailable { source }),
            Err(err) => Err(SaveError::internal(err)),
        }
    }

    fn call<'c, F>(&'c self, deadline: &'c Deadline, call: F) -> Call<'c, F> {
        self.shared.breaker.call(self.deadlines.call, deadline, call)
    }
}

impl<S: Store> From<S> for Revocation {
    fn from(store: S) -> Self {
        Self::new(store)
    }
}

impl fmt::Debug for Revocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocation").field("deadlines", &self.deadlines).finish_non_exhaustive()
    }
}
