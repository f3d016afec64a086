//! The slot: where a request keeps its session, from before it is opened until after it is saved.

mod any;
mod claim;

use std::{
    cell::Cell,
    fmt,
    future::poll_fn,
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Poll, Waker},
};

use actix_web::{
    HttpMessage, HttpRequest,
    http::header::{self, HeaderValue},
};
use sessions_policy::{CookiePolicy, OnLoadError};

pub(crate) use self::any::{AnySlot, Innermost, Opening};
use self::claim::Claim;
use super::{headers::SessionHeaders, service_state::Site};
use crate::{
    cookie::CookieValues,
    error::{ExtractError, NullSession, OpenError, SaveError},
    interface::{OpenContext, SessionContent, SessionInterface},
    state::SessionState,
};

/// One request's session of one interface.
pub struct Slot<I: SessionInterface> {
    pub(crate) site: Arc<Site<I>>,
    /// The slot of the next session middleware further out.
    outer: Option<Arc<dyn AnySlot>>,
    phase: Mutex<Phase<I::Content>>,
    /// Whoever took `TrySession` answers a failed opening by itself.
    failure_taken: AtomicBool,
}

/// A session that is open, with what its saving will want to know.
pub(crate) struct OpenSession<C> {
    pub(crate) content: C,
    pub(crate) cookie: OpenedCookie,
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
    /// Shared with nobody, so that it can be written.
    Open(Arc<OpenSession<C>>),
    Failed(OpenError),
    Closed(Closed<C>),
}

impl<C> Phase<C> {
    fn close(&mut self, early: Early) {
        let session = match mem::replace(self, Self::Unopened) {
            Self::Open(session) => Some(session),
            _ => None,
        };
        *self = Self::Closed(Closed { session, early });
    }
}

/// A session whose response is made, or that the handler had saved before. It is never written
/// again.
struct Closed<C> {
    session: Option<Arc<OpenSession<C>>>,
    early: Early,
}

/// How far a `save_now` of the handler has come.
enum Early {
    NotAsked,
    Running,
    /// What the response is to carry.
    Done(Option<Box<SessionHeaders>>),
}

/// What came of asking for the right to open a session.
#[must_use = "nobody else opens the session"]
enum Claimed {
    Open,
    /// Whoever hears this makes the [`Claim`].
    Ours,
}

/// Why the content of an open session can be written.
const UNSHARED: &str = "a session is shared once it is closed";

impl<I: SessionInterface> Slot<I> {
    pub(crate) fn new(site: Arc<Site<I>>, outer: Option<Arc<dyn AnySlot>>) -> Self {
        Self {
            site,
            outer,
            phase: Mutex::new(Phase::Unopened),
            failure_taken: AtomicBool::new(false),
        }
    }

    /// Opens the session unless that is done; waits while someone else is at it. Concurrent
    /// extractors of one handler thus cause one opening, and its failure is remembered too.
    pub(crate) async fn open(self: &Arc<Self>, request: &HttpRequest) -> Result<(), ExtractError> {
        match poll_fn(|task| self.claim(Some(task.waker()))).await? {
            Claimed::Open => Ok(()),
            Claimed::Ours => Claim::new(Arc::clone(self)).open(request).await,
        }
    }

    /// Takes the right to open the session, unless it is open. Pending while someone else has it,
    /// who then wakes this task.
    fn claim(&self, waker: Option<&Waker>) -> Poll<Result<Claimed, ExtractError>> {
        let mut phase = self.phase();
        match &mut *phase {
            Phase::Open(_) | Phase::Closed(Closed { session: Some(_), .. }) => {
                Poll::Ready(Ok(Claimed::Open))
            }
            Phase::Failed(err) => Poll::Ready(Err(err.clone().into())),
            Phase::Closed(Closed { session: None, .. }) => Poll::Ready(Err(ExtractError::Closed)),
            Phase::Opening(waiting) => {
                if let Some(waker) = waker
                    && !waiting.iter().any(|other| other.will_wake(waker))
                {
                    waiting.push(waker.clone());
                }
                Poll::Pending
            }
            Phase::Unopened => {
                *phase = Phase::Opening(Vec::new());
                Poll::Ready(Ok(Claimed::Ours))
            }
        }
    }

    /// Asks the interface for the session of this request.
    pub(crate) async fn open_content(
        &self,
        request: &HttpRequest,
    ) -> Result<OpenSession<I::Content>, OpenError> {
        let Site { interface, settings, clock } = &*self.site;
        let policy = self.site.cookie_for(request)?;
        self.refuse_shared_cookie(request, &policy)?;
        let headers = request.headers().get_all(header::COOKIE).map(HeaderValue::as_bytes);
        let cookies = CookieValues::find(headers, policy.name().as_str());
        let cookie = OpenedCookie { policy, came: !cookies.is_empty() };

        let null = Cell::new(None);
        let cx = OpenContext {
            request,
            cookie: &cookie.policy,
            cookies: &cookies,
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
        content.state_mut().start_permanent(settings.permanent());
        Ok(OpenSession { content, cookie })
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
        if self.is_alone(request) {
            return Ok(());
        }
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

    /// Whether the request has no other session.
    fn is_alone(&self, request: &HttpRequest) -> bool {
        let extensions = request.extensions();
        let innermost = extensions.get::<Innermost>();
        !self.has_outer()
            && innermost.is_some_and(|Innermost(slot)| std::ptr::addr_eq(Arc::as_ptr(slot), self))
    }

    /// Closes the session for writers: as the response is made, or `early`. `prepare` sees what is
    /// about to be sealed.
    pub(crate) fn seal(
        &self,
        early: bool,
        prepare: impl FnOnce(&mut SessionState),
    ) -> Sealed<I::Content> {
        let mut phase = self.phase();
        match &mut *phase {
            Phase::Open(session) => {
                let unshared = Arc::get_mut(session).expect(UNSHARED);
                prepare(unshared.content.state_mut());
                let sealed = Sealed::Session(Arc::clone(session));
                let early = if early { Early::Running } else { Early::NotAsked };
                phase.close(early);
                sealed
            }
            Phase::Failed(_) if self.failure_taken.load(Ordering::Relaxed) => Sealed::Unused,
            Phase::Failed(err) => Sealed::Failed(err.clone()),
            Phase::Closed(Closed { early, .. }) => match early {
                Early::NotAsked => Sealed::Unused,
                Early::Running => Sealed::Early(Err(SaveError::Interrupted)),
                Early::Done(headers) => Sealed::Early(Ok(headers.as_deref().cloned())),
            },
            Phase::Unopened => {
                phase.close(Early::NotAsked);
                Sealed::Unused
            }
            Phase::Opening(waiting) => {
                let waiting = mem::take(waiting);
                phase.close(Early::NotAsked);
                drop(phase);
                waiting.into_iter().for_each(Waker::wake);
                Sealed::Unused
            }
        }
    }

    /// Notes what the response is to carry of a session that was saved before.
    pub(crate) fn finish_early(&self, headers: Option<SessionHeaders>) {
        if let Phase::Closed(closed) = &mut *self.phase() {
            closed.early = Early::Done(headers.map(Box::new));
        }
    }

    /// Seals what there is, when the request was dropped: nobody saves it any more.
    pub(crate) fn abandon(&self) {
        self.seal(false, |_| {});
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

    fn phase(&self) -> MutexGuard<'_, Phase<I::Content>> {
        // A panic in a closure that only looks, or in the serialisation of one value, leaves the
        // content as it was.
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is left of a session when its response is made.
pub(crate) enum Sealed<C> {
    /// Not opened, or its failure is someone else's answer.
    Unused,
    Failed(OpenError),
    Session(Arc<OpenSession<C>>),
    /// The handler had it saved; this is what the response is to carry.
    Early(Result<Option<SessionHeaders>, SaveError>),
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
