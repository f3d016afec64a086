//! The backend that imports sessions.

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

use super::{ActixSession, ended_tokens::EndedTokens, session_state::Imported};
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

/// How many legacy cookies of one request are looked up in the legacy store.
const MAX_LOADS: usize = 4;

/// A backend that also imports the sessions of actix-session.
///
/// - **A session is imported once.** If the request carries a cookie of this crate, valid or not,
///   the legacy cookie is ignored: a session that ended here does not come back.
/// - **Logging out ends the legacy session too.** When a session is purged, emptied or ended by
///   another request, the response removes the legacy cookie, deletes the legacy record, and sets our cookie
///   to the word `ended`. With that mark, the browser's legacy cookie is never imported again, even
///   if it has another path or domain than [`ActixSession`] was given. A concurrent request that
///   imports the session does not bring it back either.
/// - **A legacy cookie that does not verify is ignored.** A legacy store that does not answer
///   within half a second is an error, never an empty session.
///
/// Give the new cookie another name than the legacy one. With the same name there is no way back to
/// actix-session, since the new cookie replaces the legacy one.
///
/// # Security
///
/// A cookie of actix-session's `CookieSessionStore` contains its session without a time. A stolen
/// copy is valid there for ever, and can be imported here until [`until`](Self::until), even after
/// a logout. Set that time.
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
/// let legacy = ActixSession::private(ActixSessionKey::from_bytes(&master)?);
/// let backend = ImportActixSession::new(ServerSide::new(MemoryStore::new()), legacy)
///     .until(UNIX_EPOCH + Duration::from_secs(1_798_761_600)); // 2027-01-01
/// AppSessions { backend }.check()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ImportActixSession<B> {
    backend: B,
    legacy: Arc<ActixSession>,
    /// The legacy cookie's policies, to remove it with.
    policy: Result<Arc<CookiePolicy>, CookieError>,
    until: Option<SystemTime>,
    ended: Arc<EndedTokens>,
    taken_over: Arc<AtomicU64>,
}

/// The legacy cookies of a request, in the extensions of its session.
struct LegacyCookies {
    /// Includes our own cookies if both have the same name.
    values: Vec<Box<[u8]>>,
}

impl<B: Backend> ImportActixSession<B> {
    /// Returns a backend that opens and saves sessions with `backend`, and imports those of
    /// `legacy`.
    ///
    /// If the attributes of the legacy cookie contradict each other, so that no browser can have
    /// it, every request that uses its session is an error.
    pub fn new(backend: B, legacy: ActixSession) -> Self {
        let policy = legacy.cookie_policy().map(Arc::new);
        Self {
            backend,
            legacy: Arc::new(legacy),
            policy,
            until: None,
            ended: Arc::default(),
            taken_over: Arc::default(),
        }
    }

    /// Sets when the import ends: no session is imported after that. Defaults to never.
    #[must_use]
    pub fn until(self, until: SystemTime) -> Self {
        Self { until: Some(until), ..self }
    }

    /// Returns the wrapped backend.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// Returns how many sessions this backend and its clones have imported and saved. When the
    /// number no longer grows, the import can be removed.
    pub fn taken_over(&self) -> u64 {
        self.taken_over.load(Ordering::Relaxed)
    }

    /// Whether the import has ended.
    fn is_closed(&self, now: SystemTime) -> bool {
        self.until.is_some_and(|until| now >= until)
    }

    /// Imports the session of one of these cookies. With `shares_name`, a cookie that does not
    /// verify may be ours, of a session that has ended, and none is imported.
    async fn import(
        &self,
        cookies: &CookieValues<'_>,
        cx: &OpenContext<'_>,
        shares_name: bool,
    ) -> Result<Option<Imported>, OpenError> {
        let mut opened = Vec::new();
        for value in cookies.iter() {
            match self.legacy.open(value) {
                Ok(_) if self.ended.contains(value, cx.now()) => return Ok(None),
                Ok(content) => opened.push(content),
                Err(rejected) => {
                    tracing::info!(target: "sessions", reason = %rejected, "cookie of actix-session refused");
                    if shares_name {
                        return Ok(None);
                    }
                }
            }
        }
        if opened.len() > 1 {
            tracing::warn!(target: "sessions", "two different cookies of actix-session verify; the first is used");
        }
        for content in opened.iter().take(MAX_LOADS) {
            let Some(state) = self.legacy.load(content).await? else {
                tracing::info!(target: "sessions", "cookie of actix-session refused: its store does not have the session");
                continue;
            };
            let imported = state
                .and_then(|state| state.import(&self.legacy.identity, cx.settings(), cx.now()));
            match imported {
                Ok(imported) => return Ok(Some(imported)),
                Err(reason) => {
                    tracing::info!(target: "sessions", reason = %reason, "session of actix-session not imported");
                }
            }
        }
        Ok(None)
    }

    /// Whether the legacy session ended while this request imported it.
    async fn ended_meanwhile(
        &self,
        legacy: &LegacyCookies,
        cx: &SaveContext<'_>,
    ) -> Result<bool, SaveError> {
        if legacy.values.iter().any(|value| self.ended.contains(value, cx.now())) {
            return Ok(true);
        }
        // Another process may have ended it and deleted its record. With `import = "move"`, another
        // request may also have imported it.
        if !self.legacy.is_revocable() || cx.settings().import() == ImportMode::Move {
            return Ok(false);
        }
        for content in legacy.values.iter().filter_map(|value| self.legacy.open(value).ok()) {
            if self.legacy.load(&content).await?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Deletes the legacy records of a session that is saved or ended here. A failure is logged.
    async fn delete_records_or_log(&self, legacy: &LegacyCookies) {
        if let Err(err) = self.delete_records(legacy).await {
            tracing::error!(
                target: "sessions",
                error = &err as &dyn std::error::Error,
                "the record of a session in the former store is not deleted; delete it there, or \
                 wait until it expires"
            );
        }
    }

    /// Removes the legacy cookie, unless it has the name of our own: a response must not set one
    /// cookie twice.
    fn remove_legacy(&self, legacy: &LegacyCookies, cx: &SaveContext<'_>) -> LegacyCookieEffects {
        let policy = self.policy.as_ref().ok();
        let removes = policy
            .filter(|policy| policy.name() != cx.cookie().name() && !legacy.values.is_empty())
            .map(Arc::clone);
        LegacyCookieEffects { removes, marks_ended: false }
    }

    /// Removes the legacy cookie of an ended session, and marks our own so that it is not imported
    /// again.
    fn mark_ended(&self, legacy: &LegacyCookies, cx: &SaveContext<'_>) -> LegacyCookieEffects {
        let marks_ended = !self.is_closed(cx.now());
        LegacyCookieEffects { marks_ended, ..self.remove_legacy(legacy, cx) }
    }

    /// Returns the result for a session that another request ended.
    async fn ended_elsewhere(&self, legacy: &LegacyCookies, cx: &SaveContext<'_>) -> Saved {
        self.delete_records_or_log(legacy).await;
        Saved::with(CookieChange::RemoveEnded).with_legacy_cookie(self.mark_ended(legacy, cx))
    }

    async fn delete_records(&self, legacy: &LegacyCookies) -> Result<(), StoreError> {
        if !self.legacy.is_revocable() {
            return Ok(());
        }
        let opened: Vec<_> = legacy
            .values
            .iter()
            .filter_map(|value| self.legacy.open(value).ok())
            .take(MAX_LOADS)
            .collect();
        let store = Arc::clone(&self.legacy);
        run_to_completion(async move {
            for content in opened {
                store.delete(&content).await?;
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
        let is_marked_ended = own.len() < cx.cookies().len();
        let mut state = match self.backend.open(&cx.with_cookies(&own)).await? {
            Opened::Session(state) => state,
            null @ Opened::Null(_) => return Ok(null),
        };
        let shares_name = policy.name() == cx.cookie().name();
        let legacy = if shares_name { own } else { cx.cookies_named(self.legacy.sent_name()) };
        if cx.cookies().is_empty() && legacy.is_empty() {
            return Ok(state.into());
        }
        let has_own_cookie = !shares_name && !own.is_empty();
        let may_import = !is_marked_ended && !has_own_cookie && !self.is_closed(cx.now());
        if state.is_new()
            && state.null_session().is_none()
            && may_import
            && let Some(imported) = self.import(&legacy, cx, shares_name).await?
        {
            state.adopt(&imported.content, imported.since);
        }
        if !legacy.is_empty() && !self.legacy.is_revocable() && !shares_name {
            state.set_revocable(false);
        }
        let values = legacy.iter().map(Into::into).collect();
        state.extensions_mut().insert(LegacyCookies { values });
        Ok(state.into())
    }

    async fn save(&self, state: &SessionState, cx: &SaveContext<'_>) -> Result<Saved, SaveError> {
        let Some(legacy) = state.extensions().get::<LegacyCookies>() else {
            return self.backend.save(state, cx).await;
        };
        let is_purged = cx.session_status() == SessionStatus::Purged;
        if is_purged || state.is_empty() {
            self.ended.add(legacy.values.iter().map(AsRef::as_ref), cx.now());
        }
        let saved = match self.backend.save(state, cx).await {
            Err(SaveError::Gone) => Saved::with(CookieChange::RemoveEnded),
            saved => saved?,
        };
        let is_adopted = state.adopted().is_some();
        match &saved.cookie {
            CookieChange::Remove => {
                self.delete_records(legacy).await?;
                Ok(saved.with_legacy_cookie(self.mark_ended(legacy, cx)))
            }
            CookieChange::RemoveEnded => Ok(self.ended_elsewhere(legacy, cx).await),
            // The new token is not sent, so that no client can open the saved session.
            CookieChange::Set { .. } if is_adopted && self.ended_meanwhile(legacy, cx).await? => {
                Ok(self.ended_elsewhere(legacy, cx).await)
            }
            _ if is_purged => {
                self.delete_records(legacy).await?;
                Ok(saved.with_legacy_cookie(self.remove_legacy(legacy, cx)))
            }
            // A token that does not fit is not sent, so the legacy session must stay.
            CookieChange::Set { token } if check_token(token, cx.cookie(), state).is_ok() => {
                if is_adopted {
                    self.taken_over.fetch_add(1, Ordering::Relaxed);
                    tracing::info!(target: "sessions", "a session of actix-session is imported");
                }
                if cx.settings().import() == ImportMode::Move {
                    self.delete_records_or_log(legacy).await;
                    return Ok(saved.with_legacy_cookie(self.remove_legacy(legacy, cx)));
                }
                Ok(saved)
            }
            _ => Ok(saved),
        }
    }
}

/// The client cannot read a session that is saved here, though it can read a signed legacy cookie.
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
            legacy: Arc::clone(&self.legacy),
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
            .field("legacy", &self.legacy)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}
