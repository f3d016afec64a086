//! Ending sessions that live in their cookies: up to which moment each owner's are ended.

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

/// Longer than any token is accepted: lifetimes have at most 400 days, and a request that began
/// before may seal one more token.
const REMEMBERED: Duration = Duration::from_secs(401 * 24 * 60 * 60);

/// Ends sessions that live in their cookies: "log out everywhere".
///
/// A store notes for each owner the moment up to which their sessions are ended, and each session
/// holds the moment of its login. A request that uses a session with an owner asks the store, once;
/// one without an owner, and one that does not use its session, asks nothing. A store that does not
/// answer is an error, never a session: 503 within the deadline, as with
/// [`ServerSide`](crate::ServerSide).
///
/// Any [`Store`] with [`owners`](Store::owners) will do. It holds one small entry for each owner who
/// ended their sessions, for 401 days. Let no [`ServerSide`](crate::ServerSide) use it too, or with
/// another prefix: the end of all is otherwise noted for both.
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
    store: Arc<dyn Owners>,
    deadlines: Deadlines,
    shared: Arc<Shared>,
}

/// What clones have in common.
struct Shared {
    breaker: CircuitBreaker,
    clock: MonotonicClock,
}

/// A store, of which the index of owners counts.
trait Owners: Send + Sync {
    fn index(&self) -> Option<&dyn OwnerIndex>;
}

impl<S: Store> Owners for S {
    fn index(&self) -> Option<&dyn OwnerIndex> {
        self.owners()
    }
}

impl Revocation {
    /// Takes the store.
    ///
    /// One without an index of owners is an error of every request that needs it: sessions that have
    /// an owner are then answered with 500.
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

    /// Ends all sessions of the owner, on every client and every copy of their cookies. Sessions
    /// that begin with a later login live.
    ///
    /// The session of the request that asks is among them: [`purge`](Session::purge) it as well, so
    /// that its cookie goes.
    ///
    /// # Errors
    ///
    /// [`OwnerError::Store`] when the store failed, and the sessions may go on;
    /// [`OwnerError::Unsupported`] when it has no index of owners.
    pub async fn end_all(&self, owner: impl fmt::Display) -> Result<(), OwnerError> {
        let owner = OwnerKey::of_id(&owner.to_string());
        let before = self.shared.clock.now();
        self.revoke_before(owner, before).await
    }

    /// Ends all sessions of the owner of `current`, except that one: after a change of password, say.
    /// It gets a cookie anew with this response; until the client has that, it is logged out as well.
    ///
    /// # Errors
    ///
    /// [`OwnerError::NoOwner`] when nobody is logged in with the session, or it is saved already;
    /// otherwise those of [`end_all`](Self::end_all).
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
        Ok(self.call(&deadline, index.revoke_before(&owner, before, REMEMBERED)).await?)
    }

    /// MonotonicClock a request that opens a session. Who logs in with it did so then.
    pub(super) fn stamp(&self, cx: &OpenContext<'_>) -> Timestamp {
        self.shared.clock.request_start(cx.clock, cx.now())
    }

    pub(super) fn deadline(&self) -> Deadline {
        Deadline::after(self.deadlines.request)
    }

    /// Whether the sessions of its owner were ended since this one began.
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

    /// Refuses a login that began before its owner's sessions were ended: its token would be worth
    /// nothing.
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
