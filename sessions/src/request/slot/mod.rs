//! The slot: where a request keeps its session, from before it is opened until after it is saved.

mod claim;
mod erased;
mod open;

use std::{
    fmt,
    future::poll_fn,
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Poll, Waker},
};

use actix_web::{HttpMessage, HttpRequest};
use sessions_policy::CookiePolicy;

use self::claim::Claim;
pub(crate) use self::erased::{AnySlot, CurrentSlot, Opening};
use super::{headers::SessionHeaders, service_state::ServiceState};
use crate::{
    error::{ExtractError, OpenError, SaveError},
    interface::{SessionContent, SessionInterface},
    state::SessionState,
};

/// One request's session of one interface.
pub struct Slot<I: SessionInterface> {
    pub(crate) service: Arc<ServiceState<I>>,
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
    fn close(&mut self, early: EarlySave) {
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
    early: EarlySave,
}

/// How far a `save_now` of the handler has come.
enum EarlySave {
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
    pub(crate) fn new(service: Arc<ServiceState<I>>, outer: Option<Arc<dyn AnySlot>>) -> Self {
        Self {
            service,
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

    /// Closes the session for writers: as the response is made, or `early`. `prepare` sees what is
    /// about to be sealed.
    pub(crate) fn freeze(
        &self,
        early: bool,
        prepare: impl FnOnce(&mut SessionState),
    ) -> Frozen<I::Content> {
        let mut phase = self.phase();
        match &mut *phase {
            Phase::Open(session) => {
                let unshared = Arc::get_mut(session).expect(UNSHARED);
                prepare(unshared.content.state_mut());
                let frozen = Frozen::Session(Arc::clone(session));
                let early = if early { EarlySave::Running } else { EarlySave::NotAsked };
                phase.close(early);
                frozen
            }
            Phase::Failed(_) if self.failure_taken.load(Ordering::Relaxed) => Frozen::Unused,
            Phase::Failed(err) => Frozen::Failed(err.clone()),
            Phase::Closed(Closed { early, .. }) => match early {
                EarlySave::NotAsked => Frozen::Unused,
                EarlySave::Running => Frozen::SavedEarly(Err(SaveError::Interrupted)),
                EarlySave::Done(headers) => Frozen::SavedEarly(Ok(headers.as_deref().cloned())),
            },
            Phase::Unopened => {
                phase.close(EarlySave::NotAsked);
                Frozen::Unused
            }
            Phase::Opening(waiting) => {
                let waiting = mem::take(waiting);
                phase.close(EarlySave::NotAsked);
                drop(phase);
                waiting.into_iter().for_each(Waker::wake);
                Frozen::Unused
            }
        }
    }

    /// Notes what the response is to carry of a session that was saved before.
    pub(crate) fn finish_early(&self, headers: Option<SessionHeaders>) {
        if let Phase::Closed(closed) = &mut *self.phase() {
            closed.early = EarlySave::Done(headers.map(Box::new));
        }
    }

    /// Seals what there is, when the request was dropped: nobody saves it any more.
    pub(crate) fn abandon(&self) {
        self.freeze(false, |_| {});
    }

    /// Whether there is a session further out.
    pub(crate) fn has_outer(&self) -> bool {
        self.outer.is_some()
    }

    /// Makes the session further out the innermost again, for the middleware between the two.
    pub(crate) fn step_out(&self, request: &HttpRequest) {
        if let Some(outer) = &self.outer {
            request.extensions_mut().insert(CurrentSlot(Arc::clone(outer)));
        }
    }

    fn phase(&self) -> MutexGuard<'_, Phase<I::Content>> {
        // A panic in a closure that only looks, or in the serialisation of one value, leaves the
        // content as it was.
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is left of a session when its response is made.
pub(crate) enum Frozen<C> {
    /// Not opened, or its failure is someone else's answer.
    Unused,
    Failed(OpenError),
    Session(Arc<OpenSession<C>>),
    /// The handler had it saved; this is what the response is to carry.
    SavedEarly(Result<Option<SessionHeaders>, SaveError>),
}

impl<I: SessionInterface> fmt::Debug for Slot<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("interface", &self.interface_name()).finish_non_exhaustive()
    }
}
