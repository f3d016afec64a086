//! A store that fails on command.

mod operations;
mod plan;

use std::{fmt, future::pending, sync::Arc};

use tokio::time::sleep;

pub use self::plan::Fault;
use self::plan::{Action, Plan};
use super::{
    gate::{Gate, Moment},
    operation::Operation,
};
use crate::store::{OwnerIndex, Store, StoreError};

/// A store around another that fails, hangs or does not answer when a test says so, counts its calls,
/// and [holds](Self::hold) a call until the test lets it continue.
///
/// Clones share the store, the planned faults and the counts.
///
/// # Examples
///
/// A logout that the store did not answer is an error, and the session is still there:
///
/// ```
/// # use sessions::{Session, SessionInterface};
/// use actix_web::{App, http::StatusCode, post, test::{TestRequest, call_service, init_service}};
/// use sessions::{test::{Fault, FaultStore, Operation, TestClient}, MemoryStore, ServerSide};
///
/// #[derive(Clone, SessionInterface)]
/// struct AppSessions {
///     backend: ServerSide<FaultStore<MemoryStore>>,
/// }
///
/// #[post("/logout")]
/// async fn logout(session: Session) -> actix_web::Result<&'static str> {
///     session.purge()?;
///     Ok("goodbye")
/// }
///
/// # #[actix_web::main]
/// # async fn main() {
/// let store = FaultStore::new(MemoryStore::new());
/// let sessions = AppSessions { backend: ServerSide::new(store.clone()) };
/// let app = init_service(App::new().wrap(sessions.clone()).service(logout)).await;
/// let client = TestClient::new(&sessions);
///
/// store.on_call_of(Operation::DeleteIf, 1, Fault::Hangs);
/// let request = client.with(TestRequest::post().uri("/logout"), |s| s.set_owner(7)).await;
/// let failed = call_service(&app, request.to_request()).await;
///
/// assert_eq!(failed.status(), StatusCode::SERVICE_UNAVAILABLE);
/// assert_eq!(store.calls_of(Operation::DeleteIf), 1);
/// assert_eq!(store.inner().len(), 1);
/// # }
/// ```
pub struct FaultStore<S> {
    store: Arc<S>,
    plan: Arc<Plan>,
}

impl<S: Store> FaultStore<S> {
    /// Returns a store that works like this one until a test plans faults.
    pub fn new(store: S) -> Self {
        Self { store: Arc::new(store), plan: Arc::default() }
    }

    /// Returns the store inside, which neither fails nor counts.
    pub fn inner(&self) -> &S {
        &self.store
    }

    /// Plans a fault for the `n`th call from here, whatever its operation. 1 is the next call.
    ///
    /// # Panics
    ///
    /// When `n` is 0.
    pub fn on_call(&self, n: usize, fault: Fault) {
        self.plan.arm(None, Some(n), Action::Fault(fault));
    }

    /// Plans a fault for the `n`th call of this operation from here. 1 is the next call.
    ///
    /// # Panics
    ///
    /// When `n` is 0.
    pub fn on_call_of(&self, operation: Operation, n: usize, fault: Fault) {
        self.plan.arm(Some(operation), Some(n), Action::Fault(fault));
    }

    /// Plans a fault for every call, until the store is [mended](Self::mend).
    pub fn on_every_call(&self, fault: Fault) {
        self.plan.arm(None, None, Action::Fault(fault));
    }

    /// Plans a fault for every call of this operation, until the store is [mended](Self::mend).
    pub fn on_every_call_of(&self, operation: Operation, fault: Fault) {
        self.plan.arm(Some(operation), None, Action::Fault(fault));
    }

    /// Cancels all planned faults and holds that have not happened.
    pub fn mend(&self) {
        self.plan.clear();
    }

    /// Returns how many calls there were, failed ones included.
    pub fn calls(&self) -> usize {
        self.plan.calls()
    }

    /// Returns how many calls of this operation there were.
    pub fn calls_of(&self, operation: Operation) -> usize {
        self.plan.calls_of(operation)
    }

    /// Holds the next call of an operation, before or after it is done, until the gate is opened.
    pub fn hold(&self, moment: Moment) -> Gate {
        let gate = Gate::new(moment);
        self.plan.arm(Some(moment.operation()), Some(1), Action::Hold(moment, gate.latch()));
        gate
    }

    /// Lets one request overtake another: `slow` runs up to this moment and is held there, `fast`
    /// runs from its beginning to its end, and `slow` continues. Returns both results.
    ///
    /// Requests that share a [`ServerSide`](crate::ServerSide) queue to write a record: hold `slow`
    /// after its `load`, or give each request a `ServerSide` of its own, as on two hosts.
    ///
    /// # Panics
    ///
    /// When `slow` ends without such a call.
    ///
    /// # Examples
    ///
    /// A request that saves does not undo a logout that overtook it:
    ///
    /// ```
    /// # use sessions::{Session, SessionInterface};
    /// use actix_web::{App, http::StatusCode, post, test::{TestRequest, call_service, init_service}};
    /// use sessions::{
    ///     test::{FaultStore, Moment, Operation, TestClient},
    ///     MemoryStore, ServerSide,
    /// };
    ///
    /// # #[derive(Clone, SessionInterface)]
    /// # struct AppSessions {
    /// #     backend: ServerSide<FaultStore<MemoryStore>>,
    /// # }
    /// # #[post("/vote")]
    /// # async fn vote(session: Session) -> actix_web::Result<&'static str> {
    /// #     session.insert("voted", true)?;
    /// #     Ok("thank you")
    /// # }
    /// # #[post("/logout")]
    /// # async fn logout(session: Session) -> actix_web::Result<&'static str> {
    /// #     session.purge()?;
    /// #     Ok("goodbye")
    /// # }
    /// # #[actix_web::main]
    /// # async fn main() {
    /// let store = FaultStore::new(MemoryStore::new());
    /// let sessions = AppSessions { backend: ServerSide::new(store.clone()) };
    /// let app = App::new().wrap(sessions.clone()).service(vote).service(logout);
    /// let app = init_service(app).await;
    ///
    /// let client = TestClient::new(&sessions);
    /// let user = client.with(TestRequest::post(), |s| s.insert("user", 7)).await;
    /// let cookie = user.to_http_request().headers().get("cookie").unwrap().clone();
    /// let post = |path| {
    ///     let request = TestRequest::post().uri(path).insert_header(("cookie", cookie.clone()));
    ///     call_service(&app, request.to_request())
    /// };
    ///
    /// let (slow, fast) =
    ///     store.overtake(Moment::After(Operation::Load), post("/vote"), post("/logout")).await;
    ///
    /// assert_eq!(fast.status(), StatusCode::OK);
    /// assert_eq!(slow.status(), StatusCode::CONFLICT);
    /// assert!(store.inner().is_empty());
    /// # }
    /// ```
    pub async fn overtake<A, B>(
        &self,
        moment: Moment,
        slow: impl Future<Output = A>,
        fast: impl Future<Output = B>,
    ) -> (A, B) {
        self.hold(moment).overtake(slow, fast).await
    }

    async fn run<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match self.plan.next(operation) {
            None => call.await,
            Some(Action::Fault(fault)) => match fault {
                Fault::Fails(err) => Err(err),
                Fault::Hangs => pending().await,
                Fault::Delays(time) => {
                    sleep(time).await;
                    call.await
                }
                Fault::Loses => {
                    call.await?;
                    Err(StoreError::unavailable(AnswerLost))
                }
                Fault::Swallows => {
                    call.await?;
                    pending().await
                }
                Fault::Panics => panic!("the store was told to panic"),
            },
            Some(Action::Hold(Moment::Before(_), gate)) => {
                gate.pass().await;
                call.await
            }
            Some(Action::Hold(Moment::After(_), gate)) => {
                let answer = call.await;
                gate.pass().await;
                answer
            }
        }
    }

    fn index(&self) -> &dyn OwnerIndex {
        self.store.owners().expect("only a store with an index returns this one")
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the connection broke before the answer came")]
struct AnswerLost;

impl<S> Clone for FaultStore<S> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store), plan: Arc::clone(&self.plan) }
    }
}

impl<S> fmt::Debug for FaultStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultStore")
            .field("store", &std::any::type_name::<S>())
            .finish_non_exhaustive()
    }
}
