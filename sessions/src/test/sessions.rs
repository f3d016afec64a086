//! Sessions as a browser would have them: made for a request, read from a response.

use std::{fmt, sync::Arc};

use actix_web::{
    HttpRequest,
    dev::ServiceResponse,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    test::TestRequest,
};
use serde::Serialize;
use serde_json::{Map, Value};
use sessions_policy::CookiePolicy;

use crate::{
    clock::Clock,
    cookie::name_of,
    interface::{SaveContext, SessionContent, SessionInterface, Transport},
    request::{ServiceState, Slot, check_token},
    state::SessionStatus,
};

/// Makes and reads the sessions of an interface, as its middleware would.
pub struct TestSessions<I: SessionInterface> {
    service: Arc<ServiceState<I>>,
    request: HttpRequest,
}

impl<I: SessionInterface + Clone> TestSessions<I> {
    /// Returns the sessions of the interface that the application wraps, by the system's clock.
    ///
    /// # Panics
    ///
    /// When the interface's policies are wrong; [`SessionInterface::check`] says so without a panic.
    pub fn new(interface: &I) -> Self {
        Self::with_clock(interface, Clock::system())
    }

    /// Returns the sessions of the interface that the application wraps, by the clock of its
    /// middleware.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    pub fn with_clock(interface: &I, clock: Clock) -> Self {
        let service_state = ServiceState::new(Arc::new(interface.clone()), clock)
            .unwrap_or_else(|err| panic!("the policies are wrong: {err}"));
        Self { service: Arc::new(service_state), request: TestRequest::default().to_http_request() }
    }

    /// Sets the request that the policies see, for example for interfaces whose cookie depends on the
    /// host. Defaults to `GET /` without headers.
    #[must_use]
    pub fn for_request(mut self, request: HttpRequest) -> Self {
        self.request = request;
        self
    }

    /// Gives `request` the cookie of a session that holds `content`: anything that serialises to a
    /// JSON object, such as `serde_json::json!({"user": 7})` or a struct.
    ///
    /// # Panics
    ///
    /// When `content` is something else, or the interface cannot save it.
    pub async fn seed(&self, request: TestRequest, content: impl Serialize) -> TestRequest {
        let ServiceState { interface, settings, clock, .. } = &*self.service;
        let cookie = self.cookie(&self.request);
        let mut seeded = self.open(&self.request, &[]).await;
        let state = seeded.state_mut();
        for (key, value) in object(&content) {
            state
                .insert(&key, &value)
                .unwrap_or_else(|err| panic!("`{key}` cannot be seeded: {err}"));
        }
        let now = clock.now();
        state.finalize(|| now, settings.absolute_timeout().is_some());
        let cx = SaveContext {
            cookie: &cookie,
            settings,
            now,
            session_status: SessionStatus::Changed,
            response_status: StatusCode::OK,
            response_headers: None,
            reads_back: false,
            transport: Transport::Cookie,
            hands_out: false,
        };
        let saved = interface.save_session(&seeded, cx).await;
        let saved = saved.unwrap_or_else(|err| panic!("the session cannot be saved: {err}"));
        let Some(token) = saved.new_token() else {
            panic!("saving gave no token but {saved:?}; seed at least one key");
        };
        check_token(token, &cookie, &seeded)
            .unwrap_or_else(|err| panic!("the session cannot be saved: {err}"));
        request.append_header((header::COOKIE, format!("{}={token}", cookie.name())))
    }

    /// Returns the session that the client has after this response: the one whose cookie it sets, else
    /// the one its request came with. Empty when there is none.
    ///
    /// # Panics
    ///
    /// When the session cannot be opened.
    pub async fn left_by<B>(&self, response: &ServiceResponse<B>) -> I::Content {
        let cookie = self.cookie(response.request());
        let name = cookie.name().as_str();
        let set = response
            .headers()
            .get_all(header::SET_COOKIE)
            .find(|set| name_of(set.as_bytes()) == name.as_bytes())
            .and_then(|set| set.as_bytes().split(|byte| *byte == b';').next());
        let sent =
            || response.request().headers().get_all(header::COOKIE).map(HeaderValue::as_bytes);
        let cookies = set.map_or_else(|| sent().collect(), |set| vec![set]);
        self.open(response.request(), &cookies).await
    }

    /// Opens the session of a request like `model` that carries these cookies.
    async fn open(&self, model: &HttpRequest, cookies: &[&[u8]]) -> I::Content {
        let mut request =
            TestRequest::with_uri(&model.uri().to_string()).method(model.method().clone());
        for (name, value) in model.headers() {
            if name != header::COOKIE {
                request = request.append_header((name.clone(), value.clone()));
            }
        }
        for cookie in cookies {
            request = request.append_header((header::COOKIE, *cookie));
        }
        let slot = Slot::new(Arc::clone(&self.service), None);
        let opened = slot.open_content(&request.to_http_request()).await;
        let opened = opened.map(|session| session.content);
        opened.unwrap_or_else(|err| panic!("the session cannot be opened: {err}"))
    }

    fn cookie(&self, request: &HttpRequest) -> Arc<CookiePolicy> {
        self.service
            .cookie_for(request)
            .unwrap_or_else(|err| panic!("no cookie for this request: {err}"))
    }
}

impl<I: SessionInterface> fmt::Debug for TestSessions<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestSessions").finish_non_exhaustive()
    }
}

fn object(content: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(content) {
        Ok(Value::Object(object)) => object,
        Ok(_) => {
            panic!("the content of a session must be a JSON object, such as a struct or a map")
        }
        Err(err) => panic!("the content of a session must be a JSON object: {err}"),
    }
}
