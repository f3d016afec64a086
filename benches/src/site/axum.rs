//! axum without sessions, and with tower-sessions.

use std::rc::Rc;

use axum::{
    Router,
    body::Body,
    extract::RawQuery,
    http::{
        HeaderValue, Request, StatusCode, Uri,
        header::{COOKIE, SET_COOKIE},
    },
    routing::get,
};
use tokio::runtime::Runtime;
use tower::ServiceExt;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer, session::Error};

use super::{Answer, CROWD, Cookies, LARGE, SMALL, Site, fill_path, filling, next, pair};
use crate::{
    payload::{COUNTER, CSRF, USER, Value},
    workload::Workload,
};

struct AxumSite {
    router: Router,
    runtime: Rc<Runtime>,
    cookies: Cookies<HeaderValue>,
}

impl AxumSite {
    fn new(runtime: Rc<Runtime>, router: Router) -> Self {
        let cookies = Cookies::new(header, Vec::new(), Vec::new());
        let mut site = Self { router, runtime, cookies };
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
        let router = self.router.clone();
        let Ok(response) = self.runtime.block_on(router.oneshot(request(&uri, cookie)));
        let set_cookie = response.headers().get(SET_COOKIE);
        let set_cookie = set_cookie.map(|value| pair(value.to_str().expect("cookies are ASCII")));
        Answer { status: response.status().as_u16(), cookie: set_cookie }
    }
}

impl Site for AxumSite {
    fn run(&self, workload: Workload, times: u32) {
        let uri = Uri::from_static(workload.path());
        self.runtime.block_on(async {
            for at in 0..times {
                let cookie = self.cookies.header(workload, at);
                let response = self.router.clone().oneshot(request(&uri, cookie)).await;
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

fn request(uri: &Uri, cookie: Option<&HeaderValue>) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = uri.clone();
    if let Some(cookie) = cookie {
        request.headers_mut().insert(COOKIE, cookie.clone());
    }
    request
}

pub(super) fn bare(runtime: Rc<Runtime>) -> Box<dyn Site> {
    let mut router = Router::new();
    for path in ["/untouched", "/read", "/write", "/create", "/fill"] {
        router = router.route(path, get(async || "ok"));
    }
    Box::new(AxumSite::new(runtime, router))
}

pub(super) fn tower_memory(runtime: Rc<Runtime>) -> Box<dyn Site> {
    let router = Router::new()
        .route("/untouched", get(async || "ok"))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/create", get(create))
        .route("/fill", get(fill))
        .layer(SessionManagerLayer::new(MemoryStore::default()));
    Box::new(AxumSite::new(runtime, router))
}

async fn read(session: Session) -> Result<&'static str, StatusCode> {
    counter(&session).await.map(|_| "ok")
}

async fn write(session: Session) -> Result<&'static str, StatusCode> {
    let counter = counter(&session).await?;
    session.insert(COUNTER, next(counter)).await.map_err(fault)?;
    Ok("ok")
}

async fn create(session: Session) -> Result<&'static str, StatusCode> {
    session.insert(CSRF.0, CSRF.1).await.map_err(fault)?;
    session.insert(USER.0, USER.1).await.map_err(fault)?;
    session.insert(COUNTER, 41).await.map_err(fault)?;
    Ok("ok")
}

async fn fill(RawQuery(query): RawQuery, session: Session) -> Result<&'static str, StatusCode> {
    insert(&session, filling(query.as_deref())).await
}

async fn counter(session: &Session) -> Result<u64, StatusCode> {
    session.get(COUNTER).await.map_err(fault)?.ok_or(StatusCode::INTERNAL_SERVER_ERROR)
}

async fn insert(
    session: &Session,
    members: Vec<(String, Value)>,
) -> Result<&'static str, StatusCode> {
    for (key, value) in members {
        match value {
            Value::Number(number) => session.insert(&key, number).await,
            Value::Text(text) => session.insert(&key, text).await,
        }
        .map_err(fault)?;
    }
    Ok("ok")
}

fn fault(_err: Error) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}
