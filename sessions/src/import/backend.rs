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

use super::{
    ActixSession, actix_session::LegacyToken, ended_tokens::EndedTokens, session_state::Imported,
};
use crate::{
    backend::{
        Backend, Confidential, LegacySession, MarkId, StableToken, Standing, Taken, TakeoverHook,
        run_to_completion,
    },
    cookie::CookieValues,
    error::{ConfigError, CookieError, NotReady, OpenError, OutageLog, Outages, SaveError},
    events::event,
    interface::{
        AliveContext, CheckContext, CookieChange, ENDED, IsAlive, LegacyCookieEffects, OpenContext,
        Opened, SaveContext, Saved, Transport,
    },
    request::check_token,
    state::{SessionState, SessionStatus},
    store::StoreError,
};

/// How many legacy cookies of one request reach a store, the legacy one or the backend's.
const MAX_TOKENS: usize = 4;

/// A backend that also imports the sessions of actix-session.
///
/// - **A session is imported once.** If the request carries a cookie of this crate, valid or not,
///   the legacy cookie is ignored. With a [`ServerSide`](crate::ServerSide) a session is imported before
///   the handler runs, and all requests of one page load share it: for 60 seconds the legacy cookie opens
///   the new session, and after that nothing. A mark in the store says so until the import ends.
/// - **What has ended does not come back.** When a session is purged, emptied or ended by another
///   request, the response removes the legacy cookie, deletes the legacy record, and sets our cookie
///   to the word `ended`. With that word the browser's legacy cookie is never imported again, even
///   if it has another path or domain than [`ActixSession`] was given. Where the mark is kept, a copy in
///   another browser is not imported either, however the session ended: by a purge, from the list of its
///   owner's, with all of them, or by time.
/// - **The owner is asked first.** With [`ActixIdentity::owner`](super::ActixIdentity::owner), a session
///   whose owner's sessions were ended after its login is no session, and the handler sees none.
/// - **A legacy cookie that does not verify is ignored.** A store that does not answer within half a
///   second is an error, never an empty session.
///
/// | backend | legacy cookies are marked |
/// |---|---|
/// | `ServerSide` | when the session is imported; one page load is one session |
/// | `SignedCookie`, `EncryptedCookie` with `revocable` | with the first response that sets the new cookie; for 60 seconds each request may import a copy |
/// | other backends | not at all |
///
/// An import costs two calls of the store besides those that create its record and ask for its owner.
/// [`AnyBackend`](crate::AnyBackend) and a nested import do what the backend inside does. A backend around
/// an import learns from [`Saved::has_ended`] that a session ended meanwhile.
///
/// Give the new cookie another name than the legacy one. With the same name there is no way back to
/// actix-session, since the new cookie replaces the legacy one.
///
/// # Security
///
/// - **Without marks, a copy of the legacy cookie can be used again** until the import ends, also after a
///   logout: a cookie of actix-session's `CookieSessionStore` contains its session without a time. Use a
///   backend with a store, or let the import end soon.
/// - **A response that is lost costs a login.** The session was imported, and 60 seconds later only the new
///   cookie opens it, which the browser did not get.
/// - **Signed cookies with equal sessions are one cookie** (`CookieContentSecurity::Signed`). If
///   actix-identity knows the user, the devices of that user share the session for the first 60 seconds;
///   otherwise each request in that time imports a copy, so that visitors never share one.
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
/// let until = UNIX_EPOCH + Duration::from_secs(1_798_761_600); // 2027-01-01
/// let backend = ImportActixSession::new(ServerSide::new(MemoryStore::new()), legacy, until);
/// AppSessions { backend }.check()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ImportActixSession<B> {
    backend: B,
    legacy: Arc<ActixSession>,
    /// The legacy cookie's policies, to remove it with.
    policy: Result<Arc<CookiePolicy>, CookieError>,
    until: SystemTime,
    ended: Arc<EndedTokens>,
    taken_over: Arc<AtomicU64>,
    outages: Arc<OutageLog>,
}

/// The legacy cookies of a request, in the extensions of its session.
#[derive(Clone)]
struct LegacyCookies {
    /// Which import they are of.
    legacy: Arc<ActixSession>,
    /// Includes our own cookies if both have the same name.
    values: Vec<Box<[u8]>>,
    /// The one whose session the request adopted, to be marked when the session is saved.
    adopted: Option<[u8; 32]>,
}

/// Those of each import, where one is around another.
#[derive(Clone, Default)]
struct LegacyCookiesOfImports(Vec<LegacyCookies>);

impl LegacyCookies {
    fn attach_to(self, state: &mut SessionState) {
        let present = state.extensions().get::<LegacyCookiesOfImports>().cloned();
        let mut imports = present.unwrap_or_default();
        imports.0.push(self);
        state.extensions_mut().insert(imports);
    }

    fn of<'s>(state: &'s SessionState, legacy: &Arc<ActixSession>) -> Option<&'s Self> {
        let imports = state.extensions().get::<LegacyCookiesOfImports>()?;
        imports.0.iter().find(|cookies| Arc::ptr_eq(&cookies.legacy, legacy))
    }

    /// Returns the tokens that verify, at most as many as reach a store.
    fn tokens(&self) -> impl Iterator<Item = LegacyToken> {
        self.values.iter().filter_map(|value| self.legacy.open(value).ok()).take(MAX_TOKENS)
    }
}

impl<B: Backend> ImportActixSession<B> {
    /// Returns a backend that opens and saves sessions with `backend`, and imports those of
    /// `legacy` until that time.
    ///
    /// For so long the backend's store keeps a mark for each session that was imported or ended: choose
    /// the time at which the longest of the old sessions would have expired, or at which users who have
    /// not come back may log in again.
    ///
    /// If the attributes of the legacy cookie contradict each other, so that no browser can have
    /// it, `check` says so, and every request that uses its session is an error.
    pub fn new(backend: B, legacy: ActixSession, until: SystemTime) -> Self {
        let policy = legacy.cookie_policy().map(Arc::new);
        let outages = backend.outages().unwrap_or_default();
        Self {
            backend,
            legacy: Arc::new(legacy),
            policy,
            until,
            ended: Arc::default(),
            taken_over: Arc::default(),
            outages,
        }
    }

    /// Returns the wrapped backend.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// Returns how many sessions this backend and its clones have imported. When the number no longer
    /// grows, the import can be removed.
    pub fn taken_over(&self) -> u64 {
        self.taken_over.load(Ordering::Relaxed)
    }

    /// Whether the import has ended.
    fn is_closed(&self, now: SystemTime) -> bool {
        now >= self.until
    }

    /// Imports the session of one of these cookies into this new one. Returns the id of its token where
    /// the session is adopted only, and marked when it is saved. With `shares_name`, a cookie that does
    /// not verify may be ours, of a session that has ended, and none is imported.
    async fn import(
        &self,
        cookies: &CookieValues<'_>,
        state: &mut SessionState,
        cx: &OpenContext<'_>,
        shares_name: bool,
    ) -> Result<Option<[u8; 32]>, OpenError> {
        let mut tokens = Vec::new();
        for value in cookies.iter() {
            match self.legacy.open(value) {
                Ok(token) => tokens.push(token),
                Err(rejected) => {
                    event!(
                        ImportRefused,
                        reason = rejected.reason(),
                        "cookie of actix-session refused: {rejected}"
                    );
                    if shares_name {
                        return Ok(None);
                    }
                }
            }
        }
        if tokens.len() > 1 {
            event!(
                ImportAmbiguous,
                "two different cookies of actix-session verify; the first is used"
            );
        }
        tokens.truncate(MAX_TOKENS);
        match self.backend.takeover() {
            Some(hook) => self.take_over(hook, &tokens, state, cx).await,
            None => self.adopt(&tokens, state, cx).await,
        }
    }

    /// Takes a session over by the marks in the backend's store.
    async fn take_over(
        &self,
        TakeoverHook(backend): TakeoverHook<'_>,
        tokens: &[LegacyToken],
        state: &mut SessionState,
        cx: &OpenContext<'_>,
    ) -> Result<Option<[u8; 32]>, OpenError> {
        let deadline = backend.deadline(state);
        for token in tokens {
            let mark = MarkId::of(cx.settings(), cx.cookie(), &token.id, self.until, cx.now());
            match backend.find(mark, state, &deadline, cx).await? {
                Standing::TakenOver => return Ok(None),
                // Like a session that ended here: no other cookie is imported instead.
                Standing::Nothing => {
                    event!(
                        ImportRefused,
                        reason = "ended",
                        "cookie of actix-session refused: its session was taken over or ended before"
                    );
                    return Ok(None);
                }
                Standing::Legacy => {}
            }
            let Some(Imported { content, since, has_user }) = self.load(token, cx).await? else {
                continue;
            };
            let is_one_clients = has_user || self.legacy.has_unique_tokens();
            let legacy = LegacySession { content, since, is_one_clients };
            match backend.take_over(mark, legacy, state, &deadline, cx).await? {
                Taken::ByThisRequest if state.adopted().is_some() => return Ok(Some(token.id)),
                Taken::ByThisRequest => self.count(),
                Taken::ByAnother => {}
                Taken::Not => {
                    event!(
                        ImportRefused,
                        reason = "ended",
                        "session of actix-session not imported: it was ended, or its owner's sessions were"
                    );
                }
            }
            return Ok(None);
        }
        Ok(None)
    }

    /// Adopts a session for this request, without marks.
    async fn adopt(
        &self,
        tokens: &[LegacyToken],
        state: &mut SessionState,
        cx: &OpenContext<'_>,
    ) -> Result<Option<[u8; 32]>, OpenError> {
        if tokens.iter().any(|token| self.ended.contains(&token.id, cx.now())) {
            return Ok(None);
        }
        for token in tokens {
            if let Some(Imported { content, since, .. }) = self.load(token, cx).await? {
                state.adopt(&content, since);
                return Ok(Some(token.id));
            }
        }
        Ok(None)
    }

    /// Loads the session of a token, unless it does not exist or is not imported.
    async fn load(
        &self,
        token: &LegacyToken,
        cx: &OpenContext<'_>,
    ) -> Result<Option<Imported>, OpenError> {
        let Some(state) = self.legacy.load(&token.content).await? else {
            event!(
                ImportRefused,
                reason = "unknown",
                "cookie of actix-session refused: its store does not have the session"
            );
            return Ok(None);
        };
        let imported =
            state.and_then(|state| state.import(&self.legacy.identity, cx.settings(), cx.now()));
        match imported {
            Ok(imported) => Ok(Some(imported)),
            Err(reason) => {
                event!(
                    ImportRefused,
                    reason = reason.reason(),
                    "session of actix-session not imported: {reason}"
                );
                Ok(None)
            }
        }
    }

    fn count(&self) {
        self.taken_over.fetch_add(1, Ordering::Relaxed);
        event!(ImportDone, "a session of actix-session is imported");
    }

    /// Whether the legacy session that this request adopted ended meanwhile.
    async fn ended_meanwhile(
        &self,
        legacy: &LegacyCookies,
        cx: &SaveContext<'_>,
    ) -> Result<bool, SaveError> {
        if let (Some(TakeoverHook(backend)), Some(id)) = (self.backend.takeover(), legacy.adopted) {
            return Ok(!backend.confirm(self.mark(&id, cx)).await?);
        }
        let tokens: Vec<_> = legacy.tokens().collect();
        if tokens.iter().any(|token| self.ended.contains(&token.id, cx.now())) {
            return Ok(true);
        }
        // Another process may have ended it and deleted its record. With `import = "move"`, another
        // request may also have imported it.
        if !self.legacy.is_revocable() || cx.settings().import() == ImportMode::Move {
            return Ok(false);
        }
        for token in tokens.iter().filter(|token| legacy.adopted.is_none_or(|id| id == token.id)) {
            if self.legacy.load(&token.content).await?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn mark(&self, id: &[u8; 32], cx: &SaveContext<'_>) -> MarkId {
        MarkId::of(cx.settings(), cx.cookie(), id, self.until, cx.now())
    }

    /// Ends the legacy sessions of a session that is ended here: their tokens open nothing any more, and
    /// their records are deleted.
    async fn end(&self, legacy: &LegacyCookies, cx: &SaveContext<'_>) -> Result<(), SaveError> {
        if let Some(TakeoverHook(backend)) = self.backend.takeover()
            && !self.is_closed(cx.now())
        {
            let marks: Vec<_> = legacy.tokens().map(|token| self.mark(&token.id, cx)).collect();
            if !marks.is_empty() {
                backend.end(marks).await?;
            }
        }
        self.delete_records(legacy).await?;
        Ok(())
    }

    /// Does so for a session that has ended already. A failure is logged.
    async fn end_or_log(&self, legacy: &LegacyCookies, cx: &SaveContext<'_>) {
        if let Err(err) = self.end(legacy, cx).await {
            let what = "a session has ended, but not its former one, since the store failed; until the \
                        import ends, a copy of the former cookie may be imported again";
            self.outages.not_ended(what, &err);
        }
    }

    /// Deletes the legacy records of a session that was imported here. A failure is logged.
    async fn delete_records_or_log(&self, legacy: &LegacyCookies) {
        if let Err(err) = self.delete_records(legacy).await {
            let what = "the record of a session in the former store is not deleted; delete it there, or \
                        wait until it expires";
            self.outages.not_ended(what, &err);
        }
    }

    /// Removes the legacy cookie, unless it has the name of our own: a response must not set one
    /// cookie twice.
    fn remove_legacy(&self, legacy: &LegacyCookies, cx: &SaveContext<'_>) -> LegacyCookieEffects {
        let policy = self.policy.as_ref().ok();
        let removed = policy
            .filter(|policy| policy.name() != cx.cookie().name() && !legacy.values.is_empty());
        LegacyCookieEffects { removes: removed.cloned().into_iter().collect(), marks_ended: false }
    }

    /// Removes the legacy cookie of an ended session, and marks our own so that it is not imported
    /// again.
    fn mark_ended(&self, legacy: &LegacyCookies, cx: &SaveContext<'_>) -> LegacyCookieEffects {
        let marks_ended = !self.is_closed(cx.now());
        LegacyCookieEffects { marks_ended, ..self.remove_legacy(legacy, cx) }
    }

    async fn delete_records(&self, legacy: &LegacyCookies) -> Result<(), StoreError> {
        if !self.legacy.is_revocable() {
            return Ok(());
        }
        let tokens: Vec<_> = legacy.tokens().collect();
        let store = Arc::clone(&self.legacy);
        run_to_completion(async move {
            for token in tokens {
                store.delete(&token.content).await?;
            }
            Ok(())
        })
        .await
    }

    /// Adds what the response does about the legacy cookies to what the backend has saved.
    async fn with_legacy_effects(
        &self,
        saved: Saved,
        legacy: &LegacyCookies,
        state: &SessionState,
        cx: &SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        let is_purged = cx.session_status() == SessionStatus::Purged;
        let is_adopted = legacy.adopted.is_some() && state.adopted().is_some();
        match &saved.cookie {
            CookieChange::Remove if is_purged || state.is_empty() => {
                self.end(legacy, cx).await?;
                Ok(saved.with_legacy_cookie(self.mark_ended(legacy, cx)))
            }
            // Another request has ended it, or emptied it.
            CookieChange::Remove | CookieChange::RemoveEnded => {
                self.end_or_log(legacy, cx).await;
                Ok(saved.with_legacy_cookie(self.mark_ended(legacy, cx)))
            }
            // The token of a session that was purged before opens nothing, whatever comes after it.
            _ if is_purged => {
                self.end(legacy, cx).await?;
                Ok(saved.with_legacy_cookie(self.remove_legacy(legacy, cx)))
            }
            // A token that does not fit is not sent, so the legacy session must stay.
            CookieChange::Set { token } if check_token(token, cx.cookie(), state).is_err() => {
                Ok(saved)
            }
            // The new token is not sent, so that no client can open the saved session.
            CookieChange::Set { .. } if is_adopted && self.ended_meanwhile(legacy, cx).await? => {
                self.end_or_log(legacy, cx).await;
                let ended = Saved::with(CookieChange::RemoveEnded);
                Ok(ended.with_legacy_cookie(self.mark_ended(legacy, cx)))
            }
            CookieChange::Set { .. } | CookieChange::Hold { .. } => {
                if is_adopted {
                    self.count();
                }
                if cx.settings().import() == ImportMode::Move {
                    self.delete_records_or_log(legacy).await;
                    return Ok(saved.with_legacy_cookie(self.remove_legacy(legacy, cx)));
                }
                Ok(saved)
            }
            CookieChange::Keep | CookieChange::HandOut { .. } => Ok(saved),
        }
    }
}

impl<B: Backend> Backend for ImportActixSession<B> {
    async fn open(&self, cx: &OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        let policy = self.policy.as_ref().map_err(Clone::clone)?;
        let mut state = match self.backend.open(cx).await? {
            Opened::Session(state) => state,
            null @ Opened::Null(_) => return Ok(null),
        };
        // No cookie is read beside a bearer token.
        if cx.transport() == Transport::Bearer {
            return Ok(state.into());
        }
        let own = cx.cookies().without(ENDED.as_bytes());
        let is_marked_ended = own.len() < cx.cookies().len();
        let shares_name = policy.name() == cx.cookie().name();
        let has_own_cookie = !shares_name && !own.is_empty();
        let legacy = if shares_name { own } else { cx.cookies_named(self.legacy.sent_name()) };
        if cx.cookies().is_empty() && legacy.is_empty() {
            return Ok(state.into());
        }
        let may_import = !is_marked_ended && !has_own_cookie && !self.is_closed(cx.now());
        let mut adopted = None;
        if state.is_new() && state.null_session().is_none() && may_import {
            adopted = self.import(&legacy, &mut state, cx, shares_name).await?;
        }
        let leaves_copies = !self.legacy.is_revocable() && self.backend.takeover().is_none();
        if !legacy.is_empty() && leaves_copies && !shares_name {
            state.set_revocable(false);
        }
        let values = legacy.iter().map(Into::into).collect();
        LegacyCookies { legacy: Arc::clone(&self.legacy), values, adopted }.attach_to(&mut state);
        Ok(state.into())
    }

    async fn save(&self, state: &SessionState, cx: &SaveContext<'_>) -> Result<Saved, SaveError> {
        let legacy = LegacyCookies::of(state, &self.legacy);
        let ends = cx.session_status() == SessionStatus::Purged || state.is_empty();
        if let Some(legacy) = legacy.filter(|_| ends && self.backend.takeover().is_none()) {
            self.ended.add(legacy.tokens().map(|token| token.id), cx.now());
        }
        let saved = match self.backend.save(state, cx).await {
            Err(SaveError::Gone) => Saved::with(CookieChange::RemoveEnded),
            saved => saved?,
        };
        match legacy {
            Some(legacy) => self.with_legacy_effects(saved, legacy, state, cx).await,
            None => Ok(saved),
        }
    }

    fn check(&self, cx: &CheckContext<'_>) -> Result<(), ConfigError> {
        if let Err(err) = &self.policy {
            let problem = format!("the cookie of actix-session that is imported is wrong: {err}");
            return Err(ConfigError::Unusable { problem });
        }
        self.backend.check(&CheckContext { imports: true, ..*cx })
    }

    /// The store of the former sessions is not asked.
    async fn ready(&self) -> Result<(), NotReady> {
        self.backend.ready().await
    }

    fn is_alive(&self, state: &SessionState, cx: &AliveContext<'_>) -> IsAlive {
        self.backend.is_alive(state, cx)
    }

    fn outages(&self) -> Outages {
        Some(Arc::clone(&self.outages))
    }

    fn takeover(&self) -> Option<TakeoverHook<'_>> {
        self.backend.takeover()
    }
}

/// The client cannot read a session that is saved here, though it can read a signed legacy cookie.
impl<B: Confidential> Confidential for ImportActixSession<B> {}

/// A client with a bearer token has no legacy cookie that is imported.
impl<B: StableToken> StableToken for ImportActixSession<B> {}

impl<'r> OpenContext<'r> {
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
            outages: Arc::clone(&self.outages),
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
