//! A backend that counts what it is asked, and fails on command.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use sessions::{
    SessionConfig, SessionState, SignedCookie,
    backend::Backend,
    error::{NotReady, OpenError, SaveError},
    interface::{OpenContext, Opened, SaveContext, Saved},
};

use crate::{AppSessions, key};

/// The error of a backend that is told to fail.
#[derive(Debug, thiserror::Error)]
#[error("told to fail")]
struct ToldToFail;

/// A backend behind switches.
#[derive(Clone, Debug)]
pub struct Switched<B = SignedCookie> {
    inner: B,
    switches: Arc<Switches>,
}

/// What a test flips and reads.
#[derive(Debug, Default)]
pub struct Switches {
    /// Whether opening fails.
    pub fail_open: AtomicBool,
    /// Whether saving fails.
    pub fail_save: AtomicBool,
    /// How often a session was opened.
    pub opened: AtomicUsize,
    /// How often a session was saved.
    pub saved: AtomicUsize,
}

impl Switches {
    /// Makes opening fail, or work again.
    pub fn fail_open(&self, fail: bool) {
        self.fail_open.store(fail, Ordering::SeqCst);
    }

    /// Makes saving fail, or work again.
    pub fn fail_save(&self, fail: bool) {
        self.fail_save.store(fail, Ordering::SeqCst);
    }

    /// Returns how often a session was opened and saved.
    pub fn counts(&self) -> (usize, usize) {
        (self.opened.load(Ordering::SeqCst), self.saved.load(Ordering::SeqCst))
    }
}

impl<B> Switched<B> {
    /// Returns the backend and its switches, all off.
    pub fn new(inner: B) -> (Self, Arc<Switches>) {
        let switches = Arc::<Switches>::default();
        (Self { inner, switches: Arc::clone(&switches) }, switches)
    }
}

impl Switched {
    /// Returns an interface of cookies signed with [`key`] 1, and the switches of its backend.
    pub fn sessions(config: SessionConfig) -> (AppSessions<Self>, Arc<Switches>) {
        let (backend, switches) = Self::new(SignedCookie::new(key(1)));
        (AppSessions { backend, config }, switches)
    }
}

impl<B> Switched<B> {
    /// Fails to open a session, where told to.
    fn open_or_fail(&self) -> Result<(), OpenError> {
        let fails = self.switches.fail_open.load(Ordering::SeqCst);
        if fails { Err(OpenError::unavailable(ToldToFail)) } else { Ok(()) }
    }

    /// Fails to save a session, where told to.
    fn save_or_fail(&self) -> Result<(), SaveError> {
        let fails = self.switches.fail_save.load(Ordering::SeqCst);
        if fails { Err(SaveError::unavailable(ToldToFail)) } else { Ok(()) }
    }
}

// What is answered at once is counted there, what waits where it is waited for.
impl<B: Backend> Backend for Switched<B> {
    async fn open(&self, cx: &OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        self.switches.opened.fetch_add(1, Ordering::SeqCst);
        self.open_or_fail()?;
        self.inner.open(cx).await
    }

    fn open_at_once(
        &self,
        cx: &OpenContext<'_>,
    ) -> Option<Result<Opened<SessionState>, OpenError>> {
        let opened = match self.open_or_fail() {
            Ok(()) => self.inner.open_at_once(cx)?,
            Err(failed) => Err(failed),
        };
        self.switches.opened.fetch_add(1, Ordering::SeqCst);
        Some(opened)
    }

    async fn save(
        &self,
        dictionary: &SessionState,
        cx: &SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        self.switches.saved.fetch_add(1, Ordering::SeqCst);
        self.save_or_fail()?;
        self.inner.save(dictionary, cx).await
    }

    fn save_at_once(
        &self,
        dictionary: &SessionState,
        cx: &SaveContext<'_>,
    ) -> Option<Result<Saved, SaveError>> {
        let saved = match self.save_or_fail() {
            Ok(()) => self.inner.save_at_once(dictionary, cx)?,
            Err(failed) => Err(failed),
        };
        self.switches.saved.fetch_add(1, Ordering::SeqCst);
        Some(saved)
    }

    async fn ready(&self) -> Result<(), NotReady> {
        self.inner.ready().await
    }
}
