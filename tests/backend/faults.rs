//! Stores that fail, hang, and lose their answers: at every call of every kind of request, nothing
//! is promised that was not done.

use std::{
    io,
    panic::AssertUnwindSafe,
    time::{Duration, SystemTime},
};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::ServiceResponse,
    http::StatusCode,
    test::{TestRequest, init_service},
    web,
};
use futures_util::FutureExt;
use sessions::{
    MemoryStore, Session,
    store::{Store, StoreError},
    test::{
        Fault, FaultStore, Moment, Operation,
        store::{random_key, record},
    },
};
use sessions_tests::{Answer, Browser, StoredSessions, with_token};
use tokio::time::{Instant, sleep, timeout};

type Faulty = FaultStore<MemoryStore>;

type Kept = StoredSessions<Faulty>;

async fn app(
    store: Faulty,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let kept = Kept::new(store);
    init_service(
        App::new().wrap(kept.clone()).app_data(web::Data::new(kept)).default_service(web::to(act)),
    )
    .await
}

/// Does what the path says, one word after the other: `/count/login-7/now`.
async fn act(
    request: HttpRequest,
    session: Session,
    kept: web::Data<Kept>,
) -> actix_web::Result<HttpResponse> {
    let mut said = String::new();
    for word in request.path().split('/').filter(|word| !word.is_empty()) {
        let (verb, object) = word.split_once('-').unwrap_or((word, ""));
        match verb {
            "read" => said = serde_json::to_string(&session.entries()?)?,
            "count" => drop(session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?),
            "clear" => session.clear()?,
            "purge" => drop(session.purge()?),
            "renew" => session.renew()?,
            "login" => session.set_owner(object)?,
            "now" => {
                let saved = session.save_now().await?;
                said = format!("{:?} {:?}", saved.outcome(), saved.get::<u32>("n")?);
            }
            "devices" => said = kept.backend.sessions_of(object).await?.len().to_string(),
            "others" => said = kept.backend.end_others(&session).await?.to_string(),
            "all" => said = kept.backend.end_all(object).await?.to_string(),
            other => return Err(actix_web::error::ErrorNotFound(other.to_owned())),
        }
    }
    Ok(HttpResponse::Ok().body(said))
}

fn unavailable() -> StoreError {
    StoreError::unavailable(io::Error::other("told to fail"))
}

/// What a request does, after what others did.
struct Scenario {
    /// One browser for each; the last one makes the request.
    before: &'static [&'static str],
    request: &'static str,
    /// How long it may take in all.
    limit: Duration,
}

const fn scenario(before: &'static [&'static str], request: &'static str) -> Scenario {
    Scenario { before, request, limit: Duration::from_secs(1) }
}

/// Listing and ending what an owner has may take ten seconds.
const fn sessions_of(before: &'static [&'static str], request: &'static str) -> Scenario {
    Scenario { before, request, limit: Duration::from_secs(11) }
}

const SCENARIOS: [Scenario; 18] = [
    scenario(&[], "/count"),
    scenario(&["/count"], "/read"),
    scenario(&["/count"], "/count"),
    scenario(&["/count"], "/clear"),
    scenario(&["/count"], "/renew"),
    scenario(&["/count"], "/renew/count"),
    scenario(&["/count"], "/purge"),
    scenario(&["/count"], "/purge/count"),
    scenario(&["/count"], "/count/now"),
    scenario(&["/count"], "/purge/now"),
    scenario(&[], "/login-7/count"),
    scenario(&["/count"], "/login-7"),
    scenario(&["/count"], "/login-7/now"),
    scenario(&["/login-8/count"], "/login-7"),
    scenario(&["/login-7"], "/purge"),
    sessions_of(&["/login-7/count", "/login-8", "/login-7/count"], "/devices-7"),
    sessions_of(&["/login-7/count", "/login-8", "/login-7/count"], "/others"),
    sessions_of(&["/login-7/count", "/login-8", "/login-7/count"], "/all-7"),
];

fn faults() -> Vec<Fault> {
    vec![
        Fault::Fails(unavailable()),
        Fault::Fails(StoreError::Timeout),
        Fault::Fails(StoreError::Full),
        Fault::Fails(StoreError::read_only(io::Error::other("told to fail"))),
        Fault::Hangs,
        Fault::Delays(Duration::from_millis(50)),
        Fault::Delays(Duration::from_secs(5)),
        Fault::Loses,
        Fault::Swallows,
        Fault::Panics,
    ]
}

/// What became of a request.
#[derive(Debug, PartialEq)]
struct Seen {
    /// `None`: the connection was closed, since something panicked.
    status: Option<StatusCode>,
    body: String,
    cookie: Cookie,
    /// What the token that the answer set opens.
    by_new: Option<String>,
    /// What the tokens from before open.
    by_old: Vec<String>,
    records: usize,
}

#[derive(Debug, PartialEq)]
enum Cookie {
    Kept,
    Removed,
    Set,
}

struct Fixture {
    store: Faulty,
    /// Those from before.
    tokens: Vec<String>,
    /// The one that the answer set.
    new: Option<String>,
}

impl Fixture {
    /// Sets up what is before the request.
    async fn of(scenario: &Scenario) -> Self {
        let store = FaultStore::new(MemoryStore::new());
        let app = app(store.clone()).await;
        let mut tokens = Vec::new();
        for path in scenario.before {
            let mut browser = Browser::new();
            browser.get(&app, path).await;
            tokens.push(browser.cookie("id").expect("it has a session").to_owned());
        }
        Self { store, tokens, new: None }
    }

    /// Returns what a token opens, by a host that the store never failed.
    async fn read(&self, token: &str) -> String {
        let app = app(FaultStore::new(self.store.inner().clone())).await;
        Answer::of(&app, with_token("/read", token)).await.body
    }

    async fn read_all(&self, tokens: &[String]) -> Vec<String> {
        let mut all = Vec::new();
        for token in tokens {
            all.push(self.read(token).await);
        }
        all
    }

    /// Makes the request while the store does what it was told.
    async fn run(&mut self, scenario: &Scenario) -> Seen {
        let app = app(self.store.clone()).await;
        let request = match self.tokens.last() {
            Some(token) => with_token(scenario.request, token),
            None => TestRequest::get().uri(scenario.request),
        };
        let start = Instant::now();
        let answer = AssertUnwindSafe(Answer::of(&app, request)).catch_unwind();
        let answer = timeout(2 * scenario.limit, answer).await.expect("it is answered");
        assert!(start.elapsed() <= scenario.limit, "it took {:?}", start.elapsed());
        // What runs on by itself ends, and the breaker closes.
        sleep(Duration::from_secs(30)).await;
        self.store.mend();

        let (status, body, cookie) = match answer {
            Ok(answer) => {
                let cookie = answer.cookie();
                (Some(answer.status), answer.body, cookie)
            }
            Err(_) => (None, String::new(), None),
        };
        let (cookie, new) = match cookie {
            None => (Cookie::Kept, None),
            Some(cookie) if cookie.is_removal() => (Cookie::Removed, None),
            Some(cookie) => (Cookie::Set, Some(cookie.value)),
        };
        let by_new = match &new {
            Some(token) => Some(self.read(token).await),
            None => None,
        };
        self.new = new;
        let by_old = self.read_all(&self.tokens).await;
        Seen { status, body, cookie, by_new, by_old, records: self.store.inner().len() }
    }

    /// Ends everything, first as owners and then as users would; nothing is left then that opens.
    async fn end_everything(&self, place: &str) {
        let app = app(self.store.clone()).await;
        for path in ["/all-7", "/all-8"] {
            assert_eq!(Browser::new().get(&app, path).await.status, StatusCode::OK);
        }
        let known: Vec<_> = self.tokens.iter().chain(&self.new).cloned().collect();
        for read in self.read_all(&known).await {
            assert!(!read.contains("_owner"), "{place}: the end of all passed {read} over");
        }
        for token in &known {
            Answer::of(&app, with_token("/purge", token)).await;
        }
        assert!(self.read_all(&known).await.iter().all(|read| read == "{}"), "{place}");
    }
}

#[tokio::test(start_paused = true)]
async fn at_every_call_of_every_request_each_fault_is_an_error_or_does_no_harm() {
    let mut runs = 0;
    let mut answered_well = 0;
    let start = SystemTime::now();
    for scenario in &SCENARIOS {
        let mut fixture = Fixture::of(scenario).await;
        let before = fixture.read_all(&fixture.tokens).await;
        let calls = fixture.store.calls();
        let after = fixture.run(scenario).await;
        let calls = fixture.store.calls() - calls;
        assert_eq!(after.status, Some(StatusCode::OK), "{}", scenario.request);
        // A call that failed may be followed by others that a good one has not.
        for n in 1..=calls + 2 {
            for fault in faults() {
                for from_then_on in [false, true] {
                    let place = format!(
                        "{:?} then {} with {fault:?} at call {n} of {calls}, from then on: {from_then_on}",
                        scenario.before, scenario.request
                    );
                    let mut fixture = Fixture::of(scenario).await;
                    let last = if from_then_on { n + 100 } else { n };
                    for call in n..=last {
                        fixture.store.on_call(call, fault.clone());
                    }
                    let seen = fixture.run(scenario).await;
                    let told_to_panic = matches!(fault, Fault::Panics);
                    assert!(seen.status.is_some() || told_to_panic, "{place}: it panicked");
                    check(&place, &seen, &before, &after);
                    fixture.end_everything(&place).await;
                    if scenario.request.contains("login") {
                        assert!(
                            fixture.store.inner().is_empty(),
                            "{place}: an owner's session stays"
                        );
                    }
                    runs += 1;
                    answered_well += usize::from(seen.status == Some(StatusCode::OK));
                }
            }
        }
    }
    let took = start.elapsed().unwrap_or_default().as_secs();
    println!(
        "{} scenarios, {} faults, {runs} runs, {answered_well} of them answered 200, in {took} s: \
         0 panics of ours, 0 without an answer, 0 answered 200 for work not done",
        SCENARIOS.len(),
        faults().len()
    );
}

/// Compares what is seen with what was before, and with what a request without a fault leaves.
fn check(place: &str, seen: &Seen, before: &[String], after: &Seen) {
    match seen.status {
        Some(StatusCode::OK) => {
            assert_eq!(seen, after, "{place}: answered well, and not what was promised");
        }
        status => {
            let expected = [None, Some(500), Some(503), Some(409)];
            assert!(expected.contains(&status.map(|status| status.as_u16())), "{place}: {seen:?}");
            assert_ne!(seen.cookie, Cookie::Set, "{place}: {seen:?}");
            if status != Some(StatusCode::CONFLICT) {
                assert_eq!(seen.cookie, Cookie::Kept, "{place}: {seen:?}");
            }
            for (at, read) in seen.by_old.iter().enumerate() {
                let expected = [&before[at], &after.by_old[at]];
                assert!(expected.contains(&read), "{place}: {seen:?}, before {before:?}");
            }
        }
    }
    // The request's own token and the one it was given open one session at most.
    let own = seen.by_old.last().filter(|_| seen.by_new.is_some());
    let live = own.into_iter().chain(&seen.by_new).filter(|read| *read != "{}").count();
    let same_token = after.by_old.last() == after.by_new.as_ref();
    assert!(live <= 1 || same_token, "{place}: {seen:?}");
}

#[tokio::test(start_paused = true)]
async fn faults_are_what_they_are_called() {
    let store = FaultStore::new(MemoryStore::new());
    let (key, record) = (random_key(), record("{}"));
    let hour = Duration::from_secs(3_600);
    let second = Duration::from_secs(1);

    store.on_call(2, Fault::Fails(StoreError::Full));
    assert!(store.load(&key, None).await.is_ok());
    assert!(matches!(store.create(&key, &record, hour).await, Err(StoreError::Full)));
    assert!(store.inner().is_empty());
    assert!(store.load(&key, None).await.is_ok());

    store.on_call_of(Operation::Create, 1, Fault::Loses);
    assert!(store.load(&key, None).await.is_ok());
    let lost = store.create(&key, &record, hour).await;
    assert!(matches!(lost, Err(StoreError::Unavailable { .. })));
    assert_eq!(store.inner().len(), 1);

    store.on_every_call_of(Operation::Delete, Fault::Hangs);
    for _ in 0..2 {
        assert!(timeout(second, store.delete(&key)).await.is_err());
    }
    assert_eq!(store.inner().len(), 1);
    store.mend();

    store.on_call(1, Fault::Delays(second));
    let start = Instant::now();
    assert!(store.load(&key, None).await.is_ok());
    assert_eq!(start.elapsed(), second);

    store.on_call(1, Fault::Swallows);
    assert!(timeout(second, store.delete(&key)).await.is_err());
    assert!(store.inner().is_empty());

    store.on_call(1, Fault::Panics);
    assert!(AssertUnwindSafe(store.load(&key, None)).catch_unwind().await.is_err());

    store.on_every_call(Fault::Fails(unavailable()));
    let index = store.owners().expect("the memory store has an index");
    let owner = sessions::test::store::owner_key("7");
    assert!(index.add(&owner, &key, hour).await.is_err());
    store.mend();
    assert!(index.keys(&owner).await.expect("it answers").is_empty());

    assert_eq!(store.calls_of(Operation::Load), 5);
    assert_eq!(store.calls_of(Operation::Delete), 3);
    assert_eq!(store.calls(), 5 + 3 + 2 + 2);
}

#[tokio::test]
async fn a_request_is_held_while_another_overtakes_it() {
    let before = Moment::Before(Operation::Load);
    let after = Moment::After(Operation::Load);
    // Held before it loads, it finds the session ended; held after, it learns so when it saves.
    for (moment, status, body) in [(before, 200, "{}"), (after, 409, "")] {
        let store = FaultStore::new(MemoryStore::new());
        let app = app(store.clone()).await;
        let mut browser = Browser::new();
        browser.get(&app, "/count").await;
        let token = browser.cookie("id").expect("it has a session").to_owned();
        let slow = Answer::of(&app, with_token("/read/count", &token));
        let (slow, fast) = store.overtake(moment, slow, browser.get(&app, "/purge")).await;
        assert_eq!(fast.status, StatusCode::OK);
        assert_eq!((slow.status.as_u16(), slow.body.as_str()), (status, body), "{moment:?}");
    }
}

#[tokio::test]
#[should_panic(expected = "the slow request ended and was never held: Before(Replace)")]
async fn a_request_that_is_never_held_is_a_mistake_of_the_test() {
    let store = FaultStore::new(MemoryStore::new());
    let app = app(store.clone()).await;
    let moment = Moment::Before(Operation::Replace);
    let get = async |path| Browser::new().get(&app, path).await;
    store.overtake(moment, get("/read"), get("/read")).await;
}

#[tokio::test]
async fn two_hosts_write_one_session_and_neither_erases_the_other() {
    let store = FaultStore::new(MemoryStore::new());
    let (one, other) = (app(store.clone()).await, app(store.clone()).await);
    let mut browser = Browser::new();
    browser.get(&one, "/count").await;
    let token = browser.cookie("id").expect("it has a session").to_owned();
    let slow = Answer::of(&one, with_token("/count", &token));
    let moment = Moment::Before(Operation::Replace);
    let (slow, fast) = store.overtake(moment, slow, browser.get(&other, "/count")).await;
    assert_eq!((slow.status, fast.status), (StatusCode::OK, StatusCode::OK));
    assert_eq!(browser.get(&one, "/read").await.body, r#"{"n":3}"#);
}

#[tokio::test]
async fn requests_that_use_no_session_ask_the_store_nothing() {
    let store = FaultStore::new(MemoryStore::new());
    store.on_every_call(Fault::Fails(unavailable()));
    let kept = Kept::new(store.clone());
    let plain = web::get().to(|| async { "plain" });
    let app = init_service(App::new().wrap(kept).route("/plain", plain)).await;
    for _ in 0..10 {
        let token = format!("{}.{}", "A".repeat(22), "A".repeat(22));
        assert_eq!(Answer::of(&app, with_token("/plain", &token)).await.body, "plain");
    }
    assert_eq!(store.calls(), 0);
}
