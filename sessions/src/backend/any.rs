//! A backend that is chosen at run time.

use std::{fmt, sync::Arc};

use futures_util::future::LocalBoxFuture;

use super::Backend;
#[cfg(feature = "import-actix-session")]
use super::TakeoverHook;
use crate::{
    error::{ConfigError, NotReady, OpenError, Outages, SaveError},
    interface::{AliveContext, CheckContext, IsAlive, OpenContext, Opened, SaveContext, Saved},
    state::SessionState,
};

/// Any backend: for applications that choose theirs at run time, for example memory on a developer's
/// machine and Redis elsewhere.
///
/// Clones share the backend.
///
/// Policies may be meant for any backend the program can choose: one without effect is logged instead of
/// failing [`check`](trait@crate::SessionInterface#method.check).
///
/// # Examples
///
/// ```
/// use std::env;
/// use sessions::{AnyBackend, MemoryStore, SecretKey, ServerSide, SessionInterface, SignedCookie};
///
/// #[derive(Clone, SessionInterface)]
/// #[session(cookie_name = "__Host-app")]
/// struct AppSessions {
///     backend: AnyBackend,
/// }
///
/// fn backend() -> Result<AnyBackend, Box<dyn std::error::Error>> {
///     match env::var("SESSIONS").as_deref() {
///         Ok("memory") => Ok(AnyBackend::new(ServerSide::new(MemoryStore::new()))),
///         Ok("cookie") => Ok(AnyBackend::new(SignedCookie::new(SecretKey::from_env("SECRET_KEY")?))),
///         _ => Err("set SESSIONS to `memory` or `cookie`".into()),
///     }
/// }
/// # assert!(backend().is_err());
/// ```
#[derive(Clone)]
pub struct AnyBackend {
    backend: Arc<dyn BoxedBackend>,
}

impl AnyBackend {
    /// Wraps a backend.
    pub fn new(backend: impl Backend) -> Self {
        Self { backend: Arc::new(backend) }
    }
}

impl Backend for AnyBackend {
    async fn open(&self, cx: &OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        self.backend.open_boxed(cx).await
    }

    async fn save(&self, state: &SessionState, cx: &SaveContext<'_>) -> Result<Saved, SaveError> {
        self.backend.save_boxed(state, cx).await
    }

    fn open_at_once(
        &self,
        cx: &OpenContext<'_>,
    ) -> Option<Result<Opened<SessionState>, OpenError>> {
        self.backend.open_unboxed(cx)
    }

    fn save_at_once(
        &self,
        state: &SessionState,
        cx: &SaveContext<'_>,
    ) -> Option<Result<Saved, SaveError>> {
        self.backend.save_unboxed(state, cx)
    }

    fn check(&self, cx: &CheckContext<'_>) -> Result<(), ConfigError> {
        self.backend.check_boxed(&CheckContext { is_chosen: true, ..*cx })
    }

    async fn ready(&self) -> Result<(), NotReady> {
        self.backend.ready_boxed().await
    }

    fn is_alive(&self, state: &SessionState, cx: &AliveContext<'_>) -> IsAlive {
        self.backend.is_alive_boxed(state, cx)
    }

    fn outages(&self) -> Outages {
        self.backend.outages_of()
    }

    #[cfg(feature = "import-actix-session")]
    fn takeover(&self) -> Option<TakeoverHook<'_>> {
        self.backend.takeover_boxed()
    }
}

impl fmt::Debug for AnyBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyBackend").field("backend", &self.backend.name()).finish()
    }
}

/// A backend behind a pointer.
trait BoxedBackend: Send + Sync {
    fn open_boxed<'a>(
        &'a self,
        cx: &'a OpenContext<'_>,
    ) -> LocalBoxFuture<'a, Result<Opened<SessionState>, OpenError>>;

    fn save_boxed<'a>(
        &'a self,
        state: &'a SessionState,
        cx: &'a SaveContext<'_>,
    ) -> LocalBoxFuture<'a, Result<Saved, SaveError>>;

    fn open_unboxed(&self, cx: &OpenContext<'_>)
    -> Option<Result<Opened<SessionState>, OpenError>>;

    fn save_unboxed(
        &self,
        state: &SessionState,
        cx: &SaveContext<'_>,
    ) -> Option<Result<Saved, SaveError>>;

    fn check_boxed(&self, cx: &CheckContext<'_>) -> Result<(), ConfigError>;
    fn ready_boxed(&self) -> LocalBoxFuture<'_, Result<(), NotReady>>;
    fn is_alive_boxed(&self, state: &SessionState, cx: &AliveContext<'_>) -> IsAlive;
    fn outages_of(&self) -> Outages;

    #[cfg(feature = "import-actix-session")]
    fn takeover_boxed(&self) -> Option<TakeoverHook<'_>>;

    fn name(&self) -> &'static str;
}

impl<B: Backend> BoxedBackend for B {
    fn open_boxed<'a>(
        &'a self,
        cx: &'a OpenContext<'_>,
    ) -> LocalBoxFuture<'a, Result<Opened<SessionState>, OpenError>> {
        Box::pin(self.open(cx))
    }

    fn save_boxed<'a>(
        &'a self,
        state: &'a SessionState,
        cx: &'a SaveContext<'_>,
    ) -> LocalBoxFuture<'a, Result<Saved, SaveError>> {
        Box::pin(self.save(state, cx))
    }

    fn open_unboxed(
        &self,
        cx: &OpenContext<'_>,
    ) -> Option<Result<Opened<SessionState>, OpenError>> {
        self.open_at_once(cx)
    }

    fn save_unboxed(
        &self,
        state: &SessionState,
        cx: &SaveContext<'_>,
    ) -> Option<Result<Saved, SaveError>> {
        self.save_at_once(state, cx)
    }

    fn check_boxed(&self, cx: &CheckContext<'_>) -> Result<(), ConfigError> {
        self.check(cx)
    }

    fn ready_boxed(&self) -> LocalBoxFuture<'_, Result<(), NotReady>> {
        Box::pin(self.ready())
    }

    fn is_alive_boxed(&self, state: &SessionState, cx: &AliveContext<'_>) -> IsAlive {
        self.is_alive(state, cx)
    }

    fn outages_of(&self) -> Outages {
        self.outages()
    }

    #[cfg(feature = "import-actix-session")]
    fn takeover_boxed(&self) -> Option<TakeoverHook<'_>> {
        self.takeover()
    }

    fn name(&self) -> &'static str {
        std::any::type_name::<B>()
    }
}
