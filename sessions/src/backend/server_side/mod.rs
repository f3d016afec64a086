//! Sessions kept in a store: the cookie holds an id, and nothing else.

mod alive;
mod begin;
mod begin_again;
mod candidates;
mod cap;
mod create;
mod ending;
mod open;
mod open_at_once;
mod owned_session;
mod owner_index;
mod owner_sessions;
mod record_parts;
mod run_to_completion;
mod save;
mod save_at_once;
#[cfg(feature = "import-actix-session")]
mod takeover;
mod timeouts;
mod token;
mod touch;
mod turn;
mod write;

use std::{fmt, sync::Arc, time::Duration};

pub use self::owned_session::OwnedSession;
pub(crate) use self::run_to_completion::run_to_completion;
use self::{
    cap::{Above, Cap},
    timeouts::LongestTimeout,
    token::Tokens,
    write::WriteQueue,
};
#[cfg(feature = "import-actix-session")]
use super::TakeoverHook;
use super::{
    Backend,
    circuit_breaker::{Call, CircuitBreaker, Deadline, Deadlines, LONGEST, Write},
    log_ids::LogIds,
};
use crate::{
    dictionary::Limits,
    error::{ConfigError, NotReady, OpenError, OutageLog, Outages, SaveError, SessionLimit},
    interface::{AliveContext, CheckContext, IsAlive, OpenContext, Opened, SaveContext, Saved},
    key::{SecretKey, SharedKeys},
    policy::{BackendTraits, Settings},
    state::{MAX_KEYS, OwnKeys, SessionState},
    store::{OwnerKey, Store},
};

/// Sessions that live in a store. Their cookie holds a token of 45 characters that only finds them.
///
/// - **Concurrent requests do not erase each other.** A request saves its changes, not the state it
///   saw: where another request has saved meanwhile, the changes are made on the newer state.
///   Different keys merge, [`update`](crate::Session::update) runs again, and of two writes of the
///   same key the last one wins.
/// - **What has ended stays ended.** A request that began before a logout does not bring the session
///   back; the policy `on_gone` decides its answer.
/// - **A store that fails is an error within a deadline**, never an empty session: half a second for
///   a call and a second for a request by default. After five failed calls in a row requests are
///   refused at once, and one call in a second tries again. A call that times out while others are
///   answered, for example in the queue for a full pool, does not count. Requests that use no
///   session notice nothing.
///
/// A request that reads its session makes one call of the store, and one that also changes it two.
/// The record lives for `lifetime`, or `idle_timeout`, from its last use; one more call notes a use
/// when `touch_interval` has passed. A login makes up to four, and a session with an owner one more in
/// each of its lifetimes. `absolute_timeout` counts from the login. Where the cookie of a
/// permanent session is refreshed and nothing else is saved, one more call makes sure that its token
/// was not replaced meanwhile.
///
/// # Security
///
/// The token is `selector.verifier`, 128 random bits each. The store sees only their SHA-256, so that
/// a dump of it opens no session, and a renewal replaces the verifier in one atomic step. The hashes
/// cover the cookie's name or the policy `salt`, so that a token opens in its own interface only. An id
/// that the store does not know is never adopted. With [`signed`](Self::signed) a forged token does not
/// reach the store; without, one request makes at most 170 lookups.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use sessions::{MemoryStore, SecretKey, ServerSide, SessionInterface};
///
/// #[derive(Clone, SessionInterface)]
/// #[session(cookie_name = "__Host-id", lifetime = "14 days", absolute_timeout = "90 days")]
/// struct AppSessions {
///     backend: ServerSide<MemoryStore>,
/// }
///
/// let backend = ServerSide::new(MemoryStore::new())
///     .signed(SecretKey::generate())
///     .with_call_deadline(Duration::from_millis(200));
/// AppSessions { backend }.check()?;
/// # Ok::<(), sessions::error::ConfigError>(())
/// ```
pub struct ServerSide<S> {
    store: Arc<S>,
    tokens: Tokens,
    deadlines: Deadlines,
    max_payload: usize,
    max_keys: usize,
    owner_namespace: Arc<str>,
    cap: Option<Cap>,
    log_ids: LogIds,
    shared: Arc<Shared>,
}

/// State that clones share.
#[derive(Debug)]
struct Shared {
    breaker: CircuitBreaker,
    write_queue: WriteQueue,
    longest_timeout: LongestTimeout,
}

impl<S: Store> ServerSide<S> {
    /// The default of [`with_max_payload`](Self::with_max_payload): 64 KiB.
    pub const DEFAULT_MAX_PAYLOAD: usize = 64 * 1024;
    /// The default of [`with_max_keys`](Self::with_max_keys).
    pub const DEFAULT_MAX_KEYS: usize = MAX_KEYS;

    /// Returns a backend that keeps its sessions in this store.
    pub fn new(store: S) -> Self {
        let waits = !store.answers_at_once();
        Self {
            store: Arc::new(store),
            tokens: Tokens::default(),
            deadlines: Deadlines::default(),
            max_payload: Self::DEFAULT_MAX_PAYLOAD,
            max_keys: Self::DEFAULT_MAX_KEYS,
            owner_namespace: "".into(),
            cap: None,
            log_ids: LogIds::default(),
            shared: Arc::new(Shared {
                breaker: CircuitBreaker::new(waits),
                write_queue: WriteQueue::new(),
                longest_timeout: LongestTimeout::default(),
            }),
        }
    }

    /// Signs tokens with this key, or with the current one of this ring. A token whose signature is
    /// wrong does not reach the store; one under a fallback key is signed again in the response.
    ///
    /// Tokens without a signature, from before this was set, do not verify.
    #[must_use]
    pub fn signed(mut self, keys: impl Into<SharedKeys>) -> Self {
        let keys = keys.into();
        self.log_ids.follow(keys.clone());
        self.tokens = Tokens::signed(keys);
        self
    }

    /// Sets the key of the ids that sessions and owners have in [events](crate::events). Defaults to one
    /// that is derived from the current key of [`signed`](Self::signed), so that the ids change with it;
    /// without keys, to one that each process draws at random.
    ///
    /// With the same key in all processes an operator finds the lines of one session in all of them.
    #[must_use]
    pub fn with_log_key(mut self, key: SecretKey) -> Self {
        self.log_ids = LogIds::fixed(key);
        self
    }

    /// Sets how long one call of the store may take, at most a day. Defaults to 500 ms.
    #[must_use]
    pub fn with_call_deadline(mut self, deadline: Duration) -> Self {
        self.deadlines.call = deadline.min(LONGEST);
        self
    }

    /// Sets how long a request may wait for the store in all, at most a day, waits for other writers of its
    /// record included. Defaults to one second.
    #[must_use]
    pub fn with_request_deadline(mut self, deadline: Duration) -> Self {
        self.deadlines.request = deadline.min(LONGEST);
        self
    }

    /// Sets how many bytes the content of a session may have as JSON. A write beyond them is
    /// [`SessionError::TooLarge`](crate::SessionError::TooLarge). Defaults to 65,536.
    ///
    /// A request may write eight times as much in all, and at least 524,288 bytes: each write with its key
    /// and 48 bytes more, and the value of an update three times. Both limits bound how long a handler that writes as much as it can holds its
    /// worker: with the default for less than 10 ms. Raise this and the store's own limit together.
    ///
    /// A session that is larger, for example since the limit was lowered, can be read, and written as long
    /// as it does not grow. Where two requests have written at the same time, and only the result of both
    /// is too large, the later one fails with [`SaveError::PayloadTooLarge`].
    #[must_use]
    pub fn with_max_payload(mut self, bytes: usize) -> Self {
        self.max_payload = bytes;
        self
    }

    /// Sets how many keys a session may have. A write of another one is
    /// [`SessionError::TooLarge`](crate::SessionError::TooLarge). Defaults to 8,192.
    #[must_use]
    pub fn with_max_keys(mut self, keys: usize) -> Self {
        self.max_keys = keys;
        self
    }

    /// Sets the namespace of owners. Defaults to the empty one.
    ///
    /// Owners belong to the store: where interfaces share one, [`end_all`](Self::end_all) of owner 7 ends
    /// the sessions of owner 7 in all of them. Give an interface a namespace of its own where its owner 7
    /// is another person, such as an admin beside a customer.
    #[must_use]
    pub fn with_owner_namespace(mut self, namespace: impl Into<Arc<str>>) -> Self {
        self.owner_namespace = namespace.into();
        self
    }

    /// Limits how many sessions an owner has, at least 1: a login beyond that ends the sessions with the
    /// oldest logins. Defaults to no limit. The last call of this and
    /// [`refuse_above`](Self::refuse_above) counts.
    ///
    /// All live sessions of the owner count, in the whole store and the
    /// [owner namespace](Self::with_owner_namespace), whichever interface they belong to. Logging in again in
    /// the same session adds none, and neither does a renewal. The limit also holds where logins come at
    /// the same moment on several hosts: once they are answered, the newest are left, no more and no fewer.
    /// A login that is no longer among the newest by then fails with [`SaveError::Gone`], 409.
    ///
    /// A login makes one more call of the store, and where the owner has more sessions one for each, and
    /// two for each that it ends. Other requests cost what they did. If the store fails meanwhile, the login
    /// fails too, and the next one ends what it left.
    ///
    /// Sessions that live in cookies cannot be counted: [`Revocation`](crate::backend::Revocation) has no limit. The
    /// store needs an [index of owners](crate::store::Store::owners).
    ///
    /// # Examples
    ///
    /// ```
    /// use sessions::{MemoryStore, ServerSide};
    ///
    /// let backend = ServerSide::new(MemoryStore::new()).at_most(5);
    /// ```
    #[must_use]
    pub fn at_most(mut self, sessions: usize) -> Self {
        self.cap = Some(Cap { most: sessions, above: Above::EndsTheOldest });
        self
    }

    /// Limits how many sessions an owner has, at least 1: a login beyond that is refused with
    /// [`SaveError::TooManySessions`], 409. Nothing is stored, and the session that the request came with
    /// is as it was. The same sessions count as for [`at_most`](Self::at_most).
    ///
    /// The limit also holds where logins come at the same moment on several hosts: as many succeed as there
    /// is room for. A user who has lost a device waits until its session expires, unless the application offers
    /// to end it: [`at_most`](Self::at_most) is the friendlier choice.
    ///
    /// A login makes six more calls of the store, and where the owner has as many sessions one for each.
    /// A login that was cut off, because its host crashed or the store failed, holds its place for 12
    /// seconds with the default deadlines. Give all hosts the same deadlines: by them a host decides for how
    /// long the places of others are kept, and with shorter ones it may forget a login that is under way.
    ///
    /// # Examples
    ///
    /// [`save_now`](crate::Session::save_now) tells a handler, which can then answer by itself:
    ///
    /// ```
    /// use actix_web::{HttpResponse, Responder};
    /// use sessions::{MemoryStore, ServerSide, Session, error::SaveError};
    ///
    /// async fn log_in(session: Session) -> actix_web::Result<impl Responder> {
    ///     session.set_owner(7)?;
    ///     Ok(match session.save_now().await {
    ///         Ok(_) => HttpResponse::Ok().body("Welcome."),
    ///         Err(SaveError::TooManySessions { limit }) => HttpResponse::Conflict()
    ///             .body(format!("You are logged in on {limit} devices. Log out on one of them.")),
    ///         Err(err) => return Err(err.into()),
    ///     })
    /// }
    ///
    /// let backend = ServerSide::new(MemoryStore::new()).refuse_above(5);
    /// ```
    #[must_use]
    pub fn refuse_above(mut self, sessions: usize) -> Self {
        self.cap = Some(Cap { most: sessions, above: Above::IsRefused });
        self
    }

    /// Returns the handle on the keys that sign tokens, if there are any.
    pub fn keys(&self) -> Option<&SharedKeys> {
        self.tokens.keys()
    }

    /// Returns the store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Limits the session of a request to what this backend saves.
    fn limit(&self, state: &mut SessionState, settings: &Settings) {
        let source = SessionLimit::Payload { bytes: self.max_payload };
        let own_keys =
            OwnKeys { start: settings.absolute_timeout().is_some(), ..OwnKeys::default() };
        state.set_limits(Limits::new(self.max_payload, source, self.max_keys), own_keys);
    }

    fn owner_key(&self, id: &str) -> OwnerKey {
        OwnerKey::of_id(&self.owner_namespace, id)
    }

    /// Makes a call that reads.
    fn call<'c, F>(&'c self, deadline: &'c Deadline, call: F) -> Call<'c, F> {
        self.shared.breaker.call(self.deadlines.call, deadline, call)
    }

    /// Makes a call that writes.
    fn write<'c, F>(&'c self, write: Write, deadline: &'c Deadline, call: F) -> Call<'c, F> {
        self.call(deadline, call).writing(write)
    }

    /// Returns where the lines of an outage are counted.
    fn log(&self) -> &Arc<OutageLog> {
        self.shared.breaker.log()
    }
}

impl<S: Store> Backend for ServerSide<S> {
    async fn open(&self, cx: &OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        if cx.cookies().is_empty() && cx.bearer_token().is_none() {
            return Ok(self.new_session(cx).into());
        }
        // Boxed, here and below: malloc caches blocks of up to a kilobyte, and is slow with one that
        // holds everything a request waits for.
        Box::pin(self.open_session(cx)).await.map(Opened::Session)
    }

    fn open_at_once(
        &self,
        cx: &OpenContext<'_>,
    ) -> Option<Result<Opened<SessionState>, OpenError>> {
        self.open_session_at_once(cx).map(|opened| opened.map(Opened::Session))
    }

    async fn save(&self, state: &SessionState, cx: &SaveContext<'_>) -> Result<Saved, SaveError> {
        Box::pin(self.save_session(state, cx)).await
    }

    fn save_at_once(
        &self,
        state: &SessionState,
        cx: &SaveContext<'_>,
    ) -> Option<Result<Saved, SaveError>> {
        self.save_session_at_once(state, cx)
    }

    fn check(&self, cx: &CheckContext<'_>) -> Result<(), ConfigError> {
        self.deadlines.check()?;
        if self.max_payload == 0 {
            let problem = "`with_max_payload` is zero, so that no session can be saved; write one such as \
                           65,536 bytes";
            return Err(ConfigError::Unusable { problem: problem.to_owned() });
        }
        if let Some(cap) = self.cap {
            cap.check(&*self.store)?;
        }
        cx.check_effects(BackendTraits {
            name: "ServerSide",
            keeps_records: true,
            ..BackendTraits::NONE
        })
    }

    async fn ready(&self) -> Result<(), NotReady> {
        let breaker = &self.shared.breaker;
        breaker.ready(self.store.ready(), self.store.server(), self.deadlines.request).await
    }

    fn is_alive(&self, state: &SessionState, cx: &AliveContext<'_>) -> IsAlive {
        self.record_is_alive(state, cx)
    }

    fn outages(&self) -> Outages {
        Some(Arc::clone(self.log()))
    }

    #[cfg(feature = "import-actix-session")]
    fn takeover(&self) -> Option<TakeoverHook<'_>> {
        Some(TakeoverHook(self))
    }
}

impl<S> Clone for ServerSide<S> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            tokens: self.tokens.clone(),
            deadlines: self.deadlines,
            max_payload: self.max_payload,
            max_keys: self.max_keys,
            owner_namespace: Arc::clone(&self.owner_namespace),
            cap: self.cap,
            log_ids: self.log_ids.clone(),
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S> fmt::Debug for ServerSide<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSide")
            .field("store", &std::any::type_name::<S>())
            .field("deadlines", &self.deadlines)
            .field("max_payload", &self.max_payload)
            .field("max_keys", &self.max_keys)
            .field("cap", &self.cap)
            .finish_non_exhaustive()
    }
}
