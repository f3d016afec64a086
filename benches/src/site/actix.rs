//! Actix Web without sessions, and with actix-session.

use std::rc::Rc;

use actix_http::Request;
use actix_service::Service;
use actix_session::{
    Session, SessionMiddleware,
    config::CookieContentSecurity,
    storage::{CookieSessionStore, SessionStore},
};
use actix_web::{
    App, Error, HttpRequest,
    cookie::Key,
    dev::ServiceResponse,
    error::ErrorInternalServerError,
    http::{
        Uri,
        header::{CACHE_CONTROL, COOKIE, HeaderValue, SET_COOKIE, VARY},
    },
    middleware::DefaultHeaders,
    test::init_service,
    web::{self, ServiceConfig},
};
use tokio::runtime::Runtime;

use super::{Answer, CROWD, Cookies, LARGE, SMALL, Site, fill_path, filling, next, pair};
use crate::{
    payload::{COUNTER, CSRF, USER, Value},
    workload::Workload,
};

/// An application of Actix Web.
pub(super) struct ActixSite<S> {
    app: S,
    runtime: Rc<Runtime>,
    cookies: Cookies<HeaderValue>,
}

impl<S, B> ActixSite<S>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
{
    /// Fills the two sessions. An application without sessions gets cookies of the same names.
    pub(super) fn new(runtime: Rc<Runtime>, app: S) -> Self {
        let cookies = Cookies::new(header, Vec::new(), Vec::new());
        let mut site = Self { app, runtime, cookies };
        let small = site.filled(SMALL);
        site.cookies.small.push(small);
        site.fill(LARGE);
        site
    }

    fn filled(&self, bytes: usize) -> String {
        let answer = self.send(&fill_path(bytes), None);
        assert_eq!(answer.status, 200);
        answer.cookie.unwrap_or_else(|| "session=none".to_owned())
    }

    fn send(&self, path: &str, cookie: Option<&HeaderValue>) -> Answer {
        let uri = path.parse().expect("a path is a target");
        let response = self.runtime.block_on(self.app.call(request(&uri, cookie)));
        let response = response.expect("handlers answer with responses");
        let set_cookie = response.headers().get(SET_COOKIE);
        let set_cookie = set_cookie.map(|value| pair(value.to_str().expect("cookies are ASCII")));
        Answer { status: response.status().as_u16(), cookie: set_cookie }
    }
}

impl<S, B> Site for ActixSite<S>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
{
    fn run(&self, workload: Workload, times: u32) {
        let uri = Uri::from_static(workload.path());
        self.runtime.block_on(async {
            for at in 0..times {
                let cookie = self.cookies.header(workload, at);
                let response = self.app.call(request(&uri, cookie)).await;
                drop(std::hint::black_box(response));
            }
        });
    }

    fn answer(&self, workload: Workload) -> Answer {
        self.send(workload.path(), self.cookies.header(workload, 0))
    }

    fn fill(&mut self, bytes: usize) {
        let large = self.filled(bytes);
        self.cookies.large = vec![large];
        self.cookies.among(0);
    }

    fn crowd(&mut self, sessions: usize) {
        let used = |at: &usize| at.is_multiple_of((sessions / CROWD).max(1));
        let made = (0..sessions).map(|at| (at, self.filled(SMALL)));
        let small = made.filter(|(at, _)| used(at)).map(|(_, cookie)| cookie).collect();
        self.cookies.small = small;
        self.cookies.among(0);
    }

    fn add_cookies(&mut self, others: usize) {
        self.cookies.among(others);
    }
}

fn header(text: String) -> HeaderValue {
    HeaderValue::from_maybe_shared(text).expect("cookies are ASCII")
}

fn request(uri: &Uri, cookie: Option<&HeaderValue>) -> Request {
    let mut request = Request::new();
    let head = request.head_mut();
    head.uri = uri.clone();
    if let Some(cookie) = cookie {
        head.headers.insert(COOKIE, cookie.clone());
    }
    request
}

pub(super) fn bare(runtime: Rc<Runtime>) -> Box<dyn Site> {
    let app = runtime.block_on(init_service(App::new().configure(bare_pages)));
    Box::new(ActixSite::new(runtime, app))
}

pub(super) fn session_signed(runtime: Rc<Runtime>) -> Box<dyn Site> {
    session(runtime, CookieContentSecurity::Signed)
}

/// With the headers that keep a page from shared caches, as an application adds them.
pub(super) fn session_kept_private(runtime: Rc<Runtime>) -> Box<dyn Site> {
    let sessions = peer_cookies(CookieContentSecurity::Signed);
    let headers = DefaultHeaders::new().add((VARY, "Cookie")).add((CACHE_CONTROL, "private"));
    let app = App::new().wrap(sessions).wrap(headers).configure(peer_pages);
    let app = runtime.block_on(init_service(app));
    Box::new(ActixSite::new(runtime, app))
}

pub(super) fn session_private(runtime: Rc<Runtime>) -> Box<dyn Site> {
    session(runtime, CookieContentSecurity::Private)
}

fn session(runtime: Rc<Runtime>, security: CookieContentSecurity) -> Box<dyn Site> {
    let app = App::new().wrap(peer_cookies(security)).configure(peer_pages);
    let app = runtime.block_on(init_service(app));
    Box::new(ActixSite::new(runtime, app))
}

fn peer_cookies(security: CookieContentSecurity) -> SessionMiddleware<CookieSessionStore> {
    SessionMiddleware::builder(CookieSessionStore::default(), peer_key())
        .cookie_content_security(security)
        .build()
}

/// Returns actix-session over any store, as its documentation sets it up.
pub fn peer<T: SessionStore + 'static>(store: T) -> SessionMiddleware<T> {
    SessionMiddleware::new(store, peer_key())
}

fn peer_key() -> Key {
    Key::from(&(0..64).collect::<Vec<u8>>())
}

/// The pages of an application without sessions.
pub fn bare_pages(config: &mut ServiceConfig) {
    for path in ["/untouched", "/read", "/write", "/create", "/fill"] {
        config.route(path, web::get().to(async || "ok"));
    }
}

/// The pages with actix-session.
pub fn peer_pages(config: &mut ServiceConfig) {
    config
        .route("/untouched", web::get().to(async || "ok"))
        .route("/read", web::get().to(read))
        .route("/write", web::get().to(write))
        .route("/create", web::get().to(create))
        .route("/fill", web::get().to(fill));
}

async fn read(session: Session) -> Result<&'static str, Error> {
    counter(&session).map(|_| "ok")
}

async fn write(session: Session) -> Result<&'static str, Error> {
    let counter = counter(&session)?;
    session.insert(COUNTER, next(counter))?;
    Ok("ok")
}

async fn create(session: Session) -> Result<&'static str, Error> {
    session.insert(CSRF.0, CSRF.1)?;
    session.insert(USER.0, USER.1)?;
    session.insert(COUNTER, 41)?;
    Ok("ok")
}

async fn fill(request: HttpRequest, session: Session) -> Result<&'static str, Error> {
    insert(&session, filling(request.uri().query()))
}

fn counter(session: &Session) -> Result<u64, Error> {
    session.get(COUNTER)?.ok_or_else(|| ErrorInternalServerError("no session"))
}

fn insert(session: &Session, members: Vec<(String, Value)>) -> Result<&'static str, Error> {
    for (key, value) in members {
        match value {
            Value::Number(number) => session.insert(key, number)?,
            Value::Text(text) => session.insert(key, text)?,
        }
    }
    Ok("ok")
}
