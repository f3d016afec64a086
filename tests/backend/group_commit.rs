//! Requests that change one session at the same time are written together, and each has its own
//! outcome.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, HttpResponse, body::MessageBody, dev::ServiceResponse,
    http::StatusCode, test::init_service, web,
};
use futures_util::future::{join, join_all};
use sessions::{MemoryStore, ServerSide, Session, SessionMiddleware};
use sessions_tests::{Answer, Browser, Call, HookedStore, StoredSessions, When, with_token};
use tokio::sync::Semaphore;

type Kept = StoredSessions<HookedStore<MemoryStore>>;

/// A store whose `replace` waits until the test lets it go on.
struct Fixture {
    kept: Kept,
    reached: Arc<Semaphore>,
    go_on: Arc<Semaphore>,
    replaced: Arc<AtomicUsize>,
}

impl Fixture {
    fn new(change: impl FnOnce(Backend) -> Backend) -> Self {
        let [reached, go_on] = [(); 2].map(|()| Arc::new(Semaphore::new(0)));
        let replaced = Arc::new(AtomicUsize::new(0));
        let (at, go, count) = (Arc::clone(&reached), Arc::clone(&go_on), Arc::clone(&replaced));
        let store = HookedStore::new(MemoryStore::new(), move |call, when| {
            let (at, go, count) = (Arc::clone(&at), Arc::clone(&go), Arc::clone(&count));
            Box::pin(async move {
                if (call, when) == (Call::Replace, When::Before) {
                    count.fetch_add(1, Ordering::SeqCst);
                    at.add_permits(1);
                    go.acquire().await.expect("nobody closes it").forget();
                }
                Ok(())
            })
        });
        let backend = change(ServerSide::new(store).with_call_deadline(Duration::from_secs(5)));
        Self { kept: Kept { backend }, reached, go_on, replaced }
    }

    async fn app(
        &self,
    ) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
        init_service(
            App::new()
                .wrap(SessionMiddleware::new(self.kept.clone()))
                .default_service(web::to(act)),
        )
        .await
    }

    /// Sends the first request, and the others while it is being written.
    async fn send<S, B>(&self, app: &S, token: &str, paths: &[&str]) -> Vec<Answer>
    where
        S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody,
    {
        let (first, others) = paths.split_first().expect("there is a first");
        let others = async {
            self.reached.acquire().await.expect("nobody closes it").forget();
            let others =
                join_all(others.iter().map(|path| Answer::of(app, with_token(path, token))));
            let go_on = async {
                tokio::task::yield_now().await;
                self.go_on.add_permits(1_000);
            };
            join(others, go_on).await.0
        };
        let (first, others) = join(Answer::of(app, with_token(first, token)), others).await;
        [first].into_iter().chain(others).collect()
    }
}

/// How often another task of the worker has run, and how often it had where a slow closure began.
static TICKS: AtomicUsize = AtomicUsize::new(0);
static SEEN: Mutex<Vec<usize>> = Mutex::new(Vec::new());

type Backend = ServerSide<HookedStore<MemoryStore>>;

async fn act(request: HttpRequest, session: Session) -> actix_web::Result<HttpResponse> {
    let word = request.path().trim_matches('/');
    let (verb, object) = word.split_once('-').unwrap_or((word, ""));
    let mut said = String::new();
    match verb {
        "read" => said = serde_json::to_string(&session.entries()?)?,
        "count" => drop(session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?),
        "ticket" => {
            session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?;
            let n: Option<u32> = session.save_now().await?.get("n")?;
            said = n.unwrap_or_default().to_string();
        }
        "insert" => session.insert(object, true)?,
        "take" => drop(session.take::<bool>(object)?),
        "remove" => drop(session.remove(object)?),
        // A number for the first request that runs it, and not a number afterwards.
        "retype" => session.insert("n", "text")?,
        // Holds its worker for longer than a batch makes changes at a stretch.
        "slow" => {
            let slow = |n: Option<u32>| {
                SEEN.lock().expect("no test panics with it").push(TICKS.load(Ordering::SeqCst));
                let start = Instant::now();
                while start.elapsed() < Duration::from_millis(2) {}
                n.unwrap_or(0) + 1
            };
            session.update("n", slow)?;
        }
        "panic" => {
            let ran = AtomicBool::new(false);
            session.update_with("n", ran, |ran, n: Option<u32>| {
                assert!(!ran.swap(true, Ordering::SeqCst), "it runs again");
                n.unwrap_or(0) + 1
            })?;
        }
        other => return Err(actix_web::error::ErrorNotFound(other.to_owned())),
    }
    Ok(HttpResponse::Ok().body(said))
}

async fn read<S, B>(app: &S, token: &str) -> String
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    Answer::of(app, with_token("/read", token)).await.body
}

async fn begin<S, B>(app: &S) -> String
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let mut browser = Browser::new();
    browser.get(app, "/count").await;
    browser.cookie("id").expect("it is a new session").to_owned()
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status.as_u16()).collect()
}

#[actix_web::test]
async fn those_that_wait_are_written_in_one_call() {
    let fixture = Fixture::new(|backend| backend);
    let app = fixture.app().await;
    let token = begin(&app).await;
    let paths = ["/count", "/count", "/insert-a", "/count", "/insert-b"];
    let answers = fixture.send(&app, &token, &paths).await;
    assert_eq!(statuses(&answers), [200; 5]);
    assert!(answers.iter().all(|answer| answer.cookie().is_none()), "the client has the token");
    assert_eq!(read(&app, &token).await, r#"{"a":true,"b":true,"n":4}"#);
    assert_eq!(fixture.replaced.load(Ordering::SeqCst), 2, "the first, and all others");
}

#[actix_web::test]
async fn each_is_told_what_its_own_changes_came_to() {
    let fixture = Fixture::new(|backend| backend);
    let app = fixture.app().await;
    let token = begin(&app).await;
    let answers = fixture.send(&app, &token, &["/ticket"; 5]).await;
    let mut tickets: Vec<_> = answers.iter().map(|answer| answer.body.as_str()).collect();
    tickets.sort_unstable();
    assert_eq!(tickets, ["2", "3", "4", "5", "6"]);
}

#[actix_web::test]
async fn what_one_cannot_do_is_its_own_failure() {
    let fixture = Fixture::new(|backend| backend.with_max_payload(60));
    let app = fixture.app().await;
    let token = begin(&app).await;
    let too_long = format!("/insert-{}", "a".repeat(60));
    let paths = ["/insert-a", "/count", "/panic", &too_long, "/count", "/retype", "/count"];
    let answers = fixture.send(&app, &token, &paths).await;
    assert_eq!(statuses(&answers), [200, 200, 500, 500, 200, 200, 500]);
    assert_eq!(read(&app, &token).await, r#"{"a":true,"n":"text"}"#);
}

#[actix_web::test]
async fn what_fits_alone_and_not_together_is_left_out() {
    let fixture = Fixture::new(|backend| backend.with_max_payload(40));
    let app = fixture.app().await;
    let token = begin(&app).await;
    let [long, longer] = ["b", "c"].map(|letter| format!("/insert-{}", letter.repeat(12)));
    let answers = fixture.send(&app, &token, &["/count", &long, &longer, "/count"]).await;
    assert_eq!(statuses(&answers), [200, 200, 500, 200]);
    assert_eq!(read(&app, &token).await, r#"{"bbbbbbbbbbbb":true,"n":3}"#);
}

#[actix_web::test]
async fn of_those_that_take_one_value_one_is_written_and_the_others_change_nothing() {
    let fixture = Fixture::new(|backend| backend);
    let app = fixture.app().await;
    let token = begin(&app).await;
    fixture.go_on.add_permits(1);
    assert_eq!(Answer::of(&app, with_token("/insert-v", &token)).await.status, StatusCode::OK);
    fixture.reached.acquire().await.expect("nobody closes it").forget();
    let paths = ["/count", "/take-v", "/count", "/take-v", "/take-v", "/count"];
    let answers = fixture.send(&app, &token, &paths).await;
    assert_eq!(statuses(&answers), [200, 200, 200, 409, 409, 200]);
    assert_eq!(read(&app, &token).await, r#"{"n":4}"#);
}

#[actix_web::test]
async fn what_is_emptied_together_is_deleted() {
    let fixture = Fixture::new(|backend| backend);
    let app = fixture.app().await;
    let token = begin(&app).await;
    let answers = fixture.send(&app, &token, &["/count", "/remove-n", "/remove-n"]).await;
    assert_eq!(statuses(&answers), [200; 3]);
    assert!(answers[1..].iter().all(|answer| answer.cookie().is_some_and(|it| it.is_removal())));
    assert!(fixture.kept.backend.store().inner().is_empty());
}

#[actix_web::test]
async fn a_long_batch_lets_other_tasks_run() {
    let fixture = Fixture::new(|backend| backend);
    let app = fixture.app().await;
    let token = begin(&app).await;
    let ticker = actix_web::rt::spawn(async move {
        loop {
            TICKS.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
        }
    });
    // Every request runs its closure once itself before the batch is made.
    let answers = fixture.send(&app, &token, &["/slow"; 21]).await;
    ticker.abort();
    assert_eq!(statuses(&answers), [200; 21]);
    assert_eq!(read(&app, &token).await, r#"{"n":22}"#);
    assert_eq!(fixture.replaced.load(Ordering::SeqCst), 2, "the first, and all others");
    let seen = SEEN.lock().expect("no test panics with it");
    let (_, in_batch) = seen.split_at(seen.len() - 20);
    assert!(in_batch.is_sorted_by(|one, next| one < next), "it ran after each change: {seen:?}");
}

#[actix_web::test]
async fn a_request_that_is_dropped_while_it_waits_changes_nothing() {
    let fixture = Fixture::new(|backend| backend);
    let app = fixture.app().await;
    let token = begin(&app).await;
    let first = Answer::of(&app, with_token("/insert-a", &token));
    let others = async {
        fixture.reached.acquire().await.expect("nobody closes it").forget();
        let dropped = Box::pin(Answer::of(&app, with_token("/insert-dropped", &token)));
        let soon = Duration::from_millis(1);
        assert!(tokio::time::timeout(soon, dropped).await.is_err());
        fixture.go_on.add_permits(1_000);
    };
    let (first, ()) = join(first, others).await;
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(read(&app, &token).await, r#"{"a":true,"n":1}"#);
}

#[actix_web::test]
async fn who_has_no_time_left_is_not_written_and_those_that_have_are() {
    let fixture = Fixture::new(|backend| backend.with_request_deadline(Duration::from_millis(200)));
    let app = fixture.app().await;
    let token = begin(&app).await;
    let first = Answer::of(&app, with_token("/insert-a", &token));
    let others = async {
        fixture.reached.acquire().await.expect("nobody closes it").forget();
        let late = Answer::of(&app, with_token("/insert-late", &token)).await;
        fixture.go_on.add_permits(1_000);
        late
    };
    let (_, late) = join(first, others).await;
    assert_eq!(late.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!read(&app, &token).await.contains("late"));
}
