//! Requests that are dropped at every step, stores that lie, handlers that panic: a session is
//! entirely old or entirely new.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, HttpResponse, body::MessageBody, dev::ServiceResponse,
    http::StatusCode, test::init_service, web,
};
use futures_util::{FutureExt, future::poll_fn};
use sessions::{
    MemoryStore, Session, SessionMiddleware,
    store::{
        CreateOutcome, DeleteIfOutcome, DeleteOutcome, Loaded, OwnerIndex, Record, RecordKey,
        ReplaceOutcome, Revision, Store, StoreError, Touch,
    },
};
use sessions_tests::{Answer, Browser, HookedStore, StoredSessions, When, with_token};
use tokio::{
    task::yield_now,
    time::{Instant, sleep},
};

async fn app<S: Store + Clone>(
    kept: &StoredSessions<S>,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    init_service(
        App::new()
            .wrap(SessionMiddleware::new(kept.clone()))
            .app_data(web::Data::new(kept.clone()))
            .default_service(web::to(act::<S>)),
    )
    .await
}

/// Does what the path says, one word after the other.
async fn act<S: Store + Clone>(
    request: HttpRequest,
    session: Session,
    kept: web::Data<StoredSessions<S>>,
) -> actix_web::Result<HttpResponse> {
    let mut said = String::new();
    for word in request.path().split('/').filter(|word| !word.is_empty()) {
        let (verb, object) = word.split_once('-').unwrap_or((word, ""));
        match verb {
            "read" => said = serde_json::to_string(&session.entries()?)?,
            "insert" => session.insert(object, true)?,
            "renew" => session.renew()?,
            "purge" => drop(session.purge()?),
            "login" => session.set_owner(object)?,
            "now" => drop(session.save_now().await?),
            "panic" => panic!("told to"),
            "devices" => said = kept.backend.sessions_of(object).await?.len().to_string(),
            other => return Err(actix_web::error::ErrorNotFound(other.to_owned())),
        }
    }
    Ok(HttpResponse::Ok().body(said))
}

/// A store whose every operation takes a few steps.
fn slow_store() -> HookedStore<MemoryStore> {
    HookedStore::new(MemoryStore::new(), |_, _| {
        Box::pin(async {
            yield_now().await;
            yield_now().await;
            Ok(())
        })
    })
}

#[actix_web::test]
async fn all_that_a_request_asks_of_the_store_shares_its_second() {
    tokio::time::pause();
    let slow = HookedStore::new(MemoryStore::new(), |_, when| {
        Box::pin(async move {
            if when == When::Before {
                sleep(Duration::from_millis(400)).await;
            }
            Ok(())
        })
    });
    let kept = StoredSessions::new(slow);
    let app = app(&kept).await;
    let mut browser = Browser::new();
    assert_eq!(browser.get(&app, "/insert-user").await.status, StatusCode::OK);
    assert_eq!(browser.get(&app, "/renew/insert-a").await.status, StatusCode::OK);
    let start = Instant::now();
    // To load, to delete and to create.
    let answer = browser.get(&app, "/purge/insert-b").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!((1_000..1_010).contains(&start.elapsed().as_millis()));
}

#[actix_web::test]
async fn a_request_that_is_dropped_leaves_a_session_entirely_old_or_entirely_new() {
    let doings = ["insert-a", "insert-a/now", "renew", "renew/insert-a", "login-7", "purge"];
    for doing in doings {
        let (mut old, mut new) = (0, 0);
        for steps in 0.. {
            let kept = StoredSessions::new(slow_store());
            let app = app(&kept).await;
            let mut browser = Browser::new();
            browser.get(&app, "/insert-user").await;
            let token = browser.cookie("id").expect("it is a new session");
            let path = format!("/{doing}");
            let mut request = Box::pin(Answer::of(&app, with_token(&path, token)));
            let mut ended = false;
            for _ in 0..steps {
                let polled = poll_fn(|task| Poll::Ready(request.poll_unpin(task))).await;
                ended = polled.is_ready();
                if ended {
                    break;
                }
                // The store is at work.
                yield_now().await;
            }
            drop(request);
            for _ in 0..50 {
                yield_now().await;
            }
            let seen = Answer::of(&app, with_token("/read", token)).await.body;
            let owned = Answer::of(&app, with_token("/devices-7", token)).await.body;
            let records = kept.backend.store().inner().len();
            let (before, with_a) = (r#"{"user":true}"#, r#"{"a":true,"user":true}"#);
            match (doing, seen.as_str(), owned.as_str(), records) {
                (_, seen, "0", 1) if seen == before => old += 1,
                ("insert-a" | "insert-a/now", seen, "0", 1) if seen == with_a => new += 1,
                ("renew" | "renew/insert-a", "{}", "0", 1)
                | ("login-7", "{}", "1", 1)
                | ("purge", "{}", "0", 0) => new += 1,
                other => panic!("{steps} steps: {other:?}"),
            }
            if ended {
                break;
            }
        }
        println!("{doing}: dropped after each of {} steps: {old} old, {new} new", old + new);
        assert!(old > 2 && new > 0, "{doing}: {old} old, {new} new");
    }
}

#[actix_web::test]
async fn a_handler_that_panics_saves_nothing_and_holds_nothing() {
    let kept = StoredSessions::new(slow_store());
    let app = app(&kept).await;
    let mut browser = Browser::new();
    browser.get(&app, "/insert-user").await;
    let token = browser.cookie("id").expect("it is a new session").to_owned();
    for path in ["/insert-a/panic", "/renew/panic", "/purge/panic", "/login-7/panic", "/panic"] {
        let request = Answer::of(&app, with_token(path, &token));
        assert!(std::panic::AssertUnwindSafe(request).catch_unwind().await.is_err());
        assert_eq!(browser.get(&app, "/read").await.body, r#"{"user":true}"#, "{path}");
    }
    assert_eq!(browser.get(&app, "/insert-b").await.status, StatusCode::OK);
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"b":true,"user":true}"#);
}

/// A store that lies.
#[derive(Clone)]
struct Liar {
    inner: MemoryStore,
    /// Returns records whose time has passed.
    returns_expired: Arc<AtomicBool>,
    /// How often it has a record already that is to be created.
    has_already: Arc<AtomicUsize>,
}

impl Liar {
    fn new() -> Self {
        let (returns_expired, has_already) = Default::default();
        Self { inner: MemoryStore::new(), returns_expired, has_already }
    }
}

impl Store for Liar {
    async fn create(
        &self,
        key: &RecordKey,
        record: &Record,
        ttl: Duration,
    ) -> Result<CreateOutcome, StoreError> {
        let one_less = |left: usize| left.checked_sub(1);
        let lies = self.has_already.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less);
        if lies.is_ok() {
            return Ok(CreateOutcome::Exists);
        }
        self.inner.create(key, record, ttl).await
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Loaded>, StoreError> {
        let mut loaded = self.inner.load(key, touch).await?;
        if let Some(loaded) = &mut loaded
            && self.returns_expired.load(Ordering::SeqCst)
        {
            loaded.expires_in = Duration::ZERO;
        }
        Ok(loaded)
    }

    async fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> Result<ReplaceOutcome, StoreError> {
        self.inner.replace(key, revision, record, ttl).await
    }

    async fn delete(&self, key: &RecordKey) -> Result<DeleteOutcome, StoreError> {
        self.inner.delete(key).await
    }

    async fn delete_if(
        &self,
        key: &RecordKey,
        revision: Revision,
    ) -> Result<DeleteIfOutcome, StoreError> {
        self.inner.delete_if(key, revision).await
    }

    fn owners(&self) -> Option<&dyn OwnerIndex> {
        self.inner.owners()
    }
}

#[actix_web::test]
async fn a_record_whose_time_has_passed_is_none_whatever_the_store_says() {
    let kept = StoredSessions::new(Liar::new());
    let app = app(&kept).await;
    let mut browser = Browser::new();
    browser.get(&app, "/insert-user").await;
    let old = browser.cookie("id").expect("it is a new session").to_owned();
    let liar = kept.backend.store();
    liar.returns_expired.store(true, Ordering::SeqCst);
    assert_eq!(browser.get(&app, "/read").await.body, "{}");
    browser.get(&app, "/insert-b").await;
    liar.returns_expired.store(false, Ordering::SeqCst);
    assert_ne!(browser.cookie("id").expect("a new one")[..22], old[..22], "no id is adopted");
    assert_eq!(browser.get(&app, "/read").await.body, r#"{"b":true}"#);
    yield_now().await;
    assert_eq!(liar.inner.len(), 1, "the old record is deleted");
}

#[actix_web::test]
async fn an_id_that_the_store_has_is_drawn_anew_four_times_and_never_overwrites() {
    for (lies, expected) in
        [(1, StatusCode::OK), (4, StatusCode::OK), (5, StatusCode::INTERNAL_SERVER_ERROR)]
    {
        let kept = StoredSessions::new(Liar::new());
        let app = app(&kept).await;
        kept.backend.store().has_already.store(lies, Ordering::SeqCst);
        for doing in ["/insert-user", "/login-7"] {
            kept.backend.store().has_already.store(lies, Ordering::SeqCst);
            let answer = Browser::new().get(&app, doing).await;
            assert_eq!(answer.status, expected, "{lies} {doing}");
            assert_eq!(answer.cookie().is_some(), expected == StatusCode::OK);
        }
        let created = if expected == StatusCode::OK { 2 } else { 0 };
        assert_eq!(kept.backend.store().inner.len(), created);
    }
}
