//! The middleware, which runs a request with its session.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
};

use actix_service::{Service, Transform, forward_ready};
use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
};
use futures_util::future::LocalBoxFuture;
use pin_project_lite::pin_project;
use sessions_policy::OpenMode;

use super::{
    answer::{Answer, failure},
    finish::{finish, save},
    service_state::ServiceState,
    slot::{CurrentSlot, Slot},
};
use crate::{
    clock::Clock,
    error::{ExtractError, Within},
    events::event,
    interface::SessionInterface,
};

/// The middleware of an interface, for `App::wrap`.
///
/// A type with `#[derive(SessionInterface)]` is a middleware itself and does not need it.
///
/// # Examples
///
/// ```
/// use actix_web::App;
/// use sessions::{SecretKey, SessionConfig, SessionInterface, SessionMiddleware};
///
/// #[derive(Clone, SessionInterface)]
/// struct AppSessions {
///     config: SessionConfig,
/// }
///
/// let config = SessionConfig::new().secret_key(SecretKey::generate());
/// let app = App::new().wrap(SessionMiddleware::new(AppSessions { config }));
/// # let _ = app;
/// ```
pub struct SessionMiddleware<I> {
    interface: Arc<I>,
    clock: Clock,
}

impl<I: SessionInterface> SessionMiddleware<I> {
    /// Returns the middleware of this interface.
    pub fn new(interface: I) -> Self {
        Self { interface: Arc::new(interface), clock: Clock::system() }
    }

    #[cfg(feature = "test")]
    pub(crate) fn of(interface: Arc<I>, clock: Clock) -> Self {
        Self { interface, clock }
    }

    /// Sets the clock, for tests. Defaults to the operating system's.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }
}

impl<I> Clone for SessionMiddleware<I> {
    fn clone(&self) -> Self {
        Self { interface: Arc::clone(&self.interface), clock: self.clock.clone() }
    }
}

impl<I> fmt::Debug for SessionMiddleware<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionMiddleware")
            .field("interface", &std::any::type_name::<I>())
            .finish_non_exhaustive()
    }
}

impl<S, B, I> Transform<S, ServiceRequest> for SessionMiddleware<I>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
    I: SessionInterface,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Transform = SessionService<S, I>;
    type InitError = ();
    type Future = std::future::Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        std::future::ready(SessionService::new(
            service,
            Arc::clone(&self.interface),
            self.clock.clone(),
        ))
    }
}

/// The service of [`SessionMiddleware`].
pub struct SessionService<S, I> {
    service: Rc<S>,
    state: Arc<ServiceState<I>>,
}

impl<S, I: SessionInterface> SessionService<S, I> {
    /// Resolves and checks the policies. Logs the reason of a failure, since Actix's error has no
    /// text.
    pub(crate) fn new(service: S, interface: Arc<I>, clock: Clock) -> Result<Self, ()> {
        let name = std::any::type_name::<I>();
        let state = ServiceState::new(interface, clock).map_err(|err| {
            event!(
                ConfigRefused,
                interface = name,
                "session policies are wrong, so the service does not start: {err}"
            );
        })?;
        let overridden = state.interface.policies().overridden();
        if !overridden.is_empty() {
            event!(
                ConfigWarned,
                interface = name,
                "settings of the configuration have no effect, since attributes of the derive \
                 override them; remove one or the other: {}",
                overridden.join(", "),
            );
        }
        Ok(Self { service: Rc::new(service), state: Arc::new(state) })
    }
}

impl<S, I> fmt::Debug for SessionService<S, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService")
            .field("interface", &std::any::type_name::<I>())
            .finish_non_exhaustive()
    }
}

impl<S, B, I> Service<ServiceRequest> for SessionService<S, I>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
    I: SessionInterface,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Future = SessionFuture<S::Future, I>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let outer =
            request.extensions().get::<CurrentSlot>().map(|CurrentSlot(slot)| Arc::clone(slot));
        let slot = Arc::new(Slot::new(Arc::clone(&self.state), outer));
        request.extensions_mut().insert(CurrentSlot(Arc::<Slot<I>>::clone(&slot)));
        let stage = match self.state.settings.open() {
            OpenMode::Eager => Stage::Waiting {
                fut: Box::pin(open_and_call(Rc::clone(&self.service), request, Arc::clone(&slot))),
            },
            _ => Stage::Inner { fut: self.service.call(request) },
        };
        SessionFuture { stage, slot, is_finished: false }
    }
}

/// Opens the session before the inner service is called, for `open = "eager"`. If that fails, the
/// service is not called.
async fn open_and_call<S, B, I>(
    service: Rc<S>,
    request: ServiceRequest,
    slot: Arc<Slot<I>>,
) -> Answer
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
    I: SessionInterface,
{
    match slot.open(request.request()).await {
        Ok(_) | Err(ExtractError::Closed) => {}
        Err(err) => {
            let err = match err {
                ExtractError::Open(err) => err.into(),
                err => err.into(),
            };
            let (request, _) = request.into_parts();
            return Ok(failure(&*slot, request, err, Vec::new()));
        }
    }
    let mut answer = service.call(request).await.map(ServiceResponse::map_into_boxed_body);
    if finish(&slot, &mut answer) { answer } else { save(slot, answer).await }
}

pin_project! {
    /// The future of [`SessionService`]. It allocates only for a request that opens its session
    /// eagerly or saves it.
    pub struct SessionFuture<F, I: SessionInterface> {
        #[pin]
        stage: Stage<F>,
        slot: Arc<Slot<I>>,
        is_finished: bool,
    }

    impl<F, I: SessionInterface> PinnedDrop for SessionFuture<F, I> {
        // The client disconnected, or a timeout or a panic ended the handler: later writes by other
        // handles of the session are errors.
        fn drop(this: Pin<&mut Self>) {
            if !this.is_finished {
                this.slot.abandon();
            }
            this.slot.end();
        }
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<F> {
        /// The inner service runs.
        Inner { #[pin] fut: F },
        /// The session is opened or saved.
        Waiting { fut: LocalBoxFuture<'static, Answer> },
    }
}

impl<F, B, I> Future for SessionFuture<F, I>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody + 'static,
    I: SessionInterface,
{
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let _within = Within::enter();
        let mut this = self.project();
        if let StageProjection::Inner { fut } = this.stage.as_mut().project() {
            let mut answer = ready!(fut.poll(cx)).map(ServiceResponse::map_into_boxed_body);
            let is_done = finish(this.slot, &mut answer);
            *this.is_finished = true;
            if is_done {
                return Poll::Ready(answer);
            }
            let fut = Box::pin(save(Arc::clone(this.slot), answer));
            this.stage.set(Stage::Waiting { fut });
        }
        match this.stage.project() {
            StageProjection::Waiting { fut } => fut.as_mut().poll(cx),
            StageProjection::Inner { .. } => unreachable!("the stage was replaced above"),
        }
    }
}

impl<F, I: SessionInterface> fmt::Debug for SessionFuture<F, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionFuture").finish_non_exhaustive()
    }
}

/// Implements `Transform::new_transform` for derived interfaces.
pub fn new_transform<S, I>(
    interface: &I,
    service: S,
) -> std::future::Ready<Result<SessionService<S, I>, ()>>
where
    I: SessionInterface + Clone,
{
    std::future::ready(SessionService::new(service, Arc::new(interface.clone()), Clock::system()))
}
