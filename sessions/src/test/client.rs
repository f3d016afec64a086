//! A client of the application under test: it has a session before a request, and one after a response.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    Error, HttpRequest,
    body::MessageBody,
    dev::ServiceResponse,
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
    test::{TestRequest, call_service},
};
use sessions_policy::CookiePolicy;

use crate::{
    clock::Clock,
    cookie::name_of,
    dictionary::Encoder,
    error::{ExtractError, SessionError},
    interface::SessionInterface,
    request::{ServiceState, SessionMiddleware, Slot, headers_after_saving},
    session::Session,
};

/// The header by which browsers say who makes a request (W3C Fetch Metadata, 2.4).
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A client of an application, with a cookie jar for its session: makes the session that a request comes with,
/// and reads the one that a response leaves.
///
/// Sessions are opened and saved by the application's own interface, backend and keys, so that a browser could
/// have any of them. Closures and tests get the handle that handlers get.
///
/// An application with several interfaces has a client for each: `theme.with(shop.with(request, …).await, …)`
/// is a request with both sessions.
pub struct TestClient<I: SessionInterface> {
    service: Arc<ServiceState<I>>,
    model: HttpRequest,
    /// The pair `name=value` of each cookie.
    jar: Mutex<Vec<HeaderValue>>,
}

impl<I: SessionInterface + Clone> TestClient<I> {
    /// Returns a client without cookies of the application that wraps this interface, by the system's clock.
    ///
    /// # Panics
    ///
    /// When the interface's policies are wrong; [`SessionInterface::check`] says so without a panic.
    pub fn new(interface: &I) -> Self {
        Self::with_clock(interface, Clock::system())
    }

    /// Returns a client without cookies, by this clock, which its [`middleware`](Self::middleware) has too.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    pub fn with_clock(interface: &I, clock: Clock) -> Self {
        let service = ServiceState::new(Arc::new(interface.clone()), clock)
            .unwrap_or_else(|err| panic!("the policies are wrong: {err}"));
        Self::of(Arc::new(service), TestRequest::default().to_http_request())
    }
}

impl<I: SessionInterface> TestClient<I> {
    fn of(service: Arc<ServiceState<I>>, model: HttpRequest) -> Self {
        Self { service, model, jar: Mutex::default() }
    }

    /// Returns another client of the same application: one without cookies.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::of(Arc::clone(&self.service), self.model.clone())
    }

    /// Sets the request that the policies see, for example for interfaces whose cookie depends on the
    /// host. Defaults to `GET /` without headers.
    #[must_use]
    pub fn for_request(mut self, request: HttpRequest) -> Self {
        self.model = request;
        self
    }

    /// Returns the middleware of the client's interface and clock, for `App::wrap`. A
    /// [`MemoryStore`](crate::MemoryStore) follows the clock as well.
    pub fn middleware(&self) -> SessionMiddleware<I> {
        let ServiceState { interface, clock, .. } = &*self.service;
        SessionMiddleware::of(Arc::clone(interface), clock.clone())
    }

    /// Changes the client's session as a handler would, saves it, and gives `request` its cookie. The first
    /// call makes a new session; later ones go on with it.
    ///
    /// # Panics
    ///
    /// When the session cannot be opened, changed or saved.
    pub async fn with<R>(
        &self,
        request: TestRequest,
        change: impl FnOnce(&Session<I>) -> Result<R, SessionError>,
    ) -> TestRequest {
        let cookies = self.jar().clone();
        let (slot, encoder) = self.open(&self.model, &cookies).await;
        let session = Session::<I>::new(Arc::clone(&slot), encoder);
        if let Err(err) = change(&session) {
            panic!("the session cannot be changed: {err}");
        }
        let headers = headers_after_saving(&slot)
            .await
            .unwrap_or_else(|err| panic!("the session cannot be saved: {err}"));
        self.keep(&headers, &self.cookie(&self.model));
        let cookies = self.jar().clone();
        cookies
            .into_iter()
            .fold(request, |request, pair| request.append_header((header::COOKIE, pair)))
    }

    /// Gives `request` the bearer token of a session that this closure makes, as a program has it. The jar is not
    /// used: each call makes a session of its own.
    ///
    /// # Panics
    ///
    /// When the session cannot be opened, changed or saved, and where the interface has no
    /// [`bearer`](SessionInterface::bearer).
    pub async fn with_bearer<R>(
        &self,
        request: TestRequest,
        change: impl FnOnce(&Session<I>) -> Result<R, SessionError>,
    ) -> TestRequest {
        let (slot, encoder) = self.open(&self.model, &[]).await;
        let session = Session::<I>::new(slot, encoder);
        if let Err(err) = change(&session) {
            panic!("the session cannot be changed: {err}");
        }
        let token = session.bearer_token().await;
        let token = token.unwrap_or_else(|err| panic!("the token cannot be handed out: {err}"));
        request.insert_header((header::AUTHORIZATION, format!("Bearer {}", token.as_str())))
    }

    /// Sends a request with the client's cookie, and keeps the one that the response sets. Like a browser on a
    /// page of the site it says `Sec-Fetch-Site: same-origin`, unless the request says where it comes from, or has
    /// `Authorization`.
    ///
    /// # Panics
    ///
    /// When the service returns an error that no middleware has made a response of.
    pub async fn call<S, B>(&self, app: &S, request: TestRequest) -> ServiceResponse<B>
    where
        S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody,
    {
        let mut request = request.to_request();
        let headers = request.headers_mut();
        let says = [FETCH_SITE, header::ORIGIN, header::AUTHORIZATION];
        if !says.iter().any(|name| headers.contains_key(name)) {
            headers.insert(FETCH_SITE, HeaderValue::from_static("same-origin"));
        }
        let cookies = self.jar().clone();
        for pair in cookies {
            // `with` may have given the request this cookie.
            if headers.get_all(header::COOKIE).all(|sent| *sent != pair) {
                headers.append(header::COOKIE, pair);
            }
        }
        let response = call_service(app, request).await;
        self.keep(response.headers(), &self.cookie(response.request()));
        response
    }

    /// Returns the session that the client has after this response: the one whose cookie it sets, else
    /// the one its request came with. It reads like a handler's; what a test writes to it is not saved.
    ///
    /// # Panics
    ///
    /// When the session cannot be opened.
    pub async fn session_after<B>(&self, response: &ServiceResponse<B>) -> Session<I> {
        let request = response.request();
        let cookie = self.cookie(request);
        self.keep(response.headers(), &cookie);
        let cookies = match set_pair(response.headers(), &cookie) {
            Some(set) => vec![set],
            None => request.headers().get_all(header::COOKIE).cloned().collect(),
        };
        let (slot, encoder) = self.open(request, &cookies).await;
        Session::new(slot, encoder)
    }

    /// Opens the session of a request like `model` that carries these cookies.
    async fn open(&self, model: &HttpRequest, cookies: &[HeaderValue]) -> (Arc<Slot<I>>, Encoder) {
        let mut request =
            TestRequest::with_uri(&model.uri().to_string()).method(model.method().clone());
        for (name, value) in model.headers() {
            if name != header::COOKIE {
                request = request.append_header((name.clone(), value.clone()));
            }
        }
        for cookie in cookies {
            request = request.append_header((header::COOKIE, cookie.clone()));
        }
        let slot = Arc::new(Slot::new(Arc::clone(&self.service), None));
        match slot.open(&request.to_http_request()).await {
            Ok(encoder) => (slot, encoder),
            Err(ExtractError::Open(err)) => panic!("the session cannot be opened: {err}"),
            Err(err) => panic!("the session cannot be opened: {err}"),
        }
    }

    /// Keeps or removes the session's cookie as the response says.
    fn keep(&self, headers: &HeaderMap, cookie: &CookiePolicy) {
        let Some(pair) = set_pair(headers, cookie) else { return };
        let mut jar = self.jar();
        jar.retain(|kept| name_of(kept.as_bytes()) != name_of(pair.as_bytes()));
        if !pair.as_bytes().ends_with(b"=") {
            jar.push(pair);
        }
    }

    fn jar(&self) -> MutexGuard<'_, Vec<HeaderValue>> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cookie(&self, request: &HttpRequest) -> CookiePolicy {
        let found = self.service.cookie_for(request);
        let found = found.unwrap_or_else(|err| panic!("no cookie for this request: {err}"));
        self.service.cookie(&found).clone()
    }
}

/// Returns the pair `name=value` of the session's cookie, if a response sets it. Removed, it has no value.
fn set_pair(headers: &HeaderMap, cookie: &CookiePolicy) -> Option<HeaderValue> {
    let set = headers
        .get_all(header::SET_COOKIE)
        .find(|set| name_of(set.as_bytes()) == cookie.name().as_str().as_bytes())?;
    let pair = set.as_bytes().split(|byte| *byte == b';').next()?;
    HeaderValue::from_bytes(pair).ok()
}

impl<I: SessionInterface> fmt::Debug for TestClient<I> {
    /// Shows no cookie.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClient").finish_non_exhaustive()
    }
}
