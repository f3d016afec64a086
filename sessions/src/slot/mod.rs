//! The slot: where a request keeps its session, from before it is opened until after it is saved.

mod any;
mod claim;

use std::{
    cell::Cell,
    fmt,
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Poll, Waker},
};

use actix_web::{
    HttpMessage, HttpRequest,
    http::header::{self, HeaderValue},
};
use sessions_policy::{CookiePolicy, OnLoadError};

pub(crate) use self::any::{AnySlot, Innermost};
use self::claim::Claim;
use crate::{
    content::SessionContent,
    context::OpenContext,
    cookie::CookieValues,
    dictionary::Dictionary,
    error::{ExtractError, OpenError, SaveError},
    headers::SessionHeaders,
    interface::SessionInterface,
    null::NullSession,
    site::Site,
};

/// One request's session of one interface.
pub struct Slot<I: SessionInterface> {
    pub(crate) site: Arc<Site<I>>,
    /// The slot of the next session middleware further out.
    outer: Option<Arc<dyn AnySlot>>,
    phase: Mutex<Phase<I::Content>>,
    /// The content once it is saved: read without a lock, never written again.
    sealed: OnceLock<I::Content>,
    cookie: OnceLock<OpenedCookie>,
    /// Whoever took `TrySession` answers a failed opening by itself.
    failure_taken: AtomicBool,
    early: Mutex<Early>,
}

/// How far a `save_now` of the handler has come.
enum Early {
    NotAsked,
    Running,
    /// What the response is to carry.
    Done(Option<SessionHeaders>),
}

/// The cookie's policies as they were when the session was opened.
pub(crate) struct OpenedCookie {
    pub(crate) policy: Arc<CookiePolicy>,
    /// Whether the request carried a cookie of this name, good or bad.
    pub(crate) came: bool,
}

enum Phase<C> {
    Unopened,
    /// Someone is at it; these wait.
    Opening(Vec<Waker>),
    Open(C),
    Failed(OpenError),
    /// The response is made. The content, if there was any, is sealed.
    Closed,
}

impl<I: SessionInterface> Slot<I> {
    pub(crate) fn new(site: Arc<Site<I>>, outer: Option<Arc<dyn AnySlot>>) -> Self {
        Self {
            site,
            outer,
            phase: Mutex::new(Phase::Unopened),
            sealed: OnceLock::new(),
            cookie: OnceLock::new(),
            failure_taken: AtomicBool::new(false),
            early: Mutex::new(Early::NotAsked),
        }
    }

    /// Opens the session unless that is done; waits while someone else is at it. Concurrent
    /// extractors of one handler thus cause one opening, and its failure is remembered too.
    pub(crate) async fn open(&self, request: &HttpRequest) -> Result<(), ExtractError> {
        let claimed = poll_fn(|task| {
            let mut phase = self.phase();
            match &mut *phase {
                Phase::Open(_) => Poll::Ready(Ok(None)),
                Phase::Failed(err) => Poll::Ready(Err(err.clone().into())),
                Phase::Closed if self.sealed.get().is_some() => Poll::Ready(Ok(None)),
                Phase::Closed => Poll::Ready(Err(ExtractError::Closed)),
                Phase::Opening(waiting) => {
                    if !waiting.iter().any(|waker| waker.will_wake(task.waker())) {
                        waiting.push(task.waker().clone());
                    }
                    Poll::Pending
                }
                Phase::Unopened => {
                    *phase = Phase::Opening(Vec::new());
                    Poll::Ready(Ok(Some(Claim { slot: self })))
                }
            }
        });
        let Some(claim) = claimed.await? else {
            return Ok(());
        };
        let opened = self.open_content(request).await;
        claim.finish(opened)
    }

    /// Asks the interface for the session of this request.
    pub(crate) async fn open_content(
        &self,
        request: &HttpRequest,
    ) -> Result<I::Content, OpenError> {
        let Site { interface, settings, clock } = &*self.site;
        let policy = self.site.cookie_for(request)?;
        self.refuse_shared_cookie(request, &policy)?;
        let headers = request.headers().get_all(header::COOKIE).map(HeaderValue::as_bytes);
        let cookies = CookieValues::find(headers, policy.name().as_str());
        let came = !cookies.is_empty();
        let cookie = self.cookie.get_or_init(|| OpenedCookie { policy, came });

        let null = Cell::new(None);
        let cx = OpenContext {
            request,
            cookie: &cookie.policy,
            cookies,
            settings,
            now: clock.now(),
            clock,
            null: &null,
        };
        let mut content = match interface.open_session(cx).await {
            Ok(Some(content)) => content,
            Ok(None) => self.null_content(null.take().unwrap_or_else(NullSession::not_opened))?,
            Err(err) if settings.on_load_error() == OnLoadError::Null => {
                log_failure(self.interface_name(), &err);
                self.null_content(NullSession::load_failed())?
            }
            Err(err) => return Err(err),
        };
        content.dictionary_mut().start_permanent(settings.permanent());
        Ok(content)
    }

    /// What stands in for a session must be known as that, or it would be saved over the real one.
    fn null_content(&self, null: NullSession) -> Result<I::Content, OpenError> {
        let interface = &*self.site.interface;
        let content = interface.make_null_session(null);
        if interface.is_null_session(&content) {
            return Ok(content);
        }
        Err(OpenError::internal(NotNull { interface: self.interface_name() }))
    }

    /// Refuses this session, and the other one, where two are kept in cookies of one name: each
    /// would be read as the other, and a response must not set one cookie twice. Cookies of
    /// different paths are left alone as long as a request uses one of them.
    fn refuse_shared_cookie(
        &self,
        request: &HttpRequest,
        policy: &CookiePolicy,
    ) -> Result<(), OpenError> {
        let mut next =
            request.extensions().get::<Innermost>().map(|Innermost(slot)| Arc::clone(slot));
        while let Some(slot) = next {
            next = slot.outer().cloned();
            if std::ptr::addr_eq(Arc::as_ptr(&slot), self) {
                continue;
            }
            // Policies that are wrong are the other session's failure.
            let Ok(other) = slot.cookie_policy(request) else { continue };
            if other.name() == policy.name() && (other.path() == policy.path() || slot.is_used()) {
                let err = OpenError::SharedCookie {
                    cookie: policy.name().to_string(),
                    one: self.interface_name(),
                    other: slot.interface_name(),
                };
                slot.refuse(&err);
                return Err(err);
            }
        }
        Ok(())
    }

    /// Closes the session for writers, as the response is made. `prepare` sees what is about to be
    /// sealed.
    pub(crate) fn seal(&self, prepare: impl FnOnce(&mut Dictionary)) -> Sealed<'_, I::Content> {
        let mut phase = self.phase();
        match &mut *phase {
            Phase::Open(content) => prepare(content.dictionary_mut()),
            Phase::Failed(_) if self.failure_taken.load(Ordering::Relaxed) => {
                return Sealed::Unused;
            }
            Phase::Failed(err) => return Sealed::Failed(err.clone()),
            Phase::Closed => return Sealed::Unused,
            Phase::Unopened | Phase::Opening(_) => {}
        }
        match std::mem::replace(&mut *phase, Phase::Closed) {
            // Set while the lock is held: a reader that finds the phase closed finds it here.
            Phase::Open(content) => Sealed::Content(self.sealed.get_or_init(|| content)),
            Phase::Opening(waiting) => {
                drop(phase);
                waiting.into_iter().for_each(Waker::wake);
                Sealed::Unused
            }
            _ => Sealed::Unused,
        }
    }

    /// Returns the content, once it is sealed.
    pub(crate) fn sealed(&self) -> Option<&I::Content> {
        self.sealed.get()
    }

    pub(crate) fn start_early(&self) {
        *self.early_state() = Early::Running;
    }

    pub(crate) fn finish_early(&self, headers: Option<SessionHeaders>) {
        *self.early_state() = Early::Done(headers);
    }

    /// Returns what the response is to carry, if the handler had the session saved before.
    pub(crate) fn early(&self) -> Option<Result<Option<SessionHeaders>, SaveError>> {
        match &*self.early_state() {
            Early::NotAsked => None,
            Early::Running => Some(Err(SaveError::Interrupted)),
            Early::Done(headers) => Some(Ok(headers.clone())),
        }
    }

    fn early_state(&self) -> MutexGuard<'_, Early> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seals what there is, when the request was dropped: nobody saves it any more.
    pub(crate) fn abandon(&self) {
        self.seal(|_| {});
    }

    /// Whether there is a session further out.
    pub(crate) fn has_outer(&self) -> bool {
        self.outer.is_some()
    }

    /// Makes the session further out the innermost again, for the middleware between the two.
    pub(crate) fn step_out(&self, request: &HttpRequest) {
        if let Some(outer) = &self.outer {
            request.extensions_mut().insert(Innermost(Arc::clone(outer)));
        }
    }

    /// Closes the session if nobody has used it; returns whether that is so.
    pub(crate) fn close_unused(&self) -> bool {
        let mut phase = self.phase();
        let unused = matches!(*phase, Phase::Unopened);
        if unused {
            *phase = Phase::Closed;
        }
        unused
    }

    /// Returns the cookie's policies, from the opening on.
    pub(crate) fn cookie(&self) -> Option<&OpenedCookie> {
        self.cookie.get()
    }

    fn phase(&self) -> MutexGuard<'_, Phase<I::Content>> {
        // A panic in a closure that only looks, or in the serialisation of one value, leaves the
        // content as it was.
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is left of a session when its response is made.
pub(crate) enum Sealed<'s, C> {
    /// Not opened, or its failure is someone else's answer.
    Unused,
    Failed(OpenError),
    Content(&'s C),
}

/// An interface made a null session that it does not know as one.
#[derive(Debug)]
struct NotNull {
    interface: &'static str,
}

impl fmt::Display for NotNull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` made a null session that `is_null_session` does not know; make it with \
             `SessionContent::null`, or override both",
            self.interface
        )
    }
}

impl std::error::Error for NotNull {}

fn log_failure(interface: &str, err: &OpenError) {
    tracing::error!(target: "sessions", interface, error = err as &dyn std::error::Error, "session not opened");
}

impl<I: SessionInterface> fmt::Debug for Slot<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("interface", &self.interface_name()).finish_non_exhaustive()
    }
}
