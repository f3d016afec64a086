//! tower-sessions: a small site, a client without a socket, and a store which can be watched.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use axum::{
    Router,
    body::{self, Body},
    http::{Request, StatusCode, header::COOKIE, request::Builder},
    routing,
};
use tokio::task;
use tower::ServiceExt;
use tower_sessions::{
    MemoryStore, Session, SessionStore,
    session::{Error, Id, Record},
    session_store,
};

use crate::Answer;

/// Returns a router with the pages which most tests need: `/login`, `/logout`, `/whoami`, `/untouched`.
pub fn site() -> Router {
    Router::new()
        .route("/login", routing::get(login))
        .route("/logout", routing::get(logout))
        .route("/whoami", routing::get(whoami))
        .route("/untouched", routing::get(async || "no session in sight"))
}

async fn login(session: Session) -> Result<&'static str, StatusCode> {
    session.insert("user", "alice").await.map_err(fault)?;
    Ok("welcome")
}

async fn logout(session: Session) -> Result<&'static str, StatusCode> {
    session.flush().await.map_err(fault)?;
    Ok("goodbye")
}

async fn whoami(session: Session) -> Result<String, StatusCode> {
    Ok(session.get("user").await.map_err(fault)?.unwrap_or_else(|| "nobody".to_owned()))
}

/// Turns a session error into a status, which is left to the handler here.
pub fn fault(_err: Error) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

/// Sends a request and returns what the client sees of the response.
pub async fn get(router: &Router, path: &str, cookies: impl AsRef<[u8]>) -> Answer {
    let mut request = Request::get(path);
    if !cookies.as_ref().is_empty() {
        request = request.header(COOKIE, cookies.as_ref());
    }
    send(router, request).await
}

/// Sends a request that a test has put together itself.
pub async fn send(router: &Router, request: Builder) -> Answer {
    let request = request.body(Body::empty()).expect("the tests write valid requests");
    let Ok(response) = router.clone().oneshot(request).await;
    let (head, body) = response.into_parts();
    let body = body::to_bytes(body, usize::MAX).await.expect("bodies in memory do not fail");
    let headers = head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    Answer::new(head.status.as_u16(), headers, &body)
}

/// The crate's own memory store, with its calls counted.
///
/// Every call yields once, as a call over a network does.
#[derive(Debug, Clone, Default)]
pub struct WatchedStore {
    inner: MemoryStore,
    calls: Arc<Calls>,
}

#[derive(Debug, Default)]
struct Calls {
    loads: AtomicUsize,
    writes: AtomicUsize,
    is_unreachable: AtomicBool,
}

impl WatchedStore {
    /// Returns the number of `load` calls.
    pub fn loads(&self) -> usize {
        self.calls.loads.load(Ordering::Relaxed)
    }

    /// Returns the number of `create` and `save` calls.
    pub fn writes(&self) -> usize {
        self.calls.writes.load(Ordering::Relaxed)
    }

    /// Makes every later `load` fail as a store does which cannot be reached.
    pub fn disconnect(&self) {
        self.calls.is_unreachable.store(true, Ordering::Relaxed);
    }
}

#[async_trait]
impl SessionStore for WatchedStore {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        task::yield_now().await;
        self.calls.writes.fetch_add(1, Ordering::Relaxed);
        self.inner.create(record).await
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        task::yield_now().await;
        self.calls.writes.fetch_add(1, Ordering::Relaxed);
        self.inner.save(record).await
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        task::yield_now().await;
        self.calls.loads.fetch_add(1, Ordering::Relaxed);
        if self.calls.is_unreachable.load(Ordering::Relaxed) {
            return Err(session_store::Error::Backend("connection refused".to_owned()));
        }
        self.inner.load(id).await
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        task::yield_now().await;
        self.inner.delete(id).await
    }
}
