//! Takes over the sessions of an application that was on actix-session (0.6 to 0.11).
//!
//! [`ImportActixSession`] stands around a backend. A request that has no cookie of ours and an old
//! one that verifies gets the session that the old one means; the response saves it here and sets
//! our cookie. Where each thing goes, and how to come back, is in `docs/migration.md`.
//!
//! | in actix-session | here |
//! |---|---|
//! | a key of the session | the same key, with the same value |
//! | `Identity::id()` | `session.get::<String>("actix_identity.user_id")`, and [`Session::owner`](crate::Session::owner) with [`ActixIdentity::owner`] |
//! | a record whose time has passed | no session |
//! | `session_ttl`, `state_ttl` | `lifetime`, from the takeover on |
//! | `login_deadline`, `visit_deadline` | the same in [`ActixIdentity`]; then `absolute_timeout`, `idle_timeout` |
//!
//! What becomes of the old session says the policy `import`:
//!
//! - `"copy"`: its cookie and its record stay as they are. An application that goes back to
//!   actix-session finds its users logged in, in the state of the switch.
//! - `"move"`: its cookie is removed and its record deleted, once it is saved here.

mod cookie;
mod ended;
mod identity;
mod key;
mod old;
mod records;
mod state;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use actix_web::http::header::{self, HeaderValue};
use sessions_policy::{CookiePolicy, ImportMode};

use self::{ended::Ended, state::Kept};
pub use self::{
    identity::ActixIdentity, key::ActixSessionKey, old::ActixSession, records::ActixSessionRecords,
};
use crate::{
    backend::{Backend, Confidential, run_to_completion},
    cookie::CookieValues,
    error::{CookieError, OpenError, SaveError},
    interface::{
        CookieChange, ENDED, LegacyCookieEffects, OpenContext, Opened, SaveContext, Saved,
    },
    request::check_token,
    state::{SessionState, SessionStatus},
    store::StoreError,
};

/// How many old cookies of one request reach the former store.
const MAX_LOADS: usize = 4;

/// A backend that also takes over the sessions of actix-session.
///
/// - **A session is taken over once.** Where the request carries a cookie of ours, good or bad, the
///   old cookie counts for nothing: a session that was ended here does not come back through it.
/// - **Logging out ends the old session too.** When a session ends (purged, emptied, or ended by
///   someone else), the response removes the old cookie, deletes the old record, and leaves
///   the word `ended` in our cookie, so that nothing is taken over by this browser again even
///   if the old cookie was set under another path or domain than was said.
///   A request that was taking the session over at that moment does not bring it back.
/// - **An old cookie that does not verify is no session**, and an old store in trouble is an error
///   within half a second, never an empty session.
///
/// Give our cookie a name of its own, one that was not in use before. With the old name there is no
/// way back: our cookie replaces the old one.
///
/// # Security
///
/// A session of actix-session's `CookieSessionStore` is all in its cookie, without a time: a copy of
/// one that was stolen could be used for ever there, and can be taken over here until
/// [`until`](Self::until), logged out or not. Set it.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use sessions::{
///     import::{ActixSession, ActixSessionKey, ImportActixSession},
///     MemoryStore, ServerSide, SessionInterface,
/// };
/// # let master: Vec<u8> = (0..64u32).map(|n| (n * 151 % 251) as u8).collect();
///
/// #[derive(Clone, SessionInterface)]
/// #[session(cookie_name = "__Host-app", import = "copy")]
/// struct AppSessions {
///     backend: ImportActixSession<ServerSide<MemoryStore>>,
/// }
///
/// let old = ActixSession::private(ActixSessionKey::from_bytes(&master)?);
/// let backend = ImportActixSession::new(ServerSide::new(MemoryStore::new()), old)
///     .until(UNIX_EPOCH + Duration::from_secs(1_798_761_600)); // 2027-01-01
/// AppSessions { backend }.check()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ImportActixSession<B> {
    backend: B,
    old: Arc<ActixSession>,
    /// The old cookie's policies, to remove it with.
    policy: Result<Arc<CookiePolicy>, CookieError>,
    until: Option<SystemTime>,
    ended: Arc<Ended>,
    taken_over: Arc<AtomicU64>,
}

/// What a request brought. Attached to the dictionary.
struct Brought {
    /// The values of old cookies, and of those of ours where both have one name.
    old: Vec<Box<[u8]>>,
}

impl<B: Backend> ImportActixSession<B> {
    /// Returns a backend that opens and saves with `backend`, and takes over what `old` kept.
    ///
    /// Attributes of the old cookie that contradict each other, so that no browser can have it, are
    /// an error of every request that uses its session.
    pub fn new(backend: B, old: ActixSession) -> Self {
        let policy = old.cookie_policy().map(Arc::new);
        Self {
            backend,
            old: Arc::new(old),
            policy,
            until: None,
            ended: Arc::default(),
            taken_over: Arc::default(),
        }
    }

    /// Sets when the import ends: no session is taken over from then on. Defaults to never.
    #[must_use]
    pub fn until(self, until: SystemTime) -> Self {
        Self { until: Some(until), ..self }
    }

    /// Returns the backend inside.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// Returns how many sessions this process has taken over and saved, its clones' included. When
    /// it stands still, the import has done its work.
    pub fn taken_over(&self) -> u64 {
        self.taken_over.load(Ordering::Relaxed)
    }

    fn is_over(&self, now: SystemTime) -> bool {
        self.until.is_some_and(|until| now >= until)
    }

    /// Returns the session that one of the old cookies means.
    async fn take_over(
        &self,
        old: &CookieValues<'_>,
        cx: &OpenContext<'_>,
        all: bool,
    ) -> Result<Option<Kept>, OpenError> {
        let mut opened = Vec::new();
        for value in old.iter() {
            match self.old.open(value) {
                Ok(_) if self.ended.has(value, cx.now()) => return Ok(None),
                Ok(content) => opened.push(content),
                Err(rejected) => {
                    tracing::info!(target: "sessions", reason = %rejected, "cookie of actix-session refused");
                    // It may be ours, of a session that has ended.
                    if all {
                        return Ok(None);
                    }
                }
            }
        }
        if opened.len() > 1 {
            tracing::warn!(target: "sessions", "two different cookies of actix-session verify; the first is used");
        }
        for content in opened.iter().take(MAX_LOADS) {
            let Some(state) = self.old.load(content).await? else {
                tracing::info!(target: "sessions", "cookie of actix-session refused: its store does not know the session");
                continue;
            };
            let kept = state
                .and_then(|state| state.into_kept(&self.old.identity, cx.settings(), cx.now()));
            match kept {
                Ok(kept) => return Ok(Some(kept)),
                Err(reason) => {
                    tracing::info!(target: "sessions", reason = %reason, "session of actix-session not taken over");
                }
            }
        }
        Ok(None)
    }

    /// Whether the old session was ended while this request took it over.
    async fn has_ended(&self, brought: &Brought, cx: &SaveContext<'_>) -> Result<bool, SaveError> {
        if brought.old.iter().any(|value| self.ended.has(value, cx.now())) {
            return Ok(true);
        }
        // Another process may have ended it. Where records are moved, another request may have
        // taken it over as well.
        if !self.old.is_revocable() || cx.settings().import() == ImportMode::Move {
            return Ok(false);
        }
        for content in brought.old.iter().filter_map(|value| self.old.open(value).ok()) {
            if self.old.load(&content).await?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Drops what is left of a session that is saved here by now.
    async fn leave(&self, brought: &Brought) {
        if let Err(err) = self.delete_records(brought).await {
            tracing::error!(target: "sessions", error = &err as &dyn std::error::Error, "the record of a session in the former store is not deleted");
        }
    }

    /// Returns what the response does where the old session is left behind: its cookie is removed.
    /// A response never sets one cookie twice, so that one of our own name stays.
    fn removal(&self, brought: &Brought, cx: &SaveContext<'_>) -> LegacyCookieEffects {
        let policy = self.policy.as_ref().ok();
        let removes = policy
            .filter(|policy| policy.name() != cx.cookie().name() && !brought.old.is_empty())
            .map(Arc::clone);
        LegacyCookieEffects { removes, marks_ended: false }
    }

    /// Returns what the response does where the session has ended here: the old cookie must not
    /// bring it back.
    fn ending(&self, brought: &Brought, cx: &SaveContext<'_>) -> LegacyCookieEffects {
        LegacyCookieEffects { marks_ended: !self.is_over(cx.now()), ..self.removal(brought, cx) }
    }

    /// The answer where the session was ended by another request. The response tells the client.
    async fn ended_elsewhere(&self, brought: &Brought, cx: &SaveContext<'_>) -> Saved {
        self.leave(brought).await;
        Saved::with(CookieChange::RemoveEnded).with_legacy_cookie(self.ending(brought, cx))
    }

    async fn delete_records(&self, brought: &Brought) -> Result<(), StoreError> {
        if !self.old.is_revocable() {
            return Ok(());
        }
        let opened: Vec<_> = brought
            .old
            .iter()
            .filter_map(|value| self.old.open(value).ok())
            .take(MAX_LOADS)
            .collect();
        let old = Arc::clone(&self.old);
        run_to_completion(async move {
            for content in opened {
                old.delete(&content).await?;
            }
            Ok(())
        })
        .await
    }
}

impl<B: Backend> Backend for ImportActixSession<B> {
    async fn open(&self, cx: &OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        let policy = self.policy.as_ref().map_err(Clone::clone)?;
        let own = cx.cookies().without(ENDED.as_bytes());
        let marked = own.len() < cx.cookies().len();
        let mut state = match self.backend.open(&cx.with_cookies(&own)).await? {
            Opened::Session(state) => state,
            null @ Opened::Null(_) => return Ok(null),
        };
        let one_name = policy.name() == cx.cookie().name();
        let old = if one_name { own } else { cx.cookies_named(self.old.sent_name()) };
        if cx.cookies().is_empty() && old.is_empty() {
            return Ok(state.into());
        }
        let may_be_ours = !one_name && !own.is_empty();
        let may_take_over = !marked && !may_be_ours && !self.is_over(cx.now());
        if state.is_new()
            && state.null_session().is_none()
            && may_take_over
            && let Some(kept) = self.take_over(&old, cx, one_name).await?
        {
            state.adopt(&kept.content, kept.since);
        }
        if !old.is_empty() && !self.old.is_revocable() && !one_name {
            state.set_revocable(false);
        }
        state.extensions_mut().insert(Brought { old: old.iter().map(Into::into).collect() });
        Ok(state.into())
    }

    async fn save(&self, state: &SessionState, cx: &SaveContext<'_>) -> Result<Saved, SaveError> {
        let Some(brought) = state.extensions().get::<Brought>() else {
            return self.backend.save(state, cx).await;
        };
        let is_purged = cx.session_status() == SessionStatus::Purged;
        if is_purged || state.is_empty() {
            self.ended.note(brought.old.iter().map(AsRef::as_ref), cx.now());
        }
        let saved = match self.backend.save(state, cx).await {
            Err(SaveError::Gone) => Saved::with(CookieChange::RemoveEnded),
            saved => saved?,
        };
        let is_adopted = state.adopted().is_some();
        match &saved.cookie {
            CookieChange::Remove => {
                self.delete_records(brought).await?;
                Ok(saved.with_legacy_cookie(self.ending(brought, cx)))
            }
            CookieChange::RemoveEnded => Ok(self.ended_elsewhere(brought, cx).await),
            // The token is not sent, so that what was saved opens to nobody.
            CookieChange::Set { .. } if is_adopted && self.has_ended(brought, cx).await? => {
                Ok(self.ended_elsewhere(brought, cx).await)
            }
            _ if is_purged => {
                self.delete_records(brought).await?;
                Ok(saved.with_legacy_cookie(self.removal(brought, cx)))
            }
            // What does not fit is not sent: the old session is then all there is.
            CookieChange::Set { token } if check_token(token, cx.cookie(), state).is_ok() => {
                if is_adopted {
                    self.taken_over.fetch_add(1, Ordering::Relaxed);
                    tracing::info!(target: "sessions", "a session of actix-session is taken over");
                }
                if cx.settings().import() == ImportMode::Move {
                    self.leave(brought).await;
                    return Ok(saved.with_legacy_cookie(self.removal(brought, cx)));
                }
                Ok(saved)
            }
            _ => Ok(saved),
        }
    }
}

/// What is saved here, the client cannot read. An old cookie that is only signed it could.
impl<B: Confidential> Confidential for ImportActixSession<B> {}

impl<'r> OpenContext<'r> {
    fn with_cookies<'s>(&self, cookies: &'s CookieValues<'s>) -> OpenContext<'s>
    where
        'r: 's,
    {
        OpenContext { cookies, ..*self }
    }

    fn cookies_named(&self, name: &str) -> CookieValues<'r> {
        let headers = self.request.headers().get_all(header::COOKIE).map(HeaderValue::as_bytes);
        CookieValues::find(headers, name)
    }
}

impl<B: Clone> Clone for ImportActixSession<B> {
    fn clone(&self) -> Self {
        Self {
            backend: self.backend.clone(),
            old: Arc::clone(&self.old),
            policy: self.policy.clone(),
            until: self.until,
            ended: Arc::clone(&self.ended),
            taken_over: Arc::clone(&self.taken_over),
        }
    }
}

impl<B: fmt::Debug> fmt::Debug for ImportActixSession<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportActixSession")
            .field("backend", &self.backend)
            .field("old", &self.old)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}
