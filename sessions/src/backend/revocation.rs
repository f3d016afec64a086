//! Ending sessions that live in their cookies, by the time before which each owner's are ended.

use std::{fmt, sync::Arc, time::Duration};

#[cfg(feature = "import-actix-session")]
use super::takeover::marks::{MarkStore, Marks};
use super::{
    OwnerError,
    circuit_breaker::{Call, CircuitBreaker, Deadline, Deadlines, LONGEST, Write},
    log_ids::LogIds,
    login_time::LoginTime,
};
use crate::{
    error::{ConfigError, NotReady, OpenError, OutageLog, SaveError},
    interface::IsAlive,
    key::SharedKeys,
    session::{Session, SessionSelector},
    state::SessionState,
    store::{BoxFuture, Ended, OwnerIndex, OwnerKey, OwnerState, Store, Timestamp},
};

/// How long a store remembers that an owner's sessions were ended: twice the longest lifetime, 400 days,
/// and a day. A record or token that the end has missed is met before that.
pub(super) const END_REMEMBERED: Duration = Duration::from_secs(801 * 24 * 60 * 60);
/// How far in the future a login may be by the store's clock: stores fail over to hosts whose clocks
/// differ.
const LEEWAY: Duration = Duration::from_secs(60);

/// Ends sessions that live in their cookies: "log out everywhere".
///
/// A store keeps for each owner the time before which their sessions are ended, and each session holds
/// the time of its login. A request that uses a session with an owner makes one call of the store;
/// without an owner, or without using the session, it makes none. A store that does not answer is an
/// error, never a session: 503 within the deadline, as with [`ServerSide`](crate::ServerSide).
///
/// Any [`Store`] with [`owners`](Store::owners) will do. It holds one small entry for 801 days for each
/// owner whose sessions were ended. Where a [`ServerSide`](crate::ServerSide) uses the same
/// store with the same prefix and the same owner namespace, call its
/// [`end_all`](crate::ServerSide::end_all): it ends sessions in cookies as well, and those of a
/// `Revocation` end no records.
///
/// Logins and ends are ordered by the store's clock, so that hosts' clocks need not agree.
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
    owner_namespace: Arc<str>,
    log_ids: LogIds,
    breaker: Arc<CircuitBreaker>,
}

/// The index of owners of a store whose type is erased.
trait HasOwnerIndex: Send + Sync {
    fn index(&self) -> Option<&dyn OwnerIndex>;
    fn server(&self) -> Option<String>;
    fn ready(&self) -> BoxFuture<'_, Result<(), NotReady>>;

    #[cfg(feature = "import-actix-session")]
    fn marks(&self) -> &dyn MarkStore;
}

impl<S: Store> HasOwnerIndex for S {
    fn index(&self) -> Option<&dyn OwnerIndex> {
        self.owners()
    }

    fn server(&self) -> Option<String> {
        Store::server(self)
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), NotReady>> {
        Box::pin(Store::ready(self))
    }

    #[cfg(feature = "import-actix-session")]
    fn marks(&self) -> &dyn MarkStore {
        self
    }
}

impl Revocation {
    /// Returns a revocation that keeps its entries in this store.
    ///
    /// If the store has no index of owners, every request with an owner's session fails with 500.
    pub fn new(store: impl Store) -> Self {
        let waits = !store.answers_at_once();
        Self {
            store: Arc::new(store),
            deadlines: Deadlines::default(),
            owner_namespace: "".into(),
            log_ids: LogIds::default(),
            breaker: Arc::new(CircuitBreaker::new(waits)),
        }
    }

    /// Sets how long one call of the store may take. Defaults to 500 ms.
    #[must_use]
    pub fn with_call_deadline(mut self, deadline: Duration) -> Self {
        self.deadlines.call = deadline.min(LONGEST);
        self
    }

    /// Sets how long a request may wait for the store in all. Defaults to one second.
    #[must_use]
    pub fn with_request_deadline(mut self, deadline: Duration) -> Self {
        self.deadlines.request = deadline.min(LONGEST);
        self
    }

    /// Sets the namespace of owners. Defaults to the empty one. Where interfaces with cookies share a
    /// store, ending all sessions of an owner reaches all of them that have the same namespace.
    #[must_use]
    pub fn with_owner_namespace(mut self, namespace: impl Into<Arc<str>>) -> Self {
        self.owner_namespace = namespace.into();
        self
    }

    /// Takes the ids of owners in logs from the keys of the cookies.
    pub(super) fn with_log_keys(mut self, keys: SharedKeys) -> Self {
        self.log_ids.follow(keys);
        self
    }

    /// Checks what every request with an owner needs.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.deadlines.check()?;
        if self.store.index().is_none() {
            let problem = "the store of `revocable` has no index of owners, so that every request of a \
                           session with an owner fails; use a store whose `owners` answers one";
            return Err(ConfigError::Unusable { problem: problem.to_owned() });
        }
        Ok(())
    }

    /// Asks the store whether it serves sessions now, within the deadline of a request.
    pub(super) async fn ready(&self) -> Result<(), NotReady> {
        let Self { store, breaker, deadlines, .. } = self;
        breaker.ready(store.ready(), store.server(), deadlines.request).await
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
        let owner = self.owner_key(&owner.to_string());
        self.end_before(owner, None, &self.deadline()).await.map(drop)
    }

    /// Ends all sessions of the owner of `current`, except that one, for example after a change of
    /// password. This response sets its cookie again; until the client has it, it is logged out too.
    ///
    /// # Errors
    ///
    /// [`OwnerError::NoOwner`] when the session has no owner or is saved already;
    /// [`OwnerError::Ended`] when another request has ended all of the owner's sessions, this one
    /// included; and the errors of [`end_all`](Self::end_all).
    pub async fn end_others<I: SessionSelector>(
        &self,
        current: &Session<I>,
    ) -> Result<(), OwnerError> {
        let owner = self.owner_key(&current.owner().ok_or(OwnerError::NoOwner)?);
        let deadline = self.deadline();
        let look = self.call(&deadline, self.index()?.state(&owner)).await;
        let look = look.map_err(OwnerError::Store)?;
        // A session that is saved cannot be dated again.
        let has_ended = current.change(|state| Ok(has_ended(state, owner, look)));
        if has_ended.map_err(|_| OwnerError::NoOwner)? {
            return Err(OwnerError::Ended);
        }
        let end = self.end_before(owner, Some(look.now), &deadline).await;
        // The moment is our own where a call was repeated, or may be noted where it failed.
        let is_spared = end.as_ref().map_or(true, |end| {
            end.previous == look.ended_before || end.previous == Some(look.now)
        });
        // Else before every end, so that the session is refused.
        let dated = current.change(|state| {
            // A store's clock may go back, at a failover.
            let spared = || state.owner_since().max(look.now.next());
            let since = if is_spared { spared() } else { Timestamp::default() };
            date(state, owner, since);
            Ok(())
        });
        end?;
        if is_spared { dated.map_err(|_| OwnerError::NoOwner) } else { Err(OwnerError::Ended) }
    }

    async fn end_before(
        &self,
        owner: OwnerKey,
        up_to: Option<Timestamp>,
        deadline: &Deadline,
    ) -> Result<Ended, OwnerError> {
        let end = self.index()?.end_before(&owner, up_to, END_REMEMBERED);
        let ended = self.call(deadline, end).writing(Write::Index).await?;
        self.log_ids.tell_owner_ended(&owner, up_to.is_some());
        Ok(ended)
    }

    fn index(&self) -> Result<&dyn OwnerIndex, OwnerError> {
        self.store.index().ok_or(OwnerError::Unsupported)
    }

    pub(super) fn owner_namespace(&self) -> &str {
        &self.owner_namespace
    }

    fn owner_key(&self, id: &str) -> OwnerKey {
        OwnerKey::of_id(&self.owner_namespace, id)
    }

    pub(super) fn deadline(&self) -> Deadline {
        Deadline::after(self.deadlines.request)
    }

    /// Whether the sessions of its owner were ended after this one began. A login cannot be in the
    /// future: one that claims so is from a host whose clock is ahead, and ends with the others.
    pub(super) async fn has_ended(
        &self,
        state: &SessionState,
        deadline: &Deadline,
    ) -> Result<bool, OpenError> {
        let Some(owner) = state.owner() else { return Ok(false) };
        let index = self.index().map_err(OpenError::internal)?;
        let owner = self.owner_key(&owner);
        let OwnerState { now, ended_before } = self.call(deadline, index.state(&owner)).await?;
        let since = state.owner_since();
        Ok(ended_before.is_some_and(|ended| since <= ended || since > now.after(LEEWAY)))
    }

    /// Whether this session has not ended with its owner's others.
    pub(super) fn is_alive(&self, state: &SessionState, owner: &str) -> IsAlive {
        let (revocation, owner) = (self.clone(), self.owner_key(owner));
        let login = state.extensions().get::<LoginTime>().filter(|_| state.logs_in()).cloned();
        let since = state.owner_since();
        Box::pin(async move {
            let index = revocation.index().map_err(OpenError::internal)?;
            let look = revocation.call(&revocation.deadline(), index.state(&owner)).await?;
            let since = login.map_or(since, |login| login.by(owner, look.now));
            Ok(look.ended_before.is_none_or(|ended| since > ended))
        })
    }

    /// Returns the time of this session's login, by the store's clock: the moment at which its request
    /// began.
    ///
    /// # Errors
    ///
    /// [`SaveError::Gone`] when its owner's sessions were ended after that: its token would open nothing.
    pub(super) async fn login_time(&self, state: &SessionState) -> Result<Timestamp, SaveError> {
        let index = self.index().map_err(SaveError::internal)?;
        let owner = self.owner_key(&state.owner().unwrap_or_default());
        let look = self.call(&self.deadline(), index.state(&owner)).await?;
        let since = login_time(state, owner, look.now);
        if look.ended_before.is_some_and(|ended| since <= ended) {
            self.log_ids.tell_login_refused(&owner);
            return Err(SaveError::Gone);
        }
        // For `is_alive`, which asks after the token has it.
        if let Some(login) = state.extensions().get::<LoginTime>() {
            login.set(owner, since);
        }
        Ok(since)
    }

    /// Returns where the lines of an outage are counted.
    pub(super) fn log(&self) -> &Arc<OutageLog> {
        self.breaker.log()
    }

    /// Returns the marks of sessions that were taken over.
    #[cfg(feature = "import-actix-session")]
    pub(super) fn marks<'m>(&'m self, deadline: &'m Deadline) -> Marks<'m> {
        let Self { store, breaker, deadlines, .. } = self;
        Marks { store: store.marks(), breaker, call_deadline: deadlines.call, deadline }
    }

    fn call<'c, F>(&'c self, deadline: &'c Deadline, call: F) -> Call<'c, F> {
        self.breaker.call(self.deadlines.call, deadline, call)
    }
}

/// Returns when the request logs the owner in whose session this is.
fn login_time(state: &SessionState, owner: OwnerKey, now: Timestamp) -> Timestamp {
    state.extensions().get::<LoginTime>().map_or(now, |login| login.by(owner, now))
}

/// Whether this session has ended, by a look at its owner's.
fn has_ended(state: &SessionState, owner: OwnerKey, look: OwnerState) -> bool {
    let since =
        if state.logs_in() { login_time(state, owner, look.now) } else { state.owner_since() };
    look.ended_before.is_some_and(|ended| since <= ended)
}

/// Dates the login of this session, which may not be saved yet.
fn date(state: &mut SessionState, owner: OwnerKey, since: Timestamp) {
    match state.extensions().get::<LoginTime>().filter(|_| state.logs_in()) {
        Some(login) => login.set(owner, since),
        None => state.begin_again(since),
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
