//! Answering whether sessions can be served, for load balancers and orchestrators.

use std::{fmt, sync::Arc, time::Duration};

use actix_web::{
    Handler, HttpResponse,
    http::header::{CACHE_CONTROL, ContentType},
};
use futures_util::future::LocalBoxFuture;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::{error::NotReady, events::event, interface::SessionInterface};

/// How long an answer of the store stands: however many probes come, it is asked once in this time.
const FRESH: Duration = Duration::from_secs(1);

/// A handler that answers whether the store serves sessions now: 200 with `ok`, or 503 with `not ready`
/// and the reason in the log.
///
/// It asks [`ready`](SessionInterface::ready), which has a deadline: a second by default. Probes that
/// come together, also on several workers, share one question and its answer, which stands for a second:
/// they cannot overload a store. A handler opens no session and sets no cookie, and no cache keeps its
/// answer. The log has one line when the answer changes, and none for each probe.
///
/// # Readiness, not liveness
///
/// Ask it where the answer decides whether this instance gets requests: Kubernetes' `readinessProbe`, the
/// health check of a load balancer. **Never as a `livenessProbe`**, which restarts the pod: an outage of the
/// store would restart all of them, and restarts bring no store back. And where pages without sessions
/// should be served during an outage of the store, do not ask it at all: the sessions answer 503 by themselves.
///
/// # Security
///
/// Strangers learn only *whether*: the reason names servers. With
/// [`with_reason`](Self::with_reason) it stands in the answer as well.
///
/// # Examples
///
/// ```no_run
/// use actix_web::{App, HttpServer, web};
/// use sessions::{HealthCheck, MemoryStore, ServerSide, SessionInterface};
///
/// #[derive(Clone, SessionInterface)]
/// struct AppSessions {
///     backend: ServerSide<MemoryStore>,
/// }
///
/// #[actix_web::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let sessions = AppSessions { backend: ServerSide::new(MemoryStore::new()) };
///     sessions.check()?;
///     sessions.ready().await?; // where the program is not to start without its store
///     let health = HealthCheck::new(sessions.clone());
///     HttpServer::new(move || {
///         App::new()
///             .wrap(sessions.clone())
///             .route("/health/ready", web::get().to(health.clone()))
///             .route("/health/live", web::get().to(async || "ok"))
///     })
///     .bind(("127.0.0.1", 8080))?
///     .run()
///     .await?;
///     Ok(())
/// }
/// ```
pub struct HealthCheck<I> {
    shared: Arc<Shared<I>>,
    shows_reason: bool,
}

/// What clones share, one for each worker.
struct Shared<I> {
    sessions: I,
    last: Mutex<Option<Answer>>,
}

/// What the store answered, and when.
#[derive(Clone)]
struct Answer {
    at: Instant,
    ready: Result<(), NotReady>,
}

impl<I: SessionInterface> HealthCheck<I> {
    /// Returns a health check of these sessions. Clones share its questions: make it once, outside of the
    /// closure that makes the `App`.
    pub fn new(sessions: I) -> Self {
        let shared = Arc::new(Shared { sessions, last: Mutex::new(None) });
        Self { shared, shows_reason: false }
    }

    /// Puts the reason into the answer: `the session store is not ready: Redis at redis.internal:6379: …`.
    /// For a port or path that only operators reach.
    #[must_use]
    pub fn with_reason(mut self) -> Self {
        self.shows_reason = true;
        self
    }
}

impl<I: SessionInterface> Shared<I> {
    /// Asks the store, or takes the answer that another probe has got a moment ago. Those that come
    /// meanwhile wait for it. One that is dropped lets the next one ask, and one whose worker is busy with
    /// a handler keeps no other worker waiting.
    async fn ask(&self) -> Result<(), NotReady> {
        let Ok(mut last) = timeout(FRESH, self.last.lock()).await else {
            return self.sessions.ready().await;
        };
        if let Some(answer) = last.as_ref().filter(|answer| answer.at.elapsed() < FRESH) {
            return answer.ready.clone();
        }
        let ready = self.sessions.ready().await;
        log_change(last.as_ref().map(|answer| &answer.ready), &ready);
        *last = Some(Answer { at: Instant::now(), ready: ready.clone() });
        ready
    }
}

/// Writes a line when the answer is another one than before.
fn log_change(before: Option<&Result<(), NotReady>>, ready: &Result<(), NotReady>) {
    match (before, ready) {
        (Some(Err(_)), Ok(())) => {
            event!(HealthRecovered, "health checks succeed again: the session store is ready");
        }
        (Some(Err(known)), Err(err)) if known.is_like(err) => {}
        (_, Err(err)) => event!(HealthFailed, "health checks fail: {err}"),
        (_, Ok(())) => {}
    }
}

impl<I: SessionInterface> Handler<()> for HealthCheck<I> {
    type Output = HttpResponse;
    type Future = LocalBoxFuture<'static, HttpResponse>;

    fn call(&self, (): ()) -> Self::Future {
        let Self { shared, shows_reason } = self.clone();
        Box::pin(async move {
            let (mut answer, text) = match shared.ask().await {
                Ok(()) => (HttpResponse::Ok(), "ok\n".to_owned()),
                Err(err) if shows_reason => {
                    (HttpResponse::ServiceUnavailable(), format!("{err}\n"))
                }
                Err(_) => (HttpResponse::ServiceUnavailable(), "not ready\n".to_owned()),
            };
            let plain = ContentType::plaintext();
            answer.insert_header(plain).insert_header((CACHE_CONTROL, "no-store")).body(text)
        })
    }
}

impl<I> Clone for HealthCheck<I> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), shows_reason: self.shows_reason }
    }
}

impl<I> fmt::Debug for HealthCheck<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthCheck")
            .field("shows_reason", &self.shows_reason)
            .finish_non_exhaustive()
    }
}
