//! Logging out everywhere, while requests of the same owner are at every step of theirs.

use std::sync::{Arc, Mutex};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, HttpResponse, body::MessageBody, dev::ServiceResponse,
    http::StatusCode, test::init_service, web,
};
use futures_util::{FutureExt, future};
use sessions::{MemoryStore, Session, SessionMiddleware};
use sessions_tests::{Browser, Call, HookedStore, StoredSessions, When};
use tokio::sync::oneshot;

type Kept = StoredSessions<HookedStore<MemoryStore>>;

/// Holds the next operation of one kind.
#[derive(Clone, Default)]
struct Hold(Arc<Mutex<Option<Held>>>);

struct Held {
    at: (Call, When),
    reached: oneshot::Sender<()>,
    go_on: oneshot::Receiver<()>,
}

impl Hold {
    /// Returns what tells when the operation is reached, and what lets it go on.
    fn next(&self, call: Call, when: When) -> (oneshot::Receiver<()>, oneshot::Sender<()>) {
        let (reached, is_reached) = oneshot::channel();
        let (let_go, go_on) = oneshot::channel();
        *self.0.lock().expect("no test panics with it") =
            Some(Held { at: (call, when), reached, go_on });
        (is_reached, let_go)
    }
}

struct Fixture {
    kept: Kept,
    hold: Hold,
}

impl Fixture {
    fn new() -> Self {
        let hold = Hold::default();
        let held = hold.clone();
        let store = HookedStore::new(MemoryStore::new(), move |call, when| {
            let held = held
                .0
                .lock()
                .expect("no test panics with it")
                .take_if(|held| held.at == (call, when));
            Box::pin(async move {
                if let Some(Held { reached, go_on, .. }) = held {
                    reached.send(()).expect("the test waits");
                    go_on.await.expect("a crash");
                }
                Ok(())
            })
        });
        Self { kept: Kept::new(store), hold }
    }

    /// Returns another host on the same store, whose writers do not queue with those of this one.
    fn another_host(&self) -> Self {
        let store = self.kept.backend.store().clone();
        Self { kept: Kept::new(store), hold: self.hold.clone() }
    }

    fn records(&self) -> usize {
        self.kept.backend.store().inner().len()
    }

    async fn app(
        &self,
    ) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
        init_service(
            App::new()
                .wrap(SessionMiddleware::new(self.kept.clone()))
                .app_data(web::Data::new(self.kept.clone()))
                .default_service(web::to(act)),
        )
        .await
    }

    /// Runs a request up to an operation of the store, where its process crashes.
    async fn crash_at(&self, (call, when): (Call, When), request: impl Future) {
        let (reached, go_on) = self.hold.next(call, when);
        let crash = async {
            reached.await.expect("the operation is reached");
            drop(go_on);
        };
        let request = std::panic::AssertUnwindSafe(request).catch_unwind();
        assert!(future::join(request, crash).await.0.is_err(), "it was reached");
    }

    /// Runs a request up to an operation of the store, then others, then the rest of it.
    async fn hold_at<T>(
        &self,
        (call, when): (Call, When),
        held: impl Future<Output = T>,
        others: impl AsyncFnOnce(),
    ) -> T {
        let (reached, go_on) = self.hold.next(call, when);
        let others = async {
            reached.await.expect("the operation is reached");
            others().await;
            go_on.send(()).expect("it waits");
        };
        future::join(held, others).await.0
    }
}

/// Does what the path says, one word after the other.
async fn act(
    request: HttpRequest,
    session: Session,
    kept: web::Data<Kept>,
) -> actix_web::Result<HttpResponse> {
    let mut said = String::new();
    for word in request.path().split('/').filter(|word| !word.is_empty()) {
        let (verb, object) = word.split_once('-').unwrap_or((word, ""));
        match verb {
            "login" => session.set_owner(object)?,
            "owner" => said = session.owner().unwrap_or_default(),
            "insert" => session.insert(object, true)?,
            "devices" => said = kept.backend.sessions_of(object).await?.len().to_string(),
            "others" => said = kept.backend.end_others(&session).await?.to_string(),
            "all" => said = kept.backend.end_all(object).await?.to_string(),
            other => return Err(actix_web::error::ErrorNotFound(other.to_owned())),
        }
    }
    Ok(HttpResponse::Ok().body(said))
}

#[actix_web::test]
async fn who_lists_sessions_while_one_begins_hides_it_from_nobody() {
    let fixture = Fixture::new();
    let app = fixture.app().await;
    let mut browser = Browser::new();
    let login = browser.get(&app, "/login-7");
    let answer = fixture
        .hold_at((Call::Create, When::Before), login, async || {
            assert_eq!(Browser::new().get(&app, "/devices-7").await.body, "0");
        })
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(Browser::new().get(&app, "/devices-7").await.body, "1");
    assert_eq!(Browser::new().get(&app, "/all-7").await.body, "1");
    assert_eq!(browser.get(&app, "/owner").await.body, "");
    assert_eq!(fixture.records(), 0);
}

#[actix_web::test]
async fn a_session_that_began_before_the_end_of_all_ends_wherever_it_is_met() {
    for (opened, at) in [
        (false, (Call::Create, When::Before)),
        (false, (Call::Create, When::After)),
        (true, (Call::Replace, When::Before)),
        (true, (Call::Replace, When::After)),
    ] {
        let fixture = Fixture::new();
        let app = fixture.app().await;
        let other = fixture.another_host();
        let other = other.app().await;
        let mut browser = Browser::new();
        if opened {
            browser.get(&app, "/insert-before").await;
        }
        let login = browser.get(&app, "/login-7");
        let answer = fixture
            .hold_at(at, login, async || {
                Browser::new().get(&other, "/all-7").await;
            })
            .await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{at:?}");
        assert!(answer.cookie().is_none_or(|cookie| cookie.is_removal()), "{at:?}");
        assert_eq!(fixture.records(), 0, "{at:?}");
        assert_eq!(Browser::new().get(&app, "/devices-7").await.body, "0");
    }
}

#[actix_web::test]
async fn a_login_that_a_crash_cuts_off_leaves_nothing_that_lives() {
    for when in [When::Before, When::After] {
        let fixture = Fixture::new();
        let app = fixture.app().await;
        fixture.crash_at((Call::Create, when), Browser::new().get(&app, "/login-7")).await;
        // No client has its token; until the end of all it counts as a session.
        let began = usize::from(when == When::After);
        assert_eq!(fixture.records(), began);
        let ended = Browser::new().get(&app, "/all-7").await.body;
        assert_eq!((ended, fixture.records()), (began.to_string(), 0), "{when:?}");
    }
}

#[actix_web::test]
async fn what_a_crash_leaves_after_the_end_of_all_is_removed_when_it_is_met() {
    let fixture = Fixture::new();
    let app = fixture.app().await;
    let (reached, go_on) = fixture.hold.next(Call::Create, When::Before);
    let mut browser = Browser::new();
    let login = std::panic::AssertUnwindSafe(browser.get(&app, "/login-7")).catch_unwind();
    let others = async {
        reached.await.expect("the operation is reached");
        assert_eq!(Browser::new().get(&app, "/all-7").await.body, "0");
        let (reached, crash) = fixture.hold.next(Call::Create, When::After);
        go_on.send(()).expect("it waits");
        reached.await.expect("the operation is reached");
        drop(crash);
    };
    assert!(future::join(login, others).await.0.is_err());
    assert_eq!(fixture.records(), 1);
    assert_eq!(Browser::new().get(&app, "/devices-7").await.body, "0");
    tokio::task::yield_now().await;
    assert_eq!(fixture.records(), 0);
}
