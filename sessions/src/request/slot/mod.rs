//! The slot of a request's session, from before it is opened until after it is saved.

mod bearer_use;
mod claim;
mod erased;
mod open;

use std::{
    fmt,
    future::poll_fn,
    mem,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Poll, Waker},
    time::SystemTime,
};

use actix_web::{HttpMessage, HttpRequest};

pub(crate) use self::bearer_use::BearerUse;
use self::claim::{Attempt, Claim};
pub(crate) use self::erased::{AnySlot, CurrentSlot, Opening, OpeningFuture};
use super::{
    headers::{SessionHeaders, Vary},
    service_state::{RequestPolicy, ServiceState},
};
use crate::{
    dictionary::Encoder,
    error::{ExtractError, OpenError, Place, Report, SaveError},
    interface::{SessionContent, SessionInterface},
    state::{Extensions, SessionState},
};

/// The session of one request and one interface.
pub struct Slot<I: SessionInterface> {
    pub(crate) service: Arc<ServiceState<I>>,
    /// The slot of the next outer session middleware.
    outer: Option<Arc<dyn AnySlot>>,
    phase: Mutex<Phase<I::Content>>,
    /// The session once it is read-only: its response is made, or the handler called `save_now`.
    ///
    /// Invariant: set under the lock of `phase`, when an open session is closed.
    closed: OnceLock<OpenSession<I::Content>>,
    /// What crates that build on this one attached, whether the session is open or not.
    attached: Mutex<Extensions>,
    /// The handler took `TrySession` and answers a failed opening itself.
    failure_handled: AtomicBool,
    /// The request is over: its session is saved, if it could be.
    is_over: AtomicBool,
    /// The session was closed with changes, whose closures are to be dropped.
    holds_changes: AtomicBool,
}

/// What the policies say of a request whose session is to be opened. They are asked once.
#[expect(missing_debug_implementations, reason = "the type is not reachable from outside")]
pub struct Preparation {
    policy: RequestPolicy,
    is_use: bool,
    now: SystemTime,
}

/// An open session, with the policies to save it with.
pub(crate) struct OpenSession<C> {
    pub(crate) content: C,
    pub(crate) cookie: OpenedCookie,
    /// Whether the request is a use of its session.
    pub(crate) is_use: bool,
}

/// The cookie's policies as they were when the session was opened.
pub(crate) struct OpenedCookie {
    pub(crate) policy: RequestPolicy,
    /// Whether the request carried a cookie of this name, valid or not. It was not looked for beside a bearer
    /// token.
    pub(crate) was_sent: bool,
    /// Whether it carried one, or the session came in the cookie of another framework.
    pub(crate) came_in_cookie: bool,
    /// The session's token travels in `Authorization` instead.
    pub(crate) bearer: Option<BearerUse>,
    pub(crate) vary: Vary,
}

enum Phase<C> {
    Unopened,
    /// One task opens the session; these wait.
    Opening(Vec<Waker>),
    Open(OpenSession<C>),
    Failed(OpenError),
    Closed(SaveNow),
}

/// The progress of the handler's `save_now`.
enum SaveNow {
    NotCalled,
    Running,
    /// The headers for the response.
    Done(Option<Box<SessionHeaders>>),
}

/// Why a session is frozen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FreezeFor {
    /// The handler called `save_now`.
    SaveNow,
    /// The response is made, or the request was dropped.
    Response,
}

/// The result of claiming the right to open a session.
#[must_use = "no other task opens the session"]
enum Claimed {
    Open(Encoder),
    /// The caller makes the [`Claim`].
    Granted,
}

impl<I: SessionInterface> Slot<I> {
    pub(crate) fn new(service: Arc<ServiceState<I>>, outer: Option<Arc<dyn AnySlot>>) -> Self {
        Self {
            service,
            outer,
            phase: Mutex::new(Phase::Unopened),
            closed: OnceLock::new(),
            attached: Mutex::default(),
            failure_handled: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            holds_changes: AtomicBool::new(false),
        }
    }

    /// Opens the session if it is not open yet; waits while another task opens it. Concurrent
    /// extractors of one handler thus open it once, and its failure is remembered too.
    pub(crate) async fn open(&self, request: &HttpRequest) -> Result<Encoder, ExtractError> {
        match poll_fn(|task| self.claim(Some(task.waker()))).await? {
            Claimed::Open(encoder) => Ok(encoder),
            Claimed::Granted => match Claim::new(self).open_at_once(request) {
                Attempt::Done(result) => result,
                Attempt::Waits(claim, prepared) => claim.open(request, prepared).await,
            },
        }
    }

    /// Claims the right to open the session if it is not open yet. Pending while another task has
    /// it, which wakes this one.
    fn claim(&self, waker: Option<&Waker>) -> Poll<Result<Claimed, ExtractError>> {
        let mut phase = self.phase();
        let open =
            |session: &OpenSession<I::Content>| Claimed::Open(session.content.state().encoder());
        match &mut *phase {
            Phase::Open(session) => Poll::Ready(Ok(open(session))),
            Phase::Closed(_) => Poll::Ready(self.closed().map(open).ok_or(ExtractError::Closed)),
            Phase::Failed(err) => Poll::Ready(Err(err.clone().into())),
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
                Poll::Ready(Ok(Claimed::Granted))
            }
        }
    }

    /// Closes the session for writes, after `prepare` has had its last chance to change it.
    pub(crate) fn freeze(
        &self,
        purpose: FreezeFor,
        prepare: impl FnOnce(&mut SessionState, &mut OpenedCookie),
    ) -> Frozen<'_, I::Content> {
        let mut phase = self.phase();
        let Phase::Open(OpenSession { content, cookie, .. }) = &mut *phase else {
            return self.freeze_unopened(phase);
        };
        let state = content.state_mut();
        prepare(state, cookie);
        let discarded = state.take_discarded();
        // Under the lock, so that the end of the request sees it.
        self.holds_changes.store(state.holds_changes(), Ordering::Relaxed);
        let save_now = match purpose {
            FreezeFor::SaveNow => SaveNow::Running,
            FreezeFor::Response => SaveNow::NotCalled,
        };
        let closed = self.close(&mut phase, save_now);
        drop(phase);
        drop(discarded);
        Frozen::Session(closed.expect("`freeze` closes an open session"))
    }

    /// Closes the slot, and returns its session if that was open.
    fn close(
        &self,
        phase: &mut Phase<I::Content>,
        save_now: SaveNow,
    ) -> Option<&OpenSession<I::Content>> {
        match mem::replace(phase, Phase::Closed(save_now)) {
            Phase::Open(session) => Some(self.closed.get_or_init(|| session)),
            _ => None,
        }
    }

    /// Returns the session, if it was opened and not refused.
    fn session<'s>(&'s self, phase: &'s Phase<I::Content>) -> Option<&'s OpenSession<I::Content>> {
        match phase {
            Phase::Open(session) => Some(session),
            _ => self.closed.get(),
        }
    }

    /// Returns the session once it is closed, unless it was never open.
    pub(crate) fn closed(&self) -> Option<&OpenSession<I::Content>> {
        self.closed.get()
    }

    /// Closes the slot of a session that is not open.
    #[inline(never)]
    fn freeze_unopened(
        &self,
        mut phase: MutexGuard<'_, Phase<I::Content>>,
    ) -> Frozen<'_, I::Content> {
        match &mut *phase {
            Phase::Failed(err) if self.failure_handled.load(Ordering::Relaxed) => {
                Frozen::Handled(err.clone())
            }
            Phase::Failed(err) => Frozen::Failed(err.clone()),
            Phase::Closed(save_now) => match save_now {
                SaveNow::NotCalled => Frozen::Unused,
                SaveNow::Running => Frozen::SavedNow(Err(SaveError::Interrupted)),
                SaveNow::Done(headers) => Frozen::SavedNow(Ok(headers.as_deref().cloned())),
            },
            Phase::Unopened => {
                self.close(&mut phase, SaveNow::NotCalled);
                Frozen::Unused
            }
            Phase::Open(_) => unreachable!("`freeze` closes an open session"),
            Phase::Opening(waiting) => {
                let waiting = mem::take(waiting);
                self.close(&mut phase, SaveNow::NotCalled);
                drop(phase);
                waiting.into_iter().for_each(Waker::wake);
                Frozen::Unused
            }
        }
    }

    /// Has the session's token handed out to a client without cookies. A token that the client has is replaced.
    pub(crate) fn hand_out(&self) -> Result<(), SaveError> {
        if !self.service.takes_bearer {
            return Err(SaveError::NoBearer);
        }
        let mut phase = self.phase();
        let Phase::Open(session) = &mut *phase else { return Err(SaveError::Saved) };
        let OpenSession { content, cookie, .. } = session;
        let state = content.state_mut();
        if let Some(null) = state.null_session() {
            return Err(SaveError::Null(null.clone()));
        }
        if cookie.came_in_cookie {
            return Err(SaveError::CameInCookie);
        }
        if state.is_empty() && state.is_new() {
            return Err(SaveError::NothingToHandOut);
        }
        if !state.is_new() {
            state.rotate().expect("a session that is not null is writable");
        }
        cookie.bearer.get_or_insert_default().hands_out = true;
        Ok(())
    }

    /// Keeps the headers of a finished `save_now` for the response.
    pub(crate) fn finish_save_now(&self, headers: Option<SessionHeaders>) {
        if let Phase::Closed(save_now) = &mut *self.phase() {
            *save_now = SaveNow::Done(headers.map(Box::new));
        }
    }

    /// Freezes the session of a dropped request, which is not saved.
    pub(crate) fn abandon(&self) {
        self.freeze(FreezeFor::Response, |_, _| {});
    }

    /// Notes the end of the request, and drops the closures of the application.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Release);
        if self.holds_changes.load(Ordering::Relaxed) {
            self.release_closures();
        }
    }

    /// Drops the closures of the application at the end of the request. One that holds a handle of
    /// this session would otherwise keep it for ever.
    fn release_closures(&self) {
        if let Some(session) = self.closed() {
            session.content.state().release_closures();
        }
    }

    /// Whether there is an outer session.
    pub(crate) fn has_outer(&self) -> bool {
        self.outer.is_some()
    }

    /// Makes the outer session the current one again, for the middleware between the two.
    pub(crate) fn restore_outer(&self, request: &HttpRequest) {
        if let Some(outer) = &self.outer {
            request.extensions_mut().insert(CurrentSlot(Arc::clone(outer)));
        }
    }

    /// Writes a line about this session.
    pub(crate) fn report(&self, report: &mut Report, path: Option<&str>) {
        let place = Place { interface: Some(self.interface_name()), path };
        report.write(&self.service.outages, place);
    }

    fn phase(&self) -> MutexGuard<'_, Phase<I::Content>> {
        // A panic leaves the content consistent: closures only read it, and each value is
        // serialised before it is stored.
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The session when it is frozen.
pub(crate) enum Frozen<'s, C> {
    /// The session was not opened.
    Unused,
    Failed(OpenError),
    /// It was not opened either, and the handler answers.
    Handled(OpenError),
    Session(&'s OpenSession<C>),
    /// The handler called `save_now`, which left these headers for the response.
    SavedNow(Result<Option<SessionHeaders>, SaveError>),
}

impl<I: SessionInterface> fmt::Debug for Slot<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("interface", &self.interface_name()).finish_non_exhaustive()
    }
}
