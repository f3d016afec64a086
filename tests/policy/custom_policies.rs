//! Policies that code decides: methods written by hand, and functions that attributes name. They
//! win over the configuration, and those of the cookie can look at the request.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, body::MessageBody, dev::ServiceResponse, http::header,
    test::TestRequest, test::init_service, web,
};
use sessions::{
    SameSite, Session, SessionConfig, SessionInterface, SessionMiddleware, SessionState,
    SignedCookie,
    backend::Backend,
    error::{OpenError, SaveError},
    interface::{NullSession, OpenContext, Opened, SaveContext, Saved, SessionContent},
    policy::{CookieDomain, CookieName, CookiePath},
    test::TestClock,
};
use sessions_tests::{Browser, key};

const HOUR: Duration = Duration::from_secs(60 * 60);

fn signed() -> SignedCookie {
    SignedCookie::new(key(1))
}

/// Says something else than any function or method here, wherever it can.
fn config() -> SessionConfig {
    SessionConfig::new()
        .cookie_name(CookieName::from_static("by-config"))
        .cookie_domain(CookieDomain::from_static("config.example"))
        .cookie_path(CookiePath::from_static("/config"))
        .cookie_httponly(true)
        .cookie_secure(true)
        .cookie_samesite(SameSite::Strict)
        .cookie_partitioned(true)
        .permanent(true)
}

async fn app(
    sessions: impl SessionInterface,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    async fn write(session: Session) -> actix_web::Result<&'static str> {
        session.insert("a", 1)?;
        Ok("written")
    }
    async fn read(session: Session) -> actix_web::Result<String> {
        Ok(format!("{:?}", session.get::<u32>("a")?))
    }
    init_service(
        App::new()
            .wrap(SessionMiddleware::new(sessions).with_clock(TestClock::new().clock()))
            .route("/write", web::get().to(write))
            .route("/read", web::get().to(read)),
    )
    .await
}

/// Returns name and attributes of the cookie that a write sets on a host.
async fn cookie_on(
    app: &impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error>,
    host: &'static str,
) -> String {
    let request = TestRequest::with_uri("/write").insert_header((header::HOST, host));
    let answer = Browser::new().send(app, request).await;
    assert_eq!(answer.body, "written", "{host}");
    let cookie = answer.cookie().expect("written");
    let attributes = cookie.attributes.iter().map(|(name, value)| match value.as_str() {
        "" => name.clone(),
        value => format!("{name}={value}"),
    });
    let parts: Vec<_> = std::iter::once(cookie.name.clone()).chain(attributes).collect();
    parts.join("; ")
}

fn host(request: &HttpRequest) -> &str {
    let host = request.headers().get(header::HOST);
    host.and_then(|host| host.to_str().ok()).unwrap_or_default()
}

/// The inner hosts are reached over plain http and by name.
fn is_inner(request: &HttpRequest) -> bool {
    host(request).ends_with(".internal")
}

fn name_of<'a, I>(_: &'a I, request: &'a HttpRequest) -> Cow<'a, str> {
    let host = host(request).split('.').next().unwrap_or_default();
    format!("sid-{host}").into()
}

fn domain_of<'a, I>(_: &'a I, request: &'a HttpRequest) -> Option<Cow<'a, str>> {
    is_inner(request).then(|| host(request).into())
}

fn path_of<'a, I>(_: &'a I, request: &'a HttpRequest) -> Cow<'a, str> {
    if is_inner(request) { "/inner" } else { "/outer" }.into()
}

fn outside<I>(_: &I, request: &HttpRequest) -> bool {
    !is_inner(request)
}

fn samesite_of<I>(_: &I, request: &HttpRequest) -> SameSite {
    if is_inner(request) { SameSite::Unset } else { SameSite::None }
}

/// Their results, on a host inside and on one outside.
const INSIDE: &str = "sid-a; Domain=a.internal; Expires=Thu, 01 Jan 2026 01:00:00 GMT; \
                      Max-Age=3600; Path=/inner";
const OUTSIDE: &str = "sid-b; Expires=Thu, 01 Jan 2026 01:00:00 GMT; Max-Age=3600; Path=/outer; \
                       Secure; HttpOnly; SameSite=None; Partitioned";

fn in_an_hour<I>(_: &I, _: &SessionState, now: SystemTime) -> Option<SystemTime> {
    now.checked_add(HOUR)
}

fn if_modified<I>(_: &I, content: &SessionState) -> bool {
    content.is_modified()
}

#[derive(Clone, SessionInterface)]
#[session(
    cookie_name = name_of,
    domain = domain_of,
    path = path_of,
    httponly = outside,
    secure = outside,
    samesite = samesite_of,
    partitioned = outside,
    expiration_time = in_an_hour,
    should_set_cookie = if_modified
)]
struct ByFunction {
    backend: SignedCookie,
    config: SessionConfig,
}

struct ByMethod {
    backend: SignedCookie,
    config: SessionConfig,
}

impl SessionInterface for ByMethod {
    type Content = SessionState;

    async fn open_session(&self, cx: OpenContext<'_>) -> Result<Opened<SessionState>, OpenError> {
        self.backend.open(&cx).await
    }

    async fn save_session(
        &self,
        content: &SessionState,
        cx: SaveContext<'_>,
    ) -> Result<Saved, SaveError> {
        self.backend.save(content, &cx).await
    }

    fn config(&self) -> &SessionConfig {
        &self.config
    }

    fn cookie_name<'a>(&'a self, request: &'a HttpRequest) -> Cow<'a, str> {
        name_of(self, request)
    }

    fn cookie_domain<'a>(&'a self, request: &'a HttpRequest) -> Option<Cow<'a, str>> {
        domain_of(self, request)
    }

    fn cookie_path<'a>(&'a self, request: &'a HttpRequest) -> Cow<'a, str> {
        path_of(self, request)
    }

    fn cookie_httponly(&self, request: &HttpRequest) -> bool {
        outside(self, request)
    }

    fn cookie_secure(&self, request: &HttpRequest) -> bool {
        outside(self, request)
    }

    fn cookie_samesite(&self, request: &HttpRequest) -> SameSite {
        samesite_of(self, request)
    }

    fn cookie_partitioned(&self, request: &HttpRequest) -> bool {
        outside(self, request)
    }

    fn expiration_time(&self, content: &SessionState, now: SystemTime) -> Option<SystemTime> {
        in_an_hour(self, content, now)
    }

    fn should_set_cookie(&self, content: &SessionState) -> bool {
        if_modified(self, content)
    }

    fn pickle_based(&self) -> bool {
        true
    }
}

fn by_function(config: SessionConfig) -> ByFunction {
    let backend = signed();
    ByFunction { backend, config }
}

fn by_method(config: SessionConfig) -> ByMethod {
    let backend = signed();
    ByMethod { backend, config }
}

#[actix_web::test]
async fn functions_decide_the_cookie_for_each_request_and_win_over_the_configuration() {
    for config in [SessionConfig::new(), config()] {
        let app = app(by_function(config)).await;
        assert_eq!(cookie_on(&app, "a.internal").await, INSIDE);
        assert_eq!(cookie_on(&app, "b.example").await, OUTSIDE);
        assert_eq!(cookie_on(&app, "a.internal").await, INSIDE);
    }
}

#[actix_web::test]
async fn methods_decide_the_cookie_for_each_request_and_win_over_the_configuration() {
    for config in [SessionConfig::new(), config()] {
        let app = app(by_method(config)).await;
        assert_eq!(cookie_on(&app, "a.internal").await, INSIDE);
        assert_eq!(cookie_on(&app, "b.example").await, OUTSIDE);
        assert_eq!(cookie_on(&app, "a.internal").await, INSIDE);
    }
}

/// Writes a permanent session, and tells whether reading it refreshes the cookie.
async fn refreshes(sessions: impl SessionInterface) -> bool {
    let app = app(sessions).await;
    let mut browser = Browser::new();
    assert!(browser.get(&app, "/write").await.cookie().is_some());
    let answer = browser.get(&app, "/read").await;
    assert_eq!(answer.body, "Some(1)");
    answer.cookie().is_some()
}

#[derive(Clone, SessionInterface)]
struct Plain {
    backend: SignedCookie,
    config: SessionConfig,
}

#[actix_web::test]
async fn code_decides_which_responses_set_the_cookie() {
    let plain = Plain { backend: signed(), config: config() };
    assert!(refreshes(plain).await, "as the policies have it");
    assert!(!refreshes(by_function(config())).await);
    assert!(!refreshes(by_method(config())).await);
}

#[test]
fn payloads_are_plain_json_unless_the_interface_says_otherwise() {
    assert!(!by_function(SessionConfig::new()).pickle_based());
    assert!(by_method(SessionConfig::new()).pickle_based());
}

// Opening and saving.

#[derive(Clone, SessionInterface)]
#[session(open_with = open_counting, save_with = save_counting)]
struct Counting {
    backend: SignedCookie,
    calls: Arc<[AtomicUsize; 2]>,
}

async fn open_counting(
    sessions: &Counting,
    cx: OpenContext<'_>,
) -> Result<Opened<SessionState>, OpenError> {
    sessions.calls[0].fetch_add(1, Ordering::SeqCst);
    sessions.backend.open(&cx).await
}

async fn save_counting(
    sessions: &Counting,
    content: &SessionState,
    cx: SaveContext<'_>,
) -> Result<Saved, SaveError> {
    sessions.calls[1].fetch_add(1, Ordering::SeqCst);
    sessions.backend.save(content, &cx).await
}

#[actix_web::test]
async fn functions_open_and_save_in_place_of_the_backend() {
    let calls = Arc::<[AtomicUsize; 2]>::default();
    let counts = || [0, 1].map(|at: usize| calls[at].load(Ordering::SeqCst));
    let app = app(Counting { backend: signed(), calls: Arc::clone(&calls) }).await;
    let mut browser = Browser::new();
    browser.get(&app, "/write").await;
    assert_eq!(counts(), [1, 1]);
    assert_eq!(browser.get(&app, "/read").await.body, "Some(1)");
    assert_eq!(counts(), [2, 1]);
}

// Null sessions of one's own.

/// A dictionary that takes writes in a null session too, and loses them by design.
struct Lossy {
    dictionary: SessionState,
    null: bool,
}

impl SessionContent for Lossy {
    fn null(_: NullSession) -> Self {
        panic!("the interface makes its null sessions by itself")
    }

    fn state(&self) -> &SessionState {
        &self.dictionary
    }

    fn state_mut(&mut self) -> &mut SessionState {
        &mut self.dictionary
    }
}

/// Has no sessions for robots.
struct NoRobots {
    backend: SignedCookie,
}

impl SessionInterface for NoRobots {
    type Content = Lossy;

    async fn open_session(&self, cx: OpenContext<'_>) -> Result<Opened<Lossy>, OpenError> {
        if cx.request().headers().contains_key("x-robot") {
            return Ok(Opened::Null(NullSession::new("robots have no session")));
        }
        let opened = self.backend.open(&cx).await?;
        Ok(opened.map(|dictionary| Lossy { dictionary, null: false }))
    }

    async fn save_session(&self, content: &Lossy, cx: SaveContext<'_>) -> Result<Saved, SaveError> {
        assert!(!content.null, "null sessions are not saved");
        self.backend.save(&content.dictionary, &cx).await
    }

    fn make_null_session(&self, _: NullSession) -> Lossy {
        Lossy { dictionary: SessionState::new(), null: true }
    }

    fn is_null_session(&self, content: &Lossy) -> bool {
        content.null
    }
}

#[actix_web::test]
async fn the_interface_says_what_a_null_session_is_and_it_is_not_saved() {
    let app = app(NoRobots { backend: signed() }).await;
    let mut browser = Browser::new();
    assert!(browser.get(&app, "/write").await.cookie().is_some());
    for (path, body) in [("/write", "written"), ("/read", "None")] {
        let request = TestRequest::with_uri(path).insert_header(("x-robot", "1"));
        let answer = browser.send(&app, request).await;
        assert_eq!(answer.body, body);
        assert_eq!(answer.cookie(), None);
        assert_eq!(answer.all(header::VARY), ["Cookie"]);
    }
    assert_eq!(browser.get(&app, "/read").await.body, "Some(1)");
}
